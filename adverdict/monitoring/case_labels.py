"""Labels of a new kind: some of a case's ads, drawn by chance and one an advertiser, put into the queue; and what was said of them.

A case's ads were chosen for being alike, so their labels bear a design of their own (``case-…``) and certify nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, select

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.clusters import read
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound
from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.bodies.emerging import CaseMoved, CaseState
from adverdict.ledger.entries import Answered, DecisionMade
from adverdict.ledger.in_force.cases import Case, cases, move_case
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger
from adverdict.monitoring.emerging import MARKED_DAYS, SeenAd
from adverdict.monitoring.kinds import strange_of
from adverdict.review.period import Period, about_each, decisions_of, entries_in, standing_only
from adverdict.review.samples import SampledAd, open_sample
from adverdict.review.tasks.draws import draw
from adverdict.review.tasks.opening import in_question
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import UNFINISHED, Draw

MOST = 1_000
"""Ads of a case that are labelled at most."""


@dataclass(frozen=True)
class CaseSample:
    """What was put into the queue."""

    name: str
    opened: int
    before: int
    """Tasks of the case that had been opened before."""
    advertisers: int
    """With such ads on record, of whom chance chose."""
    ads: int


@dataclass(frozen=True)
class CaseLabels:
    """What people said of a case's ads so far."""

    read: int
    waiting: int
    unfit: int
    """Of those read, left to others or doubted: nothing was settled."""
    violating: Mapping[str, int]
    """Policy -> ads found to violate it."""
    any_of_them: int
    """Ads found to violate some policy."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the share that violates some policy, at 95 %; one ad an advertiser (Clopper and Pearson). None: nobody read any."""
        return clopper_pearson(self.any_of_them, self.read) if self.read else None


def label_case(
    ledger: Ledger,
    case_id: str,
    count: int | None,
    book: PolicyBook,
    settings: ReviewSettings,
    by: str,
    now: datetime,
    progress: Progress = SILENT,
) -> CaseSample:
    """Open tasks of kind *sample* for ``count`` of the case's ads (None: its budget, less what was opened before), and say on record that
    they are labelled. Raises NotFound, Conflict once the case is over, InvalidInput, Unavailable."""
    case = find_case(ledger, case_id)
    if case.ended:
        raise Conflict(f"case {case_id} is {case.state}: nothing of it is to be labelled")
    with ledger.look() as connection:
        asked = _asked(connection, case_id)
    wanted = case.told.labels - len(asked) if count is None else count
    if count is not None and not 0 < count <= MOST:
        raise InvalidInput("nothing was opened:", [Mistake("ads", count, f"1 to {MOST:,} ads to label")])
    found = list(ads_of_case(ledger, case, now, progress))
    by_advertiser: defaultdict[str, list[DecisionMade]] = defaultdict(list)
    for one in found:
        by_advertiser[one.ad.advertiser_id].append(one)
    free = sorted(by_advertiser.keys() - asked, key=lambda name: draw("case advertiser", case_id, name))
    chosen = free[: max(wanted, 0)]
    sampled = [_sampled(case_id, by_advertiser[name], len(chosen) / len(free), book, len(chosen)) for name in chosen]
    name = case_id.removeprefix("cas-")[:8]
    done = open_sample(ledger, _sample_name(case_id), sampled, settings, now)
    if done.opened and case.state is not CaseState.LABELLING:
        told = CaseMoved(case=case_id, state=CaseState.LABELLING, why=f"{done.opened} of its ads are being labelled", link=name, by=by)
        with ledger.write() as writing:
            move_case(writing, told, now)
    return CaseSample(name, done.opened, len(asked), len(by_advertiser), len(found))


def ads_of_case(ledger: Ledger, case: Case, now: datetime, progress: Progress = SILENT) -> Iterator[DecisionMade]:
    """First decisions on ads like the case's, from two weeks before it was opened on: those in its cluster, those with its phrases, or
    where it has neither, those that the model has hardly seen in the same way."""
    phrases, told = set(case.told.phrases), case.told
    since = case.opened_at - timedelta(days=MARKED_DAYS)
    progress.stage("reading ads", 1)
    if told.cluster is not None:
        yield from _of_cluster(ledger, told.cluster, since)
        progress.advance()
        return
    for entry in standing_only(ledger, entries_in(ledger, Period(since, now), (DecisionMade.kind,))):
        made = entry.body
        if not isinstance(made, DecisionMade) or not made.first:
            continue
        seen = SeenAd.of(made.ad, strange=strange_of(made.decision))
        if seen.language != told.language or (told.strange is not None and seen.strange != told.strange):
            continue
        if not phrases or not seen.phrases.isdisjoint(phrases):
            yield made
    progress.advance()


def _of_cluster(ledger: Ledger, cluster: str, since: datetime) -> Iterator[DecisionMade]:
    with ledger.look() as connection:
        try:
            members = read.copies(connection, read.found(connection, cluster))
        except NotFound:  # its first ad was erased
            return
        named = [one.decision_id for one in members if one.submitted_at >= since]
        yield from decisions_of(connection, named).values()


def case_labels(ledger: Ledger, case_id: str) -> CaseLabels:
    """Raises Unavailable."""
    with ledger.look() as connection:
        rows = connection.execute(select(tasks.c.about, tasks.c.case_id, tasks.c.state).where(_of_case(case_id))).all()
        said = about_each(connection, {row.about for row in rows}, (Answered.kind,))
    ours = {row.case_id for row in rows}
    waiting = {row.case_id for row in rows if row.state in UNFINISHED}
    violating: Counter[str] = Counter()
    read = unfit = any_of_them = 0
    for about in said.values():
        answers = [one.body for one in about if isinstance(one.body, Answered) and one.body.case_id in ours]
        if not answers or answers[0].case_id in waiting:
            continue
        settled = [one for one in answers if one.verdict in ("approve", "reject")]
        unfit += not settled
        read += bool(settled)
        found = {policy for one in settled for policy in one.violated}
        any_of_them += bool(found)
        violating.update(found)
    return CaseLabels(read, len(waiting), unfit, dict(violating.most_common()), any_of_them)


def find_case(ledger: Ledger, case_id: str) -> Case:
    """Raises NotFound."""
    with ledger.look() as connection:
        found = next((one for one in cases(connection) if one.case_id == case_id), None)
    if found is None:
        raise NotFound(f"no case {json.dumps(case_id)}: adverdict monitor emerging list --all shows them")
    return found


def _sampled(case_id: str, theirs: Sequence[DecisionMade], chance: float, book: PolicyBook, of: int) -> SampledAd:
    """One ad of an advertiser, by chance; with which probability."""
    one = min(theirs, key=lambda made: draw("case ad", case_id, made.decision.decision_id))
    told = Draw(f"case-{case_id.removeprefix('cas-')[:8]}-{of}", chance / len(theirs))
    return SampledAd(one.ad, dict.fromkeys(in_question(one, book), told))


def _sample_name(case_id: str) -> str:
    return f"case-{case_id.removeprefix('cas-')}"


def _of_case(case_id: str) -> ColumnElement[bool]:
    return tasks.c.case_id.startswith(f"smp-{_sample_name(case_id)}-", autoescape=True)


def _asked(connection: Connection, case_id: str) -> set[str]:
    """Advertisers of whom an ad of the case is, or was, in the queue."""
    return set(connection.scalars(select(tasks.c.advertiser_id).where(_of_case(case_id), tasks.c.kind == "sample")))
