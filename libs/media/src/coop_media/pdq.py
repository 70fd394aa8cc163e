"""PDQ: a picture as 256 bits that stay nearly the same when it is scaled, saved anew or touched up.
Runs in the decoders' process only.

    pixels ─▶ luma ─▶ blurred twice, 64 × 64 points ─▶ cosines, the lowest 16 × 16 ─▶ above median?

The algorithm is Facebook's ("The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing
Algorithm", 2019). Its blur is two running means along each side, then every so-manieth point. Both
are linear, so here the two are one banded matrix a side, `narrowing`, and a picture's 64 × 64
points are `rows @ luma @ columns`, or the luma of `rows @ colours`: the same figures with a
fraction of the work.

Guarantees: the same bits and quality as the reference for what is a picture (the golden vectors of
the tests); palettes, CMYK, grey, 16 bits are read as the colours they stand for; the picture is
hashed as it is stored, as everybody does, and upright too where the file says that it is turned.
Must not: shrink first. Hashes of shrunken pictures are up to 26 bits from everybody else's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import IO, Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from coop_media.order import Order, PictureHashes, Shape
from coop_media.picture import check, plain

Floats = NDArray[np.float32]
Lines = Callable[[int, int], NDArray[np.uint8]]
"""Of a picture, those from one up to another: n × width × 3."""

SIDE: Final = 64
BITS: Final = 256
_LOW: Final = 16
_STRIP: Final = 1 << 15  # pixels that are turned into floats at a time: what a core has near
_LUMA: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_ORIENTATION: Final = 0x0112
_PASSES: Final = 2


class Pdq(NamedTuple):
    """`bits` is 64 hexadecimal digits, `quality` 0 (flat) to 100."""

    bits: str
    quality: int


def read(source: IO[bytes], order: Order) -> tuple[Shape, str, bytes]:
    """What the picture is, and its hashes as JSON. Raises `MediaFault`, and whatever Pillow
    raises."""
    image = Image.open(source, formats=[order.reader])
    check(image, order)
    shape = Shape(
        kind="IMAGE",
        width=image.width,
        height=image.height,
        is_moving=bool(getattr(image, "is_animated", False)),
    )
    turned = image.getexif().get(_ORIENTATION, 1) not in (0, 1)
    image.load()
    found = [pdq_of_image(image)]
    if turned:
        found.append(pdq_of_image(ImageOps.exif_transpose(image)))
    best = PictureHashes(
        pdq=tuple(dict.fromkeys(one.bits for one in found)),
        quality=max(one.quality for one in found),
    )
    return shape, "application/json", msgspec.json.encode(best)


def colours(image: Image.Image) -> NDArray[np.uint8]:
    """Height × width × 3. What is transparent counts with the colour that lies under it."""
    found = plain(image)
    return np.asarray(found if found.mode == "RGB" else found.convert("RGB"))


def pdq_of(pixels: NDArray[np.uint8]) -> Pdq:
    """Of height × width × 3 bytes."""
    height, width, _ = pixels.shape
    return _pdq_of(height, width, lambda first, last: pixels[first:last])


def pdq_of_image(image: Image.Image) -> Pdq:
    """The same of a picture, which is never held a second time: to touch new memory costs a process
    that is as short as its picture more than to reckon with it."""
    found = plain(image)
    found = found if found.mode == "RGB" else found.convert("RGB")

    def lines(first: int, last: int) -> NDArray[np.uint8]:
        return np.asarray(found.crop((0, first, found.width, last)))

    return _pdq_of(found.height, found.width, lines)


def _pdq_of(height: int, width: int, lines: Lines) -> Pdq:
    points = _points(height, width, lines)
    low = _cosines() @ points @ _cosines().T
    median = np.partition(low, BITS // 2 - 1, axis=None)[BITS // 2 - 1]
    above = (low > median).reshape(BITS)
    return Pdq(np.packbits(above[::-1]).tobytes().hex(), _quality(points))


def _points(height: int, width: int, lines: Lines) -> Floats:
    if height == width == SIDE:
        return lines(0, SIDE).astype(np.float32) @ _LUMA
    rows, columns = narrowing(height), narrowing(width)
    tall = np.zeros((SIDE, width * 3), dtype=np.float32)
    # Luma is linear as well: it is taken of 64 rows, where it would cost more than all the rest.
    step = min(height, max(1, _STRIP // width))
    floats = np.empty((step, width * 3), dtype=np.float32)
    for first in range(0, height, step):
        last = min(height, first + step)
        part = floats[: last - first]
        np.copyto(part, lines(first, last).reshape(last - first, width * 3))
        weights = rows[:, first:last]
        used = np.flatnonzero(weights.any(axis=1))
        near = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 0)
        tall[near] += weights[near] @ part
    luma: Floats = tall.reshape(SIDE * width, 3) @ _LUMA
    return luma.reshape(SIDE, width) @ columns.T


@lru_cache(maxsize=64)
def narrowing(size: int) -> Floats:
    """64 × size: what each of the 64 points takes of `size` pixels in a row.

    What is not 0 is a band, of which alone is reckoned: a decoder makes this anew for its picture.
    """
    window = (size + 2 * SIDE - 1) // (2 * SIDE)
    kept = ((2 * np.arange(SIDE) + 1) * size) // (2 * SIDE)
    length = 2 * _PASSES * window + 1
    base = kept - _PASSES * window
    places = base[:, None] + np.arange(length)
    inside = (places >= 0) & (places < size)
    weights = (places == kept[:, None]).astype(np.float64)
    for _ in range(_PASSES):
        weights = _spread(weights, np.clip(places, 0, size - 1), inside, base, window, size)
    found = np.zeros((SIDE, size), dtype=np.float32)
    rows, columns = np.nonzero(inside)
    found[rows, places[rows, columns]] = weights[rows, columns]
    return found


def _spread(
    weights: NDArray[np.float64],
    places: NDArray[np.int64],
    inside: NDArray[np.bool_],
    base: NDArray[np.int64],
    window: int,
    size: int,
) -> NDArray[np.float64]:
    """What is taken of a mean's place is taken of the places that it is the mean of. Of each row
    the band that begins at its `base`."""
    everywhere = np.arange(size)
    after = (window + 2) // 2 - 1
    begin = np.maximum(everywhere - (window - after - 1), 0)
    end = np.minimum(everywhere + after, size - 1) + 1
    share = np.where(inside, weights / (end - begin)[places], 0.0)
    # Both ends rise with the place, so those whose window covers a pixel are neighbours.
    length = weights.shape[1]
    sums = np.zeros((SIDE, length + 1))
    np.cumsum(share, axis=1, out=sums[:, 1:])
    first = np.searchsorted(end, everywhere, side="right")[places] - base[:, None]
    behind = np.searchsorted(begin, everywhere, side="right")[places] - base[:, None]
    upper = np.take_along_axis(sums, np.clip(behind, 0, length), axis=1)
    spread: NDArray[np.float64] = upper - np.take_along_axis(
        sums, np.clip(first, 0, length), axis=1
    )
    return np.where(inside, spread, 0.0)


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    """16 × 64, without the constant one."""
    wave, place = np.arange(1, _LOW + 1)[:, None], 2 * np.arange(SIDE) + 1
    scale = np.sqrt(2.0 / SIDE)
    found: Floats = (scale * np.cos(np.pi / 2 / SIDE * wave * place)).astype(np.float32)
    return found


def _quality(points: Floats) -> int:
    """How much there is to see: steps between neighbours, in hundredths of black to white."""
    total = 0
    for axis in (0, 1):
        steps: NDArray[Any] = np.diff(points, axis=axis) * np.float32(100) / np.float32(255)
        total += int(np.abs(np.trunc(steps)).sum())
    return min(100, total // 90)
