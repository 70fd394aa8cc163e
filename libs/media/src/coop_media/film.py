"""Films and sounds: a poster, a sheet of frames, a wave. Runs in the decoders' process only.

Guarantees: the container's reader is the one that the first bytes chose: no playlist, no list of
other files is ever read as one; one thread; frames beyond the pixels of the order are refused
before they are scaled; a film whose length nobody knows is read for a bounded while.
Must not: open anything: in the decoders' jail it could not.
"""

from __future__ import annotations

import itertools
import time
from array import array
from collections.abc import Iterator
from typing import IO, Any, Final

import av
import av.audio.resampler
from PIL import Image, ImageDraw

from coop_media.fault import MediaFault
from coop_media.order import Order, Shape
from coop_media.picture import Made, derivative, sheet, spread

_FRAMES: Final = 9
_SCANNED: Final = 300  # frames of a film whose length is not known
_SECONDS: Final = 5.0
_RATE: Final = 8000  # samples a second of what a wave is drawn from
_WAVE_SECONDS: Final = 600.0
_BARS: Final = 160
_WAVE_HEIGHT: Final = 64
_PAPER, _INK = (238, 238, 238), (72, 72, 72)

NO_FRAMES: Final = "it is a sound: there are no frames to show"

av.logging.set_level(None)


def read(source: IO[bytes], order: Order) -> Made:
    """What it is, and the derivative. Raises `MediaFault`, and whatever PyAV raises."""
    with opened(source, order) as container:
        pictures, sounds = pictures_of(container), list(container.streams.audio)
        if pictures is not None:
            return _film(container, pictures, order)
        if not sounds:
            raise MediaFault("broken", "it has neither pictures nor sound")
        if order.part == "SHEET":
            raise MediaFault("not-media", NO_FRAMES)
        peaks = _peaks(container, sounds[0])
        shape = Shape(kind="AUDIO", duration=length_of(container), has_sound=True)
        # A wave hides nothing that a veil would: it is the same at every stage.
        return shape, *derivative(_wave(peaks), _unveiled(order))


def opened(source: IO[bytes], order: Order) -> Any:
    """The container, to be closed. Raises whatever PyAV raises."""
    return av.open(source, mode="r", format=order.reader, metadata_errors="ignore")


