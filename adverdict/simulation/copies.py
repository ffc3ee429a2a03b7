"""Campaigns and their copies, simulated: who copies whom is known, and what every copy changed.

A campaign is a wording, a picture and an address; its copies are edited as evaders do: look-alike letters, numbers, emoji, another order of
sentences, a call to action of another language, another address, another place, a sentence exchanged or added, a picture cropped or made
anew. Some campaigns borrow other campaigns' sentences or stock pictures without being copies. A few copies are *repaired*: their key
sentences now deny what the campaign offers, so that a verdict on the campaign is wrong for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adverdict.simulation import names
from adverdict.simulation.copy import COPY
from adverdict.simulation.copy.compose import DRAWS, Brief, compose
from adverdict.simulation.mix import Bools, Floats, Ints, Keys, below, mix, unit
from adverdict.simulation.obfuscate import obfuscate
from adverdict.simulation.world import POLICIES

DAYS = 60
BLOCK = 20_000
"""Ads made at a time."""
ALONE = 0.5
"""Share of campaigns of one ad."""
LARGEST = 400
"""Ads of a campaign."""
BORROWED = 0.1
"""Share of campaigns with the sentences of another of their language and subject."""
STOCK = 0.1
"""Share of campaigns whose picture others bought, too."""
POOL = 40
"""Wordings and stock pictures that are borrowed, of each language and subject."""
EDITS = (
    "hidden",
    "numbers",
    "emoji",
    "order",
    "call",
    "address",
    "place",
    "exchanged",
    "added",
    "title",
    "cropped",
    "new picture",
    "capitals",
)
CHANCES = np.array([0.12, 0.20, 0.14, 0.18, 0.14, 0.15, 0.14, 0.10, 0.10, 0.08, 0.14, 0.08, 0.08])
"""Of each edit in a copy: 1.7 a copy on average."""
_PLACES = (
    "Berlin",
    "Hamburg",
    "London",
    "Dublin",
    "Chicago",
    "Boston",
    "Lisbon",
    "Stockholm",
    "Oslo",
    "Athens",
    "Sofia",
    "Cairo",
    "Delhi",
    "Mumbai",
    "Tokyo",
    "Osaka",
)
_EMOJI = ("🔥", "⭐", "✅", "💥", "👉", "🎁", "💰", "🚀", "❤️", "⏰")
_LANGUAGES = tuple(COPY)


@dataclass(frozen=True, slots=True)
class Campaigns:
    """One entry each."""

    key: Keys
    size: Ints
    first: Ints
    """Seconds since the beginning."""
    span: Ints
    """Seconds from its first to its last ad."""
    language: Ints
    subject: Ints
    violates: Bools
    advertisers: Ints
    """Accounts it is shown from."""
    repaired: Floats
    """Share of its copies that are repaired."""


@dataclass(frozen=True, slots=True)
class SimulatedCopy:
    """One ad, and what is true of it."""

    campaign: int
    advertiser: int
    at: int
    """Seconds since the beginning."""
    language: str
    title: str
    body: str
    call: str
    domain: str
    picture: str
    violates: bool
    impressions: int
    edits: tuple[str, ...]


def campaigns(seed: int, ads: int, alone: float = ALONE) -> Campaigns:
    """As many as ``ads`` ads need; the last is cut to fit."""
    count = max(1, int(ads / 2))
    key = mix(seed, "copied campaign", np.arange(count))
    many = np.minimum(1 + np.floor(unit(key, "size") ** -0.8), LARGEST).astype(np.int64)
    size = np.where(unit(key, "alone") < alone, 1, many)
    last = int(np.searchsorted(np.cumsum(size), ads)) + 1
    key, size = key[:last], size[:last].copy()
    size[-1] = max(1, ads - int(size[:-1].sum()))
    subject = below(key, "subject", len(POLICIES) + 5) - 5
    violates = (unit(key, "violates") < 0.35) & (subject >= 0)
    return Campaigns(
        key=key,
        size=size,
        first=below(key, "first", DAYS * 86_400),
        span=86_400 + below(key, "span", 20 * 86_400),
        language=below(key, "language", len(_LANGUAGES)),
        subject=np.maximum(subject, -1),
        violates=violates,
        advertisers=np.where(violates, 1 + size // 3, 1 + size // 12),
        repaired=np.where(unit(key, "repairs") < 0.15, 0.25 * unit(key, "repaired share"), 0.0),
    )


def copies(told: Campaigns) -> Iterator[list[SimulatedCopy]]:
    """All ads, in the order in which they are submitted, a block at a time."""
    campaign = np.repeat(np.arange(told.size.size), told.size)
    number = np.arange(campaign.size) - np.repeat(np.cumsum(told.size) - told.size, told.size)
    key = mix(told.key[campaign], "ad", number)
    at = told.first[campaign] + np.where(number == 0, 0, (unit(key, "later") * told.span[campaign]).astype(np.int64))
    order = np.lexsort((number, campaign, at))
    for start in range(0, order.size, BLOCK):
        rows = order[start : start + BLOCK]
        yield _block(told, campaign[rows], number[rows], key[rows], at[rows])


def _block(told: Campaigns, campaign: Ints, number: Ints, key: Keys, at: Ints) -> list[SimulatedCopy]:
    whose = told.key[campaign]
    edits = unit(mix(key[:, None], "edit", np.arange(len(EDITS))[None, :]), "chance") < CHANCES[None, :] * 1.0
    edits[number == 0] = False
    repaired = (unit(key, "repaired") < told.repaired[campaign]) & (number > 0)
    pool = (told.language[campaign] * 100 + told.subject[campaign] + 1) * 1000 + below(whose, "pool", POOL)
    borrows = unit(whose, "borrows") < BORROWED
    wording = np.where(borrows, mix(pool, "wording"), mix(whose, "wording"))
    stock = np.where(unit(whose, "stock") < STOCK, mix(pool, "picture"), mix(whose, "picture"))
    picture = np.where(edits[:, EDITS.index("new picture")], mix(key, "picture"), stock)
    flips = np.where(edits[:, EDITS.index("cropped")], 3 + below(key, "crop", 4), below(key, "compression", 3))
    draws = (mix(wording[:, None], "draw", np.arange(2 * DRAWS)[None, :]) >> np.uint64(32)).tolist()
    own = (mix(key[:, None], "own", np.arange(24)[None, :]) >> np.uint64(32)).tolist()
    campaign_own = (mix(whose[:, None], "own", np.arange(8)[None, :]) >> np.uint64(32)).tolist()
    advertiser = mix(whose, "advertiser", below(key, "advertiser", told.advertisers[campaign]))
    impressions = np.floor(200 * (unit(key, "impressions") + 0.01) ** -1.0).astype(np.int64)
    violates = told.violates[campaign] & ~repaired
    made = []
    for row in range(campaign.size):
        c = int(campaign[row])
        changes = tuple(EDITS[index] for index in np.flatnonzero(edits[row]))
        language, subject = _LANGUAGES[int(told.language[c])], int(told.subject[c])
        title, sentences, call, domain = _written(
            language, subject, bool(violates[row]), bool(told.violates[c]), draws[row], campaign_own[row]
        )
        title, body, call, domain = _edited(language, title, sentences, call, domain, changes, own[row])
        made.append(
            SimulatedCopy(
                c,
                int(advertiser[row]),
                int(at[row]),
                language,
                title,
                body,
                call,
                domain,
                _hash(int(picture[row]), int(flips[row]), own[row]),
                bool(violates[row]),
                int(impressions[row]),
                (*changes, *(("repaired",) if repaired[row] else ())),
            )
        )
    return made


def _written(language: str, subject: int, violates: bool, meant: bool, draws: list[int], own: list[int]) -> tuple[str, list[str], str, str]:
    """A campaign's title, sentences, call to action and address. Its words are those of its draws; its name, place and price its own."""
    copy, brand, company = COPY[language], names.BRANDS[own[0] % len(names.BRANDS)], names.company(own[1])
    sentences = []
    for half in (0, 1):
        # An offer that hides in no sentence that leaves all open: chance below 88 in ``compose`` writes it.
        some = [draws[half * DRAWS] % (88 if meant else 100), *draws[half * DRAWS + 1 : (half + 1) * DRAWS]]
        words = compose(copy, Brief(subject, 2 if violates else 0, brand, company, False), some)
        sentences += words.sentences if half == 0 else words.sentences[:2]
        if half == 0:
            title, call = words.title, words.call
    name = f"{names.company(own[2])} {names.company(own[3])}"
    sentences.insert(1, f"{name}, {_PLACES[own[4] % len(_PLACES)]}: {5 + own[5] % 90},{own[6] % 10}9.")
    domain = names.throwaway_domain(own[7], brand) if meant else names.own_domain(company)
    return title, list(dict.fromkeys(sentences)), call, domain


