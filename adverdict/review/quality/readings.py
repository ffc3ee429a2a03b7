"""What reviewers read, gathered from the ledger for the statistics of ``review.quality.prevalence`` and ``review.quality.raters``."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, select

from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, DecisionMade
from adverdict.ledger.schema import golden
from adverdict.ledger.store import Ledger
from adverdict.review.period import PAGE, Period, about_each, entries_in, pages, standing_only
from adverdict.review.quality.prevalence import AuditStratum, GoldenReadings

EVERYWHERE = None
"""Stands for all markets."""


class Cell(NamedTuple):
    """One policy in one market, or in all of them."""

    policy: str
    market: str | None


class Side(NamedTuple):
    """Automatic decisions with one verdict, audited with one probability."""

    verdict: Verdict
    probability: float


@dataclass
class Audited:
    """Decisions of one cell and side."""

    decisions: int = 0
    drawn: int = 0
    patterns: Counter[tuple[int, int]] = field(default_factory=Counter)
    """(readings, of them violating) -> audited ads."""

    def stratum(self, side: Side) -> AuditStratum:
        return AuditStratum(f"{side.verdict} at {side.probability:g}", side.verdict, self.decisions, side.probability, dict(self.patterns))

    @property
    def unread(self) -> int:
        """Drawn, and not read under this policy (yet)."""
        return self.drawn - self.patterns.total()


def audited(ledger: Ledger, period: Period) -> dict[Cell, dict[Side, Audited]]:
    """Automatic first decisions of the period that were not withdrawn, and what audits of them have said so far.

    Memory grows with policies and markets only.
    """
    found: defaultdict[Cell, defaultdict[Side, Audited]] = defaultdict(lambda: defaultdict(Audited))
    standing = standing_only(ledger, entries_in(ledger, period, (DecisionMade.kind,)))
    firsts = (one.body for one in standing if isinstance(one.body, DecisionMade) and one.body.first)
    for page in pages(firsts, PAGE):
        drawn = [one.decision.decision_id for one in page if one.decision.audit is not None and one.decision.audit.chosen]
        with ledger.look() as connection:
            told = about_each(connection, drawn, (Answered.kind,))
        for one in page:
            answers = [entry.body for entry in told.get(one.decision.decision_id, ()) if isinstance(entry.body, Answered)]
            _count(found, one.decision, [answer for answer in answers if any(label.source == "audit" for label in answer.labels)])
    return {cell: dict(sides) for cell, sides in found.items()}


def _count(found: Mapping[Cell, Mapping[Side, Audited]], decision: Decision, answers: Sequence[Answered]) -> None:
    audit = decision.audit
    if audit is None or audit.probability == 0:
        return
    side = Side(decision.verdict, audit.probability)
    for policy in _answerable(decision):
        readings = [said for answer in answers if (said := says(answer, policy)) is not None]
        for market in (EVERYWHERE, decision.market):
            counted = found[Cell(policy, market)][side]
            counted.decisions += 1
            counted.drawn += audit.chosen
            if readings:
                counted.patterns[len(readings), sum(readings)] += 1


def _answerable(decision: Decision) -> list[str]:
    """The policies an automatic verdict is about: all for an approval, those that rejected the ad for a rejection."""
    approved = decision.verdict is Verdict.APPROVE
    return [one.policy for one in decision.policies if approved or one.verdict is Verdict.REJECT]


def says(answer: Answered, policy: str) -> bool | None:
    """Whether an answer says violating; None where it says nothing, as a rejection for something else does."""
    if policy not in answer.asked:
        return None
    if answer.verdict == "approve":
        return False
    return True if answer.verdict == "reject" and policy in answer.violated else None


def answers_in(ledger: Ledger, period: Period) -> Iterator[tuple[Answered, Mapping[str, bool]]]:
    """Answers of the period in order, each with the truth of its ad by policy where that is known: for golden tasks."""
    given = (one.body for one in entries_in(ledger, period, (Answered.kind,)) if isinstance(one.body, Answered))
    for page in pages(given, PAGE):
        with ledger.look() as connection:
            truths = _truths(connection, {one.decision_id for one in page if one.task_kind == "golden"})
        yield from ((one, truths.get(one.decision_id, {})) for one in page if one.task_kind != "golden" or one.decision_id in truths)


def _truths(connection: Connection, ids: set[str]) -> dict[str, Mapping[str, bool]]:
    rows = connection.execute(select(golden.c.golden_id, golden.c.truth).where(golden.c.golden_id.in_(sorted(ids)))) if ids else ()
    return {row.golden_id: json.loads(row.truth) for row in rows}


def golden_readings(readings: Sequence[tuple[bool, bool]]) -> GoldenReadings:
    """Of (truth, said violating)."""
    violating = [said for truth, said in readings if truth]
    harmless = [said for truth, said in readings if not truth]
    return GoldenReadings(len(violating), sum(violating), len(harmless), len(harmless) - sum(harmless))
