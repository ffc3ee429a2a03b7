"""One trained model through marketplaces it has not seen, each as the quickstart goes on after training.

simulate -> plan a thin sample -> simulated reviewers read it -> certify: which policies come out certified, and how much is decided
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import Severity
from adverdict.domain.progress import Progress, Silent
from adverdict.domain.settings import Settings
from adverdict.models.opening import find_model
from adverdict.rollout.certify import SolveJob, certified_policies, solve_thresholds
from adverdict.rollout.sample import SampleJob, plan_labels
from adverdict.rollout.simulated import read_by_reviewers
from adverdict.simulation import write_marketplace

FIRST_SEED = 1000
"""Of the marketplaces: none that a model here is trained on."""
ADS = 5_000
"""As many as the quickstart certifies on: half of its ten thousand."""
ADS_PER_ADVERTISER = 1.5
"""As in the quickstart."""
TOGETHER = (Severity.SERIOUS, Severity.SEVERE)
"""Zero tolerance asks for more than the labels of one sample can show."""


def quickstarts(settings: Settings, seeds: int, progress: Progress, ads: int = ADS) -> dict[str, Any]:
    """``{"seeds", "ads", "policies": {POLICY: {"severity", "certified", "share", "interval"}}, "together", "auto_share",
    "auto_share_range", "auto_share_of_limits"}``.

    ``together`` are the seeds in which all serious and severe policies are certified. ``auto_share_of_limits`` is what the limits on single
    ads would leave to be decided, were everything below them certified: no certificate can exceed it with this model.
    """
    settings = settings.model_copy(update={"model": str(find_model(settings.model, settings).folder), "certificates": None})
    progress.stage("marketplaces", seeds)
    found, decided, allowed = [], [], []
    for turn in range(seeds):
        certified, share, most = _one(settings, FIRST_SEED + turn, ads)
        found.append(certified)
        decided.append(share)
        allowed.append(most)
        progress.advance()
    severity = _severities(settings)
    together = [policy for policy in found[0] if severity[policy] in TOGETHER]
    everything = sum(all(one[policy] for policy in together) for one in found)
    return {
        "seeds": seeds,
        "ads": ads,
        "policies": {
            policy: {"severity": str(severity[policy]), **_share(sum(one[policy] for one in found), seeds)} for policy in found[0]
        },
        "together": _share(everything, seeds),
        "auto_share": float(np.mean(decided)),
        "auto_share_range": [float(end) for end in np.quantile(decided, [0.05, 0.95])],
        "auto_share_of_limits": float(np.mean(allowed)),
    }


def _share(k: int, n: int) -> dict[str, Any]:
    return {"certified": k, "share": k / n, "interval": list(clopper_pearson(k, n))}


def _one(settings: Settings, seed: int, ads: int) -> tuple[dict[str, bool], float, float]:
    """Which policies are certified, the share of ads decided without a person, and the share that the limits on single ads permit."""
    with tempfile.TemporaryDirectory(prefix="adverdict-quickstart-") as work:
        home = Path(work)
        marketplace, labelled = home / "marketplace", home / "sample"
        write_marketplace(marketplace, ads, seed, Silent(), ADS_PER_ADVERTISER)
        here = settings.model_copy(update={"home": home})  # nobody has looked at these ads before
        read_by_reviewers(marketplace, plan_labels(SampleJob([marketplace], here), Silent()), labelled, seed)
        sample, solution, _ = solve_thresholds(SolveJob([labelled], here), Silent())
        most = 1.0 - solution.priced.reviews_needed / len(sample.scored)
        return certified_policies(solution.certificates), 1.0 - solution.people, most


def _severities(settings: Settings) -> dict[str, Severity]:
    """The gravest that any market has, by policy."""
    found: dict[str, Severity] = {}
    order = list(Severity)
    for _, _, policy in read_policies(settings.policies).every():
        known = found.get(policy.name, policy.severity)
        found[policy.name] = min(known, policy.severity, key=order.index)
    return found
