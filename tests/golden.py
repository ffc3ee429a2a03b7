"""Texts that people read, kept as files: a change of wording is seen in review, and made only on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Golden:
    """Compares a text with ``golden/NAME`` beside the test; ``pytest --update-golden`` rewrites it."""

    folder: Path
    update: bool

    def check(self, name: str, text: str) -> None:
        path = self.folder / name
        text = text.rstrip("\n") + "\n"
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {path}; write it with: pytest --update-golden"
        assert text == path.read_text(encoding="utf-8"), f"differs from {path}; if the new text is right: pytest --update-golden"
