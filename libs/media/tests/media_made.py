"""Harmless media made by code: shapes, colours, a tone."""

from __future__ import annotations

import io
import math
import struct
import zlib
from array import array
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
from PIL import Image, ImageDraw


def shapes(size: tuple[int, int] = (400, 300), mode: str = "RGB") -> Image.Image:
    """A red disc on blue, its upper left corner yellow."""
    image = Image.new("RGB", size, (20, 40, 160))
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.ellipse((width // 4, height // 4, 3 * width // 4, 3 * height // 4), fill=(220, 30, 30))
    draw.rectangle((0, 0, width // 4, height // 4), fill=(240, 220, 40))
    return image if mode == "RGB" else image.convert(mode)


def saved(image: Image.Image, form: str = "JPEG", **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **how)
    return out.getvalue()


def jpeg(size: tuple[int, int] = (400, 300), **how: Any) -> bytes:
    return saved(shapes(size), "JPEG", quality=90, **how)


def deep_png(size: tuple[int, int] = (64, 48)) -> bytes:
    """16 bits of grey, rising from black to white."""
    width, height = size
    values = array("H", (65535 * x // (width - 1) for _ in range(height) for x in range(width)))
    return saved(Image.frombytes("I;16", size, values.tobytes()), "PNG")


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(width: int, height: int, rows: bytes) -> bytes:
    """A grey PNG that says to be so large, and whose compressed rows are these."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def moving_gif(frames: int, size: tuple[int, int] = (40, 30)) -> bytes:
    images = [Image.new("RGB", size, (255 * n // frames, 0, 80)) for n in range(frames)]
    return saved(images[0], "GIF", save_all=True, append_images=images[1:], duration=50, loop=0)


def endless_gif(frames: int) -> bytes:
    """Frames of one pixel, as many as are asked for, a few bytes each."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * frames + b"\x3b"


def film(
    seconds: float = 2, form: str = "mp4", codec: str = "libx264", sound: bool = True
) -> bytes:
    """A square that wanders, and a tone."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        rate = 12
        stream: Any = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        voice: Any = None
        if sound:
            voice = container.add_stream("aac" if form == "mp4" else "libopus", rate=48000)
            voice.layout = "mono"
        count = int(seconds * rate)
        for number in range(count):
            image = Image.new("RGB", (160, 120), (10, 90, 40))
            at = 120 * number // count
            ImageDraw.Draw(image).rectangle((at, 40, at + 30, 70), fill=(240, 240, 240))
            frame: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if voice is not None:
            for part in tone(seconds, 48000, voice):
                container.mux(part)
    return out.getvalue()


def film_of(
    shown: Callable[[float], Image.Image],
    seconds: float = 2,
    rate: Fraction = Fraction(30),
    form: str = "mp4",
    codec: str = "libx264",
) -> bytes:
    """A film that shows at each moment the picture of it."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.pix_fmt = "yuv420p"
        stream.width, stream.height = shown(0).size
        for number in range(round(seconds * rate)):
            image = shown(float(number / rate))
            frame: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def tone(seconds: float, rate: int, stream: Any) -> list[Any]:
    packets: list[Any] = []
    for start in range(0, int(seconds * rate), 960):
        values = (
            int(9000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(start, start + 960)
        )
        frame = av.AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update(array("h", values).tobytes())
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        packets += stream.encode(frame)
    return [*packets, *stream.encode()]


def wav(seconds: float = 1, rate: int = 8000) -> bytes:
    """A tone that swells."""
    count = int(seconds * rate)
    values = array(
        "h", (int(30000 * n / count * math.sin(2 * math.pi * 440 * n / rate)) for n in range(count))
    ).tobytes()
    head = b"RIFF" + struct.pack("<I", 36 + len(values)) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
    return head + b"data" + struct.pack("<I", len(values)) + values
