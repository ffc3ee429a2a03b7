"""Readings of ads whose truth nobody knows: how likely they are, given how many of the ads violate and how often reviewers err.

Ads violate with the share of their stratum; a reading says so with probability ``sensitivity`` if the ad does and 1 - ``specificity`` if it
does not; readings of one ad are independent given its truth and come from reviewers drawn at random, so that the rates are those of the
mean reviewer (Hui and Walter 1980, Biometrics 36, 167-171). Only how many readings an ad has and how many of them say violating matters,
also where a further reading was asked for because of an earlier one: that depends on nothing but what was read, and such a likelihood is
the same as without (Rubin 1976, Biometrika 63, 581-592).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Floats = NDArray[np.float64]

_BEST = 12.0
"""Log-odds of a reviewer who errs six times in a million; rates are searched between chance and this."""
_STARTS = ((2.2, 4.0), (0.5, 2.0), (4.0, 6.0), (0.1, 6.0))
"""Log-odds of sensitivity and specificity a first search begins at."""


@dataclass(frozen=True)
class Point:
    """Rates, and the log-likelihood there."""

    share: Floats
    """(n_strata,), in [0, 1]."""
    errors: Floats
    """Log-odds of sensitivity and of specificity, (2,)."""
    log_likelihood: float


@dataclass(frozen=True)
class LatentClass:
    """Counted readings. Two kinds of them: of ads of unknown truth, by stratum and pattern, and of golden tasks."""

    readings: Floats
    """(n_patterns,), at least 1: how often an ad was read."""
    violating: Floats
    """(n_patterns,), 0..readings: how many of the readings say violating."""
    ads: Floats
    """(n_strata, n_patterns): ads with each pattern."""
    golden: Floats
    """(2, 2): readings of golden tasks that violate and that do not, each (right, wrong)."""

    def likeliest(self) -> Point:
        """Where the likelihood is highest, reviewers being better than chance."""
        yes = (self.ads @ (2 * self.violating > self.readings) + 0.05) / (self.ads.sum(axis=1) + 0.1)
        begin = [Point(yes, np.array(errors), 0.0) for errors in _STARTS]
        return max((self._climb(point, None) for point in begin), key=lambda point: point.log_likelihood)

    def likeliest_with(self, weights: Floats, total: float, near: Point, anywhere: bool = False) -> Point:
        """The same among shares whose weighted sum is ``total``, in [0, 1]; ``weights`` (n_strata,) add up to 1.

        Climbs from ``near``; ``anywhere``: from other rates too, as there may be several tops where little tells of the reviewers.
        """
        old = float(weights @ near.share)  # moved along the odds, shares stay within [0, 1] and keep their order
        shift = special.logit(min(max(total, 1e-9), 1 - 1e-9)) - special.logit(min(max(old, 1e-9), 1 - 1e-9))
        moved = np.where(weights > 0, special.expit(special.logit(np.clip(near.share, 1e-9, 1 - 1e-9)) + shift), near.share)
        begin = [near.errors, *(np.array(errors) for errors in _STARTS if anywhere)]
        found = (self._climb(Point(moved, errors, 0.0), (weights, total)) for errors in begin)
        return max(found, key=lambda point: point.log_likelihood)

    def covariance(self, at: Point) -> Floats:
        """Of the shares, (n_strata, n_strata): the inverse of the observed information (Louis 1982, JRSS B 44, 226-233).

        That is the information of ads whose truth is known less what not knowing it loses, so no stratum's variance is below that of known
        truth.
        """
        n = np.maximum(self.ads.sum(axis=1), 1.0)
        share = np.clip(at.share, 0.5 / n, 1 - 0.5 / n)
        violates, _, mixed = self._probabilities(share, at.errors)
        q = share[:, None] * violates / mixed
        sensitivity, specificity = special.expit(at.errors)
        readings = self.golden.sum(axis=1) + np.array([(self.ads * q @ self.readings).sum(), (self.ads * (1 - q) @ self.readings).sum()])
        known = readings * [sensitivity * (1 - sensitivity), specificity * (1 - specificity)]
        score = np.stack([self.violating - self.readings * sensitivity, self.readings * specificity - (self.readings - self.violating)])
        lost = self.ads * q * (1 - q)
        information = np.diag(np.concatenate([known, n * share * (1 - share)]))
        information[:2, :2] -= (score * lost.sum(axis=0)) @ score.T
        information[2:, :2] -= lost @ score.T
        information[:2, 2:] = information[2:, :2].T
        information[2:, 2:] -= np.diag(lost.sum(axis=1))
        slope = share * (1 - share)
        return np.asarray(slope[:, None] * _inverse(information)[2:, 2:] * slope)

    def _climb(self, begin: Point, fixed: tuple[Floats, float] | None) -> Point:
        """Sequential quadratic programming from ``begin``. Shares are measured in units in which their curvature is about 1."""
        n = np.maximum(self.ads.sum(axis=1), 1.0)
        unit = np.sqrt(np.maximum(begin.share * (1 - begin.share), 1 / n) / n)
        size = max(float(self.ads.sum()), 1.0) ** 0.5

        def loss(x: Floats) -> tuple[float, Floats]:
            value, slope = self._likelihood(x[2:] * unit, x[:2] / 4)
            slope[:2] /= 4
            slope[2:] *= unit
            return -value / size, -slope / size

        constraint = []
        if fixed is not None:
            weights, total = fixed
            row = np.concatenate([[0.0, 0.0], weights * unit])
            scale = float(np.abs(row).max())
            constraint = [{"type": "eq", "fun": lambda x: (row @ x - total) / scale, "jac": lambda x: row / scale}]
        start = np.concatenate([begin.errors * 4, begin.share / unit])
        bounds = [(0.0, _BEST * 4)] * 2 + [(0.0, 1.0 / one) for one in unit]
        found = optimize.minimize(
            loss, start, jac=True, method="SLSQP", bounds=bounds, constraints=constraint, options={"ftol": 1e-9, "maxiter": 200}
        )
        return Point(np.clip(found.x[2:] * unit, 0.0, 1.0), np.clip(found.x[:2] / 4, 0.0, _BEST), float(-found.fun * size))

    def _probabilities(self, share: Floats, errors: Floats) -> tuple[Floats, Floats, Floats]:
        """Of each pattern if an ad violates and if it does not, (n_patterns,) each, and mixed, (n_strata, n_patterns)."""
        right, wrong = special.log_expit(errors), special.log_expit(-errors)
        no = self.readings - self.violating
        violates = np.exp(self.violating * right[0] + no * wrong[0])
        harmless = np.exp(self.violating * wrong[1] + no * right[1])
        return violates, harmless, harmless + share[:, None] * (violates - harmless)

    def _likelihood(self, share: Floats, errors: Floats) -> tuple[float, Floats]:
        """The log-likelihood, and its gradient by log-odds of sensitivity and specificity and by the shares."""
        violates, harmless, mixed = self._probabilities(np.clip(share, 0.0, 1.0), errors)
        rates = special.expit(errors)
        value = (self.ads * np.log(mixed)).sum() + (self.golden * special.log_expit(np.stack([errors, -errors], axis=1))).sum()
        each = self.ads / mixed
        slope = self.golden[:, 0] - self.golden.sum(axis=1) * rates
        slope[0] += (share @ each) * violates @ (self.violating - self.readings * rates[0])
        slope[1] += ((1 - share) @ each) * harmless @ (self.readings - self.violating - self.readings * rates[1])
        return float(value), np.concatenate([slope, each @ (violates - harmless)])


def _inverse(information: Floats) -> Floats:
    """What the readings tell nothing of gets a large variance instead of none."""
    scale = np.sqrt(np.maximum(np.diag(information), 1e-12))
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    return np.asarray((vectors / np.maximum(values, 1e-6)) @ vectors.T / np.outer(scale, scale))
