"""Creatives are fetched from where the operator says and from nowhere else, whatever an advertiser, a host or a name server tries."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adverdict.creatives.limits import Limits
from adverdict.creatives.network import is_public
from adverdict.creatives.resolver import Resolver
from adverdict.creatives.sources import FileAddress, Sources, StoreAddress, WebAddress
from adverdict.domain.errors import AdverdictError, InvalidInput, NotFound, Unavailable
from tests.creatives.hosts import Host, a_host, moved, plain

QUICK = Limits(most_bytes=100_000, seconds=5.0)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with a_host(tmp_path_factory.mktemp("host")) as started:
        yield started


def reading(host: Host, path: str, limits: Limits = QUICK) -> bytes:
    return Resolver(Sources(host.hosts), limits, host.network()).read(host.address(path))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.9.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.0.192"),
        *("224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1", "168.63.129.16", "203.0.113.9"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "fec0::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1"),
        *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:0:0:0:0:f5ff:fffe", "not an address", ""),
    ],
)
def test_no_address_that_is_private_local_or_reserved_is_connected_to_in_whatever_form(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::808:808"])
def test_addresses_of_the_open_internet_may_be_connected_to(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("http://cdn.example/a.png", "https://cdn.example.evil.example/a", "https://evilcdn.example/a", "https://other.example/a"),
        *("https://user:secret@cdn.example/a", "https://cdn.example@other.example/a", "https://cdn.example:8443/a", "https:///a"),
        *("https://2130706433/a", "https://0x7f.1/a", "https://127.0.0.1/a", "https://[::1]/a", "https://[::ffff:7f00:1]/a", "https://[/a"),
        *(
            "https://b.deep.example.evil/a",
            "https://deep.example/a",
            "ftp://cdn.example/a",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
        ),
        *("s3://other/a.png", "s3://bucket/creatives/../secret", "s3://bucket/creatives-old/a.png", "gs://bucket/creatives/a", "a.png", ""),
        *("https://cdn.example/a b", "https://cdn.example/a\n", "https://cdn.example\\@other.example/a", "//cdn.example/a", "x" * 5000),
        *("/etc/passwd", "file:///etc/passwd", "file://server/share/a", "file:/etc/passwd", "file:///proc/self/environ"),
    ],
)
def test_an_address_that_nobody_listed_is_refused_before_anybody_is_asked_anything(address: str, tmp_path: Path) -> None:
    sources = Sources(("cdn.example", "*.deep.example"), (tmp_path,), ("s3://bucket/creatives",))
    with pytest.raises(InvalidInput) as told:
        sources.locate(address)
    assert told.value.mistakes[0].field == "creative_uri"
    assert told.value.mistakes[0].expected


def test_addresses_of_the_lists_are_found_where_they_lie(tmp_path: Path) -> None:
    sources = Sources(("cdn.example", "*.deep.example"), (tmp_path,), ("s3://bucket/creatives",))
    assert sources.locate("HTTPS://CDN.example/bild å.png".replace(" ", "%20")) == WebAddress("cdn.example", 443, "/bild%20%C3%A5.png")
    assert sources.locate("https://b.deep.example/a?x=1#part") == WebAddress("b.deep.example", 443, "/a?x=1")
    assert sources.locate(f"file://{tmp_path}/a%20b.png") == FileAddress(tmp_path, tmp_path / "a b.png")
    assert sources.locate("s3://bucket/creatives/2026/a.png") == StoreAddress("s3://bucket/creatives", "2026/a.png")


def test_a_file_of_a_listed_host_is_read_without_proxy_or_cookie(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    host.answers["/a"] = plain(b"picture", set_cookie="who=you")
    host.answers["/b"] = moved(host.address("/a", "img.cdn.example"))
    assert reading(host, "/b") == b"picture"
    assert all("cookie" not in asked.lower() and "authorization" not in asked.lower() for asked in host.asked)


def _dripping(connection: ssl.SSLSocket) -> None:
    for byte in plain(b"x" * 200):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def _endless(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def _headers_without_end(connection: ssl.SSLSocket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x-more: " + b"y" * 4096 + b"\r\n")


def _silent(connection: ssl.SSLSocket) -> None:
    time.sleep(3)


def _broken_off(connection: ssl.SSLSocket) -> None:
    connection.sendall(plain(b"x" * 1000)[:200])


ANSWERS = {
    "a redirect to this machine": (moved("https://127.0.0.1/latest/meta-data/"), InvalidInput),
    "a redirect to another host": (moved("https://other.example/a"), InvalidInput),
    "a redirect to a file": (moved("file:///etc/passwd"), InvalidInput),
    "a redirect to http": (moved("http://cdn.example/a"), InvalidInput),
    "a redirect to itself": (moved("/bad"), InvalidInput),
    "a redirect to nowhere": (plain(b"", "302 Found"), InvalidInput),
    "a packed answer": (plain(b"x", content_encoding="gzip"), InvalidInput),
    "a length beyond the limit": (plain(b"", content_length="999999999999"), InvalidInput),
    "no such file": (plain(b"", "404 Not Found"), NotFound),
    "a refusal": (plain(b"", "403 Forbidden"), InvalidInput),
    "an outage": (plain(b"", "503 Service Unavailable"), Unavailable),
    "something else than HTTP": (b"SSH-2.0-OpenSSH_9\r\n", Unavailable),
    "an endless body": (_endless, InvalidInput),
    "endless headers": (_headers_without_end, Unavailable),
    "a body that breaks off": (_broken_off, Unavailable),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_whatever_a_listed_host_answers_nothing_is_taken_that_may_not_be(host: Host, what: str) -> None:
    answer, error = ANSWERS[what]
    host.answers["/bad"] = answer
    with pytest.raises(error):
        reading(host, "/bad")


@pytest.mark.parametrize("answer", [_dripping, _silent])
def test_a_host_that_takes_its_time_is_left_when_the_time_is_up(host: Host, answer: object) -> None:
    host.answers["/slow"] = answer  # type: ignore[assignment]
    began = time.monotonic()
    with pytest.raises(Unavailable, match="took too long"):
        reading(host, "/slow", Limits(seconds=0.4))
    assert time.monotonic() - began < 2.5


def test_a_name_is_resolved_once_so_that_it_cannot_lead_elsewhere_when_it_is_connected_to(host: Host) -> None:
    host.answers["/a"] = plain(b"picture")
    told = iter([["127.0.0.1"], ["10.0.0.1"]])
    network = host.network(resolve=lambda _, __: next(told))
    assert Resolver(Sources(host.hosts), QUICK, network).read(host.address("/a")) == b"picture"
    assert next(told) == ["10.0.0.1"], "the second answer was never asked for"


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:169.254.169.254"], []])
def test_a_listed_name_that_leads_to_a_private_address_is_refused(host: Host, found: list[str]) -> None:
    before = len(host.asked)
    network = host.network(resolve=lambda _, __: found, permitted=is_public)
    with pytest.raises(InvalidInput, match="private, local or reserved"):
        Resolver(Sources(host.hosts), QUICK, network).read(host.address("/a"))
    assert len(host.asked) == before


def test_a_host_whose_certificate_is_anothers_is_not_believed(host: Host) -> None:
    sources = Sources((f"other.example:{host.port}",))
    with pytest.raises(Unavailable, match="certificate"):
        Resolver(sources, QUICK, host.network()).read(host.address("/a", "other.example"))


def test_files_are_read_below_the_listed_folder_and_nowhere_else(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
    (inside / "a.png").write_bytes(b"picture")
    (inside / "large").write_bytes(b"x" * 100_001)
    (outside / "secret").write_bytes(b"secret")
    (inside / "link").symlink_to(outside / "secret")
    (inside / "folder").symlink_to(outside)
    os.mkfifo(inside / "pipe")
    resolver = Resolver(Sources(folders=(inside,)), QUICK)
    assert resolver.read(f"file://{inside}/a.png") == resolver.read(f"{inside}/a.png") == b"picture"
    bad = ("../out/secret", "%2e%2e/out/secret", "link", "folder/secret", "pipe", "large", "", ".", "a.png/..", "a.png%00.txt", "absent")
    for name in bad:
        with pytest.raises(AdverdictError) as told:
            resolver.read(f"file://{inside}/{name}")
        assert not isinstance(told.value, Unavailable), name


def test_objects_are_read_below_the_listed_folder_of_a_store_and_no_larger_than_may_be() -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    store.pipe_file("/creatives/a.png", b"picture")
    store.pipe_file("/creatives/large", b"x" * 100_001)
    store.pipe_file("/secret", b"secret")
    resolver = Resolver(Sources(stores=("memory://creatives",)), QUICK)
    assert resolver.read("memory://creatives/a.png") == b"picture"
    for name, error in {"large": InvalidInput, "absent": NotFound, "../secret": InvalidInput}.items():
        with pytest.raises(error):
            resolver.read(f"memory://creatives/{name}")
