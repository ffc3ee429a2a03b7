"""A certificate's curves: what each threshold does to the labelled ads, with the range that is certified and the threshold chosen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.certificate import Bound, Certificate, CurvePoint
from adverdict.certification.words import Side
from adverdict.training.pages.plots import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = (0.00001, 0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)
SEEN, UPPER, CERTIFIED, TARGET = "blend", "ridge", "gbm", "alarm"
"""The colours of the plots, by the names that ``storage.pages`` has for them."""
ABOVE_TARGET = 3.0
"""How many times the target the axis of errors reaches: what lies beyond is out of the question in any case."""


@dataclass(frozen=True)
class Split:
    """What a pair of thresholds does with labelled ads: ``approved`` and ``rejected`` of ``ads``, the rest is for people."""

    approved: int
    rejected: int
    ads: int

    @property
    def automatic(self) -> int:
        return self.approved + self.rejected

    @property
    def review(self) -> int:
        return self.ads - self.automatic


def split(certificate: Certificate) -> Split:
    """The certificate's labelled ads under the thresholds it chose."""
    used = {bound.side: bound.used.ads for bound in certificate.bounds if bound.used is not None}
    return Split(used.get(Side.APPROVE, 0), used.get(Side.REJECT, 0), certificate.ads)


def draw_errors(certificate: Certificate, bound: Bound) -> Drawing:
    """The rate of one side's errors over its threshold, among the labelled ads it would decide, under its upper confidence bound."""
    points = [point for point in certificate.curve if _ads(point, bound.side)]
    at = np.array([point.threshold for point in points])
    rate = np.array([_errors(point, bound.side) / _ads(point, bound.side) for point in points])
    upper = np.array([_upper(point, bound.side) for point in points])
    # Raters miss errors: as in the certificate, the bound is raised by as much as the limit was lowered.
    upper = np.minimum(1.0, upper * (bound.target / bound.limit if bound.limit else 1.0))
    chosen = certificate.approve_below if bound.side is Side.APPROVE else certificate.reject_at

    def draw(axes: Axes, colour: Mapping[str, str]) -> None:
        _threshold_axis(axes, [*at.tolist(), *_range(bound)])
        _shade(axes, colour, bound)
        axes.plot(at, upper, color=colour[UPPER], linewidth=1.5, linestyle=(0, (5, 1.5)), label="upper bound")
        axes.plot(at, rate, color=colour[SEEN], linewidth=2.0, label="observed")
        axes.axhline(bound.target, color=colour[TARGET], linewidth=1.1, linestyle=(0, (2, 2)), label="target")
        _mark(axes, colour, [chosen])
        verb, error = ("approved", "violates") if bound.side is Side.APPROVE else ("rejected", "does not violate")
        sign = "below which" if bound.side is Side.APPROVE else "from which"
        axes.set(ylim=(0, _top(bound.target, upper)), xlabel=f"risk {sign} ads are {verb}", ylabel=f"share of those {verb} that {error}")
        _shares(axes)
        _legend(axes, colour)

    return draw


def draw_review(certificate: Certificate) -> Drawing:
    """The share of labelled ads left to people, as either threshold moves and the other stays where it was chosen."""
    now, points = split(certificate), certificate.curve
    approving = [(point.threshold, now.ads - point.below - now.rejected) for point in points if point.threshold <= certificate.reject_at]
    rejecting = [
        (point.threshold, now.ads - point.above - now.approved) for point in points if point.threshold >= certificate.approve_below
    ]
    chosen = [limit for limit in (certificate.approve_below, certificate.reject_at) if 0 < limit < 1]

    def draw(axes: Axes, colour: Mapping[str, str]) -> None:
        _threshold_axis(axes, [*(point.threshold for point in points), *chosen])
        axes.plot(*_line(approving, now.ads), color=colour[SEEN], linewidth=2.0, label="approve moves")
        if certificate.bound(Side.REJECT):
            axes.plot(*_line(rejecting, now.ads), color=colour[UPPER], linewidth=1.5, linestyle=(0, (5, 1.5)), label="reject moves")
        _mark(axes, colour, chosen)
        axes.scatter(chosen, [now.review / now.ads] * len(chosen), s=34, color=colour["ink"], zorder=6)
        axes.set(ylim=(0, 1.02), xlabel="threshold that moves", ylabel="share of labelled ads for people")
        _shares(axes)
        _legend(axes, colour)

    return draw


def _log_odds(threshold: float) -> float:
    return math.log(threshold / (1.0 - threshold))


def _ads(point: CurvePoint, side: Side) -> int:
    return point.below if side is Side.APPROVE else point.above


def _errors(point: CurvePoint, side: Side) -> int:
    return point.leaked if side is Side.APPROVE else point.wronged


def _upper(point: CurvePoint, side: Side) -> float:
    """NaN, which is not drawn, where nothing was tested."""
    upper = point.leakage_upper if side is Side.APPROVE else point.wrongful_upper
    return math.nan if upper is None else upper


def _range(bound: Bound) -> list[float]:
    return [count.threshold for count in (bound.certified_from, bound.certified_to) if count is not None]


def _line(ads: Iterable[tuple[float, int]], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    kept = np.array([*ads], dtype=np.float64).reshape(-1, 2)
    return kept[:, 0], kept[:, 1] / n


def _threshold_axis(axes: Axes, thresholds: Sequence[float]) -> None:
    """Log-odds: risks crowd near 0 and 1, where the thresholds lie."""
    axes.set_xscale("logit")
    low, high = _log_odds(min(thresholds, default=0.01)), _log_odds(max(thresholds, default=0.99))
    pad = 0.03 * max(high - low, 1.0)
    ends = [1 / (1 + math.exp(-z)) for z in (low - pad, high + pad)]
    axes.set_xlim(*ends)
    ticks = [tick for tick in TICKS if ends[0] <= tick <= ends[1]]
    while len(ticks) > 7:
        ticks = ticks[1::2] if 0.5 in ticks[1::2] else ticks[::2]
    axes.xaxis.set_ticks(ticks, labels=[f"{tick:.5f}".rstrip("0") for tick in ticks])
    axes.xaxis.set_ticks([], minor=True)


def _shade(axes: Axes, colour: Mapping[str, str], bound: Bound) -> None:
    ends = _range(bound)
    if ends:
        style: Any = {"color": colour[CERTIFIED], "alpha": 0.2, "linewidth": 0, "label": "certified"}
        axes.axvspan(min(ends), max(ends), **style) if min(ends) < max(ends) else axes.axvline(ends[0], **style | {"linewidth": 6})


def _mark(axes: Axes, colour: Mapping[str, str], chosen: Iterable[float]) -> None:
    """Thresholds of 0 and 1 decide nothing and have no place on the axis."""
    for i, threshold in enumerate(one for one in chosen if 0 < one < 1):
        axes.axvline(threshold, color=colour["ink"], linewidth=1.2, label="chosen" if i == 0 else None)


def _top(target: float, upper: NDArray[np.float64]) -> float:
    return min(1.02, max(ABOVE_TARGET * target, 1.4 * float(np.nanmin(np.append(upper, 1.0))), 0.01))


def _shares(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(lambda share, _: f"{share * 100:.3g}%")


def _legend(axes: Axes, colour: Mapping[str, str]) -> None:
    """Above the plot, where no curve can be hidden by it."""
    axes.legend(
        frameon=False,
        labelcolor=colour["ink"],
        fontsize=8.5,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=3,
        handlelength=2,
        borderpad=0.2,
    )
