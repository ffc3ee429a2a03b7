"""The texts of a block's ads: language, words, brand, domain, and what an evasive advertiser does to hide them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from adverdict.simulation import names
from adverdict.simulation.campaigns import EVERYDAY, Creatives
from adverdict.simulation.copy import COPY
from adverdict.simulation.copy.compose import DRAWS, EDITED, Brief, compose
from adverdict.simulation.mix import Bools, Ints, Keys, below, mix, unit
from adverdict.simulation.obfuscate import letter_spacing, obfuscate
from adverdict.simulation.resubmissions import Submitted
from adverdict.simulation.world import MARKETS, POLICIES, SURFACES, Intent, Stance, phase

_BRANDED = [POLICIES.index("counterfeit"), POLICIES.index("phishing")]
_OWNS_BRAND = np.array([0.85, 0.55, 0.10, 0.03])
_HIDES = np.array([0.0, 0.0, 0.30, 0.35])
_TEXT_IN_PICTURE = 0.12


@dataclass(slots=True)
class Texts:
    """One entry an ad. ``method`` names the obfuscation, ``None`` where nothing was hidden."""

    language: list[str] = field(default_factory=list)
    title: list[str | None] = field(default_factory=list)
    body: list[str | None] = field(default_factory=list)
    call: list[str | None] = field(default_factory=list)
    picture: list[str | None] = field(default_factory=list)
    keywords: list[list[str] | None] = field(default_factory=list)
    domain: list[str] = field(default_factory=list)
    method: list[str | None] = field(default_factory=list)


def brand_domain(creatives: Creatives, intent: Ints) -> Bools:
    """Whether the ad lands on the named brand's own domain: only where the subject names a brand."""
    return np.isin(creatives.subject, _BRANDED) & (unit(creatives.campaign, "owns brand") < _OWNS_BRAND[intent])


def hidden(creatives: Creatives, ads: Submitted) -> Bools:
    """Whether the key sentence is obfuscated: in bad faith, and more so when the creative was rejected before."""
    chance = _HIDES[ads.intent] + np.where(ads.resubmitted, 0.35, 0.0) * (ads.intent >= Intent.EVASIVE)
    willing = unit(mix(creatives.key, ads.edit), "hides") < chance
    return np.asarray(willing & (creatives.subject != EVERYDAY) & (creatives.stance >= Stance.UNCLEAR))


def text_key(creative: Keys, market: Ints) -> tuple[Keys, list[str]]:
    """A creative's words are the same in every market of a language; returns their key and the language of each ad."""
    turn = below(mix(creative, market), "language", 100).tolist()
    languages = [_language(where, at) for where, at in zip(market.tolist(), turn, strict=True)]
    code = np.array([_CODES[language] for language in languages], dtype=np.int64)
    return mix(creative, "text", code), languages


def write_texts(creatives: Creatives, ads: Submitted, owner: Keys, owns_brand: Bools, day: int) -> Texts:
    """Compose every ad of a block, in order."""
    key, languages = text_key(creatives.key, ads.market)
    draws = _draws(key, ads.edit)
    chances = {name: unit(creatives.key, name).tolist() for name in ("picture", "no title", "no call", "styled")}
    # The early phrases stay in use: in phase 1 one campaign in two follows the new fashion, in phase 2 nearly all do.
    late = (unit(creatives.campaign, "fashion") < (0.0, 0.5, 0.9)[phase(day)]).tolist()
    hides = hidden(creatives, ads).tolist()
    companies = mix(owner, "company").tolist()
    brands = below(creatives.campaign, "brand", len(names.BRANDS)).tolist()
    throwaway = mix(creatives.campaign, "domain").tolist()
    intents, surfaces = ads.intent.tolist(), creatives.surface.tolist()
    subjects, stances, owned = creatives.subject.tolist(), creatives.stance.tolist(), owns_brand.tolist()
    texts = Texts()
    for row, language in enumerate(languages):
        company, brand, draw = names.company(companies[row]), names.BRANDS[brands[row]], draws[row]
        words = compose(COPY[language], Brief(subjects[row], stances[row], brand, company, late[row]), draw)
        method = None
        if hides[row]:
            hiding, method = obfuscate(words.key_sentence, language, draw[21])
            words.sentences[words.sentences.index(words.key_sentence)] = hiding
            words.key_sentence = hiding
        elif chances["styled"][row] < 0.015:
            words.title = letter_spacing(words.title, draw[21])
        in_picture = chances["picture"][row] < _TEXT_IN_PICTURE and len(words.sentences) > 1 and bool(words.key_sentence)
        if in_picture:
            words.sentences.remove(words.key_sentence)
        texts.language.append(language)
        texts.title.append(None if chances["no title"][row] < 0.04 else words.title)
        texts.body.append(COPY[language].joiner.join(words.sentences))
        texts.call.append(None if chances["no call"][row] < 0.15 else words.call)
        texts.picture.append(words.key_sentence if in_picture else None)
        texts.keywords.append(words.keywords if SURFACES[surfaces[row]] == "search" else None)
        texts.domain.append(_domain(owned[row], intents[row], brand, company, throwaway[row]))
        texts.method.append(method)
    return texts


_CODES = {language: number for number, language in enumerate(COPY)}


def _language(market: int, turn: int) -> str:
    for language, share in MARKETS[market].languages:
        if turn < share:
            return language
        turn -= share
    return MARKETS[market].languages[0][0]


def _draws(key: Keys, edit: Ints) -> list[list[int]]:
    """``DRAWS`` integers in [0, 2**32) for each ad; an edit redraws the few of them that do not change the meaning."""
    turn = np.arange(DRAWS)
    version = np.where(np.isin(turn, EDITED)[None, :], edit[:, None], 0)
    drawn: list[list[int]] = (mix(key[:, None], turn[None, :], version) >> np.uint64(32)).tolist()
    return drawn


def _domain(owns_brand: bool, intent: int, brand: str, company: str, throwaway: int) -> str:
    if owns_brand:
        return names.own_domain(brand)
    hides = intent == Intent.RING or (intent == Intent.EVASIVE and throwaway & 0x300000000)
    return names.throwaway_domain(throwaway, brand) if hides else names.own_domain(company)
