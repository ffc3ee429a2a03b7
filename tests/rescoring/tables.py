"""Ads, decisions and tables of ads for the tests of reading and publishing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Audit, Decision, PolicyVerdict, Reason
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.storage.places import Place

MOMENT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def an_ad(number: int, **fields: Any) -> Ad:
    base = {"ad_id": f"ad-{number}", "advertiser_id": f"adv-{number % 3}", "market": ("DE", "SE")[number % 2], "submitted_at": MOMENT}
    return Ad.model_validate({**base, "title": f"Title {number}", "impressions": 10.0 * number, **fields})


def columns_of(ads: Sequence[Ad]) -> pa.Table:
    """The columns that matter here, without those that hold nothing."""
    names = ("ad_id", "advertiser_id", "market", "title", "impressions", "keywords")
    times = pa.array([ad.submitted_at for ad in ads], pa.timestamp("us", tz="UTC"))
    kinds = {"impressions": pa.float64(), "keywords": pa.list_(pa.string())}
    columns = {name: pa.array([getattr(ad, name) for ad in ads], kinds.get(name, pa.string())) for name in names}
    return pa.table({**columns, "submitted_at": times})


def put(url: str, name: str, table: pa.Table, group: int = 1000) -> None:
    """Write a Parquet file with row groups of ``group`` rows."""
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=group)
    Place.at(url).write(name, sink.getvalue())


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.drop_columns([name] if name in table.column_names else []).append_column(name, values)


def a_decision(ad: Ad, run: str = "run-1") -> Decision:
    """A rejection with everything there is to keep."""
    risk = RiskScore(policy="gambling", p=0.1 + 0.2, p_low=0.0, p_high=1.0)
    return Decision(
        decision_id=f"dec-{run}-{ad.ad_id}",
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        surface=ad.surface,
        decided_at=MOMENT,
        verdict=Verdict.REJECT,
        policies=(
            PolicyVerdict(
                policy="gambling", verdict=Verdict.REJECT, risk=risk, approve_below=0.1, reject_at=0.3, because="at or above 0.3"
            ),
            PolicyVerdict(policy="weapons", verdict=Verdict.REVIEW, because="no model could score it"),
        ),
        reasons=(Reason(policy="gambling", kind="phrase", signal="слот", text="“слот”", effect=-0.25),),
        degraded=("stale_history:2 h",),
        uncertified=True,
        audit=Audit(probability=0.01, chosen=False),
        bundle_version="abc",
        policy_hash="0" * 64,
        threshold_set=None,
        history_seq=7,
        as_of=MOMENT,
    )
