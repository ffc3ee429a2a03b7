"""How often alarms ring falsely in a year of a whole platform, and how soon they ring when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.monitoring.streams import YEAR, Risks, Volume, audits, found_of, off_by
from adverdict.benchmarks.truth.revocation import quantile, share
from adverdict.decisions.policy import Severity
from adverdict.domain.progress import Progress
from adverdict.monitoring import calibration, leakage
from adverdict.monitoring.budget import Cell, Watched, alarms_a_year
from adverdict.monitoring.calibration import Tolerated, tolerated

MARKETS = 10
POLICIES = 8
BUDGET = 1.0
"""False alarms a market-year, over all policies and kinds."""
LIMIT, WRONGFUL_LIMIT = 0.02, 0.1
AUDITS, REJECTIONS, LABELS = 15.0, 4.0, 100
"""Audits of approvals a day, of rejections a day, and labels near the thresholds a week, of a policy over all markets."""
CHANGE = 70
SHIFT = 0.7
"""Log-odds by which risks are off after the change."""
WITHIN = 400
"""Labels."""

SIDES = {Watched.LEAKAGE: (LIMIT, AUDITS), Watched.WRONGFUL: (WRONGFUL_LIMIT, REJECTIONS)}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Platform:
    """What is watched, and at which evidence each rings: each policy's certificate serves all markets."""

    within: Tolerated
    zone: Floats
    """Risks near the thresholds, to draw labels from."""
    levels: dict[Watched, float]

    @classmethod
    def made(cls, rng: np.random.Generator) -> Platform:
        markets = tuple(f"market-{i}" for i in range(MARKETS))
        cells = [Cell(kind, f"policy-{i}", Severity.SEVERE, markets) for kind in Watched for i in range(POLICIES)]
        may = {cell.watched: often for cell, often in alarms_a_year(cells, BUDGET * MARKETS).items()}
        risks = Risks()
        risk, _ = risks.draw(40_000, rng)
        within = tolerated(risk, risks.low, risks.high)
        zone = risk[(risk >= risks.low) & (risk < risks.high)]
        week = np.repeat(np.arange(YEAR // 7), LABELS)
        levels = {
            Watched.CALIBRATION: calibration.level_of(rng.choice(zone, len(week)), week, within, YEAR // 7, may[Watched.CALIBRATION], rng)
        }
        for kind, (limit, mean) in SIDES.items():
            stream = audits(Volume.year(mean, rng), np.full(YEAR, limit), rng).firsts()
            by_day = np.bincount(stream.day, minlength=YEAR)
            levels[kind] = leakage.level_of(by_day, found_of(limit), may[kind], rng)
        return cls(within, zone, levels)


def alarms(years: int, runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """False alarms over ``years`` of the platform, and after ``runs`` changes of each kind what it took to see them."""
    rng = np.random.default_rng([seed, 31])
    platform = Platform.made(rng)
    progress.stage("years without a change", years)
    false = {str(kind): 0 for kind in Watched}
    for _ in range(years):
        for kind, count in _year(platform, rng).items():
            false[kind] += count
        progress.advance()
    progress.stage("changes", 4 * runs)
    units = {times: _delays(platform, times, runs, rng, progress) for times in (3.0, 5.0)}
    seen = [_seen(platform, shift, rng, progress) for shift in (SHIFT, -SHIFT) for _ in range(runs)]
    told = [one for one in seen if one is not None]
    total, market_years = sum(false.values()), years * MARKETS
    return {
        "budget": BUDGET,
        "false_alarms_per_market_year": total / market_years,
        "false_alarms": false,
        "market_years": market_years,
        "median_units_x3": units[3.0]["median"],
        "median_units_x5": units[5.0]["median"],
        "units": {f"x{times:g}": found for times, found in units.items()},
        "calibration_seen": sum(told) / len(told),
        "calibration": share(sum(told), len(told)),
        "tolerated_log_odds": platform.within.log_odds,
        "levels": {str(kind): level for kind, level in platform.levels.items()},
    }


def _year(platform: Platform, rng: np.random.Generator) -> dict[str, int]:
    """Alarms of a year in which nothing exceeds what is promised: rates between a third of the limit and all of it."""
    found = dict.fromkeys(map(str, Watched), 0)
    for kind, (limit, mean) in SIDES.items():
        for _ in range(POLICIES):
            rate = np.full(YEAR, limit * rng.uniform(1 / 3, 1))
            stream = audits(Volume.year(mean, rng), rate, rng).firsts()
            found[kind] += rings(lambda start, s=stream, limit=limit: _evidence(s, limit, start), platform.levels[kind], YEAR)  # type: ignore[misc]
    weeks = YEAR // 7
    for _ in range(POLICIES):
        week = np.repeat(np.arange(weeks), rng.poisson(Volume.year(LABELS / 7, rng).a_day.reshape(weeks, 7).sum(axis=1)))
        risk = rng.choice(platform.zone, len(week))
        violates = off_by(risk, rng.uniform(-1, 1) * platform.within.log_odds, rng)

        def since(start: int, risk: Floats = risk, violates: Any = violates, week: Any = week) -> Floats:
            later = week >= start
            return calibration.evidence(risk[later], violates[later], week[later] - start, platform.within, weeks - start)

        found[Watched.CALIBRATION] += rings(since, platform.levels[Watched.CALIBRATION], weeks)
    return found


def rings(since: Callable[[int], Floats], level: float, end: int) -> int:
    """Alarms of a detector that begins anew after each: ``since(start)`` is its evidence from then on."""
    count = start = 0
    while start < end:
        over = np.flatnonzero(since(start) >= level)
        if not over.size:
            break
        count, start = count + 1, start + int(over[0]) + 1
    return count


def _evidence(stream: leakage.SettledAudits, limit: float, start: int) -> Floats:
    later = stream.day >= start
    return leakage.evidence(
        leakage.SettledAudits(stream.day[later] - start, stream.advertiser[later], stream.error[later]), found_of(limit), YEAR - start
    )


def _delays(platform: Platform, times: float, runs: int, rng: np.random.Generator, progress: Progress) -> dict[str, Any]:
    """First audits of advertisers from the change to the alarm; before it half the limit are errors, after it ``times`` the limit."""
    units = []
    for _ in range(runs):
        rate = np.where(np.arange(YEAR) < CHANGE, 0.5, times) * LIMIT
        stream = audits(Volume.year(AUDITS, rng), rate, rng).firsts()
        over = np.flatnonzero(leakage.evidence(stream, found_of(LIMIT), YEAR) >= platform.levels[Watched.LEAKAGE])
        first = int(over[0]) if over.size else None
        progress.advance()
        if first is None:
            units.append(np.inf)
        elif first >= CHANGE:
            units.append(float(((stream.day >= CHANGE) & (stream.day <= first)).sum()))
    (median, ends), (p90, _) = quantile(units, 0.5), quantile(units, 0.9)
    return {"median": median, "median_interval": ends, "p90": p90, "runs": len(units)}


def _seen(platform: Platform, shift: float, rng: np.random.Generator, progress: Progress) -> bool | None:
    """Whether risks that are off from the fifth week on are noticed within ``WITHIN`` labels; None: it rang before."""
    weeks, change = 20, 4
    week = np.repeat(np.arange(weeks), LABELS)
    risk = rng.choice(platform.zone, len(week))
    violates = off_by(risk, np.where(week >= change, shift, 0.0), rng)
    over = np.flatnonzero(calibration.evidence(risk, violates, week, platform.within, weeks) >= platform.levels[Watched.CALIBRATION])
    progress.advance()
    if over.size and over[0] < change:
        return None
    return bool(over.size) and (int(over[0]) - change + 1) * LABELS <= WITHIN
