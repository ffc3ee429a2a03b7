"""A market's rate of errors from few labels of its own and what other markets show: strength is borrowed, as far as markets are alike.

Each market has a rate of its own, drawn from a beta distribution that nobody knows; its mean and its size (how alike markets are) are
averaged over what the other markets' labels leave likely. Half of the belief is kept out of that: it holds a beta distribution worth two
ads, which the market's own labels soon outweigh, so that a market unlike the others is judged by what it shows itself (the robust prior of
Schmidli et al. 2014, Biometrics 70, 1023-1032).

What is promised
    Over markets like these, at most the level have a rate above their bound, on average. It is not a promise for each market whatever it
    is: one that is worse than the others is passed more often than that, so its audits must be watched. Where nothing is borrowed the
    bound is the exact one of the own labels, which holds for each.
    Simulated (rates .006 with a standard deviation of .5 in log-odds, 180 own labels and 1,000 of each of eight others, limit .02, level
    .025) two thirds of the markets are passed where their own labels pass none, and the bound is above the rate in .98;
    ``adverdict benchmark certificates`` has the figures.

Labels count as the independent draws they are worth (``bounds.Sizes.draws``), and so many errors among them; neither need be whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from adverdict.domain.errors import InvalidInput, Mistake

Floats = NDArray[np.float64]

MEANS = np.geomspace(0.0005, 0.1, 24)
"""Mean rates of markets that are thought possible, equally likely."""
WORTH = np.geomspace(5.0, 3000.0, 14)
"""And sizes: how many ads of a market its being one of these markets is worth. 3,000: markets are all but the same."""
VAGUE = 0.5
"""The belief that is not borrowed. With a fifth, the bound was above the rate in .965 instead of .975 of simulated markets."""
VAGUE_WORTH = 2.0
UNLIKE = 0.1
"""Of the other markets, so many are expected to be unlike the rest; without that, one of them would make all markets seem unlike. Where a
tenth leaked five times as much, .53 instead of .47 of simulated markets were passed."""
FEWEST_OTHERS = 3
"""Other markets with labels below which nothing is borrowed: how alike markets are cannot be seen from one or two."""
_A, _B = (np.outer(share, WORTH).ravel() for share in (MEANS, 1.0 - MEANS))
_NORM = special.betaln(_A, _B)
_LOWEST, _HALVINGS = 1e-6, 24
"""Bounds are looked for from here to 1, to a millionth of themselves."""
_NEGLIGIBLE = 1e-7
"""A distribution with less belief than this is taken to speak against the limit."""
_ROWS = 2000
"""Bounds computed together; more take more memory, not less time."""


@dataclass(frozen=True)
class Draws:
    """``errors`` of so many independent ``draws``: float64, of one shape, 0 <= errors <= draws. Raises InvalidInput for others."""

    errors: Floats
    draws: Floats

    def __post_init__(self) -> None:
        fits = (self.errors >= 0) & (self.errors <= self.draws) & np.isfinite(self.draws)  # NaN fits nothing
        if not fits.all():
            found = f"{self.errors[~fits][0]:g} of {self.draws[~fits][0]:g}"
            raise InvalidInput(
                "nothing can be borrowed", [Mistake("errors", found, f"0 or more, no more than draws; {(~fits).sum()} are not")]
            )

    @classmethod
    def of(cls, errors: ArrayLike, draws: ArrayLike) -> Draws:
        k, n = np.broadcast_arrays(np.asarray(errors, dtype=np.float64), np.asarray(draws, dtype=np.float64))
        return cls(k, n)


def borrowed_p(own: Draws, others: Draws, limit: ArrayLike) -> Floats:
    """The chance left that a market's rate is above ``limit``, given its labels and those of others; small values speak for the limit.

    ``own`` (...): one entry a question (a market at a threshold). ``others`` (..., markets): what each other market has at that threshold;
    those without draws say nothing. ``limit`` (...) in (0, 1).
    """
    return _by_rows(lambda mixture, at: mixture.above(at), own, others, np.asarray(limit, dtype=np.float64))


def borrowed_upper(own: Draws, others: Draws, level: ArrayLike) -> Floats:
    """The limit at which ``borrowed_p`` is ``level`` in (0, 1): the upper bound of the market's rate, shapes as there."""
    return _by_rows(lambda mixture, at: mixture.upper(at), own, others, np.asarray(level, dtype=np.float64))


