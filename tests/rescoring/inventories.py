"""Inventories that a rescoring has decided, as small as they may be: each ad with the decision it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, PolicyVerdict, Reason
from adverdict.domain.errors import Mistake
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict, most_severe
from adverdict.rescoring.folder.columns import schema, to_table
from adverdict.rescoring.folder.manifest import HistoryUsed, ModelUsed, Run, RunFolder, ShardReport
from adverdict.rescoring.input.plan import ShardPlan, plan
from adverdict.rescoring.input.reading import QuarantinedRow
from adverdict.storage.places import Place
from adverdict.storage.tables.pack import write_ads

AS_OF = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
RISK = {Verdict.APPROVE: 0.02, Verdict.REVIEW: 0.4, Verdict.REJECT: 0.97}
HIGHER = {Verdict.APPROVE: 0.03, Verdict.REVIEW: 0.5, Verdict.REJECT: 0.99}


def rescored(
    home: Path,
    made: Sequence[tuple[Ad, Decision | None]],
    *,
    out: Place | Path | None = None,
    rows_per_shard: int = 3,
    stop_after: int | None = None,
    lost: Sequence[int] = (),
    reasons: bool = True,
) -> RunFolder:
    """A run over ``made`` in ``home``, published in ``out``. An ad without a decision is quarantined, shards of ``lost`` are altogether.

    ``stop_after``: how many shards are done; all, unless given.
    """
    home.mkdir(parents=True)
    write_ads(home / "ads.parquet", [ad for ad, _ in made])
    planned = plan(str(home / "ads.parquet"), rows_per_shard) if made else ShardPlan(str(home), str(home), (), rows_per_shard)
    folder = RunFolder(out or home / "out")
    run = Run.of(
        planned,
        started_at=AS_OF,
        as_of=AS_OF,
        since=None,
        model=ModelUsed(source="models:/adverdict@champion", resolved="models:/adverdict/8", version="8f0e" * 4),
        policy_hash="5a" * 32,
        thresholds="0" * 64,
        exits=None,
        history=HistoryUsed(kind="ledger", digest="1" * 64, seq=1_204_551),
        reasons=reasons,
    )
    folder.begin(run, b"{}", b"{}", resume=False)
    for number, shard in enumerate(run.plan.shards[:stop_after]):
        if number in lost:
            folder.publish(shard, schema().empty_table(), ShardReport(shard=shard.name, reason="not a table"), [])
            continue
        part = [(row + 1, *made[row]) for row in range(shard.start, shard.stop)]
        good = [(row, ad, decision) for row, ad, decision in part if decision is not None]
        wrong = [QuarantinedRow(row, (Mistake("title", 7, "text"),)) for row, _, decision in part if decision is None]
        rows, ads, decisions = [one[0] for one in good], [one[1] for one in good], [one[2] for one in good]
        folder.publish(shard, to_table(rows, ads, decisions, shard.name), ShardReport(shard=shard.name), wrong)
    return folder


def decided(ad: Ad, *, name: str = "new", degraded: Sequence[str] = (), risk: dict[Verdict, float] = RISK, **policies: Verdict) -> Decision:
    """A decision by the verdicts of ``policies``; ``risk``: what each verdict comes from."""
    return Decision(
        decision_id=f"dec-{name}-{ad.ad_id}",
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        surface=ad.surface,
        decided_at=AS_OF,
        verdict=most_severe(policies.values()),
        policies=tuple(_ruling(policy, verdict, risk[verdict]) for policy, verdict in policies.items()),
        reasons=tuple(
            Reason(policy=policy, kind="phrase", signal=word, text=f'the text says "{word}"', effect=effect)
            for policy in policies
            for word, effect in (("sure", 0.5), ("double", 1.5), ("ask", -0.9), ("now", 0.1))
        ),
        degraded=tuple(degraded),
        uncertified=True,
        audit=None,
        bundle_version="v2",
        policy_hash="1" * 64,
        threshold_set=None,
        as_of=AS_OF,
    )


def _ruling(policy: str, verdict: Verdict, p: float) -> PolicyVerdict:
    return PolicyVerdict(
        policy=policy,
        verdict=verdict,
        risk=RiskScore(policy=policy, p=p, p_low=p, p_high=p),
        approve_below=0.1,
        reject_at=0.9,
        because=f"risk {p} makes it {verdict}",
    )
