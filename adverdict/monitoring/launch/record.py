"""Launches on record: checked, kept in the chain, and listed by the day on which they open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import JsonValue

from adverdict.decisions.files.countries import COUNTRIES
from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.domain.identity import language_key
from adverdict.ledger.bodies.launch import GateTold, LaunchChecked, LaunchScored, LaunchVerdict
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.store import Ledger
from adverdict.monitoring.launch.gates import gates, verdict
from adverdict.monitoring.launch.words import Launch, LaunchFacts


@dataclass(frozen=True)
class LaunchOnRecord:
    launch_id: str
    checked_at: datetime
    told: LaunchChecked
    score: LaunchScored | None = None
    """The last there is."""


def launch_of(
    *,
    market: str | None,
    surface: str | None,
    product: str | None,
    where: Sequence[str],
    languages: Sequence[str],
    like: Sequence[str],
    ads_per_day: str,
    opens: str,
    known: Sequence[str],
    today: date,
) -> Launch:
    """As people write it, on the command line and in the console's form alike. ``known``: markets with a past. Raises InvalidInput with
    every mistake."""
    day, ads = _day(opens), _number(ads_per_day)
    named = {kind: name for kind, name in (("market", market), ("surface", surface), ("product", product)) if name}
    wrong = []
    if len(named) != 1:
        wrong.append(Mistake("launch", " ".join(f"--{kind}" for kind in named) or "(none)", "one of --market, --surface, --product"))
    wrong += [Mistake("market", one, "an ISO 3166-1 alpha-2 code, such as SE") for one in (market, *where) if one and one not in COUNTRIES]
    if where and market:
        wrong.append(Mistake("in", ", ".join(where), "nothing: a market opens in itself"))
    if not languages:
        wrong.append(Mistake("languages", "(none)", "those of most of its ads, such as ja"))
    wrong += [Mistake("languages", one, "a BCP 47 tag, such as ja") for one in languages if language_key(one) is None]
    if ads is None or not 0 < ads < math.inf:
        wrong.append(Mistake("ads_per_day", ads_per_day, "ads a day once it has grown up: a number above 0, such as 900"))
    if day is None:
        wrong.append(Mistake("date", opens, "the day on which it opens, such as 2027-03-01"))
    elif day < today:
        wrong.append(Mistake("date", opens, f"today ({today.isoformat()}) or later"))
    wrong += [Mistake("like", one, f"a market on record: {', '.join(known) or 'there is none yet'}") for one in like if one not in known]
    if wrong or day is None or ads is None:
        raise InvalidInput("the launch cannot be checked:", wrong)
    [(what, name)] = named.items()
    markets = (name,) if what == "market" else tuple(where) or tuple(known)
    if not markets:
        raise InvalidInput("the launch cannot be checked:", [Mistake("in", "(none)", "the markets it opens in: none is on record")])
    own = tuple(dict.fromkeys(language_key(one) or one for one in languages))
    resembling = tuple(like) or (tuple(known) if what == "market" else ())
    return Launch(what, name, markets, ads, day, own, resembling)  # type: ignore[arg-type]  # what is a key of named


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        return float(text.strip())
    except ValueError:
        return None


def checked(launch: Launch, facts: LaunchFacts, as_of: int, by: str) -> LaunchChecked:
    """The gates, the verdict, and what is claimed where it is *go*, with people deciding or without."""
    told = gates(launch, facts)
    return LaunchChecked(
        what=launch.what,
        name=launch.name,
        markets=launch.markets,
        languages=launch.languages,
        ads_per_day=launch.ads_per_day,
        opens=launch.opens,
        outcome=verdict(told),
        gates=told,
        claims=_claims(launch, facts, told),
        as_of=as_of,
        by=by,
    )


def keep(ledger: Ledger, told: LaunchChecked, at: datetime) -> str:
    """The launch's id."""
    launch_id = f"lch-{hexadecimal()}"
    with ledger.write() as writing:
        writing.append(launch_id, told, at)
    return launch_id


def launches(ledger: Ledger) -> list[LaunchOnRecord]:
    """By the day on which they open, the last check of each name."""
    found: dict[str, LaunchOnRecord] = {}
    for entry in ledger.read(kinds=[LaunchChecked.kind, LaunchScored.kind]):
        body = entry.body
        if isinstance(body, LaunchChecked):
            found[entry.entry_id] = LaunchOnRecord(entry.entry_id, entry.at, body)
        elif isinstance(body, LaunchScored) and body.launch in found:
            one = found[body.launch]
            found[body.launch] = LaunchOnRecord(one.launch_id, one.checked_at, one.told, body)
    return sorted(found.values(), key=lambda one: (one.told.opens, one.checked_at))


def latest(found: Sequence[LaunchOnRecord]) -> list[LaunchOnRecord]:
    """Of each thing that opens, the last check; scored ones stay."""
    last = {(one.told.what, one.told.name, one.told.markets): one.launch_id for one in sorted(found, key=lambda one: one.checked_at)}
    return [one for one in found if one.launch_id in last.values() or one.score is not None]


def find(ledger: Ledger, launch_id: str) -> LaunchOnRecord:
    """Raises NotFound."""
    for one in launches(ledger):
        if one.launch_id == launch_id:
            return one
    raise NotFound(f"no launch {launch_id}: adverdict launch list shows them")


def missing(told: Sequence[GateTold]) -> list[GateTold]:
    """What somebody has to see to, the most urgent first."""
    order = {"missing": 0, "people": 1, "todo": 2}
    return sorted((one for one in told if one.status in order), key=lambda one: (order[one.status], one.until or date.max))


def _claims(launch: Launch, facts: LaunchFacts, told: Sequence[GateTold]) -> dict[str, JsonValue]:
    if verdict(told) is LaunchVerdict.NO_GO:
        return {}
    leakage = {f"{one.policy}/{one.market}": one.limit for one in facts.policies if one.limit is not None}
    reads = launch.ads_per_day * (1.0 if facts.review_share is None else facts.review_share)
    return {"leakage": leakage, "in_time": facts.in_time_claimed, "reviews_per_day": reads, "ads_per_day": launch.ads_per_day}  # type: ignore[dict-item]
