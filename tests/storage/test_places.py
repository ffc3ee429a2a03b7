"""A place is written whole or not at all, here and elsewhere, and no name leads out of it."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from adverdict.domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from adverdict.storage.places import Place
from tests.storage import s3
from tests.storage.users import readable_folder, without_rights


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes, as on a disk that is full."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_what_is_written_is_found_read_and_removed_again(anywhere: str) -> None:
    place = Place.at(anywhere)
    assert (place.empty(), place.names(), place.folders()) == (True, [], [])
    for name, content in (("b.json", b"one"), ("deep/er/a.json", b"two"), ("b.json", b"other")):
        place.write(name, content)
    assert place.names() == ["b.json", "deep/er/a.json"]
    assert place.names(deep=False) == ["b.json"]
    assert place.names("deep") == ["deep/er/a.json"]
    assert place.names("deeper") == []
    assert place.folders() == ["deep"]
    assert (place.read("b.json"), place.size("b.json"), place.exists("b.json"), place.exists("deep")) == (b"other", 5, True, False)
    assert place.child("deep", "er").read("a.json") == b"two"
    place.remove("b.json", "never-there.json")
    assert place.names() == ["deep/er/a.json"]
    assert not place.empty()


def test_a_file_is_read_by_ranges(anywhere: str) -> None:
    place = Place.at(anywhere)
    place.write("x", b"0123456789")
    with place.open("x") as file:
        assert file.seek(-3, os.SEEK_END) == 7
        assert (file.read(2), file.tell(), file.read(), file.read()) == (b"78", 9, b"9", b"")
        assert file.seek(2) == 2
        assert (file.read(3), file.seekable(), file.readable()) == (b"234", True, True)


def test_a_file_that_is_there_is_not_created_again(anywhere: str) -> None:
    place = Place.at(anywhere)
    place.create("run.json", b"first")
    with pytest.raises(Conflict, match=r"run\.json is already there"):
        place.create("run.json", b"second")
    assert (place.read("run.json"), place.names()) == (b"first", ["run.json"])


def test_what_is_not_there_is_told_with_its_address(anywhere: str) -> None:
    place = Place.at(anywhere)
    place.write("x", b"")
    for ask in (place.read, place.open, place.size):
        with pytest.raises(NotFound, match=f"{place.url}/nothing"):
            ask("nothing")


def test_a_place_can_be_sent_to_another_process(anywhere: str) -> None:
    place = Place.at(anywhere)
    assert pickle.loads(pickle.dumps(place)) == place  # noqa: S301  # between our own processes


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a//b", "", ".", "a\\b", "a\nb", "a\0b", "a/"])
def test_no_name_leads_elsewhere(tmp_path: Path, name: str) -> None:
    place = Place.at(tmp_path / "out")
    for ask in (place.read, place.open, place.exists, place.remove, place.child, lambda n: place.write(n, b"x")):
        with pytest.raises(InvalidInput, match="a relative name"):
            ask(name)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("url", ["file:///tmp/x/", "/tmp/x", "/tmp/y/../x/", Path("/tmp/x")])
def test_a_path_is_the_same_place_however_it_is_told(url: str | Path) -> None:
    assert Place.at(url).local() == Path("/tmp/x")


def test_a_relative_path_is_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = Place.at("out")
    monkeypatch.chdir("/")
    assert place.local("x") == tmp_path / "out" / "x"
    assert Place.at("memory://out").local("x") is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nope://x", "nothing here can read or write nope://"),
        ("", "no place to read or write"),
        ("ftp://me:secret@host/x", "credentials belong in the environment"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as error:
        Place.at(url)
    assert "secret" not in str(error.value)


def test_a_missing_package_is_named_with_the_extra_that_brings_it() -> None:
    program = """
import sys
from adverdict.domain.errors import InvalidInput
from adverdict.storage.places import Place
sys.modules["s3fs"] = None  # as where it is not installed
try:
    Place.at("s3://bucket/out")
