"""From a stranger's bytes to pictures that can be shown: in a process of its own, which is killed when it takes too long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

from adverdict.creatives.limits import FRAMES, Limits
from adverdict.creatives.resolver import Resolver
from adverdict.domain.errors import AdverdictError, InvalidInput, Unavailable

JPEG = b"\xff\xd8\xff"
HEAD = 64 * 1024
PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "SYSTEMROOT")
"""Of the environment; neither secrets nor proxies."""
READ = 4
"""Pictures of a creative whose text is read."""


@dataclass(frozen=True)
class Frame:
    """A picture that was made."""

    body: bytes
    """JPEG."""
    at: float | None
    """Seconds from the beginning; None: there is no beginning."""


@dataclass(frozen=True)
class Creative:
    """What can be shown of a creative."""

    kind: str
    """image, animation, video or html5."""
    width: int
    height: int
    """Of the original, in pixels."""
    seconds: float | None
    frames: tuple[Frame, ...]
    told: str = ""
    """What a reviewer has to know of how it was made."""
    text: str | None = None
    """That a machine read in it; None: nothing could read it."""
    read_by: str = ""
    phash: str | None = None
    alone: bool = False
    """Whether the process that made the pictures had no network."""


def see(resolver: Resolver, address: str) -> tuple[bytes, Creative]:
    """A creative's bytes and what is to be shown of it. Raises InvalidInput, NotFound, Unavailable, each with a sentence."""
    content = resolver.read(address)
    made, links = make(content, resolver.limits)
    return content, made if made is not None else _of_page(resolver, address, links)


def make(content: bytes, limits: Limits) -> tuple[Creative | None, Sequence[str]]:
    """Pictures of a file; or, of a page that holds none, the addresses it names. Raises InvalidInput, Unavailable."""
    told, frames = _run("make", FRAMES, content, limits.making_seconds, limits)
    if "refused" in told:
        raise InvalidInput(str(told["refused"])[:300])
    if told.get("links"):
        return None, [str(link) for link in told["links"]][: limits.pictures_of_a_page]
    if not frames or not all(frame.startswith(JPEG) and len(frame) <= limits.frame_bytes for frame in frames):
        raise InvalidInput("no picture came of it that can be shown")
    at = list(told.get("at") or [])
    shown = tuple(Frame(frame, _number(moment)) for frame, moment in zip(frames, [*at, *[None] * len(frames)], strict=False))
    kind, width, height = str(told["kind"]), int(told["width"]), int(told["height"])
    return Creative(
        kind, width, height, _number(told.get("seconds")), shown, str(told.get("told") or ""), alone=told.get("alone") is True
    ), ()


def read(creative: Creative, limits: Limits) -> Creative:
    """With its text and its perceptual hash, as far as anything here can read them. What fails is left out."""
    frames = [frame.body for frame in creative.frames[:READ]]
    head = json.dumps([len(frame) for frame in frames]).encode()
    content = b"%08d" % len(head) + head + b"".join(frames)
    try:
        told, _ = _run("read", READ, content, limits.reading_seconds, limits)
    except AdverdictError:
        return creative
    text, phash = told.get("text"), told.get("phash")
    return replace(creative, text=None if text is None else str(text), read_by=str(told.get("by") or ""), phash=phash and str(phash))


def _of_page(resolver: Resolver, address: str, links: Sequence[str]) -> Creative:
    """The first picture that a page names and that may be fetched; each address is checked as if an ad named it."""
    last: AdverdictError = InvalidInput("it is HTML5, which is not run here, and names no picture")
    for link in links:
        try:
            made, _ = make(resolver.read(urljoin(address, link)), resolver.limits)
        except AdverdictError as error:
            last = error
            continue
        if made is not None and made.kind in ("image", "animation"):
            return replace(made, kind="html5", told="HTML5 is not run here. This is a picture that it names, which may be a part of it")
    if isinstance(last, Unavailable):
        raise last
    raise InvalidInput("it is HTML5, which is not run here, and none of the pictures it names can be fetched from where they lie")


def _run(what: str, most: int, content: bytes, seconds: float, limits: Limits) -> tuple[dict[str, Any], list[bytes]]:
    command = [sys.executable, "-P", "-s", "-m", "adverdict.creatives.child", what, str(most), str(round(seconds)), str(limits.memory)]
    with tempfile.TemporaryFile() as given:
        given.write(content)
        given.seek(0)
        answer = _ask(command, environment(), given.fileno(), seconds, HEAD + 8 + most * limits.frame_bytes)
    return _answer(answer)


def environment() -> dict[str, str]:
    """What the process is given of this one's."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**passed, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": "/nonexistent"}


def _ask(command: Sequence[str], given_environment: dict[str, str], given: int, seconds: float, most: int) -> bytes:
    """What the process writes, as far as it may; whatever it started is killed with it."""
    process = subprocess.Popen(
        command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=given_environment, cwd="/", start_new_session=True
    )
    assert process.stdout is not None
    late = threading.Timer(seconds + 5.0, _kill, (process,))  # the processor's time is up before, unless the machine is busy
    late.start()
    try:
        return process.stdout.read(most + 1)[: most + 1]
    finally:
        late.cancel()
        _kill(process)
        process.stdout.close()
        process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.kill()


def _answer(answer: bytes) -> tuple[dict[str, Any], list[bytes]]:
    try:
        length = int(answer[:8])
        told = json.loads(answer[8 : 8 + length])
        sizes = [int(size) for size in told["frames"]]
    except (ValueError, KeyError, TypeError):
        raise InvalidInput("making pictures of it took too long or too much memory, or broke: nothing is shown of it") from None
    frames, start = [], 8 + length
    for size in sizes[:FRAMES]:
        frames.append(answer[start : start + size])
        start += size
    return told, frames


def _number(told: object) -> float | None:
    return float(told) if isinstance(told, int | float) else None
