"""How solving grows: 50 policies in 60 markets on ever more scored ads, every one labelled; synthetic risks, as only their number matters.

Each size runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import numpy as np
from scipy import stats

from adverdict.certification.certificate import Design
from adverdict.certification.thresholds.issue import Origin
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import GRID
from adverdict.certification.thresholds.solve import Terms, answers, issue
from adverdict.certification.thresholds.strata import Stratum
from adverdict.decisions.files.countries import COUNTRIES
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Severity, Stance, Targets, Thresholds, WhenDegraded
from adverdict.domain.progress import Progress

POLICIES, MARKETS = 50, 60
ADS_EACH = 14
"""Ads an advertiser has on average."""
USUAL, ADVERTISERS, ADS = -4.0, 1.5, 1.0
"""Log-odds of violating: their middle, and how far advertisers and the ads of one differ (standard deviations)."""
TARGETS = Targets(0.05, 0.25, 0.95)
SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (3_000, 10_000, 30_000)
MIB = 1024.0 if sys.platform != "darwin" else 1024.0**2
"""What ``ru_maxrss`` counts in: KiB, and on macOS bytes."""

Entry = dict[str, Any]


@dataclass(frozen=True)
class ScaleBenchmark:
    """``quick``: up to 30,000 ads instead of a million."""

    quick: bool = False
    seed: int = 0
    policies: int = POLICIES
    markets: int = MARKETS


def run(job: ScaleBenchmark, progress: Progress) -> Entry:
    """Figures of every size, with curves and without at the middle one, and a plain loop over the same thresholds there."""
    sizes = QUICK_SIZES if job.quick else SIZES
    middle = sizes[len(sizes) // 2]
    progress.stage("solving", len(sizes) + 2)
    found = []
    for ads in sizes:
        found.append(_apart(measure, ads, job, False))
        progress.advance()
    curves = _apart(measure, middle, job, True)
    progress.advance()
    beside = _apart(compare, middle, job)
    progress.advance()
    return {
        "synthetic": True,
        "policies": job.policies,
        "markets": job.markets,
        "sizes": found,
        "exponent": exponent([one["ads"] for one in found], [one["cpu_seconds"] for one in found]),
        "last_exponent": exponent([one["ads"] for one in found[-2:]], [one["cpu_seconds"] for one in found[-2:]]),
        "with_curves": curves,
        "plain_loop": beside,
    }


def measure(ads: int, job: ScaleBenchmark, curves: bool) -> Entry:
    """Seconds of each step, and the peak of this process's memory; ``data_mib`` is the peak before solving."""
    scored, asked = synthetic(ads, job), book(job)
    before, start, cpu = _peak(), time.perf_counter(), time.process_time()
    aimed, found = answers(scored, asked, Terms())
    answered = time.perf_counter()
    design = Design(samples=(), announced=None, labelled=len(scored), looked_again=False)
    origin = Origin("synthetic", asked.hash, ("synthetic",), datetime.now(UTC), design)
    solution = issue(scored, asked, found, [one.thresholds for one in found], origin, aimed, curves=curves)
    end = time.perf_counter()
    return {
        "ads": ads,
        "labels": int((~np.isnan(scored.verdict)).sum()),
        "strata": len(found),
        "deciding": sum(one.approve_below > 0 or one.reject_at < 1 for one in solution.certificates),
        "seconds": end - start,
        "cpu_seconds": time.process_time() - cpu,
        "seconds_answers": answered - start,
        "seconds_certificates": end - answered,
        "peak_mib": _peak(),
        "data_mib": before,
        "curves": curves,
    }


def compare(ads: int, job: ScaleBenchmark) -> Entry:
    """The same thresholds tested by what one would write first: a loop over all of them, with scipy's binomial test for each.

    It takes every ad as independent and divides the chance of error over the grid, so what it finds is not what is certified; it asks no
    market whether it is served, and issues no certificate.
    """
    scored, asked = synthetic(ads, job), book(job)
    start = time.process_time()
    _, found = answers(scored, asked, Terms())
    ours = time.process_time() - start
    start = time.process_time()
    for one in found:
        plain_loop(scored, one.stratum)
    plain = time.process_time() - start
    return {"ads": ads, "strata": len(found), "cpu_seconds": plain, "cpu_seconds_answers": ours, "ratio": plain / ours}


def plain_loop(scored: ScoredAds, stratum: Stratum) -> Thresholds:
    """The boldest thresholds of the grid that a binomial test passes, each side by itself."""
    ads, level = scored.labelled(stratum.policy, stratum.rows), stratum.level / len(GRID)
    below, at = 0.0, 1.0
    for threshold in GRID:
        decided = ads.risk < threshold
        if _passes(int(ads.violating[decided].sum()), int(decided.sum()), stratum.targets.max_leakage, level):
            below = float(threshold)
    for threshold in GRID[::-1]:
        decided = ads.risk >= threshold
        if _passes(int((~ads.violating[decided]).sum()), int(decided.sum()), stratum.targets.max_wrongful_reject, level):
            at = float(threshold)
    return Thresholds(min(below, at), at)


def synthetic(ads: int, job: ScaleBenchmark) -> ScoredAds:
    """Ads of advertisers at home in one market each, calibrated by construction: an ad violates with the probability its risk says."""
    rng = np.random.default_rng(job.seed)
    advertisers = max(ads // ADS_EACH, 1)
    group = rng.integers(0, advertisers, ads)
    home = rng.integers(0, job.markets, advertisers)
    market = np.array(sorted(COUNTRIES)[: job.markets])[home[group]]
    log_odds = (rng.standard_normal((advertisers, job.policies)) * ADVERTISERS)[group]
    log_odds += rng.standard_normal((ads, job.policies)) * ADS + USUAL
    risk = 1.0 / (1.0 + np.exp(-log_odds))
    verdict = (rng.random((ads, job.policies)) < risk).astype(np.float64)
    return ScoredAds(_names(job), market, np.full(ads, ""), group.astype(np.int64), risk, verdict)


def book(job: ScaleBenchmark) -> PolicyBook:
    """Every policy prohibited everywhere, under the same targets."""
    policies = tuple(
        PolicyInForce(name, name, Severity.SERIOUS, Stance.PROHIBITED, TARGETS, None, WhenDegraded.REVIEW, name) for name in _names(job)
    )
    return PolicyBook(_names(job), {market: MarketRules(policies) for market in sorted(COUNTRIES)[: job.markets]})


def exponent(ads: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of seconds over ads, both in logarithms: 1 where twice the ads take twice as long."""
    return float(np.polyfit(np.log(ads), np.log(seconds), 1)[0])


def _names(job: ScaleBenchmark) -> tuple[str, ...]:
    return tuple(f"policy_{number:02d}" for number in range(job.policies))


def _passes(errors: int, n: int, limit: float, level: float) -> bool:
    return n > 0 and stats.binomtest(errors, n, limit, alternative="less").pvalue <= level


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def _apart(work: Callable[..., Entry], *arguments: Any) -> Entry:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # a fork would start with this process's memory
        return pool.submit(work, *arguments).result()
