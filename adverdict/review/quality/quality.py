"""How good decisions and reviewers are, as far as audits, golden tasks and second readings tell; always with denominator and interval.

Leakage and wrongful rejection are told policy by policy and never added up: an ad that breaks two policies is not two ads, and a policy
that is seldom broken would hide behind one that often is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from statistics import median
from typing import Any

from adverdict.domain.errors import InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period
from adverdict.review.quality.estimates import Estimate, clopper_pearson
from adverdict.review.quality.prevalence import AuditShare, Patterns, audit
from adverdict.review.quality.raters import Quality, dawid_skene
from adverdict.review.quality.readings import EVERYWHERE, Audited, Cell, Side, answers_in, audited, golden_readings, says

BLIND = ("review", "double")
"""Readings of a case left to people that know of no other one; a senior sees what was noted before."""


@dataclass(frozen=True)
class PolicyQuality:
    """Automatic decisions under one policy. A share is None where nothing was decided that way, or nothing of it has been read."""

    policy: str
    market: str | None
    """None: all markets together."""
    leakage: AuditShare | None
    """P(violates | approved automatically)."""
    wrongful_rejection: AuditShare | None
    """P(does not violate | rejected automatically under this policy)."""
    approved: int
    """Denominators: first decisions of the period, audited or not, with a chance of being audited."""
    rejected: int
    unread: int
    """Drawn for the audit and not read under this policy (yet)."""
    problem: str | None = None
    """Why these audits cannot be used; None: they can."""


@dataclass(frozen=True)
class ReviewerQuality:
    """One reviewer under one policy (Dawid and Skene, golden tasks with their truth)."""

    policy: str
    quality: Quality
    settled: bool
    """False: the estimation did not come to rest; not to be relied on."""


@dataclass(frozen=True)
class Workload:
    """What one reviewer did. Agreement counts cases that a senior decided, so mostly contested ones: it is no accuracy."""

    reviewer: str
    tasks: int
    by_verdict: Mapping[str, int]
    golden: int
    median_seconds: float | None
    """Of handling; None where no answer says how long it took."""
    agreement: Estimate | None
    """Share of the senior's verdicts that were theirs too; None without such a case."""