def pictures_of(container: Any) -> Any:
    """The stream of what is seen, which one thread decodes; None of a sound."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            stream.codec_context.thread_count = 1
            return stream
    return None


def length_of(container: Any) -> float | None:
    """Seconds, where it says so."""
    known = container.duration and container.duration > 0
    return round(container.duration / av.time_base, 3) if known else None


def check(sized: Any, order: Order) -> None:
    """Raises `MediaFault` where frames have too many pixels."""
    if sized.width * sized.height > order.pixels:
        raise MediaFault("too-large", f"its frames have more than {order.pixels} pixels")


def shape_of(container: Any, stream: Any, *, is_turned: bool) -> Shape:
    """What a film is. `is_turned`: it was filmed upright, and lies on its side."""
    width, height = stream.codec_context.width, stream.codec_context.height
    return Shape(
        kind="VIDEO",
        width=height if is_turned else width,
        height=width if is_turned else height,
        duration=length_of(container),
        is_moving=True,
        has_sound=bool(container.streams.audio),
    )


def _unveiled(order: Order) -> Order:
    return Order(
        kind=order.kind,
        reader=order.reader,
        stage="GREY",
        width=order.width,
        memory=order.memory,
        processor=order.processor,
        within=order.within,
        pixels=order.pixels,
        answer=order.answer,
    )


def _film(container: Any, stream: Any, order: Order) -> Made:
    check(stream.codec_context, order)
    duration = length_of(container)
    if order.part == "SHEET":
        frames = list(_chosen(container, stream, duration, order))
        first, whole = frames[0] if frames else None, sheet(frames, order.width)
    else:
        first = whole = _poster(container, stream, duration, order)
    size = stream.codec_context
    is_turned = first is not None and (first.width > first.height) != (size.width > size.height)
    return shape_of(container, stream, is_turned=is_turned), *derivative(whole, order)


def _poster(container: Any, stream: Any, duration: float | None, order: Order) -> Image.Image:
    """A frame from its first tenth: the very first one is often black."""
    if duration:
        found = _frame_at(container, stream, duration / 10, order)
        if found is not None:
            return found
        container.seek(0)
    for frame in container.decode(stream):
        return _picture_of(frame, order)
    raise MediaFault("broken", "it has no frame that can be read")


def _chosen(
    container: Any, stream: Any, duration: float | None, order: Order
) -> Iterator[Image.Image]:
    if not duration:
        frames = itertools.islice(container.decode(stream), _SCANNED)
        yield from spread(_within(_picture_of(frame, order) for frame in frames))
        return
    places = (duration * (place + 0.5) / _FRAMES for place in range(_FRAMES))
    for frame in _within(_frame_at(container, stream, place, order) for place in places):
        if frame is not None:
            yield frame


def _within(frames: Iterator[Any]) -> Iterator[Any]:
    began = time.monotonic()
    for frame in frames:
        yield frame
        if time.monotonic() - began > _SECONDS:
            return


def _frame_at(container: Any, stream: Any, seconds: float, order: Order) -> Image.Image | None:
    """The first frame that can be read from the keyframe before this moment on, up to it."""
    container.seek(int(seconds * av.time_base))
    last = None
    for frame in itertools.islice(container.decode(stream), _SCANNED):
        last = frame
        if frame.time is None or frame.time >= seconds:
            break
    return None if last is None else _picture_of(last, order)


def _picture_of(frame: Any, order: Order) -> Image.Image:
    check(frame, order)
    factor = min(1.0, order.width / frame.width, 4 * order.width / frame.height)
    image: Image.Image = frame.to_image(
        width=max(2, round(frame.width * factor)), height=max(2, round(frame.height * factor))
    )
    turn = turn_of(frame)
    return image.rotate(turn, expand=True) if turn else image


def turn_of(frame: Any) -> int:
    """Degrees by which it is turned to be shown."""
    return int(getattr(frame, "rotation", 0) or 0) % 360


def _peaks(container: Any, stream: Any) -> list[int]:
    """How loud it is, moment by moment: the largest sample of each twentieth of a second."""
    resampler = av.audio.resampler.AudioResampler(format="s16", layout="mono", rate=_RATE)
    slot = _RATE // 20
    samples: array[int] = array("h")
    peaks: list[int] = []
    most = int(_WAVE_SECONDS * 20)
    for frame in container.decode(stream):
        for part in resampler.resample(frame):
            samples.frombytes(bytes(part.planes[0])[: part.samples * 2])
        while len(samples) >= slot:
            peaks.append(_loudest(samples[:slot]))
            del samples[:slot]
        if len(peaks) >= most:
            break
    if samples:
        peaks.append(_loudest(samples))
    if not peaks:
        raise MediaFault("broken", "it has no sound that can be read")
    return peaks


def _loudest(samples: array[int]) -> int:
    loudest, lowest = max(samples), min(samples)
    return max(loudest, -lowest)


def _wave(peaks: list[int]) -> Image.Image:
    image = Image.new("RGB", (_BARS * 2, _WAVE_HEIGHT), _PAPER)
    draw = ImageDraw.Draw(image)
    middle, loudest = _WAVE_HEIGHT // 2, max(1, *peaks, 1)
    for bar in range(_BARS):
        begin = bar * len(peaks) // _BARS
        part = peaks[begin : max(begin + 1, (bar + 1) * len(peaks) // _BARS)]
        reach = round(max(part) / loudest * (middle - 2))
        draw.rectangle((bar * 2, middle - reach, bar * 2, middle + reach), fill=_INK)
    return image
