"""YAML that people write by hand: without anchors and aliases, by which a few lines say a billion values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MAX_BYTES = 10_000_000
MAX_DEPTH = 50


def read_yaml(path: Path, *, texts: bool = False) -> Any:
    """The one document in a file; with ``texts`` every value as it is written. Raises yaml.YAMLError, also for what expands, is nested past
    bearing, or larger than anybody writes; UnicodeDecodeError and OSError.
    """
    import yaml

    if path.stat().st_size > MAX_BYTES:
        raise yaml.YAMLError(f"{path.stat().st_size:,} bytes: expected at most {MAX_BYTES:,}")
    text, loader = path.read_text(encoding="utf-8"), yaml.BaseLoader if texts else yaml.SafeLoader
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"line {line}: expected values written out, without anchors and aliases")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise yaml.YAMLError(f"line {line}: expected at most {MAX_DEPTH} levels of nesting")
    return yaml.load(text, Loader=loader)  # noqa: S506 # one of the two that make plain values
