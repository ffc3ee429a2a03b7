"""The policy files this product ships, as a starting point: examples, not legal advice. Data only; ``decisions.files.read`` reads them."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """The folder of ``default.yaml`` and the markets' files, also in an installed wheel."""
    return Path(__file__).resolve().parent
