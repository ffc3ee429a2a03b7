"""Evidence that may be looked at every day: wealth won by betting on what the next audited ad turns out to be.

Nobody decides in advance how many ads a stream of audits will bring, so a p-value, which is for one look at a number announced before, is
of no use. Evidence here begins at 1 and, with each audited ad, is multiplied by 1 - stake * (V - limit), V being 1 for a violating ad (an
error) and 0 for another (Waudby-Smith and Ramdas 2024, Journal of the Royal Statistical Society B 86, 1-27, arXiv 2010.09686). A positive
stake gains from clean ads, so it speaks for a rate under the limit; a negative one gains from errors. The mean over several stakes is
evidence too, and stands in for knowing the best one.

What is promised, and on what assumption
    The ads are those that came up to now, their truths whatever they are: clustered, drifting, in bursts, or made up by somebody who sees
    every audit so far. All that is assumed is that each ad is audited with its recorded probability independently of its truth and of
    everything before. Then, with stakes that never change, the chance that evidence for "fewer than ``limit`` of the ads up to now are
    errors" reaches 1/alpha at any moment at which this is false is at most alpha; so with evidence against. For E[1 - stake * q * (V -
    limit)] <= exp(-stake * q * (V - limit)), so evidence over the exponential of the running sum is a supermartingale (Ville 1939), and
    where the sentence is false the running sum has the sign that makes that the larger of the two. Stakes that react to what was seen lose
    this; they would need ads that are alike in advance.
    The promise is about the ads that came, no others. For a process that goes on (the next advertisers), ads of one advertiser are one
    draw.

Guards of a roll-out bet on something else: on a process, that is, on the advertisers that come. Their units are the first settled audit of
each advertiser, in the order in which these settle, so ads of one advertiser are one draw (``bets_of_guard``). Two arms are compared by
the units of which one arm's is wrong and the other's is not: where neither arm is worse, either is as likely (``bets_on_pairs``).

Inclusion probabilities that differ take stakes in proportion to 1/q, see ``weights`` (Stark 2023, ALPHA, Annals of Applied Statistics 17,
641-679, arXiv 2201.02707, has the same for ballots).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln

from adverdict.domain.errors import InvalidInput, Mistake

Floats = NDArray[np.float64]

SHARES = np.concatenate([np.linspace(0.05, 0.95, 19), [0.98]])
"""Stakes for the bound, as shares of the largest there is: one error costs 1 - share of what was won."""
TIMES = np.array([1.6, 2.5, 4.0, 8.0, 20.0])
"""Stakes against it: each is the best one if so many times the limit are errors. Those between are served by their neighbours, and the
wealth that one more stake takes is missing from the others."""
TIMES_PARTS = np.array([0.2, 0.25, 0.3, 0.15, 0.1])
"""The wealth laid on each: most where a change is grave enough to be found within days and not so grave that anything would find it."""
MOST_OF_ALL = 0.95
"""Nobody bets on a larger share of errors than this."""
GUARD_TIMES = np.array([1.6, 3.0, 6.0])
"""Stakes of a guard, as above; fewer, as a guard is to be quick where three to five times the limit are errors."""
GUARD_MOST = np.array([0.2, 0.5, 0.95])
"""What the heaviest unit may cost at most of each when it is clean: with heavy units, all of them would else be the same stake."""
GUARD_PARTS = np.array([0.15, 0.5, 0.35])
"""The wealth laid on each."""
ODDS = np.array([1.5, 3.0, 8.0])
"""Stakes on pairs: each is the best one if the odds are so many times those that are allowed."""
SAMPLE_PRIOR = 50.0
"""Of the sample ratio's alternative: Beta(50, 50), about 7 % more or fewer than there should be, and never certain."""
WEEK = 7
_LARGEST = 700.0
"""Logarithm of the most evidence there is: beyond it no decision changes, and the exponential would overflow."""


