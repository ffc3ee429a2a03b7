"""Whether the drift that is named is the one there is, by the size of the window."""

from __future__ import annotations

from typing import Any

import numpy as np

from adverdict.benchmarks.monitoring.streams import Risks
from adverdict.benchmarks.truth.revocation import share
from adverdict.domain.progress import Progress
from adverdict.models.calibration import logit
from adverdict.monitoring.attribution import Drift, Stretch, attribute

REFERENCE = 40_000
AUDIT_SHARE = 0.05
WINDOWS = (2_000, 8_000, 40_000)
"""Advertisers of a window; the last has more than ``ENOUGH`` labels."""
ENOUGH = 5_000
RISKS = Risks()
TILT = 0.5
"""Standard deviations of log-odds by which other ads come."""

TRUTHS: dict[str, Drift] = {
    "nothing": Drift.NONE,
    "riskier ads": Drift.COVARIATE,
    "odds of a violation doubled": Drift.PRIOR,
    "odds of a violation halved": Drift.PRIOR,
    "half of the violating ads look harmless": Drift.CONCEPT,
    "a third of a band of risks now violates": Drift.CONCEPT,
    "2 % of harmless-looking ads now violate": Drift.CONCEPT,
    "5 % of harmless-looking ads now violate": Drift.CONCEPT,
}


def drifts(runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """``runs`` of each truth and window. Headline figures are of windows with at least ``ENOUGH`` labels; ``attribution_wrong`` of all."""
    rng = np.random.default_rng([seed, 32])
    progress.stage("drifts", len(WINDOWS) * len(TRUTHS) * runs)
    rows = []
    for n in WINDOWS:
        for name, truth in TRUTHS.items():
            answers, labels = [], []
            for _ in range(runs):
                found = attribute(stretch(REFERENCE, "nothing", rng), stretch(n, name, rng), RISKS.low)
                answers.append(found.drift)
                labels.append(found.labels[1])
                progress.advance()
            rows.append(_row(n, name, truth, answers, float(np.mean(labels))))
    large = [row for row in rows if row["advertisers"] == WINDOWS[-1]]
    answered = sum(row["answered"] for row in large)
    wrong = [row["wrong"] / runs for row in rows]
    nothing = sum(row["changed"] for row in rows if row["truth"] == "nothing")
    return {
        "attribution_right": sum(row["right"] for row in large) / max(answered, 1),
        "attribution_answers": answered / (runs * len(large)),
        "attribution_wrong": float(np.mean(wrong)),
        "attribution_wrong_worst": max(wrong),
        "nothing_called_a_change": share(nothing, runs * len(WINDOWS)),
        "drifts": rows,
    }


def _row(n: int, name: str, truth: Drift, answers: list[Drift], labels: float) -> dict[str, Any]:
    told = [one for one in answers if one is not Drift.UNKNOWN]
    return {
        "advertisers": n,
        "labels": labels,
        "truth": name,
        "runs": len(answers),
        "answered": len(told),
        "right": sum(one is truth for one in told),
        "wrong": sum(one is not truth for one in told),
        "changed": sum(one is not Drift.NONE for one in told),
    }


def stretch(n: int, name: str, rng: np.random.Generator) -> Stretch:
    odds = {"odds of a violation doubled": 2.0, "odds of a violation halved": 0.5}.get(name, 1.0)
    risk, truth = RISKS.draw(n, rng, odds=odds, hidden=0.5 if name.startswith("half of") else 0.0)
    if name == "riskier ads":
        at = logit(np.clip(risk, 1e-9, 1 - 1e-9))
        weight = np.exp(TILT * (at - at.mean()) / at.std())
        chosen = rng.choice(n, n, p=weight / weight.sum())
        risk = risk[chosen]
        truth = rng.random(n) < risk
    elif name.startswith("a third"):
        truth |= (risk > 0.1) & (risk < 0.3) & (rng.random(n) < 1 / 3)
    elif name.endswith("now violate"):
        truth |= (risk < RISKS.low) & (rng.random(n) < float(name.split(" ", 1)[0]) / 100)
    return Stretch(risk, np.where(RISKS.read(risk, AUDIT_SHARE, rng), truth, np.nan))
