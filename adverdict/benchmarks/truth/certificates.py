"""Does the guarantee hold: over many deployments, how often do certified thresholds truly exceed their targets, and what do they decide.

populations (scored ads, truth) -> trials (their strata) -> deployments (labels drawn by advertiser, thresholds, the truth) -> figures
"""

from __future__ import annotations

import os
import platform
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from adverdict.benchmarks.truth.comparators import OURS, TOGETHER, TRUSTING, certified, others, ours
from adverdict.benchmarks.truth.deployments import Floats, Tally, Trial, deploy, halves
from adverdict.benchmarks.truth.populations import Population, of_pack, simulated, trials
from adverdict.certification.statistics.bounds import Sizes
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.decisions.policy import Targets
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress
from adverdict.training.fit.everything import FitSettings

SIMULATED_TARGETS = (Targets(0.02, 0.10, 0.95), Targets(0.05, 0.20, 0.95))
PACK_TARGETS = (Targets(0.05, 0.20, 0.95), Targets(0.10, 0.30, 0.95))
"""Whoever knew every ad's truth could decide about half of all ads, or more, within them."""
VARIANTS = (TRUSTING, TOGETHER)
SPLITS = 200
"""Halvings for the second look: a mean of rates, which takes fewer than a frequency."""
FEWEST = 500
"""Deployments below which a guarantee that is broken a little could not be told from one that holds."""
REFUTED = 0.01
"""A stratum counts as rejected when a guarantee that holds would be exceeded this often with at most this probability."""
ADS, QUICK_ADS = 30_000, 15_000
QUICK_POLICIES = ("deceptive", "gambling", "kids_unsuitable", "political_issue")


@dataclass(frozen=True)
class CertificatesPlan:
    """What to run. ``packs`` come on top of the simulated marketplace; ``quick`` makes that one smaller, with four policies, and leaves the
    variants of our own thresholds out."""

    packs: Sequence[Path]
    settings: FitSettings
    deployments: int = FEWEST
    quick: bool = False
    workers: int = 2


def run(plan: CertificatesPlan, progress: Progress) -> dict[str, Any]:
    """Figures of every stratum and method, ready for JSON; see docs/results.md. Raises InvalidSettings for too few deployments."""
    if plan.deployments < FEWEST:
        raise InvalidSettings("too few to tell", [Mistake("--deployments", plan.deployments, f"at least {FEWEST}")])
    began = time.monotonic()
    asked = [trial for population, sets in _populations(plan, progress) for targets in sets for trial in trials(population, targets)]
    detail = judged(asked, plan, progress)
    return {**figures(detail), "deployments": plan.deployments, "missing": others()[1], "machine": _machine(time.monotonic() - began)}


def judged(asked: Sequence[Trial], plan: CertificatesPlan, progress: Progress) -> list[dict[str, Any]]:
    """One entry a trial, in their order."""
    progress.stage("deployments", len(asked))
    work = partial(_judge, deployments=plan.deployments, seed=plan.settings.seed, variants=not plan.quick)
    found: list[dict[str, Any]] = []
    for entry in _each(work, asked, plan.workers):
        found.append(entry)
        progress.advance()
    return found


