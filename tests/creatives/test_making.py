"""What is shown of a stranger's file is pixels that were made anew, in a process that could do nothing else."""

from __future__ import annotations

import io
import os
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from adverdict.creatives.child import images, markup
from adverdict.creatives.child.sniffing import NotShown, kind_of
from adverdict.creatives.limits import Limits
from adverdict.creatives.making import environment, make
from adverdict.domain.errors import InvalidInput
from tests.creatives.files import animation, archive, gif_of_many, picture, png_that_says, video, video_that_says
from tests.test_packages import ROOT

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b'<!doctype html><html><body><script src="https://evil.example/a.js"></script><img src="shoe.png"></body></html>'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture(), "png"),
        (picture(form="JPEG"), "jpeg"),
        (picture(form="WEBP"), "webp"),
        (animation(2), "gif"),
        (HTML, "html"),
        (b"\xef\xbb\xbf  <html><body></body></html>", "html"),
        (b"\0\0\0\x18ftypmp42", "mp4"),
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (archive(a=b"1"), "zip"),
    ],
)
def test_a_file_is_what_it_begins_as(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SVG, "SVG"),
        (b"<svg onload=alert(1)>", "SVG"),
        (b"   <!-- --><svg/onload=alert(1) >", "SVG"),
        (b"<!DOCTYPE svg PUBLIC>", "SVG"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b"hello", "text"),
        (b"#EXTM3U\nhttp://10.0.0.1/secret", "text"),
        (b"%PDF-1.7\0", "a PDF"),
        (b"MZ\x90\0", "a program"),
        (b"\x7fELF\0", "a program"),
        (b"\x1f\x8b\x08\0", "packed"),
        (b"BM\0\0\0\0", "BMP"),
        (bytes(range(1, 200)), "not known here"),
    ],
)
def test_what_is_no_picture_and_no_video_is_refused_in_words(content: bytes, said: str) -> None:
    with pytest.raises(NotShown, match=said):
        kind_of(content)


def test_only_pixels_are_kept_of_a_picture() -> None:
    image = Image.open(io.BytesIO(picture(form="JPEG")))
    exif = image.getexif()
    exif[0x010E], exif[0x0112] = "where she lives", 6
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, comment=b"a secret comment")
    made = images.stills(out.getvalue() + b"<script>alert(1)</script>", "jpeg", 6)
    (frame,) = made.frames
    for left in (b"where she lives", b"secret comment", b"script", b"Exif"):
        assert left not in frame
    shown = Image.open(io.BytesIO(frame))
    assert (shown.format, shown.size) == ("JPEG", (180, 320)), "turned as its metadata said, before that went"
    assert (made.width, made.height) == (320, 180)


def test_a_file_that_is_two_things_at_once_becomes_one_picture() -> None:
    polyglot = animation(2).replace(b"GIF89a", b"GIF89a", 1) + b"*/=1;alert(document.domain)//<html><script>"
    made = images.stills(polyglot, kind_of(polyglot), 6)
    assert all(frame.startswith(b"\xff\xd8\xff") and b"alert" not in frame for frame in made.frames)


def test_a_large_picture_is_made_small_and_an_animation_is_shown_from_begin_to_end() -> None:
    made = images.stills(picture((4000, 1000)), "png", 6)
    assert Image.open(io.BytesIO(made.frames[0])).size == (1280, 320)
    moving = images.stills(animation(11), "gif", 6)
    assert (moving.kind, len(moving.frames), moving.seconds) == ("animation", 6, 2.2)
    assert moving.at[0] == 0
    assert moving.at == sorted(moving.at, key=lambda at: at or 0)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png_that_says(60_000, 60_000), "png"),
        (png_that_says(30_001, 4), "png"),
        (png_that_says(0, 10), "png"),
        (png_that_says(100, 100), "png"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "png"),
        (gif_of_many(40, 40, 3).replace(b"\x28\0\x28\0", b"\x40\x9c\x40\x9c"), "gif"),
        (picture()[:200], "png"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 200, "jpeg"),
        (b"GIF89a\xff\xff\xff\xff", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
    ],
)
def test_bombs_and_broken_pictures_are_refused_in_words(content: bytes, kind: str) -> None:
    with pytest.raises(NotShown):
        images.stills(content, kind, 6)


