"""Which drift it is: other ads (covariate), more or fewer violating ones (prior), ads that violate otherwise (concept), or none.

1. Is P(violates | risk) what it was? Level and slope where people read everything, and the share below the approval threshold, by audits.
   If so: are the risks spread as they were? *none*, or *covariate*.
2. If not: does more than the level differ? *concept*.
3. Only the level: are the risks spread as they were, each reweighted for more violating ads? *prior*; otherwise *concept*, or several.

Both sides hold the first ad of each advertiser: one side with all ads and the other without looks like a drift of what is rare. Before the
answer comes the question whether these labels could have shown a doubling at all; if not, the answer is how many could.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from adverdict.models.calibration import logit, sigmoid

Floats = NDArray[np.float64]

LEVEL = 0.01
"""At which P(violates | risk) is said to differ; half of it for the spread of the risks."""
POWER = 0.8
"""To see ``DOUBLED`` odds of a violation, or ``LEAKING``, below which nothing is said."""
UNDECIDED = 0.03
"""Between ``LEVEL`` and this it is open whether more than the level differs."""
DOUBLED = float(np.log(2.0))
LEAKING = 0.02
"""Of the approved ads, more than before."""
BINS = 12
"""Of the spread of the risks, with as many reference ads in each."""
FEWEST = 5.0
"""Ads expected in a bin of the chi-squared test."""
PENALTY = 1e-4
MOST_STEPS = 60
TINY = 1e-9


class Drift(StrEnum):
    """What changed."""

    NONE = "none"
    COVARIATE = "covariate"
    """Other ads come; a risk means what it did."""
    PRIOR = "prior"
    """More or fewer violating ads, of the same kinds."""
    CONCEPT = "concept"
    """Ads with the same risk violate more or less often: what violates has changed, or several things have."""
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Stretch:
    """Decisions of some time, the first of each advertiser; all ``(n,)``."""

    risk: Floats
    violates: Floats
    """0 or 1, NaN where nobody read it. Whether somebody did hangs on the risk alone."""

    @property
    def read(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.violates)


class Zone(StrEnum):
    """Where labels are short."""

    THRESHOLDS = "near the thresholds"
    APPROVED = "of approved ads, by audits"


@dataclass(frozen=True)
class Attribution:
    """The answer, and what it rests on."""

    drift: Drift
    level: float
    """By how many log-odds P(violates | risk) lies above what it was; 0 where it does not differ."""
    labels: tuple[int, int]
    """Of the reference, and of the window."""
    short: Mapping[Zone, int | None]
    """How many labels of the window are missing in each zone until a change of ``DOUBLED`` or ``LEAKING`` would be seen in ``POWER``;
    None: no number would do with so few of the reference. Empty: enough."""
    p_meaning: float
    """Of P(violates | risk) being what it was."""
    p_spread: float
    """Of the risks being spread as they were."""

    @property
    def sentence(self) -> str:
        match self.drift:
            case Drift.NONE:
                return "Nothing has changed that these labels could show."
            case Drift.COVARIATE:
                return "Other ads come than before; a risk means what it did."
            case Drift.PRIOR:
                more = "more" if self.level > 0 else "fewer"
                return f"There are {more} violating ads of the same kinds: the odds are {np.exp(self.level):.2g} times what they were."
            case Drift.CONCEPT:
                return "Ads with the same risk violate more or less often than before: what violates has changed, or several things have."
        missing = [f"{n:,} more labels {zone}" for zone, n in self.short.items() if n is not None]
        if missing:
            return f"It cannot be told: {' and '.join(missing)} would tell."
        return (
            "It cannot be told: too few labels of the time before to compare with."
            if self.short
            else "Which drift it is cannot be told: too little was read."
        )


def attribute(reference: Stretch, window: Stretch, approve_below: float) -> Attribution:
    """Compare a window with the time before. ``approve_below`` separates what is audited at random from what people read anyway."""
    labels = int(reference.read.sum()), int(window.read.sum())
    short = dict(_short(reference, window, approve_below))
    meaning = _Meaning.of(reference, window, approve_below)
    p_spread = _spread_differs(reference.risk, window.risk, 0.0)
    answer = _answer(reference, window, meaning, p_spread, bool(short))
    level = meaning.level if answer in (Drift.PRIOR, Drift.CONCEPT) else 0.0
    return Attribution(answer, level, labels, short, meaning.p_any, p_spread)


def _answer(reference: Stretch, window: Stretch, meaning: _Meaning, p_spread: float, short: bool) -> Drift:
    as_it_was = p_spread >= LEVEL / 2
    if meaning.p_any >= LEVEL:
        return Drift.UNKNOWN if short else Drift.NONE if as_it_was else Drift.COVARIATE
    reweighted = _spread_differs(reference.risk, window.risk, meaning.level)
    if min(meaning.p_more, reweighted) < LEVEL:
        return Drift.CONCEPT
    return Drift.UNKNOWN if short or as_it_was or meaning.p_more < UNDECIDED else Drift.PRIOR


@dataclass(frozen=True)
class _Meaning:
    """P(violates | risk) in the window beside the reference, by likelihood ratios (Wilks 1938)."""

    p_any: float
    """Of nothing differing."""
    p_more: float
    """Of nothing but the level differing."""
    level: float

    @classmethod
    def of(cls, reference: Stretch, window: Stretch, approve_below: float) -> _Meaning:
        risk = np.concatenate([reference.risk[reference.read], window.risk[window.read]])
        violates = np.concatenate([reference.violates[reference.read], window.violates[window.read]])
        later = np.concatenate([np.zeros(int(reference.read.sum())), np.ones(int(window.read.sum()))])
        at = logit(np.clip(risk, 1e-9, 1 - 1e-9))
        low = (risk < approve_below).astype(np.float64)
        middle = at - logit(np.array(approve_below)) if 0 < approve_below < 1 else at
        # How risks relate to violations is the reference's own: it need not be calibrated to be what it was.
        before = [np.ones_like(at), at, low, at * low]
        same, fits = _fit(before, violates)
        levelled, fits_level = _fit([*before, later], violates)
        _, fits_more = _fit([*before, later, later * middle * (1 - low), later * low], violates)
        if same is None or levelled is None:
            return cls(1.0, 1.0, 0.0)
        return cls(
            float(stats.chi2.sf(2 * (fits_more - fits), 3)),
            float(stats.chi2.sf(2 * (fits_more - fits_level), 2)),
            float(levelled[-1]),
        )


def _fit(columns: list[Floats], y: Floats) -> tuple[Floats | None, float]:
    """A logistic regression by Newton's method, and its log likelihood; barely penalised, so that separated labels have an answer."""
    x = np.column_stack([column for column in columns if np.ptp(column) > 0 or column is columns[0]])
    if y.size == 0 or y.min() == y.max():
        return None, 0.0

    def loss(beta: Floats) -> float:
        log_odds = x @ beta
        return float((np.logaddexp(0, log_odds) - y * log_odds).sum() + PENALTY * beta @ beta)

    beta, now = np.zeros(x.shape[1]), loss(np.zeros(x.shape[1]))
    for _ in range(MOST_STEPS):
        p = sigmoid(x @ beta)
        curvature = x.T @ (x * (p * (1 - p))[:, None]) + 2 * PENALTY * np.eye(len(beta))
        step = np.linalg.solve(curvature, x.T @ (y - p) - 2 * PENALTY * beta)
        while (then := loss(beta + step)) > now and np.abs(step).max() > TINY:
            step = step / 2
        beta, now, before = beta + step, then, now
        if before - now < TINY:
            break
    return beta, -now


