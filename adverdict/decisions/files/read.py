"""A folder of policy files -> a PolicyBook, or every mistake in it at once, each with file, line, value and expectation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adverdict.decisions.files.countries import COUNTRIES
from adverdict.decisions.files.fields import NAME, Fields, Sourced, known_items, one_of, read_fields
from adverdict.decisions.files.inherit import DEFAULT, PolicyFile, Settled, chain, check_default, settle
from adverdict.decisions.files.located import Located, locate
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import InvalidPolicy, Mistake, NotFound
from adverdict.policies import folder as packaged_policies

MAX_BYTES = 1_000_000
"""A policy file is written by people; a larger one is something else."""
TOP_KEYS = ("extends", "policies", "surfaces")


@dataclass(frozen=True)
class PolicyFolder:
    """What a folder of policy files comes to, and where each value was written."""

    book: PolicyBook
    settled: Mapping[str, Settled]
    """By market: the same as ``book.rules``, each value with its ``file:line``."""
    files: Mapping[str, PolicyFile]
    """By market, and ``default``: what each file says before inheritance."""


def read_policies(folder: Path | str | None = None) -> PolicyBook:
    """The rules in a folder: ``default.yaml`` and one ``XX.yaml`` a market; those that come with Adverdict when None.

    Other files in the folder (not ending in .yaml or .yml) are left alone.
    Raises ``NotFound`` when there is no such folder, ``InvalidPolicy`` with every mistake otherwise.
    """
    return read_folder(folder).book


def read_folder(folder: Path | str | None = None) -> PolicyFolder:
    """As ``read_policies``, for those who also ask where a value comes from."""
    folder = packaged_policies() if folder is None else Path(folder)
    if not folder.is_dir():
        raise NotFound(f"no folder of policy files at {folder}")
    mistakes: list[Mistake] = []
    paths = _policy_paths(folder, mistakes)
    trees = {name: _tree(path, mistakes) for name, path in paths.items()}
    files = {name: _file(name, tree, set(trees), mistakes) for name, tree in trees.items() if tree is not None}
    if DEFAULT in files:
        mistakes += _unknown_policies(files)
        mistakes += check_default(files[DEFAULT])
    chains = {name: chain(name, files, mistakes) for name in files}
    settled = {name: settle(layers, mistakes) for name, layers in chains.items() if layers}
    if mistakes:
        raise _refusal(folder, mistakes)
    markets = {name: settled[name] for name in sorted(settled) if name != DEFAULT}
    book = PolicyBook(names=tuple(files[DEFAULT].policies), rules={name: here.rules() for name, here in markets.items()})
    return PolicyFolder(book, markets, files)


def read_texts(folder: Path | str | None = None) -> dict[str, str]:
    """Name -> text of the policy files of a folder that was read without mistakes; of those that come with Adverdict when None."""
    folder = packaged_policies() if folder is None else Path(folder)
    return {path.name: path.read_text(encoding="utf-8-sig") for path in _policy_paths(folder, []).values()}


def _policy_paths(folder: Path, mistakes: list[Mistake]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in (".yaml", ".yml"):
            continue
        if path.suffix == ".yaml" and (path.stem == DEFAULT or path.stem in COUNTRIES):
            files[path.stem] = path
        else:
            mistakes.append(Mistake("file name", path.name, _right_name(path), path.name))
    if DEFAULT not in files:
        mistakes.append(Mistake("file", None, "default.yaml, which defines every policy", "default.yaml"))
    if not set(files) - {DEFAULT} and not mistakes:
        mistakes.append(Mistake("file", None, "at least one market's file, such as SE.yaml", str(folder)))
    return files


def _right_name(path: Path) -> str:
    upper = path.stem.upper()
    meant = path.stem.lower() if path.stem.lower() == DEFAULT else upper
    hint = f" (did you mean {meant}.yaml?)" if upper in COUNTRIES or meant == DEFAULT else ""
    return f"default.yaml, or an ISO 3166-1 country code and .yaml, such as SE.yaml{hint}"


def _tree(path: Path, mistakes: list[Mistake]) -> Located | None:
    """None: it could not be read, and why was noted."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            mistakes.append(Mistake("file", f"more than {MAX_BYTES:,} bytes", f"at most {MAX_BYTES:,} bytes", path.name))
            return None
        return locate(raw.decode("utf-8-sig"), path.name, mistakes)
    except UnicodeDecodeError as error:
        where = f"{path.name}:{raw.count(bytes([10]), 0, error.start) + 1}"
        mistakes.append(Mistake("file", raw[error.start : error.start + 1], "text in UTF-8", where))
    except OSError as error:
        mistakes.append(Mistake("file", error.strerror or type(error).__name__, "a file that can be read", path.name))
    return None


