"""A pair of thresholds written into a market's policy file: which lines, where, and what the file would say.

The file is edited as text, at the places where the YAML parser found its keys: comments, order and layout stay what people made them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from adverdict.decisions.policy import Thresholds
from adverdict.domain.errors import NotFound

KEY = "thresholds"
STEP = 2
"""Columns by which a file is indented where it does not say."""


@dataclass(frozen=True)
class Edit:
    """``line``: of ``file``, where the first of ``lines`` then stands; counted from 1. ``replaced``: what stood there, if anything did."""

    file: str
    line: int
    lines: tuple[str, ...]
    replaced: tuple[str, ...]
    text: str
    """The whole file afterwards."""


def write_thresholds(texts: Mapping[str, str], market: str, surface: str | None, policy: str, thresholds: Thresholds) -> Edit:
    """``texts``: name -> text of files that were read without mistakes. Raises NotFound for a market that has none."""
    file = f"{market}.yaml"
    if file not in texts:
        raise NotFound(f"there is no {file}")
    text = texts[file] if texts[file].endswith("\n") else f"{texts[file]}\n"
    said = f"{KEY}: {{approve_below: {thresholds.approve_below:g}, reject_at: {thresholds.reject_at:g}}}"
    way = ["policies", policy] if surface is None else ["surfaces", surface, policy]
    return _edit(file, text, yaml.compose(text, Loader=yaml.SafeLoader), [*way, KEY], said)


def _edit(file: str, text: str, root: yaml.Node | None, way: Sequence[str], said: str) -> Edit:
    node, before, depth = root, None, 0
    while isinstance(node, yaml.MappingNode) and depth < len(way):
        pair = next(((key, value) for key, value in node.value if key.value == way[depth]), None)
        if pair is None:
            break
        before, (key, node), depth = pair[0], pair, depth + 1
        if depth == len(way):
            return _replaced(file, text, key, node, said)
    missing = way[depth:]
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        return _into_flow(file, text, node, missing, said)
    column = node.value[0][0].start_mark.column if isinstance(node, yaml.MappingNode) and node.value else None
    if column is None:
        column = 0 if before is None else before.start_mark.column + STEP
    added = [f"{' ' * (column + STEP * i)}{name}:" for i, name in enumerate(missing[:-1])]
    added.append(f"{' ' * (column + STEP * (len(missing) - 1))}{said}")
    lines = text.splitlines()
    at = len(lines) if before is None else before.start_mark.line + 1
    return Edit(file, at + 1, tuple(added), (), "\n".join([*lines[:at], *added, *lines[at:]]) + "\n")


def _replaced(file: str, text: str, key: yaml.Node, value: yaml.Node, said: str) -> Edit:
    # A block's end mark lies where the next token begins: what is blank or comment before it is not the block's.
    end = (
        len(text[: value.end_mark.index].rstrip())
        if isinstance(value, yaml.CollectionNode) and not value.flow_style
        else value.end_mark.index
    )
    end = max(_without_comments(text, key.start_mark.index, end), key.end_mark.index)
    after = text[: key.start_mark.index] + said + text[end:]
    first, old = key.start_mark.line, text[:end].count("\n")
    return Edit(file, first + 1, (after.splitlines()[first],), tuple(text.splitlines()[first : old + 1]), after)


def _without_comments(text: str, start: int, end: int) -> int:
    """The end without lines of comments that trail."""
    while "\n" in text[start:end] and text[:end].splitlines()[-1].lstrip().startswith("#"):
        end = len(text[: text.rindex("\n", start, end)].rstrip())
    return end


def _into_flow(file: str, text: str, node: yaml.MappingNode, missing: Sequence[str], said: str) -> Edit:
    at, inner = node.start_mark.index + 1, said
    for name in reversed(missing[:-1]):
        inner = f"{name}: {{{inner}}}"
    after = f"{text[:at]}{inner}{', ' if node.value else ''}{text[at:]}"
    first = node.start_mark.line
    return Edit(file, first + 1, (after.splitlines()[first],), (text.splitlines()[first],), after)
