"""Plots of pages: in a page's own colours (SVG, follows light and dark), and for slides (PNG)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adverdict.storage.pages import PALETTE
from adverdict.storage.whole import replacing
from adverdict.training.evaluation.curves import Bin, DecisionCurve, PrecisionRecall

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {name: colour.light for name, colour in PALETTE.items()}
"""Of the PNG plots."""

STAND_INS = {name: f"#0000{i:02x}" for i, name in enumerate(COLOURS, start=1)}
"""Colours nothing else has: what Matplotlib writes for them is replaced by the page's variables."""

DASHES: Mapping[str, Any] = {
    "blend": "solid",
    "ridge": (0, (1, 1.4)),
    "gbm": (0, (5, 1.8)),
    "encoder": (0, (5, 1.5, 1, 1.5)),
    "transformer": (0, (2.5, 1.2)),
    "early": (0, (1, 3)),
}
"""Models differ by dash as well as by colour, for print and for colour-blind readers."""

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "adverdict",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
}

SHARES = (0.0, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0)
"""Ticks of an axis of shares."""

Drawing = Callable[["Axes", Mapping[str, str]], None]


def draw_precision_recall(curves: Mapping[str, PrecisionRecall], prevalence: float) -> Drawing:
    """Every model's precision over recall; rejecting at random has the share of violating ads as its precision."""

    def draw(axes: Axes, colour: Mapping[str, str]) -> None:
        for model, curve in curves.items():
            recall, precision = np.append(0.0, curve.recall), np.append(curve.precision[:1], curve.precision)
            axes.step(recall, precision, where="pre", label=model, **_line(model, colour))
        axes.axhline(prevalence, color=colour["muted"], linewidth=0.9, linestyle=(0, (2, 2)), label="at random")
        axes.set(
            xlim=(0, 1),
            ylim=(0, 1.02),
            xlabel="recall: share of the violating ads found",
            ylabel="precision: share of those found that violate",
        )
        _percent(axes.xaxis)
        _percent(axes.yaxis)
        _legend(axes, colour)

    return draw


def draw_reliability(bins: Sequence[Bin], thresholds: Sequence[float]) -> Drawing:
    """What was promised against what came. Axes are stretched near 0 % and 100 % (arcsine of the root), where thresholds lie."""

    def draw(axes: Axes, colour: Mapping[str, str]) -> None:
        _stretched(axes, "x")
        _stretched(axes, "y")
        axes.plot(*[np.linspace(0, 1, 200)] * 2, color=colour["muted"], linewidth=0.9, linestyle=(0, (2, 2)), label="as promised")
        for i, threshold in enumerate(thresholds):
            axes.axvline(threshold, color=colour["alarm"], linewidth=0.9, alpha=0.8, label="threshold" if i == 0 else None)
        risk, rate = (np.array([getattr(part, name) for part in bins]) for name in ("risk", "rate"))
        ends = np.array([[part.rate - part.rate_low, part.rate_high - part.rate] for part in bins]).T.reshape(2, -1)
        size = 14 + 90 * np.sqrt([part.n / max((other.n for other in bins), default=1) for part in bins])
        axes.errorbar(risk, rate, yerr=np.maximum(ends, 0), fmt="none", ecolor=colour["blend"], elinewidth=1.1, zorder=3)
        axes.scatter(
            risk, rate, s=size, color=colour["blend"], edgecolor=colour["paper"], linewidth=0.8, zorder=4, label="observed (area: ads)"
        )
        axes.set(xlabel="risk promised (mean of the bin)", ylabel="share that violates, 95 % interval")
        _legend(axes, colour, loc="lower right")

    return draw