class _Mixture:
    """What is believed of each market's rate: beta distributions, those of all markets in one row each of ``a``, ``b`` and ``part``."""

    def __init__(self, own: Draws, others: Draws) -> None:
        self._own = own
        self._alone = (others.draws > 0).sum(axis=1) < FEWEST_OTHERS
        vague = _vague(others)
        borrowed = _log_likelihood(others, vague)
        borrowed += np.log1p(-VAGUE) - special.logsumexp(borrowed, axis=1, keepdims=True)
        k, n = own.errors[:, None], own.draws[:, None]
        belief = np.concatenate([borrowed + _seen(k, n, _A, _B, _NORM), np.log(VAGUE) + _seen(k, n, *vague)], axis=1)
        part = special.softmax(belief, axis=1)
        self._market, kept = np.nonzero(part > _NEGLIGIBLE)
        self._part = part[self._market, kept]
        self._left_out = np.where(part > _NEGLIGIBLE, 0.0, part).sum(axis=1)
        alpha, beta = (np.concatenate([np.tile(grid, k.shape), wide], axis=1) for grid, wide in ((_A, vague[0]), (_B, vague[1])))
        self._a = (alpha + k)[self._market, kept]
        self._b = (beta + n - k)[self._market, kept]

    def above(self, limit: Floats) -> Floats:
        """P(rate > limit), (rows,) from (rows,)."""
        tail = self._part * special.betainc(self._b, self._a, 1.0 - limit[self._market])
        borrowed = np.bincount(self._market, tail, len(limit)) + self._left_out
        return np.where(self._alone, _exact_p(self._own, limit), borrowed)

    def upper(self, level: Floats) -> Floats:
        """Where ``above`` is ``level``, by halving the logarithm; never too low."""
        low, high = np.full(len(level), _LOWEST), np.ones(len(level))
        for _ in range(_HALVINGS):
            middle = np.sqrt(low * high)
            over = self.above(middle) > level
            low, high = np.where(over, middle, low), np.where(over, high, middle)
        return high


def _by_rows(asked: Callable[[_Mixture, Floats], Floats], own: Draws, others: Draws, at: Floats) -> Floats:
    """``asked`` of every question, in shape (...), some of them at a time."""
    shape, markets = own.errors.shape, others.errors.shape[-1]
    k, n, at = own.errors.ravel(), own.draws.ravel(), np.broadcast_to(at, shape).ravel()
    other_k, other_n = (np.broadcast_to(counted, (*shape, markets)).reshape(len(k), markets) for counted in (others.errors, others.draws))
    found = [np.zeros(0)]
    for start in range(0, len(k), _ROWS):
        rows = slice(start, start + _ROWS)
        found.append(asked(_Mixture(Draws(k[rows], n[rows]), Draws(other_k[rows], other_n[rows])), at[rows]))
    return np.concatenate(found).reshape(shape)


def _vague(others: Draws) -> tuple[Floats, Floats, Floats]:
    """The beta distribution of a market that is unlike the others, (rows, 1): worth two ads, around the rate of all of them together."""
    centre = (others.errors.sum(axis=1, keepdims=True) + 0.5) / (others.draws.sum(axis=1, keepdims=True) + 1.0)
    a, b = np.maximum(0.5, VAGUE_WORTH * centre), VAGUE_WORTH * (1.0 - centre)
    return a, b, special.betaln(a, b)


def _seen(errors: Floats, draws: Floats, a: Floats, b: Floats, norm: Floats) -> Floats:
    """Log-likelihood of a beta distribution, from one market's labels."""
    return np.asarray(special.betaln(errors + a, draws - errors + b) - norm)


def _log_likelihood(others: Draws, vague: tuple[Floats, Floats, Floats]) -> Floats:
    """Of each beta distribution on the grid, from the other markets' labels (rows, markets): (rows, k). Each may be unlike the others."""
    total = np.zeros((len(others.errors), len(_A)))
    for market in range(others.errors.shape[1]):
        k, n = others.errors[:, market, None], others.draws[:, market, None]
        total += np.logaddexp(np.log1p(-UNLIKE) + _seen(k, n, _A, _B, _NORM), np.log(UNLIKE) + _seen(k, n, *vague))
    return total


def _exact_p(own: Draws, limit: Floats) -> Floats:
    """``bounds.p_value`` of independent ads: P(at most so many errors | limit); 1 where every draw is an error."""
    clean = own.draws - own.errors
    return np.where(clean > 0, special.betainc(np.where(clean > 0, clean, 1.0), own.errors + 1.0, 1.0 - limit), 1.0)
