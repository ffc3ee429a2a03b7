"""Simulated reviewers read a planned sample: three of them each ad, as a sample that certifies is read with more care than traffic."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from adverdict.storage.whole import replacing

READERS = 3
"""Of each ad: two of three settle it, so that one reader's slip hardly ever counts."""
UNCLEAR = 1.6
"""Times as many slips where the ad leaves room for doubt, and off the policy's subject a twentieth (``simulation.raters``)."""
OFF_SUBJECT = 0.05
_TRUTH = ("ad_id", "policy", "violates", "subject", "stance")


@dataclass(frozen=True, slots=True)
class Asked:
    """One ad to be read under one policy, and how it was drawn; both go into its labels."""

    ad_id: str
    policy: str
    design: str
    inclusion_probability: float


def read_sample(marketplace: Path, asked: Sequence[Asked], out: Path, seed: int) -> int:
    """Write ``out``: the marketplace's ads, and the readers' labels of the sample alone; how many labels.

    Ads to which a policy does not apply are not read under it. The same arguments write the same labels.
    """
    rng = np.random.default_rng([seed, 11])
    wanted = pl.DataFrame([(one.ad_id, one.policy, one.design, one.inclusion_probability) for one in asked], schema=_COLUMNS, orient="row")
    truth = pl.read_parquet(marketplace / "truth" / "truth.parquet", columns=list(_TRUTH))
    submitted = pl.read_parquet(marketplace / "ads.parquet", columns=["ad_id", "submitted_at"])
    known = wanted.unique(["ad_id", "policy"], keep="first", maintain_order=True)
    known = known.join(truth, on=["ad_id", "policy"], how="inner", maintain_order="left").join(submitted, on="ad_id", maintain_order="left")
    raters = pl.read_parquet(marketplace / "truth" / "raters.parquet")
    labels = pl.concat([_reading(known, raters, turn, rng) for turn in range(READERS)])
    with replacing(out / "labels.parquet") as path:
        labels.write_parquet(path)
    with replacing(out / "ads.parquet") as path:
        shutil.copyfile(marketplace / "ads.parquet", path)
    return len(labels)


_COLUMNS = {"ad_id": pl.String, "policy": pl.String, "design": pl.String, "inclusion_probability": pl.Float64}


def _reading(known: pl.DataFrame, raters: pl.DataFrame, turn: int, rng: np.random.Generator) -> pl.DataFrame:
    """One reader's answers to everything that was asked; no reader twice about the same ad."""
    share = len(raters) // READERS
    who = raters[turn * share + rng.integers(0, share, len(known))]
    violates = known["violates"].to_numpy()
    on_subject = (known["subject"] == known["policy"]).fill_null(value=False).to_numpy()
    unclear = on_subject & (known["stance"] == "unclear").fill_null(value=False).to_numpy()
    missed = 1.0 - who["sensitivity"].to_numpy()
    alarmed = (1.0 - who["specificity"].to_numpy()) * np.where(on_subject, 1.0, OFF_SUBJECT)
    slips = np.where(violates, missed, alarmed) * np.where(unclear, UNCLEAR, 1.0)
    said = violates ^ (rng.random(len(known)) < slips)
    return known.select(
        "ad_id",
        "policy",
        pl.Series("violates", said),
        pl.Series("rater_id", who["rater_id"]),
        pl.lit("review").alias("source"),
        (pl.col("submitted_at") + pl.duration(days=turn + 1)).alias("labelled_at"),
        "design",
        "inclusion_probability",
    )
