"""The films of the story: some seconds of moving shapes and a tone, made by the program.

Guarantees: the same name gives the same film.
"""

from __future__ import annotations

import array
import io
import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

import av
from PIL import Image, ImageDraw

_SIZE: Final = (480, 270)
_FRAMES_A_SECOND: Final = 12
_SECONDS: Final = 6
_SAMPLES_A_SECOND: Final = 22_050
_SAMPLES_A_FRAME: Final = 1024
_NAMES: Final = frozenset({"film-waves", "film-strobe"})
_SAID: Final = (
    (0.4, 2.2, "This is harbour radio, the evening tide."),
    (2.4, 4.0, "Calm water until ten, and a light breeze from the west."),
    (4.2, 5.8, "Whoever lost a blue rowing boat: it is at the north pier."),
)


def names() -> frozenset[str]:
    """All that there are."""
    return _NAMES


@lru_cache(maxsize=4)
def film(name: str) -> bytes:
    """An MP4 (H.264, AAC). Raises LookupError."""
    if name not in _NAMES:
        raise LookupError(name)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        pictures = container.add_stream("libx264", rate=_FRAMES_A_SECOND)
        pictures.width, pictures.height = _SIZE
        pictures.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=_SAMPLES_A_SECOND)
        words = container.add_mux_stream("mov_text") if name == "film-waves" else None
        for number in range(_SECONDS * _FRAMES_A_SECOND):
            frame = av.VideoFrame(*_SIZE, "rgb24")
            shown = _strobe(number) if name == "film-strobe" else _frame(number / _FRAMES_A_SECOND)
            frame.planes[0].update(shown.tobytes())
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        for part in _tone():
            container.mux(sound.encode(part))
        container.mux(sound.encode())
        if words is not None:
            container.mux(_said(words))
    return buffer.getvalue()


def _said(words: av.stream.Stream) -> list[av.Packet[Any]]:
    """What is said in it, as captions that it brings along."""
    thousandth = Fraction(1, 1000)
    packets = []
    for begin, end, text in _SAID:
        said = text.encode()
        packet = av.Packet(len(said).to_bytes(2, "big") + said)
        packet.stream, packet.time_base = words, thousandth
        packet.pts = packet.dts = round(begin * 1000)
        packet.duration = round((end - begin) * 1000)
        packets.append(packet)
    return packets


def _frame(second: float) -> Image.Image:
    """Waves that wander, and the needle of a radio's dial."""
    width, height = _SIZE
    image = Image.new("RGB", _SIZE, (34, 30, 52))
    draw = ImageDraw.Draw(image)
    for row, colour in enumerate([(244, 120, 96), (255, 196, 84), (96, 190, 200)]):
        line = [
            (x, height / 2 + (row - 1) * 40 + 26 * math.sin(x / 40 + second * (2 + row)))
            for x in range(0, width + 8, 8)
        ]
        draw.line(line, fill=colour, width=6, joint="curve")
    x = 40 + (width - 80) * (0.5 + 0.5 * math.sin(second))
    draw.line((x, 20, x, 46), fill=(250, 250, 246), width=4)
    draw.line((40, 48, width - 40, 48), fill=(150, 146, 170), width=2)
    return image


def _strobe(number: int) -> Image.Image:
    """A hall whose lights go on and off six times a second."""
    return Image.new("RGB", _SIZE, (230, 226, 240) if number % 2 else (18, 16, 30))


def _tone() -> Iterator[av.AudioFrame]:
    """A tone that wanders, louder and softer."""
    for first in range(0, _SECONDS * _SAMPLES_A_SECOND - _SAMPLES_A_FRAME, _SAMPLES_A_FRAME):
        frame = av.AudioFrame(format="flt", layout="mono", samples=_SAMPLES_A_FRAME)
        wave = (_sample((first + n) / _SAMPLES_A_SECOND) for n in range(_SAMPLES_A_FRAME))
        frame.planes[0].update(array.array("f", wave).tobytes())
        frame.sample_rate, frame.pts = _SAMPLES_A_SECOND, first
        frame.time_base = Fraction(1, _SAMPLES_A_SECOND)
        yield frame


def _sample(second: float) -> float:
    pitch = 220 + 30 * math.sin(second)
    return 0.2 * math.sin(2 * math.pi * pitch * second) * (0.6 + 0.4 * math.sin(2 * second))
