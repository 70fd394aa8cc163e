"""Decoding apart: what comes out of good files, and what bad ones cannot do."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import signal
import time
import zlib
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from PIL import Image

from coop_media.decoder import Decoders, Derivative
from coop_media.fault import MediaFault
from coop_media.file import MediaFile
from coop_media.form import HEAD, form_of
from coop_media.limit import DecodeLimits
from coop_media.order import VEILED_BYTES

from .media_made import (
    deep_png,
    endless_gif,
    film,
    jpeg,
    moving_gif,
    png,
    saved,
    shapes,
    wav,
)


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    found = Decoders()
    yield found
    found.close()


async def made(decoders: Decoders, content: bytes, **how: Any) -> Derivative:
    form = form_of(content[:HEAD])
    assert form is not None
    with MediaFile(form) as file:
        file.write(content)
        return await decoders.decode(file, decoders.order(form, **how))


def image_of(derivative: Derivative) -> Image.Image:
    return Image.open(io.BytesIO(derivative.content))


def near(pixel: Any, wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(pixel[:3], wanted, strict=True))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
async def test_each_form_is_read_and_veiled(decoders: Decoders, form: str) -> None:
    """A picture of each form is told by its size, and its veiled form has no detail left."""
    found = await made(decoders, saved(shapes(), form), veil=6, grey=False)
    assert (found.shape.width, found.shape.height) == (400, 300)
    assert found.media_type == "image/webp"
    assert len(found.content) <= VEILED_BYTES
    image = image_of(found).convert("RGB")
    assert max(image.size) <= 320
    # Sharp edges of the original are slopes here: no two neighbours differ by much.
    row = [image.getpixel((x, image.height // 2)) for x in range(image.width)]
    steps = [abs(a[0] - b[0]) for a, b in itertools.pairwise(row)]  # type: ignore[index]
    assert max(steps) < 24


@pytest.mark.parametrize("veil", range(7))
async def test_even_the_thinnest_veil_hides(decoders: Decoders, veil: int) -> None:
    """Fine detail is gone at every strength, and at most ten kilobytes are sent."""
    stripes = Image.new("L", (1200, 900))
    stripes.putdata([255 * (x // 6 % 2) for _ in range(900) for x in range(1200)])
    found = await made(decoders, saved(stripes.convert("RGB"), "PNG"), veil=veil)
    low, high = image_of(found).convert("L").getextrema()
    assert int(high) - int(low) < 80  # type: ignore[arg-type]
    assert len(found.content) <= VEILED_BYTES


async def test_a_clear_picture_has_nothing_but_pixels(decoders: Decoders) -> None:
    """Camera, place, comments and what lies behind the picture do not go out."""
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif[0x0112] = 6  # turned
    content = jpeg(exif=exif, comment=b"SECRET-COMMENT") + b"SECRET-TRAILER"
    found = await made(decoders, content, stage="CLEAR", width=1280)
    assert b"SECRET" not in found.content
    image = image_of(found)
    assert image.size == (300, 400) == (found.shape.width, found.shape.height)
    assert near(image.getpixel((290, 10)), (240, 220, 40))  # the corner is where it belongs
    assert not image.getexif()


async def test_grey_has_no_colours(decoders: Decoders) -> None:
    """The grey stage is as sharp as the clear one, without colours."""
    image = image_of(await made(decoders, jpeg(), stage="GREY", width=160)).convert("RGB")
    assert image.width == 160
    assert all(max(p) - min(p) < 6 for p in image.get_flattened_data())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        saved(shapes(mode="CMYK"), "JPEG"),
        saved(shapes(mode="P"), "PNG"),
        saved(shapes(mode="P"), "GIF"),
        saved(shapes(mode="RGBA"), "PNG"),
        saved(shapes(mode="RGBA"), "WEBP", lossless=True),
    ],
    ids=["cmyk", "palette", "gif", "alpha", "webp-alpha"],
)
async def test_colours_come_out_as_they_are(decoders: Decoders, content: bytes) -> None:
    """Whatever the file keeps colours as, a reviewer sees the picture that was meant."""
    image = image_of(await made(decoders, content, stage="CLEAR", width=640)).convert("RGB")
    assert near(image.getpixel((10, 10)), (240, 220, 40))
    assert near(image.getpixel((200, 150)), (220, 30, 30))


async def test_sixteen_bits_are_scaled(decoders: Decoders) -> None:
    """A deep grey picture keeps its middle tones."""
    image = image_of(await made(decoders, deep_png(), stage="CLEAR")).convert("L")
    middle = image.getpixel((image.width // 2, 10))
    assert 100 < middle < 156  # type: ignore[operator]


async def test_a_moving_picture_has_a_sheet(decoders: Decoders) -> None:
    """What only a later frame shows is on the sheet."""
    found = await made(decoders, moving_gif(40), part="SHEET", stage="CLEAR", width=320)
    assert found.shape.is_moving
    image = image_of(found).convert("RGB")
    first, last = image.getpixel((10, 10)), image.getpixel((image.width - 10, image.height - 10))
    assert first[0] < 40  # type: ignore[index]
    assert last[0] > 200  # type: ignore[index]


@pytest.mark.parametrize(("form", "codec"), [("mp4", "libx264"), ("webm", "libvpx")])
async def test_a_film_has_a_poster_and_a_sheet(decoders: Decoders, form: str, codec: str) -> None:
    """Both are pictures of its frames; it is told by its size and length."""
    content = film(form=form, codec=codec)
    poster = await made(decoders, content, stage="CLEAR")
    shape = poster.shape
    assert (shape.kind, shape.width, shape.height, shape.has_sound) == ("VIDEO", 160, 120, True)
    assert shape.duration == pytest.approx(2, abs=0.2)
    sheet = image_of(await made(decoders, content, part="SHEET", stage="CLEAR", width=640))
    assert sheet.size[0] > 600
    veiled = await made(decoders, content, part="SHEET")
    assert len(veiled.content) <= VEILED_BYTES


async def test_a_sound_has_a_wave(decoders: Decoders) -> None:
    """Its loudness over time is drawn: a tone that swells is flat on the left."""
    found = await made(decoders, wav())
    assert found.shape.kind == "AUDIO"
    assert found.shape.duration
    image = image_of(found).convert("L")
    dark = [sum(image.getpixel((x, y)) < 128 for y in range(64)) for x in range(320)]  # type: ignore[operator]
    assert sum(dark[:40]) * 4 < sum(dark[280:])


def bomb(side: int) -> bytes:
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (side + 1)) for _ in range(side))
    return png(side, side, rows + packer.flush())


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (bomb(9000), "too-large"),
        (png(2_000_000_000, 2_000_000_000, zlib.compress(b"")), "too-large"),
        (png(60_000, 60_000, zlib.compress(b"")), "too-large"),
        (jpeg()[:-3000], "broken"),
        (b"\xff\xd8\xff" + b"<html><script>alert(1)</script>" * 10, "broken"),
        (b"GIF89a" + b"\xff" * 500, "broken"),
        (b"\0\0\0\x18ftypisom" + b"\xee" * 5000, "broken"),
        (b"\x1a\x45\xdf\xa3" + b"\0" * 5000, "broken"),
        (b"ID3" + b"#EXTM3U\nfile:///etc/passwd\n" * 9, "broken"),
        (b"RIFF\0\0\0\0WAVE" + b"data", "broken"),
    ],
    ids=["bomb", "absurd", "huge", "truncated", "html", "gif", "mp4", "webm", "playlist", "wav"],
)
async def test_bad_files_are_faults(decoders: Decoders, content: bytes, state: str) -> None:
    """A hostile or broken file is a clear fault, and the next file is read as if nothing was."""
    with pytest.raises(MediaFault) as refused:
        await made(decoders, content)
    assert refused.value.state == state
    assert (await made(decoders, jpeg())).shape.width == 400


async def test_a_polyglot_is_its_pixels(decoders: Decoders) -> None:
    """A picture that is a page as well comes out as a picture alone."""
    content = jpeg(comment=b"<script>alert(1)</script>") + b"PK\x03\x04<html><script>x</script>"
    for stage in ("VEILED", "CLEAR"):
        found = await made(decoders, content, stage=stage)
        assert b"script" not in found.content


async def test_a_million_frames_cost_no_more_than_a_few(decoders: Decoders) -> None:
    """Of a moving picture as many frames are read as a bounded while allows."""
    content = endless_gif(1_000_000)
    began = time.monotonic()
    found = await made(decoders, content)
    assert found.shape.is_moving
    await made(decoders, content, part="SHEET")
    assert time.monotonic() - began < 20


async def test_memory_is_bounded() -> None:
    """A picture that needs more memory than a decoder may use is a fault."""
    decoders = Decoders(DecodeLimits(memory=220 * 1024 * 1024))
    try:
        with pytest.raises(MediaFault) as refused:
            await made(decoders, bomb(7900))
        assert refused.value.state in ("too-large", "broken")
    finally:
        decoders.close()


async def test_time_is_bounded() -> None:
    """A file that takes too long is a fault within its time."""
    decoders = Decoders(DecodeLimits(within=0.02))
    try:
        began = time.monotonic()
        with pytest.raises(MediaFault) as refused:
            await made(decoders, bomb(7900))
        assert refused.value.state == "broken"
        assert time.monotonic() - began < 10
    finally:
        decoders.close()


async def test_a_killed_decoder_hurts_nobody(decoders: Decoders) -> None:
    """Kill -9 of a child, then of the process that forks: one fault each, then all is well."""
    await made(decoders, jpeg())
    assert decoders.pid is not None
    zygote = psutil.Process(decoders.pid)
    working = asyncio.create_task(made(decoders, bomb(7900), stage="CLEAR"))
    deadline = time.monotonic() + 20
    while not (children := zygote.children()):
        assert time.monotonic() < deadline
        assert not working.done()
        await asyncio.sleep(0.001)
    os.kill(children[0].pid, signal.SIGKILL)
    with pytest.raises(MediaFault):
        await working
    assert (await made(decoders, jpeg())).shape.width == 400
    os.kill(zygote.pid, signal.SIGKILL)
    assert (await made(decoders, jpeg())).shape.width == 400
    assert decoders.pid != zygote.pid


async def test_children_leave_only_what_they_took(decoders: Decoders) -> None:
    """However many end at once, none stays behind, and their processor time is that of the process
    that forks."""
    await made(decoders, jpeg())
    assert decoders.pid is not None
    zygote = psutil.Process(decoders.pid)
    before = sum(zygote.cpu_times()[2:4])
    await asyncio.gather(*(made(decoders, bomb(4000)) for _ in range(8)))
    deadline = time.monotonic() + 20
    while zygote.children():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert sum(zygote.cpu_times()[2:4]) > before


async def test_the_decoders_have_no_secrets(
    decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of this process's environment is in theirs."""
    monkeypatch.setenv("COOP_SECRET_KEYS", "do-not-tell")
    decoders.close()
    await made(decoders, jpeg())
    assert decoders.pid is not None
    assert set(psutil.Process(decoders.pid).environ()) <= {"LANG", "OPENBLAS_NUM_THREADS"}
