"""``adverdict rescore diff``: what a rescoring would change, before anything is changed.

These are counts of the whole inventory: nothing is drawn, so nothing has an interval. Ads that were not compared are counted as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from adverdict.domain.verdict import Verdict
from adverdict.rescoring.applying.judging import freed
from adverdict.rescoring.diff.difference import Compared, Difference, Flip, Inventory, PolicyFlip, Reviews, Unrecorded, flips
from adverdict.rescoring.diff.examples import Examples
from adverdict.rescoring.diff.record import Record, RunRecord, versions_of
from adverdict.rescoring.diff.why import Why
from adverdict.rescoring.folder.workbench import USUAL, Workbench, workbench
from adverdict.workforce.handling import HandlingTimes

if TYPE_CHECKING:
    from adverdict.rescoring.folder.manifest import RunFolder
    from adverdict.scoring.model import Model

EXACT = "DECIMAL(38, 6)"
"""Impressions are summed in it: no order of reading changes the sum."""
DIGITS = 9
"""Of mean risks: the order of reading does change their last digits."""

FREED = " OR ".join(f"was = '{was}' AND now = '{now}'" for was, now in freed() if was is not None)
FREED_UNRECORDED = ", ".join(f"'{now}'" for was, now in freed() if was is None)
"""Where applying leaves a degraded decision alone: an ad with, and one without a decision on record."""

COMPARED = f"""
CREATE TABLE compared AS
SELECT ad_id, new_latest.decision_id, standing.decision_id AS before, market, standing.verdict AS was, new_latest.verdict AS now, who,
       degraded AND ({FREED}) AS held, impressions, shard, "row"
FROM new_latest JOIN standing USING (ad_id, submitted_at)
"""
"""Verdicts on different versions of an ad are about different ads."""

COUNTED = f"""
SELECT market, was, now, who, count(*), coalesce(sum(impressions::{EXACT}), 0)::DOUBLE, count(impressions),
       count(*) FILTER (held AND who = 'model')
