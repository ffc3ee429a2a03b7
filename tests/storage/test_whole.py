"""Files and folders appear whole or not at all, whoever else writes them at the same time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import adverdict
from adverdict.storage.whole import LEFTOVER, create_whole, making_folder, publish_folder, replacing, replacing_text, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def as_bytes(path: Path, content: str) -> None:
    write_whole(path, content.encode())


def by_path(path: Path, content: str) -> None:
    with replacing(path) as half:
        half.write_text(content, encoding="utf-8")


def streamed(path: Path, content: Iterable[str]) -> None:
    with replacing_text(path) as file:
        for letter in content:
            file.write(letter)


def filled(path: Path, content: Iterable[str]) -> None:
    with making_folder(path) as work:
        work.mkdir()
        for letter in content:
            (work / "x").write_text(letter)


def letters_then_error() -> Iterator[str]:
    yield "a"
    raise ZeroDivisionError


WRITERS = (write_whole, as_bytes, by_path, streamed)


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_replaces_what_was_there_and_leaves_nothing_beside_it(write: Callable[[Path, str], None], tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "list.csv"
    write(target, "old")
    write(target, "Größe\r\n\n")
    assert target.read_bytes() == "Größe\r\n\n".encode()
    assert names(target.parent) == ["list.csv"]


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError):
        streamed(target, letters_then_error())
    with pytest.raises(UnicodeEncodeError):
        write_whole(target, "\ud800")
    assert (names(tmp_path), target.read_text()) == (["x"], "old")


def test_a_write_that_fails_leaves_no_file_where_none_was(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        streamed(tmp_path / "x", letters_then_error())
    assert names(tmp_path) == []


def test_a_block_that_writes_nothing_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "x"):
        pass
    assert (names(tmp_path), (tmp_path / "x").read_text()) == (["x"], "old")


def test_two_that_write_one_file_at_once_do_not_tear_it(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with ExitStack() as first, replacing_text(target) as second:
        early = first.enter_context(replacing_text(target))
        early.write("early " * 1000)
        second.write("late " * 1000)
        first.close()
        assert target.read_text() == "early " * 1000
        second.write("late " * 1000)
    assert target.read_text() == "late " * 2000
    assert names(tmp_path) == ["x"]


WRITER = """
import sys
from pathlib import Path
from adverdict.storage.whole import write_whole
for _ in range(30):
    write_whole(Path(sys.argv[1]), sys.argv[2] * 100_000)
"""


def test_two_processes_that_write_one_file_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "x"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(target), letter]) for letter in "ab"]
    read = set()
    while any(writer.poll() is None for writer in writers):
        if target.exists():
            read.add(target.read_text())
    assert [writer.returncode for writer in writers] == [0, 0]
    assert read <= {"a" * 100_000, "b" * 100_000}
    assert names(tmp_path) == ["x"]


def test_a_file_that_is_there_is_not_created_again(tmp_path: Path) -> None:
    create_whole(tmp_path / "x", b"first")
    with pytest.raises(FileExistsError):
        create_whole(tmp_path / "x", b"second")
    assert (names(tmp_path), (tmp_path / "x").read_bytes()) == (["x"], b"first")


def test_a_file_being_written_has_the_name_of_a_leftover(tmp_path: Path) -> None:
    with replacing(tmp_path / "x") as half:
        assert LEFTOVER.search(half.name)
        half.touch()


def test_a_folder_appears_when_it_is_filled(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "bundle"
    with making_folder(target) as work:
        assert not work.exists()
        (work / "in").mkdir(parents=True)
        (work / "in" / "x").write_text("1")
        assert not target.exists()
    assert (target / "in" / "x").read_text() == "1"
    assert names(target.parent) == ["bundle"]


def test_a_folder_that_could_not_be_filled_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        filled(tmp_path / "bundle", letters_then_error())
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_folder_takes_nobodys_place(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "bundle"

    def meanwhile() -> Iterator[str]:
        if kind == "file":
            target.write_text("first")
        else:
            target.mkdir()
            (target / "x").write_text("first")
        yield "second"

    with pytest.raises(FileExistsError):
        filled(target, meanwhile())
    assert names(tmp_path) == ["bundle"]
    assert (target if kind == "file" else target / "x").read_text() == "first"


def test_a_folder_that_is_not_there_cannot_be_published(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        publish_folder(tmp_path / "none", tmp_path / "bundle")


def test_nothing_else_renames_what_it_wrote() -> None:
    root = Path(adverdict.__file__).parent
    sources = [Path(folder) / name for folder, _, names in os.walk(root, followlinks=True) for name in names if name.endswith(".py")]
    renaming = re.compile(r"os\.(replace|rename|link)\(|\.rename\(|\.part\"\)")
    found = {path.relative_to(root).as_posix() for path in sources if renaming.search(path.read_text(encoding="utf-8"))}
    # A history store is a folder of its own that one line names, written whole; a cache takes parts away under another name.
    assert found == {"storage/whole.py", "ledger/stored/folder.py", "training/cache/disk_cache.py"}
