"""Files as advertisers send them, honest and otherwise."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image, ImageDraw


def picture(size: tuple[int, int] = (320, 180), form: str = "PNG", words: str = "") -> bytes:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((size[0] * 0.6, size[1] * 0.2, size[0] * 0.9, size[1] * 0.8), fill="orange")
    draw.rectangle((10, size[1] * 0.5, size[0] * 0.4, size[1] * 0.9), fill="teal")
    if words:
        draw.text((size[0] * 0.04, size[1] * 0.2), words, fill="black", font_size=size[1] // 8)
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def animation(frames: int = 10) -> bytes:
    images = [Image.new("RGB", (80, 60), (20 * number, 90, 40)) for number in range(frames)]
    out = io.BytesIO()
    images[0].save(out, "GIF", save_all=True, append_images=images[1:], duration=200)
    return out.getvalue()


def video(seconds: int = 4, rate: int = 5, size: tuple[int, int] = (160, 90)) -> bytes:
    """An MP4 with a key frame every second; needs the package av."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = rate
        for number in range(seconds * rate):
            shade = (40 + 20 * (number // rate), 90, 160)
            for packet in stream.encode(av.VideoFrame.from_image(Image.new("RGB", size, shade))):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return out.getvalue()


def png_that_says(width: int, height: int, rows: int = 0) -> bytes:
    """A PNG that claims a size; its pixels are zeros, packed a thousand to one."""
    raw = zlib.compress(bytes(rows * (1 + width)), 9) if rows else b""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", raw) + chunk(b"IEND", b"")


def gif_of_many(width: int, height: int, frames: int) -> bytes:
    """A GIF whose every frame fills the whole picture, and takes a thousandth of it in the file."""
    out = io.BytesIO()
    Image.new("P", (width, height), 1).save(out, "GIF")
    whole = out.getvalue()
    begin = whole.index(b"\x2c" + struct.pack("<HHHH", 0, 0, width, height))
    one = b"\x21\xf9\x04\0\x02\0\0\0" + whole[begin:-1]
    return whole[:begin] + one * frames + b";"


def video_that_says(width: int, height: int) -> bytes:
    """An MP4 whose header claims a size; needs the package av."""
    made = bytearray(video(1))
    said = struct.pack(">HH", 160, 90)
    at = made.find(said, made.find(b"mp4v"))
    assert at > 0
    made[at : at + 4] = struct.pack(">HH", width, height)
    return bytes(made)
