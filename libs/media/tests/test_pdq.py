"""PDQ: the reference's bits, whatever the file is."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from coop_media.decoder import Decoders
from coop_media.fault import MediaFault
from coop_media.file import MediaFile
from coop_media.form import HEAD, form_of
from coop_media.order import PictureHashes
from coop_media.pdq import colours, pdq_of

from .golden_picture import picture
from .media_made import deep_png, film, saved

# [number, width, height, hash, quality]: made with threatexchange 1.2.17 (pdqhash 0.2.8) of
# `golden_picture.picture`, saved as PNG.
GOLDEN = json.loads(Path(__file__).with_name("golden_pdq.json").read_text(encoding="utf-8"))
RADIUS = 31


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    found = Decoders(hashing=True)
    yield found
    found.close()


async def hashes(decoders: Decoders, content: bytes) -> PictureHashes:
    form = form_of(content[:HEAD])
    assert form is not None
    with MediaFile(form) as file:
        file.write(content)
        made = await decoders.decode(file, decoders.order(form, part="HASH"))
    return msgspec.json.decode(made.content, type=PictureHashes)


def apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_the_bits_are_the_references() -> None:
    """All 256 bits, and the quality, of every golden picture."""
    assert len(GOLDEN) > 50
    for number, width, height, bits, quality in GOLDEN:
        found = pdq_of(picture(number, width, height))
        assert (found.bits, found.quality) == (bits, quality), (number, width, height)


def photo(mode: str = "RGB") -> Image.Image:
    image = Image.fromarray(picture(7, 640, 480)).resize((640, 480), Image.Resampling.BOX)
    return image if mode == "RGB" else image.convert(mode)


@pytest.mark.parametrize(
    ("mode", "form", "most"),
    [
        ("RGB", "PNG", 0),
        ("RGB", "WEBP", 6),
        ("RGB", "JPEG", 6),
        ("L", "PNG", 4),
        ("RGBA", "PNG", 0),
        ("LA", "PNG", 4),
        ("P", "PNG", 12),
        ("P", "GIF", 12),
        ("CMYK", "JPEG", 8),
        ("RGB", "AVIF", 8),
    ],
)
async def test_every_kind_of_file_has_its_pictures_hash(
    decoders: Decoders, mode: str, form: str, most: int
) -> None:
    """Palettes, CMYK, grey, alpha: the same hash as the same picture in RGB, or a few bits off."""
    plain = pdq_of(colours(photo()))
    found = await hashes(decoders, saved(photo(mode), form))
    assert apart(found.pdq[0], plain.bits) <= most
    assert len(found.pdq) == 1


async def test_16_bits_are_scaled(decoders: Decoders) -> None:
    """A grey picture of 16 bits has the hash of the same one of 8."""
    deep = await hashes(decoders, deep_png((256, 192)))
    row = bytes(65535 * x // 255 // 257 for x in range(256))
    shallow = Image.frombytes("L", (256, 192), row * 192)
    assert apart(deep.pdq[0], pdq_of(colours(shallow)).bits) <= 8


async def test_a_turned_picture_is_hashed_as_stored_and_upright(decoders: Decoders) -> None:
    """What a phone stored sideways is found by the hash of either."""
    exif = Image.Exif()
    exif[0x0112] = 6
    found = await hashes(decoders, saved(photo(), "PNG", exif=exif))
    stored, upright = found.pdq
    assert stored == pdq_of(colours(photo())).bits
    assert upright == pdq_of(colours(photo().transpose(Image.Transpose.ROTATE_270))).bits
    assert apart(stored, upright) > RADIUS


async def test_the_first_frame_of_what_moves(decoders: Decoders) -> None:
    """A moving picture has the hash of its first frame."""
    out = io.BytesIO()
    frames: list[Any] = [photo("P"), photo("P").transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=50)
    found = await hashes(decoders, out.getvalue())
    assert apart(found.pdq[0], pdq_of(colours(photo())).bits) <= 12


async def test_nothing_to_see_has_no_quality(decoders: Decoders) -> None:
    """A blank picture says that its hash means nothing."""
    assert (
        await hashes(decoders, saved(Image.new("RGB", (300, 200), "white"), "PNG"))
    ).quality == 0


async def test_what_is_no_picture_is_broken(decoders: Decoders) -> None:
    """Bytes that begin like a picture, and a film, are faults of the file."""
    with pytest.raises(MediaFault):
        await hashes(decoders, saved(photo(), "PNG")[:2000])
    with pytest.raises(MediaFault):
        await hashes(decoders, film(1))


async def test_only_who_is_for_it_hashes() -> None:
    """Decoders without numpy refuse the order before any file is read."""
    plain = Decoders()
    form = form_of(saved(photo(), "PNG")[:HEAD])
    assert form is not None
    with pytest.raises(ValueError, match="HASH"):
        plain.order(form, part="HASH")
