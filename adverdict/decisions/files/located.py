"""YAML text -> values that know their line. Nothing is constructed: no tags, no aliases, no merge keys, bounded depth.

Scalars stay text, so that what a value means depends on the key it stands under: ``extends: NO`` is Norway, not false.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import yaml

from adverdict.domain.errors import Mistake

MAX_DEPTH = 8
"""Levels of nesting; a market file needs six."""


class _Mark(Protocol):
    """Where the parser stood; lines count from 0."""

    @property
    def line(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Located:
    """A mapping, list, text, or None (nothing was written), and where it stands: ``file:line`` (of its key, where it has one)."""

    value: dict[str, Located] | list[Located] | str | None
    where: str
    plain: bool = False
    """Text written without quotes: only that may be a number."""

    def shown(self) -> object:
        """The bare value, for messages."""
        if isinstance(self.value, dict):
            return {key: item.shown() for key, item in self.value.items()}
        return [item.shown() for item in self.value] if isinstance(self.value, list) else self.value


def locate(text: str, file: str, mistakes: list[Mistake]) -> Located | None:
    """The tree of one document, or None when it cannot be read at all; mistakes are appended."""
    try:
        refused = next(_refused(text, file), None)
        if refused is not None:
            mistakes.append(refused)
            return None
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mistakes.append(Mistake("file", error.problem or "not YAML", "valid YAML", _at(file, error.problem_mark or error.context_mark)))
        return None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        mistakes.append(Mistake("file", text[error.position : error.position + 1], "printable characters", f"{file}:{line}"))
        return None
    if node is None:
        mistakes.append(Mistake("file", text, "a mapping of keys to values", f"{file}:1"))
        return None
    return _build(node, _at(file, node.start_mark), file, mistakes)


def _at(file: str, mark: _Mark | None) -> str:
    return f"{file}:{mark.line + 1 if mark is not None else 1}"


def _refused(text: str, file: str) -> Iterator[Mistake]:
    """What no policy file may hold, found on the stream of events, before anything is built from it."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        where = _at(file, event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                yield Mistake("file", "---", "one YAML document in a file", where)
        if isinstance(event, yaml.AliasEvent):
            yield Mistake("file", f"*{event.anchor}", "values written out, without anchors and aliases", where)
        elif isinstance(event, yaml.NodeEvent) and event.anchor:
            yield Mistake("file", f"&{event.anchor}", "values written out, without anchors and aliases", where)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            yield Mistake("file", event.tag, "plain values, without tags", where)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                yield Mistake("file", f"{depth} levels", f"at most {MAX_DEPTH} levels of nesting", where)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _build(node: yaml.Node, where: str, file: str, mistakes: list[Mistake]) -> Located:
    if isinstance(node, yaml.MappingNode):
        return Located(_mapping(node, file, mistakes), where)
    if isinstance(node, yaml.SequenceNode):
        return Located([_build(item, _at(file, item.start_mark), file, mistakes) for item in node.value], where)
    plain = isinstance(node, yaml.ScalarNode) and node.style is None
    nothing = plain and node.value in ("", "~", "null", "Null", "NULL")
    return Located(None if nothing else node.value, where, plain)


def _mapping(node: yaml.MappingNode, file: str, mistakes: list[Mistake]) -> dict[str, Located]:
    items: dict[str, Located] = {}
    for key, value in node.value:
        where = _at(file, key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            mistakes.append(Mistake("key", _build(key, where, file, mistakes).shown(), "a word as key", where))
        elif key.value in items:
            mistakes.append(Mistake("key", key.value, f"each key once (first at {items[key.value].where})", where))
        else:
            items[key.value] = _build(value, where, file, mistakes)
    return items