@dataclass(frozen=True)
class QualityReport:
    """Audits of decisions made in the period, and answers given in it."""

    since: datetime | None
    until: datetime | None
    policies: tuple[PolicyQuality, ...]
    """All markets together, by policy."""
    markets: tuple[PolicyQuality, ...]
    """By policy and market; empty unless asked for."""
    reviewers: tuple[ReviewerQuality, ...]
    workload: tuple[Workload, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values. Rates are shares in [0, 1]."""
        told = asdict(self)
        return {**told, "since": self.since and self.since.isoformat(), "until": self.until and self.until.isoformat()}


def quality(ledger: Ledger, since: datetime | None = None, until: datetime | None = None, *, by_market: bool = False) -> QualityReport:
    """Some tenths of a second a policy (and market) beyond reading the period. Raises Unavailable; InvalidSettings for no period."""
    period = Period(since, until)
    read = _read(ledger, period)
    found = audited(ledger, period)
    cells = sorted(found, key=lambda cell: (cell.policy, cell.market or ""))
    measured = [_measured(cell, found[cell], read) for cell in cells if by_market or cell.market is EVERYWHERE]
    return QualityReport(
        since,
        until,
        policies=tuple(one for one in measured if one.market is EVERYWHERE),
        markets=tuple(one for one in measured if one.market is not EVERYWHERE),
        reviewers=tuple(one for policy in sorted(read.readings) for one in _reviewers(policy, read)),
        workload=tuple(one.told(name) for name, one in sorted(read.work.items())),
    )


@dataclass
class _Work:
    verdicts: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    golden: int = 0
    agreed: int = 0
    compared: int = 0

    def told(self, reviewer: str) -> Workload:
        return Workload(
            reviewer,
            self.verdicts.total(),
            dict(sorted(self.verdicts.items())),
            self.golden,
            median(self.seconds) if self.seconds else None,
            clopper_pearson(self.agreed, self.compared) if self.compared else None,
        )


@dataclass
class _Read:
    """Answers of the period. Memory grows with them: a few hundred bytes a reading."""

    readings: defaultdict[str, dict[tuple[str, str], bool]] = field(default_factory=lambda: defaultdict(dict))
    """By policy: (ad's decision or golden item, reviewer) -> says violating. The first answer counts: a second one is not independent."""
    truth: defaultdict[str, dict[str, bool]] = field(default_factory=lambda: defaultdict(dict))
    work: defaultdict[str, _Work] = field(default_factory=lambda: defaultdict(_Work))
    reviewed: defaultdict[str, Patterns] = field(default_factory=lambda: defaultdict(dict))
    """By policy: patterns of ads left to people, read once or more; together they tell of reviewers' errors."""


def _read(ledger: Ledger, period: Period) -> _Read:
    read = _Read()
    cases: defaultdict[str, list[Answered]] = defaultdict(list)
    for answer, truth in answers_in(ledger, period):
        work = read.work[answer.reviewer]
        work.verdicts[answer.verdict] += 1
        work.golden += answer.task_kind == "golden"
        if answer.seconds is not None:
            work.seconds.append(answer.seconds)
        for policy, violates in truth.items():
            read.truth[policy][answer.decision_id] = violates
        if answer.task_kind == "appeal":
            continue  # whether an advertiser appeals depends on the truth: such a reading is no independent one
        for policy in answer.asked:
            said = says(answer, policy)
            if said is not None and (answer.task_kind != "golden" or policy in truth):
                read.readings[policy].setdefault((answer.decision_id, answer.reviewer), said)
        if answer.task_kind != "golden":
            cases[answer.case_id].append(answer)
    for case in cases.values():
        _compare(case, read)
    return read


def _compare(case: Sequence[Answered], read: _Read) -> None:
    """Readers with the senior who decided their case; and, in cases left to people, with each other."""
    decided = next((one for one in case if one.task_kind == "senior" and one.verdict in ("approve", "reject")), None)
    for one in case:
        if decided is not None and one.task_kind != "senior" and one.verdict in ("approve", "reject"):
            work = read.work[one.reviewer]
            work.compared += 1
            work.agreed += one.verdict == decided.verdict
    if not any(one.task_kind == "review" for one in case):
        return
    blind = [one for one in case if one.task_kind in BLIND]
    for policy in {policy for one in blind for policy in one.asked}:
        said = [reading for one in blind if (reading := says(one, policy)) is not None]
        if said:
            patterns = read.reviewed[policy]
            read.reviewed[policy] = {**patterns, (len(said), sum(said)): patterns.get((len(said), sum(said)), 0) + 1}


def _measured(cell: Cell, sides: Mapping[Side, Audited], read: _Read) -> PolicyQuality:
    decided = {verdict: sum(one.decisions for side, one in sides.items() if side.verdict is verdict) for verdict in Verdict}
    unread = sum(one.unread for one in sides.values())
    nothing = PolicyQuality(cell.policy, cell.market, None, None, decided[Verdict.APPROVE], decided[Verdict.REJECT], unread)
    read_some = {side.verdict for side, one in sides.items() if one.patterns}
    if not read_some:
        return nothing
    truth = read.truth.get(cell.policy, {})
    checked = [(truth[item], said) for (item, _), said in read.readings.get(cell.policy, {}).items() if item in truth]
    strata = [one.stratum(side) for side, one in sorted(sides.items())]
    try:
        told = audit(strata, golden_readings(checked), read.reviewed.get(cell.policy))
    except InvalidInput as error:
        return replace(nothing, problem=str(error))
    return replace(
        nothing,
        leakage=told.leakage if Verdict.APPROVE in read_some else None,
        wrongful_rejection=told.wrongful_rejection if Verdict.REJECT in read_some else None,
    )


def _reviewers(policy: str, read: _Read) -> list[ReviewerQuality]:
    readings = [(item, reviewer, said) for (item, reviewer), said in read.readings[policy].items()]
    consensus = dawid_skene(readings, read.truth.get(policy))
    return [ReviewerQuality(policy, one, consensus.settled) for one in consensus.reviewers.values()]