def figures(detail: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same of all strata together, by method and by population."""
    populations = dict.fromkeys(entry["population"] for entry in detail)
    names = list(dict.fromkeys(name for entry in detail for name in entry["methods"]))
    return {
        **_summary(detail, OURS),
        "variants": {name: _summary(detail, name) for name in names if name in VARIANTS},
        "comparators": {name: _summary(detail, name) for name in names if name not in (OURS, *VARIANTS)},
        "populations": {
            name: {method: _summary([one for one in detail if one["population"] == name], method) for method in names}
            for name in populations
        },
        "detail": list(detail),
    }


def _populations(plan: CertificatesPlan, progress: Progress) -> Iterator[tuple[Population, tuple[Targets, ...]]]:
    ads, policies = (QUICK_ADS, QUICK_POLICIES) if plan.quick else (ADS, ())
    yield simulated(ads, plan.settings, progress, policies), SIMULATED_TARGETS
    for folder in plan.packs:
        yield of_pack(folder, plan.settings, progress), PACK_TARGETS


def _each(work: Any, asked: Sequence[Trial], workers: int) -> Iterator[dict[str, Any]]:
    if workers == 1:
        yield from map(work, asked)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:  # a fork would copy the trainers' threads in mid-step
        yield from pool.map(work, asked)


def _judge(trial: Trial, deployments: int, seed: int, variants: bool) -> dict[str, Any]:
    """``seed`` and the stratum's name settle what is drawn; the same deployments serve every method."""
    stratum, targets = trial.stratum, trial.targets
    name = f"{trial.population} {stratum.policy} {'+'.join(stratum.sources)} {targets.max_leakage}"
    mixed = zlib.crc32(name.encode()) + seed
    perfect = trial.traffic.outcome(trial.traffic.oracle(targets, stratum.rejects)).auto_rate
    own = ours(trial) if variants else {OURS: certified}
    tallies = deploy(trial, {**own, **others()[0]}, deployments, mixed)
    if variants:
        tallies = {name: tallies.get(name, tallies[OURS]) for name in (OURS, *VARIANTS, *tallies)}  # one left out would not have differed
    sizes = Sizes.of(np.unique(trial.labelled.group, return_inverse=True)[1])
    return {
        "population": trial.population,
        "policy": stratum.policy,
        "markets": list(stratum.sources),
        "strength": str(stratum.strength),
        "targets": {
            "max_leakage": targets.max_leakage,
            "max_wrongful_reject": targets.max_wrongful_reject,
            "confidence": targets.confidence,
        },
        "family": len(stratum.family),
        "labelled": sizes.ads,
        "advertisers": sizes.groups,
        "draws": round(sizes.draws, 1),
        "traffic": len(trial.traffic.risk),
        "violating": float(trial.traffic.violating.mean()),
        "oracle": perfect,
        "methods": {method: _row(tally, 1.0 - targets.confidence, perfect) for method, tally in tallies.items()},
        "second_look": _second_look(halves(trial, certified, SPLITS, mixed)),
    }


def _row(tally: Tally, allowed: float, perfect: float) -> dict[str, Any]:
    count, n = int(tally.exceeded.sum()), len(tally.exceeded)
    test = stats.binomtest(count, n, allowed, alternative="greater")
    auto = float(tally.auto_rate.mean())
    return {
        "exceeded": count,
        "exceeded_share": count / n,
        "exceeded_interval": list(clopper_pearson(count, n)),
        "p": float(test.pvalue),
        "rejected": bool(test.pvalue < REFUTED),
        "auto_rate": auto,
        "auto_rate_vs_oracle": auto / perfect if perfect else None,
        "leakage": _mean(tally.leakage),
        "wrongful": _mean(tally.wrongful),
    }


def _second_look(tally: Tally) -> dict[str, Any]:
    """Rates on the half that was not solved on. That half is a sample too: shares above target are those of two noises, not of one."""
    return {
        "leakage": _mean(tally.leakage),
        "wrongful": _mean(tally.wrongful),
        "above_target_share": float(tally.exceeded.mean()),
        "auto_rate": float(tally.auto_rate.mean()),
    }


def _summary(detail: Sequence[Mapping[str, Any]], method: str) -> dict[str, Any]:
    rows = [entry["methods"][method] for entry in detail]
    ratios = [row["auto_rate_vs_oracle"] for row in rows if row["auto_rate_vs_oracle"] is not None]
    return {
        "strata": len(rows),
        "strata_rejected": sum(row["rejected"] for row in rows),
        "auto_rate": float(np.mean([row["auto_rate"] for row in rows])) if rows else None,
        "auto_rate_vs_oracle": float(np.mean(ratios)) if ratios else None,
        "strata_deciding": sum(row["auto_rate"] > 0 for row in rows),
        "exceeded_most": max((row["exceeded_share"] for row in rows), default=None),
    }


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _machine(seconds: float) -> dict[str, Any]:
    return {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version(), "seconds": round(seconds)}
