"""The service as it is run, asked over sockets: also what is no HTTP at all."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from adverdict.benchmarks.fuzz.inside import SAMPLES
from adverdict.benchmarks.fuzz.mutator import Made, request

AT_ONCE = 16
PATIENCE_S = 15.0
RAW = (
    b"",
    b"\0",
    b"GET\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/9.9\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST /v1/score HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n" + b"x: y\r\n" * 3000 + b"\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    b"POST /v1/score HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    b"GET / HTTP/1.1\r\n host: folded\r\n\r\n",
    b"\r\n\r\n\r\nGET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
)


def hammer(port: int, count: int, seed: int, ads: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """``count`` requests, each on a connection of its own."""
    return asyncio.run(_ask_all(port, count, seed, ads))


async def _ask_all(port: int, count: int, seed: int, ads: Sequence[dict[str, Any]]) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    samples: list[dict[str, Any]] = []
    numbers, began = iter(range(count)), time.perf_counter()

    async def one_after_the_other() -> None:
        for number in numbers:
            raw = _raw(seed, number, ads)
            told = await _told(port, raw)
            statuses[told] += 1
            if (told.startswith("5") or told in ("refused", "silent")) and len(samples) < SAMPLES:
                samples.append({"told": told, "raw": raw[:2000].decode("latin-1")})

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    broken = sum(number for told, number in statuses.items() if told.startswith("5") or told in ("refused", "silent"))
    seconds = round(time.perf_counter() - began, 1)
    return {"asked": count, "seconds": seconds, "statuses": dict(sorted(statuses.items())), "broken": broken, "samples": samples}


def _raw(seed: int, number: int, ads: Sequence[dict[str, Any]]) -> bytes:
    """Most are requests; some are bytes that a parser has to refuse."""
    rng = random.Random(f"{seed}/{number}/raw")
    if rng.random() < 0.1:
        return rng.choice(RAW)
    raw = _written(request(seed, number, ads))
    if rng.random() < 0.2:  # cut, or a byte of the head changed
        cut = bytearray(raw)
        cut[rng.randrange(min(200, len(cut)))] = rng.randrange(256)
        return bytes(cut[: rng.randint(1, len(cut))])
    return raw


def _written(made: Made) -> bytes:
    names = {name for name, _ in made.headers}
    length = () if names & {"content-length", "transfer-encoding"} else (("content-length", str(len(made.body))),)
    head = [f"{made.method} {made.path} HTTP/1.1", *(f"{name}: {value}" for name, value in (*made.headers, *length)), "connection: close"]
    return "\r\n".join([*head, "", ""]).encode("latin-1", "replace") + made.body


async def _told(port: int, raw: bytes) -> str:
    """The status, or ``closed`` where the server hung up unanswered, ``refused`` where there was none, ``silent`` where nothing came."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return "refused"
    try:
        writer.write(raw)
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        line = await asyncio.wait_for(reader.readline(), PATIENCE_S)
    except TimeoutError:
        return "silent"
    except OSError:
        return "closed"
    finally:
        writer.close()
    words = line.split()
    return words[1].decode("latin-1") if len(words) > 1 and line.startswith(b"HTTP/") else "closed"
