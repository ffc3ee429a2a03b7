"""Put a planned sample into the queue: a task an ad, read blind, to measure the ads and not to decide them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.identity import language_key
from adverdict.ledger.effective import not_withdrawn
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents
from adverdict.ledger.store import Ledger
from adverdict.review.labels.export import version_id
from adverdict.review.tasks import tasks
from adverdict.review.tasks.draws import Draws, draws_of, unkeyed_task_id
from adverdict.review.tasks.priority import due
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import CHUNK, Draw, Task

_NAMED = 20
"""Ads not on record that are named one by one."""


@dataclass(frozen=True)
class SampledAd:
    """An ad as its pack names it, and how chance came to it under each policy that is asked."""

    ad: Ad
    draws: Mapping[str, Draw]


@dataclass(frozen=True)
class OpenedSample:
    opened: int
    before: int
    """Tasks of this sample that were in the queue already, answered or not."""


def open_sample(ledger: Ledger, name: str, ads: Sequence[SampledAd], settings: ReviewSettings, now: datetime) -> OpenedSample:
    """A task for every ad of the sample ``name``, or for none. Opened again, nothing is asked twice.

    Raises InvalidInput where some of the ads were never decided here, as a task is about a decision on record; Unavailable.
    """
    with ledger.change() as connection:
        decisions = _decisions(connection, [one.ad for one in ads])
        _refuse_unknown([one.ad for one in ads if one.ad.ad_id not in decisions])
        # In the order of the draw: the first that are labelled are then a random part of all.
        draws = draws_of(connection)
        made = [_task(name, one, decisions[one.ad.ad_id], settings, now, draws) for one in ads]
        there = tasks.existing(connection, [task.task_id for task in made])
        before = tasks.existing(connection, [unkeyed_task_id(task.case_id, 0) for task in made])
        fresh = [task for task in made if task.task_id not in there and unkeyed_task_id(task.case_id, 0) not in before]
        tasks.add(connection, fresh)
    return OpenedSample(len(fresh), len(made) - len(fresh))


def _task(name: str, sampled: SampledAd, decision_id: str, settings: ReviewSettings, now: datetime, draws: Draws) -> Task:
    ad, case = sampled.ad, f"smp-{name}-{decision_id}"
    return Task(
        task_id=draws.task_id(case, 0),
        case_id=case,
        kind="sample",
        about=decision_id,
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        language=language_key(ad.language),
        policies=tuple(sampled.draws),
        senior=False,
        probability=min(draw.probability for draw in sampled.draws.values()),
        harm=0.0,
        opened_at=now,
        due_at=due(now, "sample", 0.0, settings),
        drawn=dict(sampled.draws),
    )


def _decisions(connection: Connection, ads: Sequence[Ad]) -> dict[str, str]:
    """The last decision on each ad's version that was not withdrawn, by the ad's id in the pack."""
    wanted = {(ad.advertiser_id, micros(ad.submitted_at), ad.ad_id) for ad in ads}
    advertisers = sorted({ad.advertiser_id for ad in ads})
    found: dict[str, str] = {}
    for start in range(0, len(advertisers), CHUNK):
        query = select(contents.c.advertiser_id, contents.c.submitted_at, contents.c.ad_id, contents.c.about).order_by(contents.c.seq)
        some = contents.c.advertiser_id.in_(advertisers[start : start + CHUNK])
        for row in connection.execute(query.where(some, contents.c.submitted_at.is_not(None), not_withdrawn())):
            for named in (row.ad_id, version_id(row.ad_id, row.submitted_at)):
                if (row.advertiser_id, row.submitted_at, named) in wanted:
                    found[named] = row.about
    return found


def _refuse_unknown(ads: Iterable[Ad]) -> None:
    unknown = [ad.ad_id for ad in ads]
    if unknown:
        expected = "an ad that was decided here: draw from what adverdict review export writes, or decide these first (adverdict score)"
        mistakes = [Mistake("ad_id", ad_id, expected) for ad_id in unknown[:_NAMED]]
        more = f" ({len(unknown) - _NAMED:,} more are not named)" if len(unknown) > _NAMED else ""
        raise InvalidInput(f"no task was opened: {len(unknown):,} ads of the sample are not on record{more}", mistakes)
