"""A planned sample of a simulated marketplace, read by simulated reviewers."""

from __future__ import annotations

from pathlib import Path

from adverdict.rollout.designs import sample_design
from adverdict.rollout.sample import PlannedSample
from adverdict.simulation.panel import Asked, read_sample


def read_by_reviewers(marketplace: Path, sample: PlannedSample, folder: Path, seed: int) -> int:
    """Write the marketplace's ads and the readers' labels of the sample into ``folder``, for ``certify``; how many labels."""
    plan = sample.plan
    asked = [
        Asked(sample.ads[one.row].ad_id, one.policy, sample_design(sample.name, plan.random, one.part), one.inclusion)
        for one in plan.to_label
    ]
    return read_sample(marketplace, asked, folder, seed)
