"""Whether a film flashes: more than three times a second, over a quarter of what is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

import msgspec
import pytest
from PIL import Image

from coop_media.decoder import Decoders
from coop_media.fault import MediaFault
from coop_media.file import MediaFile
from coop_media.form import HEAD, form_of
from coop_media.limit import DecodeLimits
from coop_media.order import Flashes

from .media_made import film, film_of, jpeg, moving_gif, wav

Colour = tuple[int, int, int]
Shown = Callable[[float], Image.Image]

SIZE: Final = (160, 96)
BLACK: Final = (0, 0, 0)
WHITE: Final = (255, 255, 255)
RED: Final = (255, 0, 0)


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    found = Decoders()
    yield found
    found.close()


async def flashes(decoders: Decoders, content: bytes) -> Flashes:
    form = form_of(content[:HEAD])
    assert form is not None
    with MediaFile(form) as file:
        file.write(content)
        made = await decoders.decode(file, decoders.order(form, part="FLASH"))
    assert made.shape.is_moving
    return msgspec.json.decode(made.content, type=Flashes)


def strobe(times: float, one: Colour, other: Colour, box: tuple[float, float] = (1, 1)) -> Shown:
    """Two colours in turn, so many times a second, over such a part of the width and the height."""
    size = (round(SIZE[0] * box[0]), round(SIZE[1] * box[1]))

    def shown(second: float) -> Image.Image:
        image = Image.new("RGB", SIZE, one)
        if int(second * times * 2 + 0.001) % 2:
            image.paste(other, (0, 0, *size))
        return image

    return shown


def after(seconds: float, shown: Shown) -> Shown:
    """Black until then."""
    black = Image.new("RGB", SIZE, BLACK)
    return lambda second: black if second < seconds else shown(second - seconds)


def fade(seconds: float) -> Shown:
    """From black to white and back."""

    def shown(second: float) -> Image.Image:
        part = abs((second / seconds) % 2 - 1)
        return Image.new("RGB", SIZE, (round(255 * (1 - part)),) * 3)

    return shown


def scenes(second: float) -> Image.Image:
    """Another scene each half second."""
    colours = (BLACK, WHITE, (30, 90, 160), (240, 220, 40), (20, 20, 30), (200, 200, 210))
    return Image.new("RGB", SIZE, colours[int(second * 2 + 0.001) % len(colours)])


def stripes(second: float) -> Image.Image:
    """Fine black and white, each in the other's place ten times a second."""
    image = Image.new("RGB", (320, 180), BLACK)
    for x in range(int(second * 20 + 0.001) % 2, 320, 2):
        image.paste(WHITE, (x, 0, x + 1, 180))
    return image


@pytest.mark.parametrize(
    "shown",
    [
        strobe(5, BLACK, WHITE),
        strobe(4, BLACK, WHITE),
        strobe(5, (60, 60, 60), (130, 130, 130)),
        strobe(5, BLACK, WHITE, (0.6, 0.5)),
        strobe(5, RED, BLACK),
        strobe(5, RED, (0, 148, 0)),  # as light as each other
        strobe(15, WHITE, BLACK),
    ],
    ids=["five", "four", "dim", "a-third", "red", "red-alone", "each-frame"],
)
async def test_what_flashes_is_told(decoders: Decoders, shown: Shown) -> None:
    """More than three times a second, in light or in saturated red, a quarter of the frame or more:
    from its first flash on."""
    found = await flashes(decoders, film_of(shown))
    assert found.found == "YES"
    assert found.at == pytest.approx(0.1, abs=0.11)


@pytest.mark.parametrize(
    "shown",
    [
        strobe(1, BLACK, WHITE),
        strobe(3, BLACK, WHITE),
        strobe(5, BLACK, WHITE, (0.3, 0.3)),
        strobe(5, (40, 40, 40), (90, 90, 90)),
        strobe(5, (236, 236, 236), WHITE),
        strobe(5, (0, 0, 255), (0, 74, 0)),  # as light as each other, and no red
        fade(1),
        scenes,
        stripes,
    ],
    ids=["one", "three", "corner", "faint", "bright", "no-red", "fade", "scenes", "stripes"],
)
async def test_what_does_not_flash_is_told(decoders: Decoders, shown: Shown) -> None:
    """Three times a second, a corner, a faint or a bright change, a fade, scenes, a pattern: no."""
    assert await flashes(decoders, film_of(shown, 3)) == Flashes(found="NO")


async def test_a_film_that_flashes_later_says_when(decoders: Decoders) -> None:
    """The moment is that of the film, also in a container that counts in milliseconds."""
    shown = after(2, strobe(5, WHITE, BLACK))
    for form, codec in (("mp4", "libx264"), ("webm", "libvpx")):
        found = await flashes(decoders, film_of(shown, 4, form=form, codec=codec))
        assert found.found == "YES"
        assert found.at == pytest.approx(2, abs=0.1)


async def test_three_times_a_second_does_not_in_milliseconds(decoders: Decoders) -> None:
    """What a container's clock rounds does not make a fourth flash."""
    content = film_of(strobe(3, BLACK, WHITE), 3, form="webm", codec="libvpx")
    assert (await flashes(decoders, content)).found == "NO"


async def test_an_ordinary_film_does_not(decoders: Decoders) -> None:
    """A square that wanders, with a tone."""
    assert (await flashes(decoders, film())).found == "NO"


async def test_what_is_not_seen_whole_is_not_known(decoders: Decoders) -> None:
    """A film that is cut off, and one that is longer than a look: unless it flashed before."""
    steady, flashing = (
        film_of(shown, 6, form="webm", codec="libvpx")
        for shown in (strobe(1, BLACK, WHITE), strobe(5, BLACK, WHITE))
    )
    assert (await flashes(decoders, steady[: len(steady) // 2])).found == "UNKNOWN"
    assert (await flashes(decoders, flashing[: len(flashing) // 2])).found == "YES"
    hours = film_of(strobe(5, BLACK, WHITE), 7200, Fraction(1, 600))
    assert (await flashes(decoders, hours)).found == "UNKNOWN"


async def test_a_look_ends_in_its_time() -> None:
    """Where the processor's time is used up, it is not known."""
    decoders = Decoders(DecodeLimits(look=2))
    try:
        assert (await flashes(decoders, film_of(fade(1)))).found == "UNKNOWN"
    finally:
        decoders.close()


@pytest.mark.parametrize("content", [jpeg(), moving_gif(20), wav()], ids=["jpeg", "gif", "wav"])
async def test_what_is_no_film_is_not_looked_at(decoders: Decoders, content: bytes) -> None:
    """Pictures are shown still, and a sound has nothing to see."""
    with pytest.raises(MediaFault):
        await flashes(decoders, content)