def _spread_differs(before: Floats, after: Floats, level: float) -> float:
    """The p-value of the window's risks being the reference's, reweighted for odds of a violation e^level times as high.

    Chi-squared over bins of the reference's quantiles, both samples random; by (1 - p) + p e^level an ad with risk p comes more often.
    """
    edges = np.unique(np.quantile(before, np.linspace(0, 1, BINS + 1)[1:-1]))
    bin_before, bin_after = (np.searchsorted(edges, risk, side="right") for risk in (before, after))
    weight = 1 - before + before * np.exp(level)
    n = len(edges) + 1
    total = np.bincount(bin_before, weights=weight, minlength=n)
    share = total / total.sum()
    counts = np.bincount(bin_after, minlength=n)
    kept = share * after.size >= FEWEST
    if kept.sum() < 2:
        return 1.0
    # Of a share of weights: the linearised variance of a ratio; of counts: multinomial.
    spread = np.bincount(bin_before, weights=weight**2, minlength=n)
    variance = (spread * (1 - 2 * share) + share**2 * (weight**2).sum()) / total.sum() ** 2 + share * (1 - share) / after.size
    statistic = float((((counts / after.size - share) ** 2 / variance) * (1 - share))[kept].sum())
    return float(stats.chi2.sf(statistic, int(kept.sum()) - 1))


def _short(reference: Stretch, window: Stretch, approve_below: float) -> Iterator[tuple[Zone, int | None]]:
    """Zones whose labels could not show what matters there: the odds of a violation doubled, or ``LEAKING`` more of the approved."""
    critical, wanted = float(stats.chi2.isf(LEVEL, 3)), _noncentral(POWER)
    tell = [_information(one) for one in (reference, window)]
    n = int(window.read.sum())
    if min(tell) <= 0:
        yield Zone.THRESHOLDS, None
    elif stats.ncx2.sf(critical, 3, DOUBLED**2 / (1 / tell[0] + 1 / tell[1])) < POWER:
        left = DOUBLED**2 / wanted - 1 / tell[0]
        yield Zone.THRESHOLDS, max(1, int(np.ceil(n / tell[1] / left)) - n) if left > 0 else None
    audited = [one.violates[one.read & (one.risk < approve_below)] for one in (reference, window)]
    before, now = len(audited[0]), len(audited[1])
    if not 0 < approve_below < 1:
        return
    if not before:
        yield Zone.APPROVED, None
        return
    # A count of errors beside what the reference leads to expect: twice the log likelihood ratio of Poisson means, at its mean.
    rate = (float(audited[0].sum()) + 0.5) / (before + 1)
    a_label = 2 * ((rate + LEAKING) * np.log1p(LEAKING / rate) - LEAKING)
    if now * a_label < wanted:
        yield Zone.APPROVED, int(np.ceil(wanted / a_label)) - now


def _noncentral(power: float) -> float:
    """The noncentrality with which a chi-squared test of three degrees of freedom at ``LEVEL`` has this power."""
    critical = float(stats.chi2.isf(LEVEL, 3))
    return float(optimize.brentq(lambda nc: stats.ncx2.sf(critical, 3, nc) - power, 1e-6, 1e3))


def _information(one: Stretch) -> float:
    """Of the labels about a common shift of log-odds."""
    p = one.risk[one.read]
    return float((p * (1 - p)).sum())
