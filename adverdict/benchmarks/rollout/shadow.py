"""Whether reading where two sets of policies differ tells which does more harm, for candidates that leak a fifth more or less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.domain.progress import Progress
from adverdict.domain.verdict import Verdict
from adverdict.rollout.stages.shadow import MOST, Disagreement, Reading, judged


@dataclass(frozen=True)
class Change:
    """What a candidate does to ads that are approved now, or would be: shares of those, and of each how many violate."""

    name: str
    leakage: float
    further: float
    """Approved only by the candidate."""
    further_violate: float
    fewer: float
    """No longer approved."""
    fewer_violate: float

    @property
    def by(self) -> float:
        """Change of the leaks, over those there are."""
        return (self.further * self.further_violate - self.fewer * self.fewer_violate) / self.leakage


CHANGES = (
    Change("approves 3 % further, 15 % of them violating", 0.02, 0.03, 0.15, 0.0, 0.0),
    Change("approves 10 % further, 6 % of them violating", 0.02, 0.10, 0.06, 0.0, 0.0),
    Change("approves 1 % further, 20 % of them violating", 0.01, 0.01, 0.20, 0.0, 0.0),
    Change("approves 3 % other ads, 25 % violating instead of 10 %", 0.02, 0.03, 0.25, 0.03, 0.10),
    Change("approves 5 % other ads, 13 % violating instead of 4 %", 0.02, 0.05, 0.13, 0.05, 0.04),
)


def verdicts(runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Each change, and its reverse, which is better by as much: how often it is told right within ``MOST`` readings, or wrong."""
    progress.stage("shadows", 2 * len(CHANGES))
    rows: list[dict[str, Any]] = []
    for number, change in enumerate(CHANGES):
        for truth in ("worse", "better"):
            rng = np.random.default_rng([seed, number, truth == "better"])
            said = [judged(_readings(change, truth, rng)).said for _ in range(runs)]
            right, wrong = said.count(truth), sum(one not in (truth, "cannot tell") for one in said)
            rows.append(
                {
                    "change": change.name,
                    "leaks_change_by": change.by if truth == "worse" else -change.by,
                    "truth": truth,
                    "runs": runs,
                    "right": right / runs,
                    "right_interval": list(clopper_pearson(right, runs)),
                    "wrong": wrong / runs,
                    "wrong_interval": list(clopper_pearson(wrong, runs)),
                }
            )
            progress.advance()
    return {
        "shadow": rows,
        "shadow_right": min(row["right"] for row in rows),
        "shadow_wrong": max(row["wrong"] for row in rows),
    }


def _readings(change: Change, truth: str, rng: np.random.Generator) -> list[Reading]:
    """``MOST`` differences, drawn alike, of 3,000 advertisers."""
    further = rng.random(MOST) < change.further / (change.further + change.fewer)
    violates = rng.random(MOST) < np.where(further, change.further_violate, change.fewer_violate)
    approves = further if truth == "worse" else ~further
    found = []
    for number, (approved, violating) in enumerate(zip(approves.tolist(), violates.tolist(), strict=True)):
        before, after = (Verdict.REVIEW, Verdict.APPROVE) if approved else (Verdict.APPROVE, Verdict.REVIEW)
        advertiser = f"adv-{rng.integers(0, 3000)}"
        found.append(Reading(Disagreement(number, f"dec-{number}", advertiser, "SE", before, after, 1.0, True), violating))
    return found
