"""HTML5 is never run. What stands for it is a picture that it carries: in its archive, in itself, or at an address that it names."""

from __future__ import annotations

import base64
import binascii
import io
import posixpath
import re
import zipfile
from html.parser import HTMLParser
from urllib.parse import unquote

from adverdict.creatives.child.images import Made, stills
from adverdict.creatives.child.sniffing import NotShown, kind_of

PICTURES = ("png", "jpeg", "gif", "webp", "avif")
ENTRIES = 500
UNPACKED = 32 * 1024 * 1024
"""Bytes of one file of an archive."""
TRIED = 8
BACKUP = re.compile(r"backup|fallback|poster|still|static|preview|thumb", re.IGNORECASE)
INLINE = re.compile(r"data:image/[a-z+.-]+;base64,", re.IGNORECASE)
STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)", re.IGNORECASE)
MADE = "HTML5 is not run here. This is a picture that it carries, which may be a part of what viewers see"
NOTHING = "it is HTML5, which is not run here, and carries no picture that can be shown; the platform's own still would be one"


def page(content: bytes, most: int) -> Made:
    """A picture that the page holds in itself; else the addresses that it names. Raises NotShown."""
    named = _named(content.decode("utf-8", errors="replace"))
    for one in [name for name in named if INLINE.match(name)][:TRIED]:
        try:
            return _made(base64.b64decode(one.partition(",")[2], validate=False), most)
        except (NotShown, binascii.Error, ValueError):
            continue
    links = [name for name in named if not name.lower().startswith(("data:", "javascript:", "blob:", "about:", "#"))]
    if not links:
        raise NotShown(NOTHING)
    return Made("html5", told=MADE, links=links[:TRIED])


def archive(content: bytes, most: int) -> Made:
    """A picture of the archive: one that its page names, a backup image, or the largest. Raises NotShown."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            entries = [one for one in opened.infolist() if not one.is_dir()]
            if len(entries) > ENTRIES:
                raise NotShown(f"the archive holds more than {ENTRIES} files")
            for one in _in_order(opened, entries)[:TRIED]:
                try:
                    return _made(_unpacked(opened, one), most)
                except NotShown:
                    continue
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError):
        raise NotShown("it says that it is an archive, and cannot be read as one") from None
    raise NotShown(NOTHING)


def _in_order(opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Best first: backup images, then those that the page names, in its order, then the largest."""
    pictures = [one for one in entries if one.filename.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"))]
    named: list[str] = []
    for one in [one for one in entries if one.filename.lower().endswith((".html", ".htm"))][:3]:
        folder = posixpath.dirname(one.filename)
        try:
            text = _unpacked(opened, one).decode("utf-8", errors="replace")
        except NotShown:
            continue
        named += [posixpath.normpath(posixpath.join(folder, unquote(name))) for name in _named(text)]
    rank = {name: number for number, name in enumerate(named)}
    return sorted(pictures, key=lambda one: (not BACKUP.search(one.filename), rank.get(one.filename, len(rank)), -one.file_size))


def _unpacked(opened: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    """No more than may be: what the archive says of its size is not believed."""
    if one.file_size > UNPACKED or one.flag_bits & 1:
        raise NotShown("a file of the archive is too large, or locked")
    with opened.open(one) as file:
        content = file.read(UNPACKED + 1)
    if len(content) > UNPACKED:
        raise NotShown("a file of the archive is larger than it says")
    return content


def _made(content: bytes, most: int) -> Made:
    kind = kind_of(content)
    if kind not in PICTURES:
        raise NotShown(NOTHING)
    made = stills(content, kind, most)
    made.kind, made.told = "html5", MADE
    return made


class _Named(HTMLParser):
    """Collects what a page shows as pictures. Scripts and everything else are read over."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.best: list[str] = []
        self.rest: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value.strip() for name, value in attrs if value}
        if tag == "meta" and told.get("property", told.get("name", "")).lower() in ("og:image", "twitter:image") and "content" in told:
            self.best.append(told["content"])
        if tag == "video" and "poster" in told:
            self.best.append(told["poster"])
        if tag in ("img", "image", "amp-img") and "src" in told:
            self.rest.append(told["src"])
        if "style" in told:
            self.rest += STYLE.findall(told["style"])


def _named(text: str) -> list[str]:
    parser = _Named()
    parser.feed(text)
    styles = STYLE.findall(text) if "url(" in text else []
    return list(dict.fromkeys([*parser.best, *parser.rest, *styles]))
