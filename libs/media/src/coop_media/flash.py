"""Whether a film flashes: what may bring on a seizure. Runs in the decoders' process only.

    frame ─▶ 32 × 18 cells ─▶ how light and how red each is ─▶ which of them turned just now
                                         a quarter of them turned too often in one second ─▶ YES

By WCAG 2.3.1 that is more than three flashes within any one second. A flash is two opposing
changes: of relative luminance by a tenth or more, the darker below 0.8; or of redness,
(R - G - B) * 320, by more than 20, the redder of the two a saturated red, R / (R + G + B) of 0.8 or
more. A cell turns where a change begins that is the opposite of the one before: three flashes are
six turns. WCAG measures the area in degrees of what is seen; a quarter of ten degrees is a quarter
of the frame where a film is shown 400 pixels wide.

Guarantees: NO is said only where every frame was decoded, up to the end that the film says it has;
a look ends by itself before the kernel would end it.
Must not: keep more than a second of what it saw.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import IO, Any, Final

import av
import av.video.reformatter
import msgspec
import numpy as np
from numpy.typing import NDArray

from coop_media import film
from coop_media.fault import MediaFault
from coop_media.order import Flashes, Order, Shape

Floats = NDArray[np.float32]
Cells = NDArray[np.bool_]

_ACROSS: Final = 32
_DOWN: Final = 18
_QUARTER: Final = _ACROSS * _DOWN // 4
_TURNS: Final = 6  # that there may be in a second
_WINDOW: Final = 0.995  # a second, less what moments in whole milliseconds may be off
_FRAMES: Final = 36_000
_SECONDS: Final = 600.0
_LEFT: Final = 2.0  # seconds before the kernel's own end
_UNSEEN: Final = 1.0  # seconds: a film may end as much before the end that it says it has
_LIGHTER: Final = 0.1
_LIGHT: Final = 0.9  # what is lighter counts as this: of two a tenth apart, the darker is below 0.8
_REDDER: Final = 20 / 320
_SATURATED: Final = 0.8
_NOTHING: Final = 1e-6
_LUMINANCE: Final = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
_RED: Final = np.array([1, -1, -1], dtype=np.float32)
_UNKNOWN: Final = Flashes(found="UNKNOWN")


def _linear() -> Floats:
    """How much light each of the 256 steps of sRGB is."""
    value = np.arange(256) / 255
    bent = ((value + 0.055) / 1.055) ** 2.4
    return np.where(value <= 0.04045, value / 12.92, bent).astype(np.float32)


_LIGHT_OF: Final = _linear()


def read(source: IO[bytes], order: Order) -> tuple[Shape, str, bytes]:
    """What the film is, and `Flashes` as JSON. Raises `MediaFault`, and whatever PyAV raises."""
    if order.kind == "IMAGE":
        raise MediaFault("not-media", "it is a picture: it is shown still")
    with film.opened(source, order) as container:
        stream = film.pictures_of(container)
        if stream is None:
            raise MediaFault("not-media", film.NO_FRAMES)
        film.check(stream.codec_context, order)
        look = _Look(order)
        length = _length(container, stream)
        found = _UNKNOWN
        if length is None or length <= _SECONDS:
            found = look.at(container.decode(stream), stream.average_rate, length)
        shape = film.shape_of(container, stream, is_turned=look.is_turned)
    return shape, "application/json", msgspec.json.encode(found)


def _length(container: Any, stream: Any) -> float | None:
    """Seconds of its pictures: its sound may be longer."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return film.length_of(container)


class _Look:
    """One look at one film."""

    def __init__(self, order: Order) -> None:
        self.is_turned = False
        self._order = order
        self._until = time.monotonic() + order.within - _LEFT
        self._small = av.video.reformatter.VideoReformatter()
        self._watched = (_Turns(_LIGHTER), _Turns(_REDDER))

    def at(self, frames: Iterable[Any], rate: Any, length: float | None) -> Flashes:
        """What the frames do, one after another. Raises `MediaFault`."""
        began: float | None = None
        moment: float | None = None
        try:
            for number, frame in enumerate(frames):
                film.check(frame, self._order)
                shown = _moment(frame, number, rate)
                if shown is None or number >= _FRAMES or self._is_late():
                    return _UNKNOWN
                if began is None or moment is None:
                    self.is_turned = film.turn_of(frame) % 180 != 0
                    began = moment = shown
                moment = max(shown, moment)
                since = self._flashed(frame, moment)
                if since is not None:
                    return Flashes(found="YES", at=max(0.0, round(since - began, 3)))
        except av.FFmpegError:
            return _UNKNOWN
        if began is None or moment is None:
            return _UNKNOWN
        if length is not None and moment - began < length - _UNSEEN:
            return _UNKNOWN
        return Flashes(found="NO")

    def _is_late(self) -> bool:
        return time.process_time() > self._order.processor - _LEFT or time.monotonic() > self._until

    def _flashed(self, frame: Any, moment: float) -> float | None:
        """The moment since when it has flashed too often, if it has."""
        small = self._small.reformat(
            frame, width=_ACROSS, height=_DOWN, format="rgb24", interpolation="AREA"
        )
        light = _LIGHT_OF[small.to_ndarray()]
        whole = light.sum(axis=2)
        is_red = light[..., 0] >= _SATURATED * np.maximum(whole, _NOTHING)
        lighter, redder = self._watched
        since = lighter.since(np.minimum(light @ _LUMINANCE, _LIGHT), np.True_, moment)
        if since is not None:
            return since
        return redder.since(np.maximum(light @ _RED, 0), is_red, moment)


def _moment(frame: Any, number: int, rate: Any) -> float | None:
    """Seconds, at which it is shown; None where nothing says it."""
    if frame.time is not None:
        return float(frame.time)
    return float(number / rate) if rate else None


class _Turns:
    """Where something of each cell turned, within the last second. `step`: how much of a change
    counts."""

    def __init__(self, step: float) -> None:
        size = (_DOWN, _ACROSS)
        self._step = step
        self._low: Floats = np.full(size, np.inf, dtype=np.float32)
        self._high: Floats = np.full(size, -np.inf, dtype=np.float32)
        self._way = np.zeros(size, dtype=np.int8)
        self._turned: deque[tuple[float, Cells]] = deque()
        self._often = np.zeros(size, dtype=np.int16)

    def since(self, values: Floats, may_be_high: Cells | np.bool_, moment: float) -> float | None:
        """The first turn of the second in which a quarter of the cells turned too often; None
        where they did not. `may_be_high`: the upper end of a change that counts."""
        self._low = np.minimum(self._low, values)
        self._high = np.where(may_be_high, np.maximum(self._high, values), self._high)
        falls = (self._high - values >= self._step) & (self._way >= 0)
        rises = (values - self._low >= self._step) & (self._way <= 0) & may_be_high
        turned = falls | rises
        while self._turned and self._turned[0][0] <= moment - _WINDOW:
            self._often -= self._turned.popleft()[1]
        if not turned.any():
            return None
        self._way[rises], self._way[falls] = 1, -1
        self._low = np.where(turned, values, self._low)
        self._high = np.where(rises, values, np.where(falls, -np.inf, self._high))
        self._turned.append((moment, turned))
        self._often += turned
        over = self._often > _TURNS
        if over.sum() < _QUARTER:
            return None
        return next(when for when, cells in self._turned if (cells & over).any())
