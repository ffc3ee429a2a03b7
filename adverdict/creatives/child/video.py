"""Stills of a video: by the ffmpeg command where there is one, else by PyAV. No sound, and nothing but this one file is opened."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from typing import Any

from PIL import Image

from adverdict.creatives.child.images import SHOWN, Made, jpeg, refuse_large
from adverdict.creatives.child.sniffing import NotShown

CONTAINERS = {"mp4": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}
"""What each is read as, and as nothing else: a playlist inside would have ffmpeg open what it names."""
LONGEST = 3600.0
"""Seconds; of a longer one the first so many are looked at."""
NEITHER = "no stills of videos can be made here: neither the command ffmpeg nor the package av is installed"
READ = "/dev/fd/{}"


def stills(content: bytes, kind: str, most: int, descriptor: int) -> Made:
    """Spread over its length. ``descriptor``: of the open file with this content. Raises NotShown."""
    if shutil.which("ffmpeg") and shutil.which("ffprobe"):
        return _by_command(kind, most, descriptor)
    try:
        import av
    except ImportError:
        raise NotShown(NEITHER) from None
    return _by_library(av, content, kind, most)


def moments(seconds: float, most: int) -> list[float]:
    """Into the middle of ``most`` equal parts, so that neither a black beginning nor an end is all that is seen."""
    length = min(max(seconds, 0.0), LONGEST)
    return [round(length * (2 * number + 1) / (2 * most), 2) for number in range(most)] if length else [0.0]


def _by_library(av: Any, content: bytes, kind: str, most: int) -> Made:
    av.logging.set_level(av.logging.PANIC)
    try:
        with av.open(io.BytesIO(content), format=CONTAINERS[kind].partition(",")[0], metadata_errors="ignore") as container:
            if not container.streams.video:
                raise NotShown("it has no pictures, only sound or nothing")
            stream = container.streams.video[0]
            stream.thread_type = "NONE"
            refuse_large(stream.codec_context.width, stream.codec_context.height)
            length = float(container.duration or 0) / 1e6
            made = Made("video", stream.codec_context.width, stream.codec_context.height, round(length, 2) or None)
            for moment in moments(length, most):
                frame = _near(container, stream, moment)
                at = None if frame is None else round(float(frame.time or 0), 2)
                if at is not None and at not in made.at:  # two moments may have the same key frame
                    refuse_large(frame.width, frame.height)
                    made.frames.append(jpeg(frame.to_image()))
                    made.at.append(at)
    except NotShown:
        raise
    except (av.FFmpegError, OSError, ValueError, MemoryError, IndexError, OverflowError):
        raise NotShown("it says that it is a video, and cannot be read as one") from None
    if not made.frames:
        raise NotShown("no picture could be read from the video")
    return made


def _near(container: Any, stream: Any, moment: float) -> Any:
    """The key frame at or before a moment: whole by itself, so that nothing before it is decoded."""
    if moment:
        container.seek(int(moment * 1e6), backward=True, any_frame=False)
    return next(container.decode(stream), None)


def _by_command(kind: str, most: int, descriptor: int) -> Made:
    common = ["-v", "error", "-nostdin", "-protocol_whitelist", "file,pipe,fd"]
    asked = ["-select_streams", "v:0", "-show_entries", "stream=width,height:format=duration", "-of", "json", READ.format(descriptor)]
    probe = _run(["ffprobe", "-v", "error", "-protocol_whitelist", "file,pipe,fd", "-f", kind, *asked], descriptor)
    try:
        told = json.loads(probe)
        width, height = int(told["streams"][0]["width"]), int(told["streams"][0]["height"])
    except (ValueError, KeyError, IndexError, TypeError):
        raise NotShown("it says that it is a video, and has no pictures that can be read") from None
    refuse_large(width, height)
    length = _number(told.get("format", {}).get("duration"))
    made = Made("video", width, height, round(length, 2) or None)
    for moment in moments(length, most):
        picture = ["-frames:v", "1", "-an", "-vf", f"scale='min({SHOWN},iw)':-2", "-f", "image2pipe", "-c:v", "mjpeg", "pipe:1"]
        found = _run(["ffmpeg", *common, "-ss", str(moment), "-f", kind, "-i", READ.format(descriptor), *picture], descriptor)
        if found:
            with Image.open(io.BytesIO(found), formats=("JPEG",)) as image:
                made.frames.append(jpeg(image))
            made.at.append(moment)
    if not made.frames:
        raise NotShown("no picture could be read from the video")
    return made


def _run(command: list[str], descriptor: int) -> bytes:
    """Under the limits of this process, which its children inherit; one thread each."""
    done = subprocess.run(
        [command[0], "-threads", "1", *command[1:]] if command[0] == "ffmpeg" else command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        check=False,
    )
    return done.stdout


def _number(told: Any) -> float:
    try:
        return float(told)
    except (TypeError, ValueError):
        return 0.0
