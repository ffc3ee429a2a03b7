"""The cache on disk: what was kept comes back bit for bit or not at all, whoever else is at it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.training.cache.disk_cache import MANIFEST, CacheSection, DiskCache, RaggedArray
from tests.effort import examples

PLENTY = 10**9


def key(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def ragged(*rows: list[float]) -> RaggedArray:
    return RaggedArray(np.array([value for row in rows for value in row], dtype=np.float32), np.array([len(row) for row in rows]))


def kept(section: CacheSection, names: list[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for part in section.find([key(name) for name in names]):
        one = part.fields["states"]
        for row, at in zip(part.wanted, part.at, strict=True):
            found[names[row]] = one.values[one.starts[at] : one.starts[at] + one.lengths[at]].tolist()
    return found


def add(section: CacheSection, rows: dict[str, list[float]]) -> None:
    section.add([key(name) for name in rows], {"states": ragged(*rows.values())})


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache", PLENTY)


def test_what_was_kept_comes_back_and_only_what_was_asked_for(cache: DiskCache) -> None:
    section = cache.section("states", {"weights": "a"})
    add(section, {"one": [1.0], "two": [2.0, 2.5]})
    add(section, {"three": [3.0, 3.5, 3.75]})
    assert kept(section, ["three", "never seen", "two"]) == {"three": [3.0, 3.5, 3.75], "two": [2.0, 2.5]}
    assert cache.warnings == []


@examples(30)
@given(st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=5), min_size=1, max_size=8))
def test_any_records_in_any_number_of_parts_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]]) -> None:
    section = DiskCache(tmp_path_factory.mktemp("cache"), PLENTY).section("states", {})
    named = {str(i): row for i, row in enumerate(rows)}
    cut = len(named) // 2
    for some in (list(named)[:cut], list(named)[cut:]):
        if some:
            add(section, {name: named[name] for name in some})
    assert kept(section, list(named)) == named


def test_what_was_made_otherwise_is_another_section(cache: DiskCache) -> None:
    add(cache.section("states", {"weights": "a"}), {"one": [1.0]})
    assert kept(cache.section("states", {"weights": "b"}), ["one"]) == {}


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


def _folder_for(path: Path) -> None:
    """Like a file of somebody else's it raises an OSError when it is opened, to the administrator too."""
    path.unlink()
    path.mkdir()


def _listed(part: Path, name: str, raw: bytes) -> None:
    """Another content, and a manifest that says so."""
    (part / name).write_bytes(raw)
    manifest = json.loads((part / MANIFEST).read_text())
    manifest["files"][name] = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    (part / MANIFEST).write_text(json.dumps(manifest))


def _npy(values: list[int]) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array(values))
    return file.getvalue()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a bit": lambda part: _flip(part / "states.npy"),
    "a bit of the keys": lambda part: _flip(part / "keys.npy"),
    "a bit of the lengths": lambda part: _flip(part / "states.lengths.npy"),
    "cut short": lambda part: os.truncate(part / "states.npy", 130),
    "emptied": lambda part: os.truncate(part / "states.npy", 0),
    "a file gone": lambda part: (part / "states.npy").unlink(),
    "no manifest": lambda part: (part / MANIFEST).unlink(),
    "a manifest that cannot be read": lambda part: _folder_for(part / MANIFEST),
    "half a manifest": lambda part: os.truncate(part / MANIFEST, 40),
    "a manifest of something else": lambda part: (part / MANIFEST).write_text('["format"]'),
    "a manifest without the file": lambda part: (part / MANIFEST).write_text(
        json.dumps({**json.loads((part / MANIFEST).read_text()), "fields": ["other"]})
    ),
    "nothing, and listed so": lambda part: _listed(part, "states.npy", b""),
    "lengths that point outside": lambda part: _listed(part, "states.lengths.npy", _npy([-5, 7])),
    "a pickle under its name": lambda part: (part / "states.npy").write_bytes(b"\x80\x04cos\nsystem\n"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_part_is_never_used_is_told_of_and_is_gone_afterwards(cache: DiskCache, damage: Callable[[Path], object]) -> None:
    section = cache.section("states", {})
    add(section, {"one": [1.0], "two": [2.0]})
    add(section, {"three": [3.0]})
    part = next(part for part in section.folder.iterdir() if np.load(part / "keys.npy").shape[0] == 2)
    damage(part)
    assert kept(section, ["one", "two", "three"]) == {"three": [3.0]}
    assert len(cache.warnings) == 1
    assert str(part) in cache.warnings[0]
    assert "computed again" in cache.warnings[0]
    add(section, {"one": [1.0], "two": [2.0]})
    assert kept(section, ["one", "two", "three"]) == {"one": [1.0], "two": [2.0], "three": [3.0]}
    assert len(cache.warnings) == 1


def test_beyond_the_limit_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, PLENTY)
    section = cache.section("states", {})
    for age, name in enumerate(["old", "older", "oldest"]):
        add(section, {name: [float(age)] * 100})
        part = max(section.folder.iterdir(), key=lambda path: (path / MANIFEST).stat().st_mtime_ns)
        os.utime(part / MANIFEST, (1000 - age, 1000 - age))
    kept(section, ["oldest"])  # now it is the one used last
    size = cache.bytes() // 3
    cache.most_bytes = 2 * size + size // 2
    cache.prune()
    assert set(kept(section, ["old", "older", "oldest"])) == {"old", "oldest"}
    assert cache.bytes() <= cache.most_bytes
    add(section, {"huge": [0.0] * 10_000})
    assert kept(section, ["huge"]) == {}, "what is more than the whole limit is not even written"


def test_two_trainings_that_keep_the_same_leave_it_once_and_whole(cache: DiskCache) -> None:
    section, rows = cache.section("states", {}), {str(i): [float(i)] * 50 for i in range(40)}
    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        add(section, rows)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name.startswith("part-") for path in section.folder.iterdir()] == [True]
    assert kept(section, list(rows)) == rows
    assert cache.warnings == []


def test_a_part_dropped_by_another_training_is_missing_not_broken(cache: DiskCache, monkeypatch: pytest.MonkeyPatch) -> None:
    section = cache.section("states", {})
    add(section, {"one": [1.0]})
    listed = list(section.folder.glob("part-*"))
    shutil.rmtree(listed[0])
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(listed))
    assert kept(section, ["one"]) == {}
    assert cache.warnings == []


def test_a_cache_that_cannot_be_written_stops_nothing_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    cache = DiskCache(tmp_path / "cache", PLENTY)
    add(cache.section("states", {}), {"one": [1.0]})
    assert len(cache.warnings) == 1
    assert "nothing was kept" in cache.warnings[0]


def test_what_a_killed_training_left_half_written_goes_after_a_day(cache: DiskCache) -> None:
    section = cache.section("states", {})
    add(section, {"one": [1.0]})
    for name, age in ((".part-old", 10**6), (".part-new", 0)):
        (section.folder / name).mkdir()
        moment = section.folder.stat().st_mtime - age
        os.utime(section.folder / name, (moment, moment))
    cache.prune()
    assert sorted(path.name for path in section.folder.glob(".part-*")) == [".part-new"]
