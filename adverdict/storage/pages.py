"""What every page that is written or served has in common: one palette, light and dark, and one way to make its templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jinja2 import Environment


class Colour(NamedTuple):
    light: str
    dark: str


PALETTE: Mapping[str, Colour] = {
    "ink": Colour("#1b1f26", "#e6e9ee"),
    "muted": Colour("#59616e", "#a3acb9"),
    "line": Colour("#d9dee5", "#323a45"),
    "paper": Colour("#ffffff", "#12151a"),
    "panel": Colour("#f6f7f9", "#1a1e25"),
    "field": Colour("#ffffff", "#0e1115"),
    "edge": Colour("#868e9a", "#77818f"),
    "accent": Colour("#0b5fb0", "#6cb2f5"),
    "on-accent": Colour("#ffffff", "#08131f"),
    "accent-back": Colour("#e6f0fa", "#16293c"),
    # What verdicts and certificates come to: each also has a sign or a word, for those who see no colours.
    "approve": Colour("#17633a", "#7ed6a5"),
    "review": Colour("#7a4f00", "#f0c069"),
    "reject": Colour("#a9231b", "#f59a93"),
    "approve-back": Colour("#e1f2e8", "#15322a"),
    "review-back": Colour("#faeed5", "#382c13"),
    "reject-back": Colour("#fae3e1", "#3d2120"),
    "approve-zone": Colour("#9fd3b5", "#2f6b4c"),
    "reject-zone": Colour("#eaa9a4", "#7d3a36"),
    "zone": Colour("#e3e6eb", "#2a313b"),
    # Lines of the plots, by the model they belong to.
    "blend": Colour("#0b5fb0", "#6cb2f5"),
    "ridge": Colour("#b8651b", "#e39a58"),
    "gbm": Colour("#2c8a57", "#62c491"),
    "encoder": Colour("#8a4fa3", "#c490dc"),
    "transformer": Colour("#0f7b83", "#55c3cb"),
    "early": Colour("#a2711b", "#e0b060"),
    "other": Colour("#6a7280", "#9aa3b0"),
    "alarm": Colour("#b3261e", "#f2867f"),
}
"""Colours by what they are for; a style sheet has them as ``--NAME``."""

FONTS = {
    "sans": 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
    "mono": 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
}


def variables() -> str:
    """The palette and the fonts as the variables of a style sheet, following the reader's choice of light or dark."""
    light = {name: colour.light for name, colour in PALETTE.items()} | FONTS
    dark = {name: colour.dark for name, colour in PALETTE.items()}
    return f":root {{{_declared(light)}}}\n@media (prefers-color-scheme: dark) {{\n:root {{{_declared(dark)}}}\n}}\n"


def environment(package: str, filters: Mapping[str, Any], folder: str = ".") -> Environment:
    """Templates of ``folder`` in ``package``, which may extend ``page.html``: everything is escaped, and what is not given is an error."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=ChoiceLoader([PackageLoader(package, folder), PackageLoader("adverdict.storage", ".")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= filters
    made.globals |= {"palette": PALETTE, "variables": variables}
    return made


def _declared(values: Mapping[str, str]) -> str:
    return "".join(f"\n  --{name}: {value};" for name, value in values.items()) + "\n"
