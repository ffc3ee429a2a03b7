"""A marketplace on disk: a pack in the data contract, and the truth in a folder of its own that no reader of packs looks into."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import SILENT, Progress
from adverdict.simulation import tables
from adverdict.simulation.advertisers import ADS_PER_ADVERTISER
from adverdict.simulation.marketplace import Block, Marketplace
from adverdict.simulation.raters import rater_ids
from adverdict.simulation.world import DAYS, POLICIES
from adverdict.storage.whole import replacing

TRUTH_FOLDER = "truth"
MOST_DAYS = 3650
ROW_GROUP = 65_536
"""Rows held in memory before they are written."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. ``advertisers`` counts also those who never submitted, ``labels`` the table's rows.

    ``asked`` and ``positives`` count, by policy, the ads to which it applies and those that truly violate it.
    """

    folder: Path
    ads: int
    advertisers: int
    labels: int
    asked: dict[str, int]
    positives: dict[str, int]

    def base_rate(self, policy: str) -> float:
        """P(violates) over the ads to which the policy applies."""
        return self.positives[policy] / max(self.asked[policy], 1)


def write_marketplace(
    out: Path, ads: int, seed: int, progress: Progress = SILENT, each: float = ADS_PER_ADVERTISER, days: int = DAYS
) -> Written:
    """Simulate ``ads`` ads over ``days`` days, ``each`` an advertiser on average, into ``out``.

    That is ``ads.parquet`` (in order of ``submitted_at``), ``labels.parquet`` and ``truth/*.parquet``.

    The files are equal byte for byte for equal ``ads``, ``seed`` and ``days`` and one version of pyarrow. They appear under their names
    only when all is written, and replace earlier ones. ``progress`` advances by the ads done. Raises ``InvalidSettings``.
    """
    _check(ads, seed, each, days)
    market = Marketplace(seed, ads, each, days)
    ids = rater_ids(seed)
    counted = np.zeros((2, len(POLICIES)), dtype=np.int64)
    labels = done = 0
    with ExitStack() as stack:
        # All are published when the stack ends, the last of them being the ads: who finds these finds the rest.
        paths = {path: stack.enter_context(replacing(out / path)) for path in _FILES}
        files = {path: stack.enter_context(_File(paths[path], schema)) for path, schema in _FILES.items()}
        files[f"{TRUTH_FOLDER}/raters.parquet"].write(tables.raters_table(market.raters, ids))
        for block in market.blocks():
            _write_block(files, market, block, ids)
            counted += [block.truth.sum(axis=0), block.applicable.sum(axis=0)]
            labels, done = labels + len(block.verdicts.ad), done + len(block.submitted_at)
            progress.advance(len(block.submitted_at))
    positives, asked = (dict(zip(POLICIES, row, strict=True)) for row in counted.tolist())
    return Written(out, done, len(market.advertisers.key), labels, asked, positives)


_FILES = {
    "ads.parquet": tables.ADS,
    "labels.parquet": tables.LABELS,
    f"{TRUTH_FOLDER}/truth.parquet": tables.TRUTH,
    f"{TRUTH_FOLDER}/handling.parquet": tables.HANDLING,
    f"{TRUTH_FOLDER}/raters.parquet": tables.RATERS,
}


def _check(ads: int, seed: int, each: float, days: int) -> None:
    mistakes = []
    if ads < 1:
        mistakes.append(Mistake("ads", ads, "at least 1"))
    if not 0 <= seed < 2**63:
        mistakes.append(Mistake("seed", seed, "0 or more, below 2**63"))
    if not each >= 1:
        mistakes.append(Mistake("ads per advertiser", each, "1 or more"))
    if not DAYS <= days <= MOST_DAYS:
        mistakes.append(Mistake("days", days, f"{DAYS} to {MOST_DAYS}"))
    if mistakes:
        raise InvalidSettings("cannot simulate this marketplace", mistakes)


def _write_block(files: dict[str, _File], market: Marketplace, block: Block, ids: list[str]) -> None:
    ad_ids = tables.ad_ids(block)
    files["ads.parquet"].write(tables.ads_table(market, block))
    files["labels.parquet"].write(tables.labels_table(block, ad_ids, ids))
    files[f"{TRUTH_FOLDER}/truth.parquet"].write(tables.truth_table(market, block, ad_ids))
    files[f"{TRUTH_FOLDER}/handling.parquet"].write(tables.handling_table(block, ad_ids, ids))


class _File:
    """A Parquet file; collects rows into row groups of one size."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(
            path, schema, version="2.6", compression="zstd", compression_level=3, use_dictionary=True, data_page_size=1 << 20
        )
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def __enter__(self) -> _File:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._writer.close()

    def write(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._rows += table.num_rows
        if self._rows >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks(), row_group_size=ROW_GROUP)
        self._waiting, self._rows = [], 0
