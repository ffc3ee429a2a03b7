"""The load generator charges a server for everybody who came while it stood still, and counts whatever it did not answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.benchmarks.online import load as online_load
from adverdict.benchmarks.online.bodies import ads_for_service, read_bodies
from adverdict.benchmarks.online.figures import LoadLog
from adverdict.benchmarks.online.load import FAILED, TIMED_OUT, LoadGenerator, LoadResults, LoadSpec, arrivals, closed, opened
from adverdict.benchmarks.online.wire import Answer, parsed
from adverdict.domain.ad import Ad
from tests.ledger.made import an_ad

pytestmark = pytest.mark.slow

Behaviour = Callable[[int], Awaitable[bytes | None]]
"""Number of the request -> the answer as bytes; None: hang up."""


def http(status: int, body: bytes = b"{}", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n%s\r\n%s" % (status, len(body), more, body)


async def under(load: LoadSpec, behaviour: Behaviour) -> tuple[LoadResults, int]:
    """What the generator sees of a server that answers like that, and how many connections it opened."""
    asked, connections = 0, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked, connections
        connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                asked += 1
                answer = await behaviour(asked)
                if answer is None:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    load = LoadSpec(**{**vars(load), "port": server.sockets[0].getsockname()[1]})
    asking = LoadGenerator(load, iter(lambda: b"POST / HTTP/1.1\r\nhost: x\r\n\r\n", b""))
    await (closed(asking) if load.kind == "closed" else opened(asking))
    asking.close()
    server.close()
    await asyncio.sleep(0.02)  # connections that were cut end their handlers
    return asking.seen, connections


def seen(load: LoadSpec, behaviour: Behaviour) -> tuple[LoadResults, int]:
    return asyncio.run(under(load, behaviour))


async def at_once(number: int) -> bytes:
    return http(200)


def plan(kind: str, **how: object) -> LoadSpec:
    return LoadSpec(**{"port": 0, "path": "/", "bodies": "", "kind": kind, **how})  # type: ignore[arg-type]


def test_whoever_comes_while_the_server_stands_still_has_waited() -> None:
    still = 0.4
    begun: list[float] = []

    async def stops_once(number: int) -> bytes:
        loop = asyncio.get_running_loop()
        if number == 10:
            begun.append(loop.time() + still)
        if begun and loop.time() < begun[0]:
            await asyncio.sleep(begun[0] - loop.time())
        return http(200)

    found, _ = seen(plan("open", rate=100.0, seconds=1.0, seed=3), stops_once)
    waited = np.array(found.done) - np.array(found.intended)
    # About 40 came within the pause, and waited half of it on average; a client that waits for its answer would have noticed one of them.
    assert 20 <= (waited > 0.02).sum() <= 60
    assert waited.max() == pytest.approx(still, abs=0.1)


def test_waiting_for_a_free_connection_counts() -> None:
    async def slow(number: int) -> bytes:
        await asyncio.sleep(0.05)
        return http(200)

    found, connections = seen(plan("open", rate=100.0, seconds=0.5, connections=1), slow)
    waited = np.array(found.done) - np.array(found.intended)
    assert connections == 1
    assert waited.max() > 0.5


def test_a_closed_loop_has_as_many_on_their_way_as_it_has_clients() -> None:
    most, now = 0, 0

    async def counting(number: int) -> bytes:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.005)
        now -= 1
        return http(200)

    found, connections = seen(plan("closed", clients=4, requests=60, seconds=20.0), counting)
    assert (most, connections, len(found.status)) == (4, 4, 60)
    assert list(found.intended) == list(found.sent)


async def refuses(number: int) -> bytes | None:
    return http(429, more=b"Retry-After: 1\r\n" if number % 2 else b"")


async def hangs_up(number: int) -> bytes | None:
    return None


async def is_silent(number: int) -> bytes | None:
    await asyncio.sleep(30)
    return None


async def fails(number: int) -> bytes | None:
    return http(500, b"why")


async def babbles(number: int) -> bytes | None:
    return b"SSH-2.0\r\n\r\n"


OUTCOMES = {
    "refuses": (refuses, {429}, 3, set()),
    "hangs up": (hangs_up, {FAILED}, 0, {"ConnectionResetError: hung up before answering"}),
    "is silent": (is_silent, {TIMED_OUT}, 0, set()),
    "fails": (fails, {500}, 0, {"500: b'why'"}),
    "babbles": (babbles, {FAILED}, 0, {"ValueError: not an HTTP answer: b'ssh-2.0'"}),
}


@pytest.mark.parametrize("server", OUTCOMES)
def test_every_request_has_an_outcome_whatever_the_server_does(server: str) -> None:
    behaviour, statuses, told, errors = OUTCOMES[server]
    patience = 0.05 if behaviour is is_silent else 10.0  # a server that answers may be slow: the machine may be busy
    found, _ = seen(plan("closed", clients=1, requests=6, seconds=20.0, timeout_s=patience), behaviour)
    assert (len(found.status), set(found.status)) == (6, statuses)
    assert (sum(found.retry_after), set(found.errors)) == (told, errors)


def test_a_server_that_is_away_is_a_failure_not_a_crash() -> None:
    load = plan("closed", clients=1, requests=2, seconds=5.0, port=1)
    asking = LoadGenerator(load, iter(lambda: b"x", b""))
    asyncio.run(closed(asking))
    assert list(asking.seen.status) == [FAILED, FAILED]


def test_a_connection_that_the_server_ends_is_not_used_again() -> None:
    async def ends(number: int) -> bytes:
        return http(200, more=b"Connection: close\r\n")

    found, connections = seen(plan("closed", clients=1, requests=5, seconds=20.0), ends)
    assert (set(found.status), connections) == ({200}, 5)


PARTS = {
    "sized": (http(200, b"abc"), Answer(200, b"abc")),
    "without a body": (b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", Answer(204, b"")),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", Answer(200, b"abcde")),
    "refused": (http(429, b"no", b"Retry-After: 2\r\n"), Answer(429, b"no", retry_after=True)),
    "the last": (http(503, b"", b"Connection: close\r\n"), Answer(503, b"", last=True)),
}


@pytest.mark.parametrize("name", PARTS)
def test_an_answer_is_read_when_it_is_whole_and_not_before(name: str) -> None:
    got, expected = PARTS[name]
    assert parsed(got) == expected
    # The end of the last chunk is not waited for: its size says all.
    assert all(parsed(got[:size]) is None for size in range(len(got) - (2 if name == "chunked" else 0)))


@given(st.binary(max_size=300), st.integers(100, 599))
def test_any_body_comes_through(body: bytes, status: int) -> None:
    assert parsed(http(status, body)) == Answer(status, body)


@pytest.mark.parametrize("rate", [5.0, 700.0])
def test_arrivals_are_a_poisson_process_of_their_rate(rate: float) -> None:
    seconds = 20_000 / rate
    moments = arrivals(rate, seconds, seed=1)
    gaps = np.diff(moments)
    assert len(moments) == pytest.approx(20_000, abs=5 * 20_000**0.5)
    assert gaps.min() >= 0
    assert moments[-1] < seconds
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)  # of an exponential distribution
    assert np.array_equal(moments, arrivals(rate, seconds, seed=1))
    assert not np.array_equal(moments, arrivals(rate, seconds, seed=2))


@pytest.fixture
def bodies(tmp_path: Path) -> Path:
    return ads_for_service([an_ad(number) for number in range(3)], tmp_path / "bodies.json")


def test_ads_come_round_as_new_ones_and_later(bodies: Path) -> None:
    turning = read_bodies(bodies)
    ads = [Ad.model_validate_json(turning.body(number)) for number in range(9)]
    assert len({ad.ad_id for ad in ads}) == 9
    assert [ad.title for ad in ads[:3]] == [ad.title for ad in ads[6:]]
    assert all(later.submitted_at - before.submitted_at == turning.span for before, later in zip(ads, ads[3:], strict=False))
    assert max(ad.submitted_at for ad in ads[:3]) < min(ad.submitted_at for ad in ads[3:6])
    assert turning.span > timedelta(0)


def test_a_body_says_of_an_ad_all_but_its_id(bodies: Path) -> None:
    turning = read_bodies(bodies)
    for number in range(3):
        ad = Ad.model_validate_json(turning.body(number))
        assert ad.model_copy(update={"ad_id": an_ad(number).ad_id}) == an_ad(number)


def test_requests_go_on_where_an_earlier_load_ended(bodies: Path) -> None:
    turning = read_bodies(bodies)
    requests = turning.requests("/v1/score", 4)
    for number in (4, 5):
        head, _, body = next(requests).partition(b"\r\n\r\n")
        assert body == turning.body(number)
        assert head.startswith(b"POST /v1/score HTTP/1.1\r\n")
        assert f"Content-Length: {len(body)}".encode() in head


def test_what_is_written_is_what_was_seen(bodies: Path, tmp_path: Path) -> None:
    """The whole of the generator, beside a server in a thread of its own."""
    exits = ["early", "full", None]

    async def decides(number: int) -> bytes:
        decision = {"verdict": "review", "exit": exits[number % 3], "degraded": ["hold:gambling"]}
        return http(429) if number == 7 else http(200, json.dumps(decision).encode())

    async def all_of_it() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for number in range(1, 10):
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
                writer.write(await decides(number))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        load = plan(
            "closed",
            port=server.sockets[0].getsockname()[1],
            bodies=str(bodies),
            clients=1,
            requests=9,
            seconds=20.0,
            first=2,
            read_every=1,
        )
        await asyncio.to_thread(online_load.main, load.write(tmp_path / "plan.json"), tmp_path / "out.npz")
        server.close()
        await asyncio.sleep(0.02)

    asyncio.run(all_of_it())
    found = LoadLog.read(tmp_path / "out.npz")
    assert found.number.tolist() == list(range(2, 11))
    assert {name: int(found.exits(name).sum()) for name in ("early", "full", "")} == {"early": 3, "full": 2, "": 3}
    assert (found.outcome()["accepted"], found.outcome()["refused"]) == (8, 1)
    assert found.answered()["verdicts"] == {"review": 8}
    assert found.answered()["degraded"] == {"hold": 8}
    assert all(before <= after for before, after in pairwise(found.done))
