"""Which decisions are asked for: read from the address, so that what is shown can be sent to a colleague."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from adverdict.domain.errors import InvalidInput, Mistake

VERDICTS = {
    "approve": "approved",
    "review": "with people",
    "reject": "rejected",
    "overturned": "overturned: people decided otherwise",
}
"""By what stands now: people's word, where there is one."""
FLAGS = {"uncertified": "not certified", "degraded": "something was missing", "appealed": "appealed against"}
ON = "yes"
LONGEST = 200
FIRST_DAY = date(1970, 1, 1)


@dataclass(frozen=True)
class DecisionFilter:
    """Empty: whatever it is. Days are UTC and both included."""

    verdict: str = ""
    policy: str = ""
    """That did not approve; where none of an ad did, the one of the highest risk."""
    market: str = ""
    advertiser: str = ""
    reviewer: str = ""
    """Who answered a task about it."""
    uncertified: str = ""
    degraded: str = ""
    appealed: str = ""
    since: str = ""
    until: str = ""

    @property
    def empty(self) -> bool:
        return not any(asdict(self).values())

    @property
    def from_at(self) -> datetime | None:
        return _midnight(self.since) if self.since else None

    @property
    def to_at(self) -> datetime | None:
        """The first moment after the last day."""
        return _midnight(self.until) + timedelta(days=1) if self.until else None

    def query(self, **more: object) -> str:
        """Of an address: what is asked for and nothing else."""
        return urlencode({name: value for name, value in {**asdict(self), **more}.items() if value})


def read_filter(asked: Mapping[str, str]) -> DecisionFilter:
    """``asked``: the address's fields. Raises InvalidInput with every mistake."""
    told = {field.name: asked.get(field.name, "").strip() for field in fields(DecisionFilter)}
    mistakes = [Mistake(name, value[:40], f"at most {LONGEST} characters") for name, value in told.items() if len(value) > LONGEST]
    if told["verdict"] and told["verdict"] not in VERDICTS:
        mistakes.append(Mistake("verdict", told["verdict"], ", ".join(VERDICTS)))
    mistakes += [Mistake(name, told[name], f"{ON}, or nothing") for name in FLAGS if told[name] not in ("", ON)]
    days = {name: _day(told[name]) for name in ("since", "until") if told[name]}
    mistakes += [Mistake(name, told[name], "a day, as 2026-11-28") for name, value in days.items() if value is None]
    since, until = days.get("since"), days.get("until")
    if since and until and since > until:
        mistakes.append(Mistake("until", told["until"], f"a day not before {told['since']}"))
    if mistakes:
        raise InvalidInput("nothing can be looked for by this:", mistakes)
    return DecisionFilter(**{**told, "market": told["market"].upper()})


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if text.isascii() and len(text) == 10 else None
    except ValueError:
        return None
    return found if found is not None and FIRST_DAY <= found < date(9999, 1, 1) else None


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