FROM compared GROUP BY ALL
"""

UNRECORDED = f"""
SELECT market, new_latest.verdict, count(*), count(*) FILTER (degraded AND new_latest.verdict IN ({FREED_UNRECORDED}))
FROM new_latest LEFT JOIN standing USING (ad_id)
WHERE standing.decision_id IS NULL OR standing.submitted_at < new_latest.submitted_at
GROUP BY ALL
"""

AFTER = """
CREATE TABLE after AS
SELECT decision_id, one.policy AS policy, one.verdict AS verdict, one.p AS p
FROM (SELECT decision_id, unnest(policies) AS one FROM new WHERE decision_id IN (SELECT decision_id FROM flips))
"""

BY_POLICY = """
WITH known AS (
  SELECT flips.* FROM flips WHERE who = 'model' AND before IN (SELECT decision_id FROM before WHERE policy IS NULL)
), old AS (
  SELECT known.decision_id, policy, verdict, p FROM known JOIN before ON known.before = before.decision_id WHERE policy IS NOT NULL
), changes AS (
  SELECT decision_id, policy, coalesce(old.verdict, 'absent') AS was, coalesce(after.verdict, 'absent') AS now, old.p AS p0, after.p AS p1
  FROM old FULL JOIN (SELECT * FROM after WHERE decision_id IN (SELECT decision_id FROM known)) AS after USING (decision_id, policy)
), flipped AS (
  SELECT market, count(*) AS n FROM known GROUP BY market
)
SELECT policy, market, changes.was, changes.now, count(*), any_value(n), avg(p0), avg(p1)
FROM changes JOIN known USING (decision_id) JOIN flipped USING (market) WHERE changes.was <> changes.now
GROUP BY ALL ORDER BY ALL
"""


def diff(
    folder: RunFolder, record: Record, times: HandlingTimes, *, model: Callable[[str], Model] | None = None, memory: int = USUAL
) -> Difference:
    """Compare all published decisions of a run with a record. ``memory``: bytes for the joins.

    ``model``: bundle version -> the model, which is asked for the reasons of examples where the run published none; raises NotFound. None:
    nobody reads them.

    Raises InvalidSettings for too little memory, InvalidInput for files that are not as they were written, NotFound or Unavailable for an
    output or a ledger that cannot be read.
    """
    with workbench(memory) as bench:
        bench.published("new", folder)
        bench.latest("new")
        record.standing(bench)
        bench.run(COMPARED)
        bench.run("CREATE TABLE flips AS SELECT * FROM compared WHERE was <> now")
        compared = tuple(sorted(_compared(bench), key=lambda one: (one.market, one.was.severity, one.now.severity, one.by)))
        record.verdicts(bench)
        bench.run(AFTER)
        by_model, unrecorded = flips(compared, "model"), _unrecorded(bench)
        why = Why(folder, bench.scratch, model)
        examples = Examples(bench, folder, why).chosen()
        return Difference(
            run=versions_of(folder),
            against=record.told(),
            inventory=_inventory(bench, folder, record, sum(one.ads for one in unrecorded)),
            compared=compared,
            flips=by_model,
            against_people=flips(compared, "person"),
            unrecorded=unrecorded,
            policies=tuple(_by_policy(bench)),
            unknown_policies=_unknown(bench),
            reviews=tuple(_reviews(by_model, unrecorded, times)),
            examples=examples,
            reasons_missing=why.missing if any(one.reasons is None and one.readable for one in examples) else None,
        )


def _compared(bench: Workbench) -> Iterable[Compared]:
    for market, was, now, by, ads, impressions, stating, held in bench.run(COUNTED):
        yield Compared(market=market, was=was, now=now, by=by, ads=ads, impressions=impressions, stating=stating, held=held)


def _unrecorded(bench: Workbench) -> tuple[Unrecorded, ...]:
    found = [Unrecorded(market=market, verdict=verdict, ads=ads, held=held) for market, verdict, ads, held in bench.run(UNRECORDED)]
    return tuple(sorted(found, key=lambda one: (one.market, one.verdict.severity)))


def _inventory(bench: Workbench, folder: RunFolder, record: Record, unrecorded: int) -> Inventory:
    done = folder.done()
    rows = {shard.name: shard.stop - shard.start for shard in folder.run.plan.shards}  # of a file that nobody can read, none are known
    unread = [one for one in done.values() if one.reason is not None]
    decided, degraded, uncertified = _one(
        bench, "SELECT count(*), count(*) FILTER (len(degraded) > 0), count(*) FILTER (uncertified) FROM new"
    )
    (latest,) = _one(bench, "SELECT count(*) FROM new_latest")
    compared, applied = _one(bench, "SELECT count(*), count(*) FILTER (before = decision_id) FROM compared")
    missing = "SELECT count(*) FROM standing ANTI JOIN new_latest USING (ad_id)"
    return Inventory(
        rows=sum(rows[name] - one.skipped for name, one in done.items()),
        decided=decided,
        quarantined=sum(one.quarantined_rows if one.reason is None else rows[one.shard] for one in done.values()),
        unread_parts=len(unread),
        unfinished_parts=len(rows) - len(done),
        earlier_versions=decided - latest,
        compared=compared,
        not_on_record=unrecorded,
        outdated=latest - compared - unrecorded,
        missing=_one(bench, missing)[0] if isinstance(record, RunRecord) else None,
        applied=applied,
        degraded=degraded,
        degraded_by=dict(
            bench.run("SELECT cause, count(*) FROM (SELECT unnest(degraded) AS cause FROM new) GROUP BY 1 ORDER BY 2 DESC, 1")
        ),
        uncertified=uncertified,
    )


def _by_policy(bench: Workbench) -> Iterable[PolicyFlip]:
    for policy, market, was, now, ads, of, before, after in bench.run(BY_POLICY):
        yield PolicyFlip(
            policy=policy, market=market, was=was, now=now, ads=ads, of=of, risk_before=_rounded(before), risk_after=_rounded(after)
        )


def _unknown(bench: Workbench) -> int:
    sql = "SELECT count(*) FROM flips WHERE who = 'model' AND before NOT IN (SELECT decision_id FROM before WHERE policy IS NULL)"
    return int(_one(bench, sql)[0])


def _reviews(model: Iterable[Flip], unrecorded: Iterable[Unrecorded], times: HandlingTimes) -> Iterable[Reviews]:
    """A person's verdict opens and closes nothing: it stands."""
    opened, closed, first = Counter[str](), Counter[str](), Counter[str]()
    for one in model:
        if Verdict.REVIEW in (one.was, one.now):
            (opened if one.now is Verdict.REVIEW else closed)[one.market] += one.ads - one.held
    for new in unrecorded:
        if new.verdict is Verdict.REVIEW:
            first[new.market] += new.ads
    for market in sorted({*opened, *closed, *first}):
        yield Reviews(market=market, opened=opened[market], closed=closed[market], first=first[market], handling=times.of(market))


def _one(bench: Workbench, sql: str) -> tuple[Any, ...]:
    return bench.run(sql)[0]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
