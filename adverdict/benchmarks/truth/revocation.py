"""Certificates in service: how often audits revoke one that holds, and how soon one that does not, where the truth is known.

ads decided day by day (truth: exactly at the limit, or drifting) -> a random part of them audited -> ``certification.life``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from adverdict.certification.life import Audits, PlannedSample, Terms, life
from adverdict.certification.statistics.bounds import Sizes, fewest_draws
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress
from adverdict.domain.standing import Standing

Ints = NDArray[np.int64]
Counts = tuple[Ints, Ints]
"""Of each day: audits, and violating ads among them."""

FEWEST = 500
"""Runs below which a promise of .05 that is broken a little could not be told from one that holds."""
RUNS, QUICK_RUNS = 2000, FEWEST
SPELL = 90
CHANGE = 20
"""Days of the spell before the drift."""
TIMES = (2.0, 4.0, 8.0)
HEADLINE = 4.0
ADS_OF_ADVERTISER, STAYS, ALIKE = 14, 2.0, 0.8
"""Mean ads of an advertiser, mean days from its first ad to another, and how much two of its ads' truths correlate."""


@dataclass(frozen=True)
class AtTheLimit:
    """A window in which exactly ``limit`` of the ads violate: of every day's, or with ``bursts`` a week's all on its last day."""

    ads: int
    limit: float
    inclusion: float
    bursts: bool = False


@dataclass(frozen=True)
class Drift:
    """Half the limit violates, and from the advertisers that come from ``CHANGE`` on so many times the limit."""

    audits: int
    limit: float
    ads: int = 1000
    """A day."""


AT_THE_LIMIT = (
    AtTheLimit(1000, 0.02, 0.01),
    AtTheLimit(1000, 0.02, 0.05),
    AtTheLimit(1000, 0.02, 0.05, bursts=True),
    AtTheLimit(1000, 0.02, 0.2),
    AtTheLimit(10_000, 0.005, 0.01),
    AtTheLimit(10_000, 0.001, 0.05),
)
DRIFTS = (Drift(50, 0.02), Drift(50, 0.005), Drift(50, 0.001), Drift(100, 0.005), Drift(100, 0.001))
"""The first is the one with a bar."""


