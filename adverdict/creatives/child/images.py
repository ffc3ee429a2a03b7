"""Pictures made anew: decoded, made small, stripped of everything that is not a pixel, written as JPEG."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field

from PIL import Image, ImageOps

from adverdict.creatives.child.sniffing import NotShown

MOST_PIXELS = 50_000_000
LONGEST_SIDE = 30_000
SHOWN = 1280
"""Longest side of what is kept."""
LOOKED_THROUGH = 400
"""Most pictures of an animation that are gone through."""
QUALITY = 82
BEHIND = (222, 222, 222)
"""What shows through where a picture is transparent."""
FORMATS = {"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "webp": "WEBP", "avif": "AVIF"}

Image.MAX_IMAGE_PIXELS = MOST_PIXELS


@dataclass
class Made:
    """What came of a file. ``frames`` are JPEGs, in order; ``at`` their seconds where they have some."""

    kind: str
    width: int = 0
    height: int = 0
    seconds: float | None = None
    frames: list[bytes] = field(default_factory=list)
    at: list[float | None] = field(default_factory=list)
    told: str = ""
    """What a reviewer is to know of how it was made; empty: nothing."""
    links: list[str] = field(default_factory=list)
    """Addresses of pictures that a page names, best first; nothing was made then."""


def stills(content: bytes, kind: str, most: int) -> Made:
    """Of a picture or an animation, whose frames are spread over its length. Raises NotShown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metadata that is thrown away anyhow
        try:
            with Image.open(io.BytesIO(content), formats=(FORMATS[kind],)) as image:
                refuse_large(*image.size)
                return _stills(image, most)
        except (Image.DecompressionBombError, MemoryError):
            raise too_many_pixels() from None
        except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError, ZeroDivisionError):
            raise NotShown(f"it says that it is {FORMATS[kind]}, and cannot be read as one") from None


def _stills(image: Image.Image, most: int) -> Made:
    made = Made("image", *image.size)
    if not getattr(image, "is_animated", False):
        made.frames, made.at = [jpeg(image)], [None]
        return made
    count = min(getattr(image, "n_frames", 1), LOOKED_THROUGH)
    wanted = {round(number * (count - 1) / max(1, min(most, count) - 1)) for number in range(min(most, count))}
    made.kind, clock = "animation", 0.0
    for number in range(count):
        image.seek(number)
        refuse_large(*image.size)
        if number in wanted:
            made.frames.append(jpeg(image))
            made.at.append(round(clock, 2))
        clock += float(image.info.get("duration") or 0) / 1000
    made.seconds = round(clock, 2) or None
    return made


def jpeg(image: Image.Image) -> bytes:
    """A fresh picture with the same pixels, small: no metadata, no profile, no thumbnail, no trailing bytes of the old file."""
    image.draft("RGB", (SHOWN, SHOWN))
    turned = ImageOps.exif_transpose(image)
    if "A" in turned.getbands() or "transparency" in turned.info:
        shown = turned.convert("RGBA")
        ground = Image.new("RGBA", shown.size, (*BEHIND, 255))
        turned = Image.alpha_composite(ground, shown)
    plain = turned.convert("RGB")
    plain.thumbnail((SHOWN, SHOWN))
    fresh = Image.frombytes("RGB", plain.size, plain.tobytes())
    out = io.BytesIO()
    fresh.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def refuse_large(width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise too_many_pixels(width, height)


def too_many_pixels(width: int = 0, height: int = 0) -> NotShown:
    size = f" ({width:,} x {height:,})" if width else ""
    return NotShown(f"the picture{size} has more than {MOST_PIXELS // 10**6} million pixels, or takes more memory than is given to it")
