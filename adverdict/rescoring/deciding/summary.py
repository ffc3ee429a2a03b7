"""What a rescoring came to, over all its shards, whoever decided them and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from adverdict.rescoring.folder.manifest import RunFolder

NAME = "summary.json"
LEAST_TO_COUNT = 256 * 2**20
"""Bytes; with less, DuckDB cannot group a few million ids."""
COUNTED = 512 * 2**20
SHOWN = 20
"""Ids named of those that come twice."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GivenUp(_Part):
    """A shard without decisions."""

    shard: str
    reason: str


class DuplicateIds(_Part):
    """An id that several rows have; a comparison takes the latest submission."""

    ads: int = Field(description="ids that more than one row has")
    rows: int = Field(description="rows that have them")
    examples: tuple[str, ...]


class Effort(_Part):
    """What this run of the command took; shards that were done before are not in it."""

    engine: Literal["local", "ray"]
    workers: int
    shards: int
    ads: int
    seconds: float
    ads_per_second: float
    driver_peak_mib: float
    worker_peak_mib: float = Field(description="the most that one worker held")


class Summary(_Part):
    """``summary.json``."""

    schema_version: Literal[1] = 1
    run_id: str
    out: str
    started_at: datetime
    finished_at: datetime
    as_of: datetime
    since: datetime | None
    bundle_version: str
    policy_hash: str
    threshold_set: str
    shards: int
    ads: int = Field(description="decided")
    skipped: int = Field(description="submitted before ``since``")
    verdicts: dict[str, int]
    markets: dict[str, dict[str, int]] = Field(description="ads by market and verdict")
    degraded: int = Field(description="decided with something missing or stale")
    degraded_by: dict[str, int] = Field(description="what was missing -> ads; an ad may lack several things")
    quarantined_rows: int
    quarantined_shards: tuple[GivenUp, ...]
    rows_in_quarantined_shards: int
    twice: DuplicateIds
    texts: int = Field(description="ads whose text could have been read by the encoder")
    encoded: int = Field(description="of those, read by it")
    effort: Effort

    @property
    def complete(self) -> bool:
        """Whether every ad has a decision."""
        return not self.quarantined_rows and not self.quarantined_shards


def summarise(folder: RunFolder, effort: Effort, finished_at: datetime, rows: dict[str, int], memory: int) -> Summary:
    """``rows``: of every shard, as planned; ``memory``: bytes for counting ids."""
    run, done = folder.run, list(folder.done().values())
    counts = _counted(folder, memory)
    given_up = tuple(GivenUp(shard=one.shard, reason=one.reason) for one in done if one.reason is not None)
    verdicts: dict[str, int] = {}
    for report in done:
        for verdict, ads in report.verdicts.items():
            verdicts[verdict] = verdicts.get(verdict, 0) + ads
    return Summary(
        run_id=run.run_id,
        out=folder.place.url,
        started_at=run.started_at,
        finished_at=finished_at,
        as_of=run.as_of,
        since=run.since,
        bundle_version=run.model.version,
        policy_hash=run.policy_hash,
        threshold_set=run.thresholds,
        shards=len(done),
        ads=sum(report.rows for report in done),
        skipped=sum(report.skipped for report in done),
        verdicts=dict(sorted(verdicts.items())),
        markets=counts.markets,
        degraded=counts.degraded,
        degraded_by=counts.degraded_by,
        quarantined_rows=sum(report.quarantined_rows for report in done),
        quarantined_shards=given_up,
        rows_in_quarantined_shards=sum(rows.get(one.shard, 0) for one in given_up),
        twice=counts.twice,
        texts=sum(report.texts for report in done),
        encoded=sum(report.encoded for report in done),
        effort=effort,
    )


@dataclass(frozen=True)
class _Counts:
    markets: dict[str, dict[str, int]]
    degraded: int
    degraded_by: dict[str, int]
    twice: DuplicateIds


def _counted(folder: RunFolder, memory: int) -> _Counts:
    """Ads by market and verdict, by what was missing, and the ids that come twice; out of core."""
    from adverdict.rescoring.folder.workbench import workbench

    with workbench(max(memory, LEAST_TO_COUNT)) as bench:
        bench.run("CREATE TABLE decided (ad_id VARCHAR, market VARCHAR, verdict VARCHAR, degraded VARCHAR[])")
        for table in folder.decisions(["ad_id", "market", "verdict", "degraded"]):
            bench.connection.register("piece", table)
            bench.run("INSERT INTO decided SELECT ad_id, market, verdict, degraded FROM piece")
            bench.connection.unregister("piece")
        markets: dict[str, dict[str, int]] = {}
        for market, verdict, ads in bench.run("SELECT market, verdict, count(*) FROM decided GROUP BY ALL ORDER BY ALL"):
            markets.setdefault(market, {})[verdict] = ads
        [(degraded,)] = bench.run("SELECT count(*) FROM decided WHERE len(degraded) > 0")
        causes = bench.run("SELECT cause, count(*) FROM (SELECT unnest(degraded) AS cause FROM decided) GROUP BY 1 ORDER BY 2 DESC, 1")
        bench.run("CREATE TABLE twice AS SELECT ad_id, count(*) AS n FROM decided GROUP BY ad_id HAVING count(*) > 1")
        [(ads, rows)] = bench.run("SELECT count(*), coalesce(sum(n), 0)::BIGINT FROM twice")
        examples = bench.run(f"SELECT ad_id FROM twice ORDER BY ad_id LIMIT {SHOWN}")
    twice = DuplicateIds(ads=ads, rows=rows, examples=tuple(ad_id for (ad_id,) in examples))
    return _Counts(markets, degraded, dict(causes), twice)
