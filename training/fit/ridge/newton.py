"""Penalised logistic regression of many outcomes at once, known by inner products of its ads alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adverdict.models.calibration import sigmoid

MOST_STEPS = 30
SETTLED = 1e-3
NEARLY_ALL = 0.999
"""Newton's method stops, policy by policy, when the probability of so many ads moves by less."""
TOLERANCE = 0.3
"""Of the gradient, left by each of its steps, which only leads to the next."""
MOST_PRODUCTS = 100
"""Of one step."""
LEAST_SHARE = 1e-3
TINY = 1e-300

Floats = NDArray[np.float64]
Columns = NDArray[np.intp]
Kernel = Callable[[Floats, Columns], Floats]
"""Inner products of the ads' designs, times ``float64 (n_ads, len(columns))``: under the policies that are its ``columns``."""


@dataclass(frozen=True)
class Solution:
    """``multipliers`` ``(n_ads, n_policies)``: what each ad contributes to the coefficients; ``base`` ``(n_policies,)``, which nothing
    penalises."""

    multipliers: Floats
    base: Floats

    def of(self, columns: Columns) -> Solution:
        return Solution(self.multipliers[:, columns], self.base[columns])


def nothing(targets: Floats) -> Solution:
    """Where a search starts that knows of no better place, and where the curvature is largest: from the share of violating ads the first
    steps would lead far away."""
    return Solution(np.zeros_like(targets), np.zeros(targets.shape[1]))


def least_loss(kernel: Kernel, targets: Floats, penalty: float, start: Solution) -> Solution:
    """Where the penalised log loss is least, which is one place only: the nearer ``start`` is to it, the fewer products are needed.

    Newton's method with truncated conjugate gradients (Lin, Weng and Keerthi 2008, JMLR 9) on the coefficients, which are never written
    out: a vector of them is what the ads contribute to it, and ``kernel`` gives inner products (Chapelle 2007, Neural Computation 19).
    """
    known, y = ~np.isnan(targets), np.nan_to_num(targets)
    left = np.arange(y.shape[1])
    multipliers, base = np.where(known, start.multipliers, 0.0), start.base.copy()
    of_kernel = kernel(multipliers, left) if multipliers.any() else np.zeros_like(y)

    def cost(multipliers: Floats, of_kernel: Floats, base: Floats) -> Floats:
        log_odds = of_kernel + base
        loss = np.where(known[:, left], np.logaddexp(0, log_odds) - y[:, left] * log_odds, 0.0)
        return np.asarray((loss + penalty / 2 * multipliers * of_kernel).sum(axis=0))

    # From where it is worse than from nothing steps may lead anywhere.
    lost = cost(multipliers, of_kernel, base) > cost(np.zeros_like(y), np.zeros_like(y), np.zeros_like(base))
    multipliers[:, lost], of_kernel[:, lost], base[lost] = 0.0, 0.0, 0.0
    for _ in range(MOST_STEPS):
        here, of_here, base_here = multipliers[:, left], of_kernel[:, left], base[left]
        p = sigmoid(of_here + base_here)
        wrong = np.where(known[:, left], p - y[:, left], 0.0)
        curvature = np.where(known[:, left], p * (1 - p), 0.0)
        products = _of_some(kernel, left)
        step, of_step, base_step = _towards(products, -(wrong + penalty * here), -wrong.sum(axis=0), curvature, penalty)
        now, share = cost(here, of_here, base_here), np.ones(len(left))
        while (
            worse := cost(here + share * step, of_here + share * of_step, base_here + share * base_step) > now
        ).any() and share.min() > LEAST_SHARE:
            share = np.where(worse, share / 2, share)  # far from the end a whole step may lead away
        multipliers[:, left] += share * step
        of_kernel[:, left] += share * of_step
        base[left] += share * base_step
        moved = np.abs(sigmoid(of_kernel[:, left] + base[left]) - p)
        left = left[np.quantile(moved, NEARLY_ALL, axis=0) >= SETTLED]
        if not len(left):
            break
    return Solution(multipliers, base)


def _of_some(kernel: Kernel, some: Columns) -> Kernel:
    return lambda v, columns: kernel(v, some[columns])


def _towards(kernel: Kernel, residual: Floats, residual_base: Floats, curvature: Floats, penalty: float) -> tuple[Floats, Floats, Floats]:
    """A step against the gradient ``-residual``, what ``kernel`` makes of it, and that of the base: conjugate gradients, policy by policy
    side by side, until a part ``TOLERANCE`` of the gradient is left (Hestenes & Stiefel 1952)."""
    step, of_step, base_step = np.zeros_like(residual), np.zeros_like(residual), np.zeros_like(residual_base)
    of_residual = kernel(residual, np.arange(len(residual_base)))
    norm = (residual * of_residual).sum(axis=0) + residual_base**2
    enough = TOLERANCE**2 * norm
    left = np.flatnonzero(norm > enough)
    direction, of_direction, direction_base = residual.copy(), of_residual.copy(), residual_base.copy()
    for _ in range(MOST_PRODUCTS):
        if not len(left):
            break
        along, of_along, along_base = direction[:, left], of_direction[:, left], direction_base[left]
        bent = curvature[:, left] * (of_along + along_base)
        image, image_base = bent + penalty * along, bent.sum(axis=0)
        length = norm[left] / np.maximum((of_along * image).sum(axis=0) + along_base * image_base, TINY)
        step[:, left] += length * along
        of_step[:, left] += length * of_along
        base_step[left] += length * along_base
        residual[:, left] -= length * image
        residual_base[left] -= length * image_base
        of_residual = kernel(residual[:, left], left)
        before, after = norm[left], (residual[:, left] * of_residual).sum(axis=0) + residual_base[left] ** 2
        again = after / np.maximum(before, TINY)
        direction[:, left] = residual[:, left] + again * along
        of_direction[:, left] = of_residual + again * of_along
        direction_base[left] = residual_base[left] + again * along_base
        norm[left] = after
        left = left[after > enough[left]]
    return step, of_step, base_step
