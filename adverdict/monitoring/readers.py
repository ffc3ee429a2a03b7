"""Whether reviewers read as they did: golden answers and second readings by week, of the last weeks beside the ones before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scipy import stats

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.ledger.entries import Answered
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period
from adverdict.review.quality.readings import answers_in, says

WEEKS = 8
LAST = 2
"""Weeks that are compared with those before."""
FEWEST = 20
"""Answers of known truth, or cases read by two, on either side."""
CHANCE = 0.001
"""Of calling one reviewer changed who is not, in either of the two comparisons."""
WORSE = 0.05
"""By how much more often wrong, or of another mind, before it is told."""


@dataclass
class ReaderWeek:
    """One reviewer, or all of them, in one week."""

    golden: int = 0
    right: int = 0
    read_twice: int = 0
    agreed: int = 0


@dataclass(frozen=True)
class ReaderChange:
    """What changed of one reviewer. Intervals are 95 %."""

    reviewer: str
    what: str
    """golden or agreement."""
    before: tuple[int, int]
    """Right or agreed, of how many."""
    now: tuple[int, int]
    interval: tuple[float, float]
    """Of the share now."""
    p_value: float

    @property
    def sentence(self) -> str:
        words = "golden tasks right" if self.what == "golden" else "of the same mind as whoever read it too"
        low, high = self.interval
        now, before = self.now[0] / self.now[1], self.before[0] / self.before[1]
        told = f"{self.now[0]} of {self.now[1]} in the last {LAST} weeks ({now:.0%}; {low:.0%} to {high:.0%})"
        return f"{self.reviewer}: {words} {told}, {before:.0%} before"


def reader_weeks(ledger: Ledger, now: datetime, weeks: int = WEEKS) -> dict[str, list[ReaderWeek]]:
    """Reviewer -> weeks, the last one ends with the last midnight (UTC). A golden answer is right if it is under every policy of known
    truth; a case read by several agrees with a reviewer if every other verdict is theirs."""
    end = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = end - timedelta(weeks=weeks)
    found: defaultdict[str, list[ReaderWeek]] = defaultdict(lambda: [ReaderWeek() for _ in range(weeks)])
    cases: defaultdict[str, list[tuple[int, Answered]]] = defaultdict(list)
    with_times = _timed(ledger, Period(begin, end), begin)
    for week, answer, truth in with_times:
        if answer.task_kind == "golden":
            said = [(says(answer, policy), violates) for policy, violates in truth.items()]
            known = [told == violates for told, violates in said if told is not None]
            if known:
                found[answer.reviewer][week].golden += 1
                found[answer.reviewer][week].right += all(known)
        elif answer.task_kind in ("review", "audit", "double") and answer.verdict in ("approve", "reject"):
            cases[answer.case_id].append((week, answer))
    for read in cases.values():
        for week, answer in read if len(read) > 1 else ():
            found[answer.reviewer][week].read_twice += 1
            found[answer.reviewer][week].agreed += all(other.verdict == answer.verdict for _, other in read)
    return dict(found)


def reader_changes(weeks: Mapping[str, list[ReaderWeek]]) -> list[ReaderChange]:
    """Who is wrong, or of another mind, more often than before: by an exact test (Fisher), and by enough to matter."""
    found = []
    for reviewer, told in sorted(weeks.items()):
        before, now = _sum(told[:-LAST]), _sum(told[-LAST:])
        for what, was, last in (
            ("golden", (before.right, before.golden), (now.right, now.golden)),
            ("agreement", (before.agreed, before.read_twice), (now.agreed, now.read_twice)),
        ):
            if min(was[1], last[1]) < FEWEST:
                continue
            table = [[last[0], last[1] - last[0]], [was[0], was[1] - was[0]]]
            p_value = float(stats.fisher_exact(table, alternative="less").pvalue)
            if p_value <= CHANCE and was[0] / was[1] - last[0] / last[1] >= WORSE:
                found.append(ReaderChange(reviewer, what, was, last, clopper_pearson(*last), p_value))
    return found


def _timed(ledger: Ledger, period: Period, begin: datetime) -> Iterable[tuple[int, Answered, Mapping[str, bool]]]:
    """Week by week, so that an answer's week is known without its time."""
    assert period.until is not None
    weeks = (period.until - begin) // timedelta(weeks=1)
    for week in range(weeks):
        since = begin + timedelta(weeks=week)
        for answer, truth in answers_in(ledger, Period(since, since + timedelta(weeks=1))):
            yield week, answer, truth


def _sum(weeks: Iterable[ReaderWeek]) -> ReaderWeek:
    total = ReaderWeek()
    for one in weeks:
        total.golden += one.golden
        total.right += one.right
        total.read_twice += one.read_twice
        total.agreed += one.agreed
    return total
