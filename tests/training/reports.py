"""Reports without plots: drawing them costs more than training a small model."""

from __future__ import annotations

from pathlib import Path

from adverdict.training.pages.plots import Drawing
from adverdict.training.pages.report import ReportData, write_report


def without_plots(folder: Path, data: ReportData) -> Path:
    """As ``write_report``."""
    return write_report(folder, data, render=blank)


def blank(draw: Drawing, png: Path, title: str) -> str:
    """As ``plots.render``: an empty file, and an empty plot for the page."""
    png.parent.mkdir(parents=True, exist_ok=True)
    png.touch()
    return "<svg></svg>"
