"""Does the audit stream's interval hold: how often it covers the true share, with reviewers who err and truth that is known.

decisions on record (truth by base rate) -> audits drawn with the recorded probability -> readings by random reviewers of the simulated
marketplace, each with rates of their own -> golden readings -> ``review.quality.prevalence.audit`` -> is the truth in the interval
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress
from adverdict.domain.verdict import Verdict
from adverdict.review.quality.audit_design import AuditDesign
from adverdict.review.quality.estimates import clopper_pearson
from adverdict.review.quality.prevalence import Audit, AuditShare, AuditStratum, GoldenReadings, audit
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.simulation.mix import Bools, Ints
from adverdict.simulation.raters import RATERS, Raters, hire

RUNS, QUICK_RUNS = 500, 60
DESIGN = AuditDesign(again_otherwise=ReviewSettings().double_share)
"""As ``review.cases.settling`` opens further readings: always when the first one contradicts the verdict, else for a random share."""
GOLDEN = 600
"""Golden readings, all reviewers together; half of the tasks violate."""


@dataclass(frozen=True)
class Setting:
    """A share of violating ads among the approved, and how many decisions there are and are audited."""

    base_rate: float
    approved: int
    inclusion: float
    careful: float = 0.2
    """Share of the approvals that is under a policy audited three times as often."""
    rejected: int = 6000
    rejected_inclusion: float = 0.1
    rejected_right: float = 0.9
    """Share of the rejected that violates."""


SETTINGS = (Setting(0.1, 60_000, 0.025), Setting(0.01, 300_000, 0.025), Setting(0.001, 1_500_000, 0.025))
"""About 2 100, 10 500 and 52 500 audited approvals, some 210, 105 and 52 of them violating. With fewer, intervals jump with every ad."""

ASKED = ("leakage", "wrongful_rejection", "prevalence")


@dataclass
class _Tally:
    """One share over the runs."""

    covered: int = 0
    runs: int = 0
    width: float = 0.0
    bias: float = 0.0
    truth: float = 0.0
    below: int = 0
    """Intervals that end under the truth."""

    def add(self, found: AuditShare, truth: float) -> None:
        self.runs += 1
        self.covered += found.low <= truth <= found.high
        self.below += found.high < truth
        self.width += found.high - found.low
        self.bias += found.value - truth
        self.truth += truth

    def figures(self) -> dict[str, Any]:
        share = clopper_pearson(self.covered, self.runs)
        return {
            "runs": self.runs,
            "covered": self.covered,
            "share": share.value,
            "interval": [share.low, share.high],
            "too_low": self.below,
            "too_high": self.runs - self.covered - self.below,
            "mean_truth": self.truth / self.runs,
            "mean_width": self.width / self.runs,
            "mean_bias": self.bias / self.runs,
        }


def audit_stream(runs: int, seed: int, progress: Progress, settings: Sequence[Setting] = SETTINGS) -> dict[str, Any]:
    """Coverage of leakage, wrongful rejection and prevalence by base rate, ready for JSON. About 60 ms a run and base rate.

    ``mean_bias`` is estimate minus truth. Raises InvalidSettings for fewer than one run.
    """
    if runs < 1:
        raise InvalidSettings("nothing to run", [Mistake("--runs", runs, "at least 1")])
    began = time.monotonic()
    found = []
    for number, setting in enumerate(settings):
        progress.stage(f"base rate {setting.base_rate:g}", runs)
        found.append(_repeated(setting, np.random.default_rng([seed, number]), hire(seed), runs, progress))
    return {
        "runs": runs,
        "design": {
            "again_if_violating": DESIGN.again_if_violating,
            "again_otherwise": DESIGN.again_otherwise,
            "further_readings": DESIGN.further,
            "golden_readings": GOLDEN,
            "reviewers": RATERS,
        },
        "base_rates": found,
        "seconds": round(time.monotonic() - began, 1),
    }


def _repeated(setting: Setting, rng: np.random.Generator, raters: Raters, runs: int, progress: Progress) -> dict[str, Any]:
    tallies = {name: _Tally() for name in ASKED}
    audits = readings = 0
    for _ in range(runs):
        strata, truth = _drawn(setting, raters, rng)
        estimates: Audit = audit(strata, _golden(raters, rng))
        for name in ASKED:
            tallies[name].add(getattr(estimates, name), truth[name])
        audits += estimates.prevalence.audited
        readings += sum(n * int(ads) for stratum in strata for (n, _), ads in stratum.patterns.items())
        progress.advance()
    return {
        "base_rate": setting.base_rate,
        "decisions": setting.approved + setting.rejected,
        "mean_audits": audits / runs,
        "mean_readings": readings / runs,
        **{name: tally.figures() for name, tally in tallies.items()},
    }


def _drawn(setting: Setting, raters: Raters, rng: np.random.Generator) -> tuple[list[AuditStratum], dict[str, float]]:
    """Three strata with their audits, and the true shares of the decisions on record."""
    often = round(setting.approved * setting.careful)
    plan = (
        ("approved", Verdict.APPROVE, setting.approved - often, setting.inclusion, setting.base_rate),
        ("approved, audited more", Verdict.APPROVE, often, 3 * setting.inclusion, setting.base_rate),
        ("rejected", Verdict.REJECT, setting.rejected, setting.rejected_inclusion, setting.rejected_right),
    )
    strata, violating = [], []
    for name, verdict, decisions, inclusion, share in plan:
        bad = int(rng.binomial(decisions, share))
        truth = np.repeat([True, False], [rng.binomial(bad, inclusion), rng.binomial(decisions - bad, inclusion)])
        strata.append(AuditStratum(name, verdict, decisions, inclusion, _read(truth, verdict, raters, rng)))
        violating.append(bad)
    return strata, {
        "leakage": sum(violating[:2]) / setting.approved,
        "wrongful_rejection": 1 - violating[2] / setting.rejected,
        "prevalence": sum(violating) / (setting.approved + setting.rejected),
    }


def _read(truth: Bools, verdict: Verdict, raters: Raters, rng: np.random.Generator) -> dict[tuple[int, int], int]:
    """A first reading each, and further ones by ``DESIGN``; no reviewer reads an ad twice."""
    n = len(truth)
    team = np.stack([rng.integers(0, RATERS - turn, n) for turn in range(1 + DESIGN.further)], axis=1)
    for turn in range(1, 1 + DESIGN.further):  # numbers among those who have not read it become reviewers
        for earlier in np.sort(team[:, :turn], axis=1).T:
            team[:, turn] += team[:, turn] >= earlier
    said = _says(raters, team, truth[:, None], rng)
    contradicts = said[:, 0] == (verdict is Verdict.APPROVE)
    again = rng.random(n) < np.where(contradicts, DESIGN.again_if_violating, DESIGN.again_otherwise)
    readings = np.where(again, 1 + DESIGN.further, 1)
    yes = np.where(again, said.sum(axis=1), said[:, 0])
    return dict(Counter(zip(readings.tolist(), yes.tolist(), strict=True)))


def _golden(raters: Raters, rng: np.random.Generator) -> GoldenReadings:
    truth = np.arange(GOLDEN) % 2 == 0
    right = _says(raters, rng.integers(0, RATERS, GOLDEN), truth, rng) == truth
    return GoldenReadings(int(truth.sum()), int(right[truth].sum()), int((~truth).sum()), int(right[~truth].sum()))


def _says(raters: Raters, reviewer: Ints, truth: Bools, rng: np.random.Generator) -> Bools:
    """Whether each reading says violating; shapes as ``reviewer``."""
    chance = np.where(truth, raters.sensitivity[reviewer], 1 - raters.specificity[reviewer])
    return np.asarray(rng.random(reviewer.shape) < chance)
