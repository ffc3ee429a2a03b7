"""What a file is, by its first bytes. What its name, its host or the advertiser says of it is not asked."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["png", "jpeg", "gif", "webp", "avif", "mp4", "matroska", "zip", "html"]

BRANDS_OF_PICTURES = (b"avif", b"avis")
OTHER = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a packed file (gzip)",
    b"BZh": "a packed file (bzip2)",
    b"7z\xbc\xaf": "a packed file (7z)",
    b"Rar!": "a packed file (rar)",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"FWS": "Flash",
    b"CWS": "Flash",
    b"BM": "a BMP picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"8BPS": "a Photoshop file",
    b"RIFF": "a RIFF file",
    b"OggS": "an Ogg file",
    b"ID3": "a sound",
    b"#EXTM3U": "a playlist",
}
"""So that a reviewer reads what came instead."""
SVG = re.compile(rb"<svg[\s>/]|<!DOCTYPE\s+svg", re.IGNORECASE)
HTML = re.compile(rb"<(!doctype\s+html|html|head|body|meta|img|div|script|a|video|style|title)[\s>/]", re.IGNORECASE)
XML = re.compile(rb"\s*<\?xml", re.IGNORECASE)
BEGIN = 4096


class NotShown(Exception):
    """A sentence for whoever reviews the ad: why there is no picture."""


def kind_of(content: bytes) -> Kind:
    """Raises NotShown for everything that is not shown."""
    begin = content[:BEGIN].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if not begin:
        raise NotShown("the file is empty")
    if found := _binary(content):
        return found
    if _is_text(begin):
        if SVG.search(begin) and not re.match(rb"\s*<(!doctype\s+html|html)", begin, re.IGNORECASE):
            raise NotShown("it is an SVG, which can carry scripts: it is never shown as one; ask for it as PNG")
        if HTML.search(begin) and not XML.match(begin):
            return "html"
        raise NotShown("it is text, not a picture or a video")
    told = next((name for magic, name in OTHER.items() if content.startswith(magic)), "a kind of file that is not known here")
    raise NotShown(f"it is {told}; shown are PNG, JPEG, GIF, WebP, AVIF, MP4, WebM and HTML5")


def _binary(content: bytes) -> Kind | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content[4:8] == b"ftyp":
        return "avif" if content[8:12] in BRANDS_OF_PICTURES else "mp4"
    if content.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    return "zip" if content.startswith(b"PK\x03\x04") else None


def _is_text(begin: bytes) -> bool:
    return b"\0" not in begin and sum(byte < 9 or 13 < byte < 32 for byte in begin) == 0