@dataclass(frozen=True)
class Bets:
    """Stakes on one limit. They are fixed before the first ad is read, or nothing above holds."""

    limit: float
    stakes: Floats
    """float64 (k,), each between -1/limit and 1/(1 - limit): positive ones win when there are fewer errors than ``limit``."""
    parts: Floats
    """float64 (k,), the share of the wealth laid on each; their sum is 1."""

    def growth(self, errors: ArrayLike, audited: ArrayLike, weight: ArrayLike = 1.0) -> Floats:
        """What so many audited ads multiply the wealth on each stake by, as logarithms: one more axis of length k.

        ``errors`` of ``audited`` ads, not negative, broadcast with ``weight`` in (0, 1] (see ``weights``). Growths of parts of the ads are
        added.
        """
        k, n, w = (np.asarray(counted, dtype=np.float64)[..., None] for counted in (errors, audited, weight))
        stakes = self.stakes * w
        return np.asarray(k * np.log1p(-stakes * (1.0 - self.limit)) + (n - k) * np.log1p(stakes * self.limit))

    def evidence(self, growth: Floats) -> Floats:
        """The wealth after ``growth`` (..., k): 1 at the start, never negative."""
        return np.asarray(np.exp(np.minimum(self._logarithm(growth), _LARGEST)))

    def running(self, growth: Floats) -> Floats:
        """Evidence after each day (..., days), from every day's growth (..., days, k)."""
        return self.evidence(np.cumsum(growth, axis=-2))

    def restarted(self, growth: Floats, every: int = WEEK, periods: int | None = None) -> Floats:
        """Evidence after each day of processes begun anew every so many days, so that a long good past cannot pay for a bad present.

        ``growth`` (..., days, k) -> (..., days). Each process has a share of the wealth from the start: ``1 / periods`` where no more than
        so many are to begin; else the one begun j-th, from 0, has 1/((j + 1)(j + 2)). Those yet to come are left out. (The sum without
        shares is the e-detector of Shin, Ramdas and Rinaldo 2024, arXiv 2203.03532, whose promise is a mean time between false alarms.) The
        chance is at most alpha that this evidence ever reaches 1/alpha on a day at which the sentence bet on is true of no stretch of ads
        that runs from the beginning of a period to that day. So with bets against a limit an alarm says "since the beginning of some period
        more than the limit are errors". Raises ValueError where more than ``periods`` begin.
        """
        upto = np.cumsum(growth, axis=-2)
        starts = range(0, upto.shape[-2], every)
        if periods is not None and len(starts) > periods:
            raise ValueError(f"{len(starts)} periods begin where {periods} have a share of the wealth")
        total = np.full(upto.shape[:-1], -np.inf)
        for j, start in enumerate(starts):
            before = upto[..., start - 1 : start, :] if start else 0.0
            shares = (j + 1.0) * (j + 2.0) if periods is None else float(periods)
            total[..., start:] = np.logaddexp(total[..., start:], self._logarithm(upto[..., start:, :] - before) - np.log(shares))
        return np.asarray(np.exp(np.minimum(total, _LARGEST)))

    def detecting(self, growth: Floats, every: int = WEEK) -> Floats:
        """The sum of the evidence of processes begun anew every so many days, after each day: ``growth`` (..., days, k) -> (..., days).

        The e-detector of Shin, Ramdas and Rinaldo 2024 (arXiv 2203.03532): where the sentence bet on is false of every stretch of ads
        from the beginning of a period, the mean time until the sum reaches ``A`` is at least ``A`` periods. It waits for a change for
        ever, where ``restarted`` promises something of one spell.
        """
        upto = np.cumsum(growth, axis=-2)
        total = np.full(upto.shape[:-1], -np.inf)
        for start in range(0, upto.shape[-2], every):
            before = upto[..., start - 1 : start, :] if start else 0.0
            total[..., start:] = np.logaddexp(total[..., start:], self._logarithm(upto[..., start:, :] - before))
        return np.asarray(np.exp(np.minimum(total, _LARGEST)))

    def _logarithm(self, growth: Floats) -> Floats:
        most = growth.max(axis=-1)
        return np.asarray(most + np.log(np.exp(growth - most[..., None]) @ self.parts))


def bets_for(limit: float) -> Bets:
    """On fewer errors than ``limit`` in (0, 1), whatever their rate."""
    _check("limit", limit)
    return _even(limit, SHARES / (1.0 - limit))


def bets_against(limit: float) -> Bets:
    """On more errors than ``limit`` in (0, 1): likelihood ratios of ``TIMES`` as many."""
    _check("limit", limit)
    rates = np.minimum(limit * TIMES, max(MOST_OF_ALL, (1.0 + limit) / 2))
    return Bets(limit, -(rates / limit - 1.0) / (1.0 - limit), TIMES_PARTS)


