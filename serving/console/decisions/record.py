"""Everything on record about one decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection, func, select

from adverdict.domain.ad import Ad
from adverdict.domain.decision import PolicyVerdict, Reason
from adverdict.domain.errors import NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.effective import decision_histories
from adverdict.ledger.entries import DecisionMade, Entry, Resolved, Withdrawn
from adverdict.ledger.moments import micros
from adverdict.ledger.said import not_unwound
from adverdict.ledger.schema import contents, entries, tasks
from adverdict.ledger.store import about
from adverdict.review.tasks.tasks import Task, task_of
from adverdict.scoring.explaining import Explanation, on_record
from adverdict.serving.console.bars import Bar, bar
from adverdict.serving.console.card import Card, card
from adverdict.serving.console.decisions.summary import Certification, certification
from adverdict.serving.console.decisions.timeline import Event, timeline
from adverdict.serving.console.tasks.spoken import speaks

RELATED = {"advertiser": "advertiser_id", "creative": "creative_id", "domain": "landing_domain"}
"""What an ad shares with others, and the column that says it."""
MOST_ALIKE = 2
"""Policies with one and the same reason that are shown unfolded."""
COUNTED = 1000
"""Of an advertiser's decisions: more is said as so many."""


@dataclass(frozen=True)
class Link:
    """Where an entry stands in the chain."""

    seq: int
    digest: str
    hash: str


@dataclass(frozen=True)
class Row:
    """A policy's verdict with its drawing and what moved it."""

    told: PolicyVerdict
    bar: Bar | None
    reasons: tuple[Reason, ...]
    """Those that are one to a person."""
    more: tuple[Reason, ...]
    """The others: on record, and no reason for anybody."""
    overturned: bool
    """Whether it rejected, and people said that it should not have."""
    found: bool
    """Whether people found it violated."""

    @property
    def open(self) -> bool:
        """Whether it is shown unfolded: it stopped the ad, or people said something else of it."""
        return self.told.verdict is not Verdict.APPROVE or self.found


@dataclass(frozen=True)
class Related:
    """Other decisions on ads of the same advertiser, creative or domain. ``capped``: there are as many at least."""

    what: str
    value: str
    decisions: int
    capped: bool


@dataclass(frozen=True)
class Record:
    made: DecisionMade
    unexplained: str | None
    """Why there are no reasons, in words; None: nothing is missing."""
    reasons: tuple[Reason, ...]
    """Those that are one to a person."""
    at: datetime
    link: Link
    card: Card
    rows: tuple[Row, ...]
    resolution: Resolved | None
    """The last one is the ad's verdict."""
    withdrawn: Withdrawn | None
    """The undoing of the step that recorded it."""
    later: str | None
    """The decision on the same version of the ad that stands instead of this one."""
    entries: tuple[Entry, ...]
    history: tuple[Event, ...]
    tasks: tuple[Task, ...]
    related: tuple[Related, ...]

    @property
    def verdict(self) -> str:
        return (self.resolution.verdict if self.resolution else self.made.decision.verdict).value

    @property
    def overturned(self) -> bool:
        """Whether people decided otherwise than the model did by itself."""
        by_model = self.made.decision.verdict
        return self.resolution is not None and by_model is not Verdict.REVIEW and by_model is not self.resolution.verdict

    @property
    def settled_at(self) -> datetime | None:
        """When people last said what stands."""
        return next((entry.at for entry in reversed(self.entries) if isinstance(entry.body, Resolved)), None)

    @property
    def shown_open(self) -> tuple[Row, ...]:
        """Of the policies that stopped the ad, those shown unfolded. Where people rejected it, those that they found violated; while nobody
        has, and all stopped it for one reason, the riskiest stands for them."""
        stopped = tuple(row for row in self.rows if row.open)
        if self.resolution is not None:
            found = tuple(row for row in stopped if row.found)
            return found if found and self.resolution.verdict is Verdict.REJECT else stopped
        alike = len({row.told.because for row in stopped}) == 1
        return stopped[:1] if alike and len(stopped) > MOST_ALIKE else stopped

    @property
    def certification(self) -> Certification:
        decision = self.made.decision
        return certification([one.model_dump() for one in decision.policies], decision.uncertified)


def record(
    connection: Connection,
    decision_id: str,
    explain: Callable[[DecisionMade], Explanation] = on_record,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> Record:
    """``titles``: what policies are called. Raises NotFound, also for a decision that was erased."""
    told = about(connection, decision_id)
    made = next((entry for entry in told if isinstance(entry.body, DecisionMade)), None)
    if made is None or not isinstance(made.body, DecisionMade):
        raise NotFound("No such decision is on record, or its content was erased.")
    explanation = explain(made.body)
    resolutions = [entry.body for entry in not_unwound(told) if isinstance(entry.body, Resolved)]
    resolution, waiting = (resolutions[-1] if resolutions else None), tasks_about(connection, decision_id)
    rows = [_row(one, explanation.reasons, resolution) for one in made.body.decision.policies]
    return Record(
        made=made.body,
        unexplained=explanation.missing,
        reasons=tuple(one for one in explanation.reasons if speaks(one)),
        at=made.at,
        link=_link(connection, made.seq),
        card=card(made.body.ad, [one for one in explanation.reasons if speaks(one)]),
        rows=tuple(sorted(rows, key=lambda row: (-row.told.verdict.severity, -(row.told.risk.p if row.told.risk else -1)))),
        resolution=resolution,
        withdrawn=next((entry.body for entry in told if isinstance(entry.body, Withdrawn)), None),
        later=_later(connection, made.body),
        entries=tuple(told),
        history=timeline(told, waiting, titles),
        tasks=tuple(waiting),
        related=tuple(_related(connection, made.body.ad)),
    )


def tasks_about(connection: Connection, decision_id: str) -> list[Task]:
    return [task_of(row) for row in connection.execute(select(tasks).where(tasks.c.about == decision_id).order_by(tasks.c.opened_at))]


def _row(told: PolicyVerdict, reasons: Sequence[Reason], resolution: Resolved | None) -> Row:
    own = [one for one in reasons if one.policy == told.policy]
    found = resolution is not None and told.policy in resolution.violated
    return Row(
        told=told,
        bar=bar(told),
        reasons=tuple(one for one in own if speaks(one)),
        more=tuple(one for one in own if not speaks(one)),
        overturned=resolution is not None and told.verdict is Verdict.REJECT and not found,
        found=found,
    )


def _later(connection: Connection, made: DecisionMade) -> str | None:
    course = decision_histories(connection, [made.ad.ad_id]).get(made.ad.ad_id)
    now = course.at(submitted_at=micros(made.ad.submitted_at)) if course else None
    return None if now is None or now.decision_id == made.decision.decision_id else now.decision_id


def _related(connection: Connection, ad: Ad) -> list[Related]:
    values = {"advertiser": ad.advertiser_id, "creative": ad.creative_id, "domain": ad.landing_domain}
    found = []
    for what, value in values.items():
        if value:
            same = select(contents.c.seq).where(contents.c[RELATED[what]] == value, contents.c.submitted_at.is_not(None)).limit(COUNTED)
            number = connection.scalar(select(func.count()).select_from(same.subquery())) or 0
            found.append(Related(what, value, number, number == COUNTED))
    return found


def _link(connection: Connection, seq: int) -> Link:
    row = connection.execute(select(entries.c.digest, entries.c.hash).where(entries.c.seq == seq)).one()
    return Link(seq, bytes(row.digest).hex(), bytes(row.hash).hex())
