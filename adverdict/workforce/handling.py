"""How long a review takes: as reviewers really took, or as told where they have not shown it. Each says which."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from adverdict.ledger.entries import Answered
from adverdict.ledger.store import Ledger

USUAL_SECONDS = 45.0
ENOUGH = 30
"""Answers behind a median."""
EVERYWHERE = ""
"""All markets together."""


class Handling(BaseModel):
    """How long a review takes."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    source: Literal["market", "everywhere", "told"] = Field(
        description="median of the market's answers; of all answers, where the market has too few; or as the caller said"
    )
    answers: int = Field(default=0, description="behind a median")


@dataclass(frozen=True)
class HandlingTimes:
    """Handling times by market."""

    otherwise: float = USUAL_SECONDS
    """Seconds, where too few answers are on record."""
    medians: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    """Market, or ``EVERYWHERE`` -> median seconds and how many answers."""

    def of(self, market: str) -> Handling:
        if market in self.medians:
            seconds, answers = self.medians[market]
            return Handling(seconds=seconds, source="market", answers=answers)
        if EVERYWHERE in self.medians:
            seconds, answers = self.medians[EVERYWHERE]
            return Handling(seconds=seconds, source="everywhere", answers=answers)
        return Handling(seconds=self.otherwise, source="told")


def measured(ledger: Ledger, otherwise: float = USUAL_SECONDS) -> HandlingTimes:
    """Medians of the answers that say how long they took, where there are ``ENOUGH``; golden tasks left out. Raises Unavailable.

    Memory: some 50 bytes an answer while the median is sought.
    """
    took: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    for entry in ledger.read(kinds=[Answered.kind]):
        body = entry.body
        if isinstance(body, Answered) and body.seconds is not None and body.task_kind != "golden":
            for market in (body.market, EVERYWHERE):
                took[market].append(body.seconds)
    return HandlingTimes(otherwise, {market: (median(all_), len(all_)) for market, all_ in took.items() if len(all_) >= ENOUGH})