def bets_of_guard(limit: float, heaviest: float = 1.0) -> Bets:
    """On more errors than ``limit`` in (0, 1) among units of which the heaviest weighs ``heaviest`` >= 1 times the mean.

    ``growth`` then takes each unit's weight over ``heaviest``. The wealth is a test supermartingale where errors, so weighted, are no
    more than ``limit`` of the units that come (Waudby-Smith and Ramdas 2024).
    """
    _check("limit", limit)
    if not heaviest >= 1:
        raise InvalidInput("nothing to bet on", [Mistake("heaviest", heaviest, "at least 1, the mean")])
    stakes = np.minimum((GUARD_TIMES - 1.0) / (1.0 - limit) * heaviest, GUARD_MOST / limit)
    return Bets(limit, -stakes, GUARD_PARTS)


def bets_on_pairs(odds: float = 1.0) -> Bets:
    """On the candidate being the wrong one of a discordant pair, more often than ``odds`` > 0 to one.

    Exact for pairs of units, one an arm: with ``odds`` 1, that the candidate errs more often (Turner, Ly and Grünwald 2024, arXiv
    2106.02693, is the general form). For events of two Poisson processes ``odds`` is the ratio of rates that is allowed times the
    candidate's exposure over the control's. ``growth`` takes pairs in which the candidate is the wrong one as errors, of all discordant.
    """
    if not (0 < odds < float("inf")):
        raise InvalidInput("nothing to bet on", [Mistake("odds", odds, "more than 0")])
    limit = odds / (1.0 + odds)
    rates = odds * ODDS / (1.0 + odds * ODDS)
    return _even(limit, -(rates / limit - 1.0) / (1.0 - limit))


def sample_ratio(candidate: ArrayLike, control: ArrayLike) -> Floats:
    """Evidence that advertisers do not fall on two arms of equal size alike, from how many were seen in each.

    A Bayes factor of a beta-binomial against one half (Lindon and Malek 2022, arXiv 2011.03567, has it for several arms): where they do
    fall alike, the chance that it ever reaches 1/alpha is at most alpha.
    """
    k, m = (np.asarray(seen, dtype=np.float64) for seen in (candidate, control))
    log = betaln(SAMPLE_PRIOR + k, SAMPLE_PRIOR + m) - betaln(SAMPLE_PRIOR, SAMPLE_PRIOR) + (k + m) * np.log(2.0)
    return np.asarray(np.exp(np.minimum(log, _LARGEST)))


def supporting(errors: ArrayLike, audited: ArrayLike, limit: float) -> Floats:
    """Evidence that fewer than ``limit`` of the ads up to now are errors: ``errors`` of the ``audited`` ones, of any shape, all audited
    with the same probability. 1/alpha shows it at alpha, whenever one looks."""
    bets = bets_for(limit)
    return bets.evidence(bets.growth(errors, audited))


def against(errors: ArrayLike, audited: ArrayLike, limit: float) -> Floats:
    """Evidence that more than ``limit`` of the ads up to now are errors, as in ``supporting``."""
    bets = bets_against(limit)
    return bets.evidence(bets.growth(errors, audited))


def weights(inclusion: ArrayLike, floor: float) -> Floats:
    """By how much stakes on ads audited with probability ``inclusion`` in (0, 1] are to be smaller, so that every ad counts alike.

    ``floor`` in (0, 1] is the smallest probability there is to be, named before the first audit: it sets what the audits can show, however
    many others are audited more often. An ad audited less often than that still has weight 1 here, and so counts inclusion/floor in the
    promise.
    """
    _check("floor", floor, whole=True)
    q = np.asarray(inclusion, dtype=np.float64)
    wrong = q[~((q > 0) & (q <= 1))]  # NaN is outside every interval
    if wrong.size:
        mistake = Mistake("inclusion", float(wrong.flat[0]), f"probabilities above 0, at most 1; {wrong.size} are not")
        raise InvalidInput("evidence needs the probability of each audit", [mistake])
    return np.asarray(np.minimum(1.0, floor / q))


def _even(limit: float, stakes: Floats) -> Bets:
    return Bets(limit, stakes, np.full(len(stakes), 1.0 / len(stakes)))


def _check(field: str, value: float, *, whole: bool = False) -> None:
    if not (0 < value < 1 or (whole and value == 1)):
        raise InvalidInput("nothing to bet on", [Mistake(field, value, "more than 0 and " + ("at most 1" if whole else "less than 1"))])
