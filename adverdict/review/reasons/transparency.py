"""What a period's transparency report counts: Regulation (EU) 2022/2065 (Digital Services Act), Articles 15(1)(c) to (e) and 24.

Each figure says the article it is for. Orders and notices, Articles 15(1)(a) and (b), out-of-court disputes and suspensions, Article 24(1),
happen elsewhere: nothing of them is on record here. A rejection is counted when it is made, whatever becomes of it later; a decision made
again on the same version of an ad is none of its own unless it is the first to reject it. One that was withdrawn with its rescoring step
is no decision of the period, as if it had never been; that it was withdrawn is counted.
"""

from __future__ import annotations

import csv
import io
import textwrap
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import Connection, func, select

from adverdict.domain.formats import with_interval
from adverdict.domain.verdict import Verdict
from adverdict.ledger.effective import not_withdrawn
from adverdict.ledger.entries import Answered, Appealed, DecisionMade, Entry, Erased, Rescored, Resolved, Ruled, Withdrawn
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents
from adverdict.ledger.store import Ledger
from adverdict.review.period import PAGE, Period, about_each, decisions_of, entries_in, pages, withdrawals
from adverdict.review.quality.prevalence import AuditShare
from adverdict.review.quality.quality import PolicyQuality, quality
from adverdict.review.reasons.grounds import UNION
from adverdict.review.reasons.rejection import automated

MEASURES, COMPLAINTS, MEANS, STATEMENTS, PEOPLE, ERASED = "15(1)(c)", "15(1)(d)", "15(1)(e)", "24(5)", "42(2)(a)", "GDPR 17"
TITLES = {
    MEASURES: "Moderation at own initiative",
    COMPLAINTS: "Complaints",
    MEANS: "Automated means: how often they err",
    STATEMENTS: "Statements of reasons",
    PEOPLE: "People",
    ERASED: "Erasure",
}
_HOW = {
    "AUTOMATED_DECISION_FULLY": "rejected, fully automated",
    "AUTOMATED_DECISION_PARTIALLY": "rejected, partially automated",
    "AUTOMATED_DECISION_NOT_AUTOMATED": "rejected, not automated",
}
_DECIDED = {Verdict.APPROVE: "decided: approved", Verdict.REVIEW: "decided: left to people", Verdict.REJECT: "decided: rejected"}


@dataclass(frozen=True)
class Figure:
    """One number, and what it is about; market and policy None mean all."""

    article: str
    measure: str
    value: float
    market: str | None = None
    policy: str | None = None
    low: float | None = None
    """Ends of the 95 % interval of a share that was estimated."""
    high: float | None = None
    of: int | None = None
    """Decisions the share is of."""
    read: int | None = None
    """Of these, read by people to estimate it."""