def revocation(runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """False revocations by setting, and days to a true one by setting and size of the drift, ready for JSON. About 10 ms a run.

    ``false_revocation`` is the largest share over the settings. Raises InvalidSettings for too few runs to tell.
    """
    if runs < FEWEST:
        raise InvalidSettings("too few to tell", [Mistake("runs", runs, f"at least {FEWEST}")])
    progress.stage("revoked at the limit", runs * len(AT_THE_LIMIT))
    false = [at_the_limit(setting, runs, np.random.default_rng([seed, 1, number]), progress) for number, setting in enumerate(AT_THE_LIMIT)]
    progress.stage("revoked after a drift", runs * len(DRIFTS) * len(TIMES))
    delays = [
        delay(drift, times, runs, np.random.default_rng([seed, 2, number]), progress)
        for number, (drift, times) in enumerate((drift, times) for drift in DRIFTS for times in TIMES)
    ]
    worst = max(false, key=lambda row: row["revoked"]["share"])["revoked"]
    headline = next(
        row for row in delays if (row["limit"], row["audits_a_day"], row["times"]) == (DRIFTS[0].limit, DRIFTS[0].audits, HEADLINE)
    )
    return {
        "false_revocation": worst["share"],
        "false_revocation_interval": worst["interval"],
        "days_to_revoke_4x_p90": headline["p90"],
        "days_to_revoke_4x_p90_interval": headline["p90_interval"],
        "at_the_limit": false,
        "drifts": delays,
    }


def share(count: int, runs: int) -> dict[str, Any]:
    return {"count": count, "runs": runs, "share": count / runs, "interval": list(clopper_pearson(count, runs))}


def quantile(values: Sequence[float], at: float) -> tuple[float | None, list[float | None]]:
    """The ``at`` quantile and its 95 % interval from order statistics (Conover 1999, section 3.2); None for what did not happen."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    low, high = stats.binom.ppf([0.025, 0.975], n, at)
    ranks = np.clip([np.ceil(at * n), low, high + 1], 1, n).astype(int)
    found = [float(value) if np.isfinite(value) else None for value in ordered[ranks - 1]]
    return found[0], found[1:]


def audits_of(counts: Counts, inclusion: float) -> list[Audits]:
    return [Audits(day, int(n), int(k), inclusion=inclusion) for day, (n, k) in enumerate(zip(*counts, strict=True), 1)]


def clustered(rates: Callable[[NDArray[np.float64]], NDArray[np.float64]], drift: Drift, days: int, rng: np.random.Generator) -> Counts:
    """Audits of the ads of advertisers that come, spread theirs over some days and are violating, or not, nearly all together.

    ``rates``: the mean rate of advertisers, from when each came. Only audited ads are drawn: each is with the same small probability.
    """
    lead = 3 * STAYS
    n = int(drift.ads * (days + lead) / ADS_OF_ADVERTISER) + 1
    audited = rng.poisson(drift.audits / drift.ads * rng.geometric(1 / ADS_OF_ADVERTISER, n))
    audited = audited[audited > 0]  # nothing is drawn of the others
    came = rng.random(len(audited)) * (days + lead) - lead
    rate, worth = rates(came), 1 / ALIKE - 1
    own = rng.beta(rate * worth, (1 - rate) * worth)
    who = np.repeat(np.arange(len(audited)), audited)
    day = np.floor(came[who] + rng.exponential(STAYS, len(who))).astype(np.int64)
    kept = (day >= 0) & (day < days)
    violating = (rng.random(len(who)) < own[who])[kept]
    return np.bincount(day[kept], minlength=days), np.bincount(day[kept][violating], minlength=days)


def issued(limit: float, terms: Terms) -> PlannedSample:
    """The day before the first audits, by the smallest sample that can."""
    ads = fewest_draws(limit, terms.level)
    return PlannedSample(0, 0, Sizes.single(ads), ads, terms.level)


def violating_a_day(setting: AtTheLimit) -> Ints:
    """Of the ads of each day of a spell."""
    even = np.full(SPELL, round(setting.ads * setting.limit))
    return np.where(np.arange(SPELL) % 7 == 6, 7 * even, 0) if setting.bursts else even


def at_the_limit(setting: AtTheLimit, runs: int, rng: np.random.Generator, progress: Progress) -> dict[str, Any]:
    """How often windows of a spell end a certificate, renew it or raise doubt, though none of the three is warranted."""
    violating = violating_a_day(setting)
    terms = Terms(setting.limit, floor=setting.inclusion)
    sample = issued(setting.limit, terms)
    found = {Standing.REVOKED: 0, Standing.RENEWED: 0, Standing.DOUBTED: 0}
    for _ in range(runs):
        errors = rng.binomial(violating, setting.inclusion)
        audited = errors + rng.binomial(setting.ads - violating, setting.inclusion)
        states = {one.standing for one in life(audits_of((audited, errors), setting.inclusion), [sample], terms, SPELL + 1)}
        for state in found:
            found[state] += state in states
        progress.advance()
    return {
        "limit": setting.limit,
        "ads_a_day": setting.ads,
        "audits_a_day": setting.ads * setting.inclusion,
        "bursts": setting.bursts,
        **{str(state): share(count, runs) for state, count in found.items()},
    }


def delay(drift: Drift, times: float, runs: int, rng: np.random.Generator, progress: Progress) -> dict[str, Any]:
    """Days from the first of a drift, counting it, to the revocation; of spells not revoked before."""
    inclusion = drift.audits / drift.ads
    terms = Terms(drift.limit, floor=inclusion)
    days: list[float] = []
    early = 0
    for _ in range(runs):
        counts = clustered(lambda came: np.where(came < CHANGE, 0.5, times) * drift.limit, drift, SPELL, rng)
        standings = life(audits_of(counts, inclusion), [issued(drift.limit, terms)], terms, SPELL + 1)
        revoked = next((one.day - 1 for one in standings if one.standing is Standing.REVOKED), None)
        early += revoked is not None and revoked < CHANGE
        days.append(np.inf if revoked is None else revoked - CHANGE + 1)
        progress.advance()
    after = [one for one in days if one > 0]
    (median, _), (p90, p90_interval) = quantile(after, 0.5), quantile(after, 0.9)
    return {
        "limit": drift.limit,
        "audits_a_day": drift.audits,
        "times": times,
        "revoked": share(int(np.isfinite(after).sum()), len(after)),
        "revoked_before": share(early, runs),
        "median": median,
        "p90": p90,
        "p90_interval": p90_interval,
    }
