"""The words that a film or a sound brings along, as WebVTT. Runs in the decoders' process only.

    subtitles in the container (mov_text, WebVTT, SRT, ASS) ─▶ plain text of each ─▶ WEBVTT

Guarantees: of several languages the container's default one, else the first; a picture of words
(as discs have them) is no text and left out; what a cue holds is text alone, whatever it was
written as. What brings none has a file without cues.
Must not: guess what is said: nothing is listened to.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import IO, Any, Final

import av

from coop_media import film
from coop_media.fault import MediaFault
from coop_media.order import Order, Shape

MEDIA_TYPE: Final = "text/vtt"
_HEAD: Final = "WEBVTT\n"
_CUES: Final = 5_000
_CHARACTERS: Final = 200_000
_TEXTS: Final = frozenset({"mov_text", "webvtt", "subrip", "srt", "ass", "ssa", "text"})


def read(source: IO[bytes], order: Order) -> tuple[Shape, str, bytes]:
    """What it is, and its captions. Raises `MediaFault`, and whatever PyAV raises."""
    if order.kind == "IMAGE":
        raise MediaFault("not-media", "it is a picture: nothing is said in it")
    with film.opened(source, order) as container:
        pictures = film.pictures_of(container)
        if pictures is None:
            shape = Shape(kind="AUDIO", duration=film.length_of(container), has_sound=True)
        else:
            shape = film.shape_of(container, pictures, is_turned=False)
        stream = _stream_of(container)
        cues = [] if stream is None else list(_cues(container, stream))
    return shape, MEDIA_TYPE, "\n".join([_HEAD, *cues]).encode()


def _stream_of(container: Any) -> Any:
    texts = [one for one in container.streams.subtitles if one.codec_context.name in _TEXTS]
    default = (one for one in texts if one.disposition & av.stream.Disposition.default)
    return next(default, texts[0] if texts else None)


def _cues(container: Any, stream: Any) -> Iterator[str]:
    left = _CHARACTERS
    for number, packet in enumerate(container.demux(stream)):
        if number >= _CUES or left <= 0:
            return
        text = _text(stream, packet)[:left]
        if not text or packet.pts is None or not packet.duration:
            continue
        left -= len(text)
        begin = float(packet.pts * packet.time_base)
        end = begin + float(packet.duration * packet.time_base)
        yield f"{_clock(begin)} --> {_clock(end)}\n{text}\n"


def _text(stream: Any, packet: Any) -> str:
    """Of one cue: no markup, no empty line, which would end it."""
    if not packet.size:
        return ""
    try:
        found = stream.codec_context.decode2(packet)
    except av.FFmpegError:  # this cue alone cannot be read
        return ""
    rects = () if found is None else found.rects
    text = "\n".join(rect.dialogue.decode("utf-8", "replace") for rect in rects)
    lines = (line.strip() for line in text.replace("\x00", "").splitlines())
    return html.escape("\n".join(line for line in lines if line), quote=False)


def _clock(seconds: float) -> str:
    whole = max(0, round(seconds * 1000))
    minutes, milliseconds = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds / 1000:06.3f}"