def _file(name: str, tree: Located, names: set[str], mistakes: list[Mistake]) -> PolicyFile:
    keys = TOP_KEYS[1:] if name == DEFAULT else TOP_KEYS
    entries = dict(known_items(tree, name, keys, mistakes))
    where: dict[str, str] = {}
    policies: dict[str, Fields] = {}
    surfaces: dict[str, dict[str, Fields]] = {}
    for policy, fields in _named(entries.get("policies"), "policies", mistakes):
        policies[policy] = read_fields(fields, f"policies.{policy}", mistakes)
        where[policy] = fields.where
    for surface, section in _named(entries.get("surfaces"), "surfaces", mistakes):
        surfaces[surface] = {}
        for policy, fields in _named(section, f"surfaces.{surface}", mistakes):
            surfaces[surface][policy] = read_fields(fields, f"surfaces.{surface}.{policy}", mistakes, on_surface=True)
            where[f"{surface}.{policy}"] = fields.where
    if name == DEFAULT and not policies and isinstance(tree.value, dict):
        mistakes.append(Mistake("policies", None, "at least one policy", tree.where))
    extends = None if name == DEFAULT else _extends(entries.get("extends"), tree, names, mistakes)
    return PolicyFile(name, extends, policies, surfaces, where)


def _extends(named: Located | None, tree: Located, names: set[str], mistakes: list[Mistake]) -> Sourced | None:
    if named is not None and isinstance(named.value, str) and named.value in names:
        return Sourced(named.value, named.where)
    if isinstance(tree.value, dict):
        value, where = (named.shown(), named.where) if named is not None else (None, tree.where)
        hint = str(value).removesuffix(".yaml")
        mistakes.append(Mistake("extends", value, f"a file of this folder: {one_of(sorted(names), hint)}", where))
    return None


def _named(section: Located | None, path: str, mistakes: list[Mistake]) -> list[tuple[str, Located]]:
    """The entries of a mapping whose keys are names of policies or surfaces."""
    if section is None:
        return []
    if not isinstance(section.value, dict):
        mistakes.append(Mistake(path, section.shown(), "a mapping of names to their settings", section.where))
        return []
    for name, item in section.value.items():
        if not NAME.fullmatch(name):
            mistakes.append(Mistake(f"key of {path}", name, "a name in lower-case letters, digits and _", item.where))
    return [(name, item) for name, item in section.value.items() if NAME.fullmatch(name)]


def _unknown_policies(files: Mapping[str, PolicyFile]) -> list[Mistake]:
    defined = files[DEFAULT].policies
    if not defined:
        return []
    mistakes = [
        Mistake("key of policies", policy, f"a policy that default.yaml defines: {one_of(defined, policy)}", file.where[policy])
        for file in files.values()
        for policy in file.policies
        if policy not in defined
    ]
    return mistakes + [
        Mistake(
            f"key of surfaces.{surface}",
            policy,
            f"a policy that default.yaml defines: {one_of(defined, policy)}",
            file.where[f"{surface}.{policy}"],
        )
        for file in files.values()
        for surface, section in file.surfaces.items()
        for policy in section
        if policy not in defined
    ]


def _refusal(folder: Path, mistakes: list[Mistake]) -> InvalidPolicy:
    once = {str(mistake): mistake for mistake in mistakes}  # an inherited mistake is found once for each heir
    ordered = sorted(once.values(), key=lambda mistake: (_place(mistake.where), mistake.field))
    return InvalidPolicy(f"{len(ordered)} mistake{'s' if len(ordered) > 1 else ''} in the policy files of {folder}", ordered)


def _place(where: str) -> tuple[str, int]:
    file, _, line = where.partition(":")
    return (file, int(line)) if re.fullmatch(r"\d+", line) else (file, 0)