except InvalidInput as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'adverdict[s3]'" in done.stdout


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    place = Place.at(tmp_path)
    place.write("x.parquet", b"old")
    with disk_with_room_for(1000), pytest.raises(Unavailable, match=rf"cannot write {tmp_path}/x\.parquet: File too large"):
        place.write("x.parquet", bytes(100_000))
    assert place.read("x.parquet") == b"old"
    assert os.listdir(tmp_path) == ["x.parquet"]


def test_a_file_where_a_folder_is_needed_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(Unavailable, match=r"cannot write .*: a file is where a folder is needed"):
        Place.at(tmp_path / "out").write("a/b", b"")
    with pytest.raises(InvalidInput, match="is a file"):
        Place.at(tmp_path / "out").empty()


def test_a_folder_that_may_not_be_written_is_told() -> None:
    with readable_folder() as folder:
        folder.chmod(0o555)
        for name in ("x", "deep/x"):
            with without_rights(), pytest.raises(Unavailable, match=f"cannot write {folder}/{name}: Permission denied"):
                Place.at(folder).write(name, b"")
        folder.chmod(0o755)


def test_what_killed_writers_left_is_never_read_and_swept_away(tmp_path: Path) -> None:
    place = Place.at(tmp_path)
    left = tmp_path / "market=DE" / ".part-00000-00000.parquet.0123456789ab.part"
    left.parent.mkdir()
    left.write_text("half")
    assert (place.names(), place.empty()) == ([], True)
    place.write("market=DE/part-00000-00000.parquet", b"whole")
    assert place.sweep() == [str(left.relative_to(tmp_path))]
    assert [path.name for path in left.parent.iterdir()] == ["part-00000-00000.parquet"]


WRITER = """
import sys
from adverdict.storage.places import Place
place = Place.at(sys.argv[1])
while True:
    for letter in b"abc":
        place.write("x", bytes([letter]) * 2_000_000)
        print("written", flush=True)
"""


def test_readers_see_whole_files_only_even_when_the_writer_is_killed(tmp_path: Path) -> None:
    place = Place.at(tmp_path)
    for kill_after in (1, 3, 4):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(kill_after):
                writer.stdout.readline()
                content = place.read("x")
                assert (len(content), len(set(content))) == (2_000_000, 1)
            writer.kill()
        assert place.names() == ["x"]
        assert len(set(place.read("x"))) == 1
        place.sweep()
        assert os.listdir(tmp_path) == ["x"]


def test_a_lost_connection_is_told_and_may_be_tried_again(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3.server() as endpoint:
        s3.lead_to(endpoint, monkeypatch)
        place = Place.at(s3.new_bucket())
        place.write("x", b"1234")
        file = place.open("x")
    asked: list[Callable[[], object]] = [lambda: place.exists("x"), lambda: place.read("x"), lambda: place.size("x"), place.names]
    for ask in [*asked, place.folders, lambda: place.names(deep=False), lambda: file.read(2)]:
        with pytest.raises(Unavailable, match=r"cannot read s3://test-.*: EndpointConnectionError") as error:
            ask()
        assert error.value.retryable
    for doing in ("write", "remove"):
        with pytest.raises(Unavailable, match=rf"cannot {doing} s3://test-.*: EndpointConnectionError"):
            place.write("y", b"") if doing == "write" else place.remove("y")


def test_a_bucket_that_is_not_there_is_told(bucket: str) -> None:
    place = Place.at("s3://no-such-bucket/out")
    for ask in (lambda: place.write("x", b""), place.names):
        with pytest.raises(NotFound, match=r"s3://no-such-bucket/out.*no such file, folder or bucket"):
            ask()


def test_others_writing_to_the_same_place_are_seen(bucket: str) -> None:
    from s3fs import S3FileSystem

    place = Place.at(bucket)
    place.write("a", b"")
    assert place.names() == ["a"]
    S3FileSystem(skip_instance_cache=True).pipe_file(f"{bucket}/b", b"x")  # a client of its own, as another process has
    assert (place.names(), place.exists("b"), place.size("b")) == (["a", "b"], True, 1)


def test_memory_is_a_place_too() -> None:
    Place.at("memory://somewhere").write("x", b"1")
    assert MemoryFileSystem().cat_file("/somewhere/x") == b"1"
