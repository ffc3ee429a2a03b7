"""Does the guarantee hold, and what harm do certified thresholds do: over many deployments, where the truth is known.

populations (scored ads, truth) -> trials (their strata) -> deployments (labels drawn by advertiser, thresholds, the truth) -> figures
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from adverdict.benchmarks.shared.machine import machine
from adverdict.benchmarks.truth.borrowed import FEWEST as FEWEST_RUNS
from adverdict.benchmarks.truth.borrowed import RUNS, borrowed
from adverdict.benchmarks.truth.comparators import always, others, variants
from adverdict.benchmarks.truth.deployments import deploy
from adverdict.benchmarks.truth.enough import labels_to_certify
from adverdict.benchmarks.truth.everyday import everyday
from adverdict.benchmarks.truth.figures import headline, row, stratum
from adverdict.benchmarks.truth.looking import BETTING, WAYS, peek
from adverdict.benchmarks.truth.populations import Population, of_pack, of_pack_by_words, simulated, trials
from adverdict.benchmarks.truth.trial import Trial
from adverdict.benchmarks.truth.worlds import impossible
from adverdict.decisions.policy import Severity, Targets
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import SILENT, Progress
from adverdict.training.fit.prepared import FitSettings

SIMULATED_TARGETS = Targets(0.02, 0.10, 0.95)
PACK_TARGETS = Targets(0.05, 0.20, 0.95)
"""Whoever knew every ad's truth could decide about half of all ads, or more, within them."""
FEWEST, QUICK_DEPLOYMENTS = 500, 60
"""Deployments a stratum. Below the first a guarantee that is broken a little could not be told from one that holds."""
ADS, QUICK_ADS = 20_000, 12_000
SEVERITIES = Severity.SERIOUS, Severity.SEVERE
"""A leak counts as 5, and as 20, wrongly rejected ads."""


@dataclass(frozen=True)
class CertificatesPlan:
    """What to run. ``packs`` come on top of the simulated ads. ``quick``: fewer deployments and ads, packs scored by their words alone, and
    without the comparators that take their time."""

    packs: Sequence[Path]
    settings: FitSettings
    deployments: int = FEWEST
    quick: bool = False
    workers: int = 2

    @property
    def each(self) -> int:
        return min(self.deployments, QUICK_DEPLOYMENTS) if self.quick else self.deployments


@dataclass(frozen=True)
class Job:
    """One trial, and by which ways of solving its deployments are also looked at again and again."""

    trial: Trial
    looked_at: Sequence[str] = ()


def run(plan: CertificatesPlan, progress: Progress) -> dict[str, Any]:
    """Figures of every stratum and method, ready for JSON; see docs/results.md. Raises InvalidSettings for too few deployments."""
    if plan.deployments < FEWEST:
        raise InvalidSettings("too few to tell", [Mistake("--deployments", plan.deployments, f"at least {FEWEST}")])
    began, seed = time.monotonic(), plan.settings.seed
    market = simulated(QUICK_ADS if plan.quick else ADS, plan.settings, progress)
    detail = judged(list(_jobs(plan, market, progress)), plan, progress)
    daily = everyday(market, seed)
    enough = labels_to_certify(plan.each, seed, progress)
    lent = borrowed(4 * FEWEST_RUNS if plan.quick else RUNS, seed, progress)
    return {
        **headline(detail),
        **{name: daily[name] for name in ("auto_share_all_ads", "auto_share_of_limits", "harm_per_1000", "fixed_harm_per_1000")},
        "labels_to_certify": enough["most"]["labels"],
        "borrowed_certified": lent["borrowed_certified"],
        "borrowed_coverage": lent["borrowed_coverage"],
        "borrowed_bad_served": lent["bad_served"],
        "quick": plan.quick,
        "deployments": plan.each,
        "everyday": daily,
        "labels": enough,
        "borrowed": lent["markets"],
        "missing": others()[1],
        "machine": machine(),
        "seconds": round(time.monotonic() - began),
        "detail": detail,
    }


def judged(jobs: Sequence[Job], plan: CertificatesPlan, progress: Progress) -> list[dict[str, Any]]:
    """One entry a job, in their order."""
    progress.stage("deployments", len(jobs))
    work = partial(_judge, deployments=plan.each, seed=plan.settings.seed, thorough=not plan.quick)
    found: list[dict[str, Any]] = []
    for entry in _each(work, jobs, plan.workers):
        found.append(entry)
        progress.advance()
    return found


def _jobs(plan: CertificatesPlan, market: Population, progress: Progress) -> Iterator[Job]:
    """Those that may be broken first; then packs, all markets together at both severities and each market alone; then the market."""
    for trial in impossible(plan.settings.seed):
        yield Job(trial, tuple(WAYS))
    ways = (BETTING,) if plan.quick else tuple(WAYS)
    progress.stage("scoring packs", len(plan.packs))
    for pack in _each(partial(_scored, settings=plan.settings, quick=plan.quick), plan.packs, plan.workers if plan.quick else 1):
        progress.advance()
        for severity in SEVERITIES:
            for trial in trials(pack, PACK_TARGETS, severity):
                yield Job(trial, ways if trial.everywhere and severity is SEVERITIES[0] else ())
    for trial in trials(market, SIMULATED_TARGETS, alone=False):
        yield Job(trial)


def _scored(folder: Path, settings: FitSettings, quick: bool) -> Population:
    return (of_pack_by_words if quick else of_pack)(folder, settings, SILENT)


def _each(work: Callable[[Any], Any], jobs: Sequence[Any], workers: int) -> Iterator[Any]:
    if workers == 1:
        yield from map(work, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:  # a fork would copy the trainers' threads in mid-step
        yield from pool.map(work, jobs)


def _judge(job: Job, deployments: int, seed: int, thorough: bool) -> dict[str, Any]:
    """``seed`` and the stratum's name settle what is drawn; the same deployments serve every method."""
    trial = job.trial
    mixed = zlib.crc32(trial.name.encode()) + seed
    methods = {**always(), **(variants(trial) | others()[0] if thorough else {})}
    tallies = deploy(trial, methods, deployments, mixed)
    looks: Mapping[str, int] = peek(trial, deployments, mixed, job.looked_at) if job.looked_at else {}
    return {
        **stratum(trial),
        "methods": {name: row(tally, trial) for name, tally in tallies.items()},
        "looks": {name: {"exceeded": count, "deployments": deployments} for name, count in looks.items()},
    }
