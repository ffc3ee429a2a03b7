"""Penalised logistic regression of many outcomes at once, known by inner products of its ads alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from adverdict.models.calibration import sigmoid

MOST_STEPS = 20
SETTLED = 1e-3
"""Newton's method stops when no ad's probability moves by more."""
TOLERANCE = 0.03
"""Of the gradient, left by each of its steps, which only leads to the next."""
MOST_PRODUCTS = 100
"""Of one step."""
LEAST_SHARE = 1e-3
TINY = 1e-300

Floats = NDArray[np.float64]


def least_loss(kernel: Callable[[Floats], Floats], targets: Floats, penalty: float) -> tuple[Floats, Floats]:
    """What each ad contributes to the coefficients where the penalised log loss is least, ``(n_ads, n_policies)``, and each policy's base,
    which nothing penalises.

    Newton's method with truncated conjugate gradients (Lin, Weng and Keerthi 2008, JMLR 9) on the coefficients, which are never written
    out: a vector of them is what the ads contribute to it, and ``kernel`` gives inner products (Chapelle 2007, Neural Computation 19).
    """
    known, y = ~np.isnan(targets), np.nan_to_num(targets)
    multipliers, of_kernel = np.zeros_like(y), np.zeros_like(y)
    base = np.zeros(y.shape[1])  # where the curvature is largest: from the share of violating ads the first steps lead far away

    def cost(multipliers: Floats, of_kernel: Floats, base: Floats) -> Floats:
        log_odds = of_kernel + base
        loss = np.where(known, np.logaddexp(0, log_odds) - y * log_odds, 0.0)
        return np.asarray((loss + penalty / 2 * multipliers * of_kernel).sum(axis=0))

    now = cost(multipliers, of_kernel, base)
    for _ in range(MOST_STEPS):
        p = sigmoid(of_kernel + base)
        wrong = np.where(known, p - y, 0.0)
        curvature = np.where(known, p * (1 - p), 0.0)
        step, of_step, base_step = _towards(kernel, -(wrong + penalty * multipliers), -wrong.sum(axis=0), curvature, penalty)
        share = np.ones(len(base))
        while (
            worse := (then := cost(multipliers + share * step, of_kernel + share * of_step, base + share * base_step)) > now
        ).any() and share.min() > LEAST_SHARE:
            share = np.where(worse, share / 2, share)  # far from the end a whole step may lead away
        multipliers, of_kernel, base, now = multipliers + share * step, of_kernel + share * of_step, base + share * base_step, then
        if np.abs(sigmoid(of_kernel + base) - p).max(initial=0.0) < SETTLED:
            break
    return multipliers, base


def _towards(
    kernel: Callable[[Floats], Floats], residual: Floats, residual_base: Floats, curvature: Floats, penalty: float
) -> tuple[Floats, Floats, Floats]:
    """A step against the gradient ``-residual``, what ``kernel`` makes of it, and that of the base: conjugate gradients, policy by policy
    side by side, until a part ``TOLERANCE`` of the gradient is left (Hestenes & Stiefel 1952)."""
    step, of_step, base_step = np.zeros_like(residual), np.zeros_like(residual), np.zeros_like(residual_base)
    of_residual = kernel(residual)
    norm = (residual * of_residual).sum(axis=0) + residual_base**2
    enough = TOLERANCE**2 * norm
    direction, of_direction, direction_base = residual.copy(), of_residual, residual_base.copy()
    for _ in range(MOST_PRODUCTS):
        left = norm > enough
        if not left.any():
            break
        bent = curvature * (of_direction + direction_base)
        image, image_base = bent + penalty * direction, bent.sum(axis=0)
        length = np.where(left, norm / np.maximum((of_direction * image).sum(axis=0) + direction_base * image_base, TINY), 0.0)
        step, of_step, base_step = step + length * direction, of_step + length * of_direction, base_step + length * direction_base
        residual, residual_base = residual - length * image, residual_base - length * image_base
        of_residual = kernel(residual)
        before, norm = norm, np.where(left, (residual * of_residual).sum(axis=0) + residual_base**2, norm)
        again = np.where(left, norm / np.maximum(before, TINY), 0.0)
        direction, of_direction = residual + again * direction, of_residual + again * of_direction
        direction_base = residual_base + again * direction_base
    return step, of_step, base_step
