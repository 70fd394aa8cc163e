"""How much of one medium, and of all together, a process bears.

Sizes are bytes, times seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from coop_media.form import MediaKind

MiB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class FetchLimits:
    """`picture`, `film`: a file's bytes (a sound's are a film's). `within`: what its host has, from
    the resolver to the last byte. `together`: bytes of all files that are held at once."""

    picture: int = 24 * MiB
    film: int = 96 * MiB
    within: float = 30.0
    together: int = 256 * MiB

    def of(self, kind: MediaKind) -> int:
        """The most bytes of a file of this kind."""
        return self.picture if kind == "IMAGE" else self.film


@dataclass(frozen=True, kw_only=True)
class DecodeLimits:
    """Of one order: `memory` (address space), `processor` and `within` seconds, for all frames of a
    film `look` and `look_within`; of a picture, or a film's frame, its pixels. `answer`: bytes of a
    derivative."""

    memory: int = 1536 * MiB
    processor: int = 10
    within: float = 15.0
    look: int = 20
    look_within: float = 45.0
    pixels: int = 64_000_000
    answer: int = 8 * MiB


@dataclass(frozen=True, kw_only=True)
class PlaceLimits:
    """How many media are fetched and decoded at once, of them one organisation's; how many of an
    organisation wait, and for how long. The last `kept` places are for organisations that have
    none."""

    places: int = 4
    of_one: int = 2
    kept: int = 0
    waiting: int = 64
    within: float = 10.0


@dataclass(frozen=True, kw_only=True)
class StreamLimits:
    """Of what is passed on as it is: `file` bytes of the whole, `piece` bytes of one answer, within
    so many seconds."""

    file: int = 1024 * MiB
    piece: int = 4 * MiB
    within: float = 30.0
