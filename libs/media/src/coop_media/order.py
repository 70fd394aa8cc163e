"""What a decoder is told, and what it answers: the two messages between the processes.

Must not: import a decoder.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from coop_media.fault import State
from coop_media.form import MediaKind

Stage = Literal["VEILED", "GREY", "CLEAR"]
Part = Literal["PICTURE", "SHEET", "HASH", "FLASH", "CAPTIONS"]

VEILS: Final = 7
"""Strengths of the veil: 0 to 6."""

VEILED_BYTES: Final = 10 * 1024
"""No veiled derivative is larger."""

WIDTHS: Final = (160, 320, 640, 1280, 2048)
"""Of derivatives; a veiled one has 320 at most."""

VEILED_WIDTH: Final = 320


class Order(Struct, frozen=True, kw_only=True):
    """Make one derivative of a file. PICTURE is the picture, a film's poster, a sound's wave; SHEET
    is frames of a film or of a moving picture, beside each other. Three are no pictures: HASH, the
    hashes of one (`PictureHashes`); FLASH, whether a film flashes (`Flashes`); CAPTIONS, the words
    that a film or a sound brings along, as WebVTT. `veil` is the strength, `grey` takes the colours
    from a veiled one too. The limits are `limit.DecodeLimits`."""

    kind: MediaKind
    reader: str
    part: Part = "PICTURE"
    stage: Stage = "VEILED"
    width: int = VEILED_WIDTH
    veil: int = 4
    grey: bool = True
    memory: int
    processor: int
    within: float
    pixels: int
    answer: int


class Shape(Struct, frozen=True, kw_only=True):
    """What a decoder says of a medium: pixels as they are shown (upright), seconds."""

    kind: MediaKind
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    is_moving: bool = False
    has_sound: bool = False


class PictureHashes(Struct, frozen=True, kw_only=True):
    """PDQ of a picture as it is stored and, where its file says that it is turned, upright: 64
    hexadecimal digits each. `quality` is 0 to 100; under 50 a hash means nothing."""

    pdq: tuple[str, ...]
    quality: int


class Flashes(Struct, frozen=True, kw_only=True):
    """Whether a film flashes (`flash` says what that is): YES, `at` so many seconds for the first
    time; NO, all of it was looked at; UNKNOWN, it is too long for that, or a part of it cannot be
    read."""

    found: Literal["YES", "NO", "UNKNOWN"]
    at: float | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """`size` bytes of the derivative follow."""

    state: State = "ok"
    reason: str = ""
    shape: Shape | None = None
    media_type: str = ""
    size: int = 0