def _edited(
    language: str, title: str, sentences: list[str], call: str, domain: str, changes: tuple[str, ...], own: list[int]
) -> tuple[str, str, str, str]:
    copy = COPY[language]
    for change in changes:
        if change == "numbers":
            sentences = ["".join(str((int(sign) + own[0]) % 10) if sign in "0123456789" else sign for sign in one) for one in sentences]
        elif change == "place":
            there = next((place for place in _PLACES if any(place in one for one in sentences)), "")
            sentences = [one.replace(there, _PLACES[own[1] % len(_PLACES)]) if there else one for one in sentences]
        elif change == "exchanged":
            sentences[own[2] % len(sentences)] = copy.claims[own[3] % len(copy.claims)]
        elif change == "added":
            sentences.append(copy.claims[own[4] % len(copy.claims)])
        elif change == "order":
            turn = 1 + own[5] % max(1, len(sentences) - 1)
            sentences = sentences[turn:] + sentences[:turn]
        elif change == "hidden":
            which = own[6] % len(sentences)
            sentences[which] = obfuscate(sentences[which], language, own[7])[0]
        elif change == "emoji":
            sentences = [f"{one} {_EMOJI[(own[8] + at) % len(_EMOJI)]}" for at, one in enumerate(sentences)]
        elif change == "call":
            other = COPY[_LANGUAGES[own[9] % len(_LANGUAGES)]]
            call = other.calls[own[10] % len(other.calls)]
        elif change == "address":
            domain = names.throwaway_domain(own[11] * 65_537, "")
        elif change == "title":
            title = f"{names.company(own[12])} – {title}"
        elif change == "capitals":
            title = title.upper()
    return title, copy.joiner.join(sentences), call, domain.lstrip("-")


def _hash(picture: int, flips: int, own: list[int]) -> str:
    for turn in range(flips):
        picture ^= 1 << (own[16 + turn] % 64)
    return f"{picture:016x}"
