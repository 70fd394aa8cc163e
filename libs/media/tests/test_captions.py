"""The words that films and sounds bring along, as WebVTT."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Final

import av
import pytest
from PIL import Image

from coop_media.decoder import Decoders
from coop_media.fault import MediaFault
from coop_media.file import MediaFile
from coop_media.form import HEAD, form_of

from .media_made import film, jpeg, wav

Said = tuple[float, float, bytes]

HELLO: Final[Said] = (0.5, 1.0, b"Hello & welcome")
LATER: Final[Said] = (1.25, 1.75, "Zwei\nZeilen für dich".encode())


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    found = Decoders()
    yield found
    found.close()


def captioned(form: str, codec: str, *tracks: Sequence[Said], default: int = 0) -> bytes:
    """Two seconds of green, with such tracks of words."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        pictures: Any = container.add_stream("libvpx" if form == "webm" else "libx264", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 160, 120, "yuv420p"
        words: list[Any] = [container.add_mux_stream(codec) for _ in tracks]
        for number, stream in enumerate(words):
            stream.disposition = av.stream.Disposition.default if number == default else 0
        for number in range(20):
            frame: Any = av.VideoFrame.from_image(Image.new("RGB", (160, 120), (10, 90, 40)))  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        for stream, said in zip(words, tracks, strict=True):
            for begin, end, text in said:
                container.mux(_packet(stream, codec, begin, end, text))
    return out.getvalue()


def _packet(stream: Any, codec: str, begin: float, end: float, text: bytes) -> Any:
    packet: Any = av.Packet(len(text).to_bytes(2, "big") + text if codec == "mov_text" else text)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = round(begin * 1000)
    packet.duration = round((end - begin) * 1000)
    return packet


async def captions(decoders: Decoders, content: bytes) -> str:
    form = form_of(content[:HEAD])
    assert form is not None
    with MediaFile(form) as file:
        file.write(content)
        made = await decoders.decode(file, decoders.order(form, part="CAPTIONS"))
    assert made.media_type == "text/vtt"
    return made.content.decode()


@pytest.mark.parametrize(("form", "codec"), [("mp4", "mov_text"), ("webm", "webvtt")])
async def test_what_is_said_comes_with_its_moments(
    decoders: Decoders, form: str, codec: str
) -> None:
    found = await captions(decoders, captioned(form, codec, [HELLO, LATER]))
    assert found.startswith("WEBVTT\n\n")
    assert "00:00:00.500 --> 00:00:01.000\nHello &amp; welcome\n" in found
    assert "00:00:01.250 --> 00:00:01.750\nZwei\nZeilen für dich\n" in found


@pytest.mark.parametrize("content", [film(), wav()], ids=["film", "sound"])
async def test_what_brings_none_has_no_cues(decoders: Decoders, content: bytes) -> None:
    assert (await captions(decoders, content)).strip() == "WEBVTT"


async def test_of_several_the_default_one_is_read(decoders: Decoders) -> None:
    two = captioned("mp4", "mov_text", [HELLO], [LATER], default=1)
    found = await captions(decoders, two)
    assert "Zeilen" in found
    assert "Hello" not in found


async def test_a_cue_cannot_become_two_nor_bring_markup(decoders: Decoders) -> None:
    hostile = b"one\n\n00:00:01.000 --> 00:00:02.000\n<script>x</script>\x00"
    found = await captions(decoders, captioned("mp4", "mov_text", [(0.0, 1.0, hostile)]))
    body = found.removeprefix("WEBVTT\n\n").strip()
    assert "\n\n" not in body, "one cue"
    assert "-->" not in body.split("\n", 1)[1]
    assert "<" not in body


async def test_a_cue_that_cannot_be_read_leaves_the_others(decoders: Decoders) -> None:
    broken = (1.0, 1.2, b"\xff\xfe\xff")
    found = await captions(decoders, captioned("mp4", "mov_text", [HELLO, broken, LATER]))
    assert found.count("-->") == 2
    assert "Hello" in found
    assert "Zeilen" in found


async def test_many_words_have_an_end(decoders: Decoders) -> None:
    many = [(number / 1000, number / 1000 + 0.0009, b"x" * 400) for number in range(2000)]
    found = await captions(decoders, captioned("mp4", "mov_text", many))
    assert len(found) < 300_000


async def test_a_picture_says_nothing(decoders: Decoders) -> None:
    with pytest.raises(MediaFault, match="picture"):
        await captions(decoders, jpeg())
