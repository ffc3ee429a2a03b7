"""What a machine reads in pictures: their text, and a perceptual hash by which copies are found."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable, Sequence

from PIL import Image

SURE = 0.6
"""Least confidence of a line that is kept."""
MOST = 4000
"""Characters."""

Read = Callable[[bytes], list[str]]
"""A JPEG -> its lines."""


def text_of(frames: Sequence[bytes]) -> tuple[str | None, str]:
    """Text of all pictures, each line once, and what read it. None: nothing here can read (RapidOCR, tesseract)."""
    read, name = _rapid() or _tesseract() or (None, "")
    if read is None:
        return None, ""
    lines: dict[str, None] = {}
    for frame in frames:
        lines |= dict.fromkeys(line.strip() for line in read(frame) if line.strip())
    return "\n".join(lines)[:MOST], name


def perceptual_hash(frame: bytes) -> str | None:
    """64 bits of a picture's coarse structure, as 16 hexadecimal digits (pHash); None: imagehash is not installed, or nothing is in it."""
    try:
        import imagehash
    except ImportError:
        return None
    with Image.open(io.BytesIO(frame), formats=("JPEG",)) as image:
        lowest, highest = image.convert("L").getextrema()
        if lowest == highest:
            return None  # one colour: it would be the same as any other of its kind
        return str(imagehash.phash(image))


def _rapid() -> tuple[Read, str] | None:
    try:
        import numpy as np
        from rapidocr import RapidOCR
    except ImportError:
        return None
    engine = RapidOCR(params={"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 1})

    def read(frame: bytes) -> list[str]:
        with Image.open(io.BytesIO(frame), formats=("JPEG",)) as image:
            found = engine(np.asarray(image.convert("RGB"))[:, :, ::-1])
        texts, scores = getattr(found, "txts", None) or (), getattr(found, "scores", None) or ()
        return [str(text) for text, score in zip(texts, scores, strict=True) if score >= SURE]

    return read, "RapidOCR"


def _tesseract() -> tuple[Read, str] | None:
    if shutil.which("tesseract") is None:
        return None
    told = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=False).stdout
    languages = "+".join(line for line in told.split()[-20:] if line.isalpha() and line not in ("osd", "equ")) or "eng"

    def read(frame: bytes) -> list[str]:
        command = ["tesseract", "-", "-", "-l", languages]
        return subprocess.run(command, input=frame, capture_output=True, check=False).stdout.decode(errors="replace").splitlines()

    return read, "tesseract"
