"""``python -m adverdict.creatives.child make|read MOST SECONDS MEMORY``: the file comes on standard input, the answer goes to standard
output: eight digits, so many bytes of JSON, then the pictures one after the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from adverdict.creatives.child.confine import leave_the_network, limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adverdict.creatives.child.images import Made

CONTAINERS = ("mp4", "matroska")
WITHOUT = "no pictures can be made here: pip install 'adverdict[media]', then adverdict creatives fetch --again"


def main(arguments: Sequence[str]) -> None:
    what, most, seconds, memory = arguments[0], *map(int, arguments[1:4])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print is no answer
    alone = leave_the_network()
    told, frames = (_make if what == "make" else _read)(most, seconds, memory)
    head = json.dumps({**told, "alone": alone, "frames": [len(frame) for frame in frames]}).encode()
    with answers:
        answers.write(b"%08d" % len(head) + head + b"".join(frames))


def _make(most: int, seconds: int, memory: int) -> tuple[dict[str, Any], list[bytes]]:
    try:
        from adverdict.creatives.child import images, markup, sniffing, video
    except ImportError:
        return {"refused": WITHOUT}, []
    with contextlib.suppress(ImportError):
        import av  # noqa: F401  # before there is little memory
    limit(seconds, memory)
    try:
        content = sys.stdin.buffer.read()
        kind = sniffing.kind_of(content)
        made: Made
        if kind in CONTAINERS:
            made = video.stills(content, kind, most, sys.stdin.fileno())
        elif kind == "zip":
            made = markup.archive(content, most)
        else:
            made = markup.page(content, most) if kind == "html" else images.stills(content, kind, most)
    except sniffing.NotShown as error:
        return {"refused": str(error)}, []
    except MemoryError:
        return {"refused": "making pictures of it takes more memory than is given to it"}, []
    told = {"kind": made.kind, "width": made.width, "height": made.height, "seconds": made.seconds, "at": made.at}
    return {**told, "told": made.told, "links": made.links}, made.frames


def _read(most: int, seconds: int, memory: int) -> tuple[dict[str, Any], list[bytes]]:
    from adverdict.creatives.child.reading import perceptual_hash, text_of

    limit(seconds, memory)
    head = int(sys.stdin.buffer.read(8))
    sizes = json.loads(sys.stdin.buffer.read(head))
    frames = [sys.stdin.buffer.read(size) for size in sizes]
    text, by = text_of(frames[:most])
    return {"text": text, "by": by, "phash": perceptual_hash(frames[0])}, []


if __name__ == "__main__":
    main(sys.argv[1:])
