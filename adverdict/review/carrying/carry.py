"""Carrying verdicts to copies that wait: only as far as a certificate shows, never to what is read blind, each an entry of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, exists, select, update

from adverdict.clusters.braking import among
from adverdict.decisions.steering import Brake
from adverdict.domain.progress import SILENT, Progress
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import CarriedSide
from adverdict.ledger.entries import Carried, Resolved
from adverdict.ledger.in_force.carrying import Carrying, in_force
from adverdict.ledger.in_force.steering import steering_at
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import cluster_ads, contents, entries
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import Ledger, Writing, now
from adverdict.review.carrying.sources import Source, source_of
from adverdict.review.tasks.copies import plain
from adverdict.review.tasks.tasks import Task, task_of

AT_ONCE = 100
"""Verdicts in one transaction: whoever decides ads waits for one."""


def carry(ledger: Ledger, clock: Callable[[], datetime] = now, progress: Progress = SILENT) -> list[str]:
    """Settle the copies that wait within the certified distance of what people have read; the decisions settled. Raises Unavailable."""
    with ledger.look() as connection:
        holding = in_force(connection, clock())
        waiting = _waiting(connection) if holding else []
        steering = steering_at(connection)
        brakes, clusters = steering.brakes, steering.clusters
        progress.stage("looking at copies that wait", max(1, len(waiting)))
        found = []
        for task in waiting:
            progress.advance()
            source = source_of(connection, task) if plain(connection, task) else None
            certificate = holding.get(source.side) if source else None
            near = source is not None and certificate is not None and source.distance <= certificate.told.distance + 1e-9
            if source and near and not _braked(brakes, task, source, among(connection, task.about, clusters)):
                found.append((task, source))
    done: list[str] = []
    for start in range(0, len(found), AT_ONCE):
        with ledger.write() as writing:
            done += _settle(writing, found[start : start + AT_ONCE], holding, clock())
    return done


def _waiting(connection: Connection) -> list[Task]:
    """Open reviews of ads with a cluster of two or more in which people have settled something."""
    first, other = cluster_ads.alias("first"), cluster_ads.alias("other")
    told, settled = contents.alias("told"), entries.alias("settled")
    own = contents.alias("own")
    said = (
        select(told.c.seq)
        .select_from(other.join(own, own.c.seq == other.c.seq).join(told, told.c.about == own.c.about))
        .join(settled, settled.c.seq == told.c.seq)
        .where(other.c.cluster == first.c.cluster, other.c.seq != first.c.seq, settled.c.kind == Resolved.kind)
    )
    about = contents.alias("about")
    query = (
        select(table)
        .select_from(table.join(about, about.c.about == table.c.about).join(first, first.c.seq == about.c.seq))
        .where(table.c.state == "open", table.c.kind == "review", exists(said.correlate(first)))
    )
    return [task_of(row) for row in connection.execute(query.order_by(table.c.opened_at, table.c.task_id))]


def _settle(writing: Writing, found: Iterable[tuple[Task, Source]], holding: Mapping[CarriedSide, Carrying], at: datetime) -> list[str]:
    """Those that nobody has taken meanwhile."""
    done = []
    for task, source in found:
        still = (table.c.task_id == task.task_id) & (table.c.state == "open") & (table.c.token == task.token)
        closing = update(table).where(still).values(state="withdrawn", closed_at=micros(at))
        if writing.connection.execute(closing).rowcount != 1:
            continue
        body = Resolved(
            decision_id=task.about,
            ad_id=task.ad_id,
            advertiser_id=task.advertiser_id,
            market=task.market,
            verdict=Verdict.REJECT if source.side == "reject" else Verdict.APPROVE,
            by="copy",
            violated=source.violated,
            task_id=source.task_id,
            carried=Carried(
                decision_id=source.decision_id,
                resolution=source.resolution,
                distance=round(source.distance, 6),
                certificate=holding[source.side].certificate_id,
            ),
        )
        writing.append(f"res-{task.task_id}", body, at)
        done.append(task.about)
    return done


def _braked(brakes: Iterable[Brake], task: Task, source: Source, its: Collection[str]) -> bool:
    """Whether somebody has stopped this side for any of the policies here; one of a single surface counts for all, to be careful. ``its``:
    clusters of the ad."""
    verdict = Verdict.REJECT if source.side == "reject" else Verdict.APPROVE
    policies = source.violated or task.policies
    return any(one.side.stops(verdict) and any(one.holds(name, task.market, one.surface, its) for name in policies) for one in brakes)
