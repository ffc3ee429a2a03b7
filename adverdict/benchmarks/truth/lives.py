"""Whole lives of certificates where the truth is known: sampled, issued, renewed, revoked after a drift, and solved again.

A year: a planned sample on the first day; where it does not show the bound, provisional, until the audits do. From ``DRIFT`` on advertisers
come that violate four times as often as the limit allows. ``SOLVED_AGAIN`` days after it is revoked a new model is back at the old rate,
and a new sample is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adverdict.benchmarks.truth.revocation import FEWEST, HEADLINE, Drift, audits_of, clustered, quantile, share
from adverdict.certification.life import Cause, DayEnd, PlannedSample, Terms, audits_a_day, life
from adverdict.certification.statistics.bounds import Sizes, draws_needed
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress
from adverdict.domain.standing import Standing

LIMIT, RATE = 0.02, 0.0067
DAYS, DRIFT, SOLVED_AGAIN = 365, 150, 14


def lives(runs: int, seed: int, progress: Progress, rate: float = RATE) -> dict[str, Any]:
    """What becomes of certificates of ``LIMIT``, ready for JSON. About 60 ms a run. Raises InvalidSettings for too few runs to tell."""
    if runs < FEWEST:
        raise InvalidSettings("too few to tell", [Mistake("runs", runs, f"at least {FEWEST}")])
    progress.stage("whole lives", runs)
    rng = np.random.default_rng([seed, 3])
    terms = Terms(LIMIT, provisional=True)
    due, planned = audits_a_day(rate, LIMIT, terms.level), draws_needed(rate, LIMIT, terms.level)
    if due is None or planned is None:
        raise InvalidSettings("nothing would show this limit", [Mistake("rate", rate, f"less than the limit, {LIMIT}")])
    found = []
    for _ in range(runs):
        found.append(_told(_lived(rate, round(due), planned, terms, rng)))
        progress.advance()
    return {
        "limit": LIMIT,
        "rate": rate,
        "planned_sample": planned,
        "audits_a_day": round(due),
        **{name: share(sum(one[name] for one in found), runs) for name in ("by_sample", "issued", "renewed", "revoked_before", "again")},
        "days_to_issue": _days([one["days_to_issue"] for one in found]),
        "days_to_revoke": _days([one["days_to_revoke"] for one in found if not one["revoked_before"]]),
    }


def _lived(rate: float, audits: int, planned: int, terms: Terms, rng: np.random.Generator) -> tuple[DayEnd, ...]:
    """One life. The audits after a revocation are those of the new model, of which there are none before it is certified."""
    stream = Drift(audits, LIMIT)
    first = _sampled(0, rate, planned, terms, rng)
    before = clustered(lambda came: np.where(came < DRIFT, rate, HEADLINE * LIMIT), stream, DAYS, rng)
    standings = life(audits_of(before, 1.0), [first], terms, DAYS)
    revoked = _first(standings, Standing.REVOKED)
    if revoked is None or revoked + SOLVED_AGAIN >= DAYS:
        return standings
    again = _sampled(revoked + SOLVED_AGAIN, rate, planned, terms, rng)
    after = clustered(lambda came: np.full(len(came), rate), stream, DAYS, rng)
    old = [one for one in audits_of(before, 1.0) if one.day <= again.day]
    new = [one for one in audits_of(after, 1.0) if one.day > again.day]
    return life(old + new, [first, again], terms, DAYS)


def _sampled(day: int, rate: float, planned: int, terms: Terms, rng: np.random.Generator) -> PlannedSample:
    return PlannedSample(day, int(rng.binomial(planned, rate)), Sizes.single(planned), planned, terms.level)


def _told(standings: Sequence[DayEnd]) -> dict[str, Any]:
    """What a life came to."""
    issued = next((one for one in standings if one.standing is Standing.CERTIFIED), None)
    revoked = _first(standings, Standing.REVOKED)
    drifted = revoked is not None and revoked > DRIFT
    return {
        "by_sample": issued is not None and issued.cause is Cause.SAMPLE,
        "issued": issued is not None and issued.day < DRIFT,
        "renewed": any(one.standing is Standing.RENEWED and one.day <= DRIFT for one in standings),
        "revoked_before": revoked is not None and not drifted,
        "again": drifted and any(one.standing is Standing.CERTIFIED and one.day > (revoked or 0) for one in standings),
        "days_to_issue": issued.day if issued is not None and issued.day < DRIFT else np.inf,
        "days_to_revoke": revoked - DRIFT if revoked is not None and drifted else np.inf,
    }


def _first(standings: Sequence[DayEnd], state: Standing) -> int | None:
    return next((one.day for one in standings if one.standing is state), None)


def _days(counted: Sequence[float]) -> dict[str, Any]:
    (median, _), (p90, interval) = quantile(counted, 0.5), quantile(counted, 0.9)
    return {"of": len(counted), "median": median, "p90": p90, "p90_interval": interval}