def draw_decision_curve(curves: Mapping[str, DecisionCurve], thresholds: Sequence[float]) -> Drawing:
    """Net benefit of each model for 1,000 ads, over the risk from which ads are rejected; beside rejecting all and rejecting none."""

    def draw(axes: Axes, colour: Mapping[str, str]) -> None:
        _stretched(axes, "x")
        for threshold in thresholds:
            axes.axvline(threshold, color=colour["alarm"], linewidth=0.9, alpha=0.8)
        for model, curve in curves.items():
            axes.plot(curve.threshold, 1000 * curve.model, label=model, **_line(model, colour))
        one = next(iter(curves.values()))
        axes.plot(one.threshold, 1000 * one.reject_all, color=colour["muted"], linewidth=0.9, linestyle=(0, (2, 2)), label="reject all")
        axes.axhline(0, color=colour["ink"], linewidth=0.9, label="reject none")
        top = max(1.0, *(1000 * float(curve.model.max()) for curve in curves.values()))
        axes.set(ylim=(-0.15 * top, 1.08 * top), xlabel="risk from which an ad is rejected", ylabel="net benefit for 1,000 ads")
        _legend(axes, colour, loc="upper right")

    return draw


def render(draw: Drawing, title: str, name: str) -> str:
    """The plot as SVG for a page that defines the colours as ``--NAME``; ``name`` keeps its ids apart from those of the page's others."""
    from matplotlib import rc_context

    text = StringIO()
    with rc_context(STYLE):
        _figure(draw, STAND_INS).savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _for_page(text.getvalue(), name, title)


def write_png(draw: Drawing, title: str, png: Path) -> None:
    """The same plot as a picture for slides, on the page's light paper."""
    from matplotlib import rc_context

    with rc_context(STYLE), replacing(png) as half:
        figure = _figure(draw, COLOURS)
        figure.text(0.02, 0.985, title, fontsize=10, color=COLOURS["ink"], verticalalignment="top")
        figure.savefig(half, format="png", dpi=160, facecolor=COLOURS["paper"], metadata={"Software": None})


def render_both(draw: Drawing, png: Path, title: str) -> str:
    """Write ``png``; the same plot as SVG."""
    write_png(draw, title, png)
    return render(draw, title, png.stem)


def _figure(draw: Drawing, colour: Mapping[str, str]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 3.7))
    # Margins for the widest labels there are: fitting them to each plot takes as long as drawing it.
    axes = figure.add_axes((0.145, 0.13, 0.835, 0.76))
    axes.grid(color=colour["line"], linewidth=0.7)
    axes.set_axisbelow(True)
    draw(axes, colour)
    axes.tick_params(colors=colour["muted"], labelcolor=colour["ink"])
    for spine in axes.spines.values():
        spine.set_color(colour["muted"])
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(colour["ink"])
    return figure


def _for_page(svg: str, prefix: str, title: str) -> str:
    body = svg[svg.index("<svg") :]
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", body)
    for name, stand_in in STAND_INS.items():
        body = body.replace(stand_in, f"var(--{name})")
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = body.replace("'DejaVu Sans'", "var(--sans)")
    return body.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)


def _line(model: str, colour: Mapping[str, str]) -> dict[str, Any]:
    return {
        "color": colour.get(model, colour["other"]),
        "linestyle": DASHES.get(model, "solid"),
        "linewidth": 2.2 if model == "blend" else 1.3,
        "zorder": 5 if model == "blend" else 3,
    }


def _legend(axes: Axes, colour: Mapping[str, str], loc: Any = "best") -> None:
    axes.legend(frameon=False, labelcolor=colour["ink"], fontsize=9, loc=loc, handlelength=2.6)


def _stretched(axes: Axes, side: str) -> None:
    scale = axes.set_xscale if side == "x" else axes.set_yscale
    scale("function", functions=(lambda p: np.arcsin(np.sqrt(np.clip(p, 0, 1))), lambda x: np.sin(np.clip(x, 0, np.pi / 2)) ** 2))
    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_ticks(SHARES, labels=[f"{share:.0%}" for share in SHARES])
    axis.set_ticks([], minor=True)
    (axes.set_xlim if side == "x" else axes.set_ylim)(0, 1)


def _percent(axis: Any) -> None:
    axis.set_ticks(np.linspace(0, 1, 6), labels=[f"{share:.0%}" for share in np.linspace(0, 1, 6)])