@dataclass(frozen=True)
class TransparencyReport:
    """Figures in the order of their articles."""

    since: datetime | None
    until: datetime | None
    figures: tuple[Figure, ...]

    def to_json(self) -> dict[str, Any]:
        told = {"since": self.since, "until": self.until}
        times = {name: at.isoformat() if at else None for name, at in told.items()}
        return {**times, "figures": [asdict(figure) for figure in self.figures]}

    def to_csv(self) -> str:
        out = io.StringIO()
        names = list(Figure.__dataclass_fields__)
        writer = csv.DictWriter(out, names, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(asdict(figure) for figure in self.figures)
        return out.getvalue()

    def to_text(self) -> str:
        """For a person: a heading an article, the figures of all markets and policies first."""
        period = str(Period(self.since, self.until))
        lines = [period[0].upper() + period[1:]]
        for article, title in TITLES.items():
            lines += ["", f"{title} ({article if article.startswith('GDPR') else f'DSA {article}'})"]
            lines += list(_lines([figure for figure in self.figures if figure.article == article])) or ["  nothing on record"]
        return "\n".join(lines) + "\n"


def transparency(ledger: Ledger, since: datetime | None = None, until: datetime | None = None) -> TransparencyReport:
    """Count a period. Audits are those of its decisions. Raises Unavailable; InvalidSettings for a period without time."""
    period = Period(since, until)
    counted = _Counted()
    for page in pages(entries_in(ledger, period, _TOLD), PAGE):
        with ledger.look() as connection:
            _count(counted, page, connection)
    measured = quality(ledger, since, until)
    figures = [*counted.figures(), *(figure for one in measured.policies for figure in _shares(one))]
    order = list(TITLES)
    return TransparencyReport(since, until, tuple(sorted(figures, key=lambda figure: order.index(figure.article))))


_TOLD = tuple(one.kind for one in (DecisionMade, Resolved, Appealed, Ruled, Answered, Erased, Rescored, Withdrawn))


@dataclass
class _Counted:
    """What a period's entries come to. Times are kept one by one, for their medians: 8 bytes each."""

    counts: Counter[tuple[str, str, str | None, str | None]] = field(default_factory=Counter)
    """By article, measure, market and policy."""
    until_resolved: array[float] = field(default_factory=lambda: array("d"))
    until_ruled: array[float] = field(default_factory=lambda: array("d"))
    handling: array[float] = field(default_factory=lambda: array("d"))
    reviewers: set[str] = field(default_factory=set)

    def add(self, article: str, measure: str, market: str | None = None, policies: Sequence[str] = (), count: int = 1) -> None:
        """In all markets together and in its own, and in both under each policy."""
        for where in (None,) if market is None else (None, market):
            for policy in (None, *policies):
                self.counts[article, measure, where, policy] += count

    def figures(self) -> Iterator[Figure]:
        counted = sorted(self.counts.items(), key=lambda item: (item[0][0], [part or "" for part in item[0][2:]], item[0][1]))
        for (article, measure, market, policy), count in counted:
            yield Figure(article, measure, count, market, policy)
        if self.reviewers:
            yield Figure(PEOPLE, "reviewers who answered", len(self.reviewers))
        for article, measure, times, unit in (
            (MEASURES, "median hours from decision to people's verdict", self.until_resolved, 3600),
            (COMPLAINTS, "median hours from appeal to ruling", self.until_ruled, 3600),
            (PEOPLE, "median seconds of handling", self.handling, 1),
        ):
            if times:
                yield Figure(article, measure, round(median(times) / unit, 2))


def _count(counted: _Counted, page: Sequence[Entry], connection: Connection) -> None:
    settled = [entry.body.decision_id for entry in page if isinstance(entry.body, Resolved | Ruled)]
    decisions = decisions_of(connection, settled)
    appeals = about_each(connection, settled, (Appealed.kind,))
    repeated, ended = rejected_before(connection, page), withdrawals(connection)
    for entry in page:
        match entry.body:
            case DecisionMade() as made if made.step in ended:
                counted.add(MEASURES, "decided by rescoring, and withdrawn since", made.decision.market)
            case DecisionMade() as made:
                _decided(counted, made, entry.entry_id in repeated)
            case Resolved() as resolved:
                about = decisions.get(resolved.decision_id)
                _resolved(counted, resolved, entry.at, about, about is not None and about.step in ended)
            case Rescored():
                counted.add(MEASURES, "rescorings applied")
            case Withdrawn():
                counted.add(MEASURES, "rescorings withdrawn")
            case Appealed() as appealed:
                counted.add(COMPLAINTS, "appeals received", appealed.market)
            case Ruled() as ruled:
                counted.add(COMPLAINTS, f"decisions {ruled.outcome} on appeal", ruled.market)
                filed = (one.at for one in appeals.get(ruled.decision_id, ()) if one.entry_id == ruled.appeal_id)
                counted.until_ruled.extend((entry.at - at).total_seconds() for at in filed)
            case Answered() as answer:
                counted.add(PEOPLE, "answers by reviewers", answer.market)
                counted.reviewers.add(answer.reviewer)
                counted.handling.extend([] if answer.seconds is None else [answer.seconds])
            case Erased() as erased:
                counted.add(ERASED, "erasures")
                counted.add(ERASED, "contents erased", count=sum(last - first + 1 for first, last in erased.seqs))


def _decided(counted: _Counted, made: DecisionMade, rejected_before: bool) -> None:
    decision = made.decision
    if made.first:
        counted.add(MEASURES, _DECIDED[decision.verdict], decision.market)
    else:
        counted.add(MEASURES, "decided again", decision.market)
    if decision.verdict is Verdict.REJECT and not rejected_before:
        _rejected(counted, made, False, [one.policy for one in decision.policies if one.verdict is Verdict.REJECT])


def _resolved(counted: _Counted, resolved: Resolved, at: datetime, made: DecisionMade | None, withdrawn: bool) -> None:
    if made is None:
        return
    how = "carried over from a copy" if resolved.carried else f"settled by people: {resolved.by}"
    counted.add(MEASURES, f"{how}, {resolved.verdict}", resolved.market)
    if resolved.by == "review":
        counted.until_resolved.append((at - made.decision.decided_at).total_seconds())
    if resolved.verdict == Verdict.REJECT and (withdrawn or made.decision.verdict is not Verdict.REJECT):
        _rejected(counted, made, True, resolved.violated, carried=resolved.carried is not None)


def _rejected(counted: _Counted, made: DecisionMade, by_people: bool, policies: Sequence[str], *, carried: bool = False) -> None:
    market = made.decision.market
    counted.add(MEASURES, _HOW[automated(made.decision, by_people, carried=carried)], market, policies)
    if market in UNION:
        counted.add(STATEMENTS, "statements of reasons", market)


def rejected_before(connection: Connection, page: Sequence[Entry]) -> set[str]:
    """Ids of decisions of the page that reject a version of an ad which an earlier decision rejected."""
    again = [entry for entry in page if isinstance(entry.body, DecisionMade) and not entry.body.first]
    ads = sorted({entry.body.ad.ad_id for entry in again if isinstance(entry.body, DecisionMade)})
    if not ads:
        return set()
    query = select(contents.c.ad_id, contents.c.submitted_at, func.min(contents.c.seq).label("seq"))
    query = query.where(contents.c.ad_id.in_(ads), contents.c.verdict == Verdict.REJECT.value, contents.c.submitted_at.is_not(None))
    query = query.where(not_withdrawn())
    rows = connection.execute(query.group_by(contents.c.ad_id, contents.c.submitted_at))
    earliest = {(row.ad_id, row.submitted_at): row.seq for row in rows}
    found = set()
    for entry in again:
        if isinstance(entry.body, DecisionMade):
            version = (entry.body.ad.ad_id, micros(entry.body.ad.submitted_at))
            if earliest.get(version, entry.seq) < entry.seq:
                found.add(entry.entry_id)
    return found


def _shares(one: PolicyQuality) -> Iterator[Figure]:
    if one.leakage is not None:
        yield _share("violating ads among those approved automatically", one.leakage, one.policy)
    if one.wrongful_rejection is not None:
        yield _share("ads that do not violate among those rejected automatically", one.wrongful_rejection, one.policy)


def _share(measure: str, share: AuditShare, policy: str) -> Figure:
    return Figure(MEANS, measure, share.value, None, policy, share.low, share.high, share.decisions, share.audited)


WIDTH = 78
"""Characters of a line: a terminal has eighty."""


def _lines(figures: Sequence[Figure]) -> Iterator[str]:
    """Of one article: each measure once, its total at the right, and below it what it is made of."""
    by_measure: dict[str, list[Figure]] = {}
    for figure in figures:
        by_measure.setdefault(figure.measure, []).append(figure)
    for measure, some in by_measure.items():
        if any(figure.low is not None for figure in some):
            yield f"  {measure}"
            yield from (f"    {_named(one.policy or 'all policies'):<24} {_shared(one)}" for one in some)
        else:
            yield from _counted_lines(measure, some)


def _counted_lines(measure: str, some: Sequence[Figure]) -> Iterator[str]:
    total = next((one for one in some if one.market is None and one.policy is None), None)
    value = f"{total.value:,g}" if total else ""
    yield f"  {measure:<{WIDTH - 4 - len(value)}}  {value}".rstrip()
    yield from _parts("by market", [(one.market, one.value) for one in some if one.market and not one.policy])
    for policy in dict.fromkeys(one.policy for one in some if one.policy):
        own = {one.market: one.value for one in some if one.policy == policy}
        parts = [(market, number) for market, number in own.items() if market]
        yield from _parts(f"{_named(policy)} {own.get(None, 0):,g}", parts if len(parts) > 1 else parts[:1])


def _parts(head: str, parts: Sequence[tuple[str | None, float]]) -> Iterator[str]:
    if parts:
        said = f"{head}: {', '.join(f'{name} {number:,g}' for name, number in parts)}"
        yield from textwrap.wrap(said, WIDTH, initial_indent="    ", subsequent_indent="      ")


def _shared(one: Figure) -> str:
    """A share with its interval, and of how many it was read."""
    return f"{with_interval(one.value, one.low or 0.0, 1.0 if one.high is None else one.high, '.2%')}, {one.read:,} of {one.of:,} read"


def _named(policy: str) -> str:
    return policy.replace("_", " ")