def test_html5_is_shown_as_a_picture_that_it_carries_and_never_run() -> None:
    ad = {"ad__index_dot_html": HTML, "ad__shoe_dot_png": picture((40, 30)), "ad__sprite_dot_png": picture((300, 300))}
    assert markup.archive(archive(**ad), 6).width == 40, "what the page names"
    assert markup.archive(archive(**ad, ad__backup_dot_jpg=picture((50, 20), "JPEG")), 6).width == 50, "the backup image before it"
    assert markup.page(HTML, 6).links == ["shoe.png"]
    inline = b'<html><meta property="og:image" content="https://cdn.example/still.png"><img src="javascript:alert(1)"></html>'
    assert markup.page(inline, 6).links == ["https://cdn.example/still.png"]
    with pytest.raises(NotShown, match="not run here"):
        markup.page(b"<html><script>draw()</script></html>", 6)
    with pytest.raises(NotShown, match="carries no picture"):
        markup.archive(archive(index_dot_html=HTML, a_dot_svg=SVG, b_dot_png=SVG), 6)


def test_an_archive_that_unpacks_to_more_than_may_be_is_not_unpacked() -> None:
    bomb = archive(index_dot_html=HTML, shoe_dot_png=b"\x89PNG\r\n\x1a\n" + bytes(markup.UNPACKED + 1))
    assert len(bomb) < 100_000
    began = time.process_time()
    with pytest.raises(NotShown):
        markup.archive(bomb, 6)
    with pytest.raises(NotShown, match="more than 500 files"):
        markup.archive(archive(**{f"f{number}": b"" for number in range(501)}), 6)
    assert time.process_time() - began < 2
    lying = bomb.replace((markup.UNPACKED + 9).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    with pytest.raises(NotShown):
        markup.archive(lying, 6)


def test_pictures_are_made_in_a_process_with_limits_of_its_own() -> None:
    made, links = make(picture((1200, 628)), Limits())
    assert made is not None
    assert (made.kind, made.width, made.height, len(made.frames), links) == ("image", 1200, 628, 1, ())
    with pytest.raises(InvalidInput, match="SVG"):
        make(SVG, Limits())
    with pytest.raises(InvalidInput, match="memory"):
        make(png_that_says(7000, 7000, 7000), Limits(memory=120 * 2**20))


def test_a_file_that_keeps_the_process_busy_ends_with_it() -> None:
    began = time.monotonic()
    with pytest.raises(InvalidInput, match="too long"):
        make(gif_of_many(4000, 4000, 400), Limits(making_seconds=1.0))
    assert time.monotonic() - began < 20


def test_without_the_package_that_makes_pictures_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "PIL").mkdir()
    (tmp_path / "PIL" / "__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    with pytest.raises(InvalidInput, match=r"adverdict\[media\]"):
        make(picture(), Limits())


def test_the_process_that_makes_pictures_is_given_no_secret_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"ADVERDICT_API_KEYS": "x:score:0", "HTTPS_PROXY": "http://127.0.0.1:9", "AWS_SECRET_ACCESS_KEY": "secret"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert not set(told) & set(environment())


@pytest.mark.skipif(find_spec("av") is None, reason="stills of videos need the command ffmpeg or the package av")
def test_a_video_is_shown_as_stills_over_its_length() -> None:
    made, _ = make(video(6), Limits())
    assert made is not None
    assert (made.kind, made.width, made.height, made.seconds) == ("video", 160, 90, 6.0)
    assert len(made.frames) >= 3
    assert [one.at for one in made.frames] == sorted({one.at or 0.0 for one in made.frames})


@pytest.mark.skipif(find_spec("av") is None, reason="stills of videos need the command ffmpeg or the package av")
def test_a_video_that_is_none_is_refused_in_words() -> None:
    playlist = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\n#EXTM3U\nfile:///etc/passwd\nhttp://127.0.0.1/\n"
    for content in (b"\0\0\0\x18ftypmp42" + b"\0" * 500, video(1)[:300], playlist):
        with pytest.raises(InvalidInput, match="video"):
            make(content, Limits())


@pytest.mark.skipif(find_spec("av") is None, reason="stills of videos need the command ffmpeg or the package av")
def test_a_video_that_claims_to_be_huge_is_refused_or_shown_as_what_it_is() -> None:
    """Its header says 65,000 by 65,000; its frames are small: whichever is believed, no memory is taken for it."""
    try:
        made, _ = make(video_that_says(65_000, 65_000), Limits())
    except InvalidInput:
        return
    assert made is not None
    assert max(made.width, made.height) <= 160
