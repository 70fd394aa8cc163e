"""Pictures, read and made anew. Runs in the decoders' process only.

Guarantees: a derivative is made of pixels alone: nothing else of the file (place, device, comments,
what lies behind the picture) is in it; it is upright, as the file says; 16 bits, palettes, CMYK,
transparency become what a screen shows.
Must not: read more frames of a moving picture than it shows.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import IO, Final

from PIL import AvifImagePlugin, Image, ImageFilter, ImageOps

from coop_media.fault import MediaFault
from coop_media.order import VEILED_BYTES, VEILED_WIDTH, Order, Shape

JPEG: Final = "image/jpeg"
WEBP: Final = "image/webp"

# So many points along the longer side are left of a veiled picture, by strength. What is not there
# cannot be sharpened again.
_POINTS: Final = (36, 30, 24, 20, 16, 12, 8)
_BEHIND: Final = (128, 128, 128)  # what is transparent is seen on
_QUALITIES: Final = (40, 20, 5)
_SHEET_SIDE: Final = 3
_SHEET_FRAMES: Final = 300
_SHEET_SECONDS: Final = 4.0

Image.MAX_IMAGE_PIXELS = None  # the order says how many; see `check`
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

Made = tuple[Shape, str, bytes]


def read(source: IO[bytes], order: Order) -> Made:
    """What the picture is, and the derivative. Raises `MediaFault`, and whatever Pillow raises."""
    image = Image.open(source, formats=[order.reader])
    check(image, order)
    width, height = image.size
    is_turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    shape = Shape(
        kind="IMAGE",
        width=height if is_turned else width,
        height=width if is_turned else height,
        is_moving=bool(getattr(image, "is_animated", False)),
    )
    if order.part == "SHEET":
        if not shape.is_moving:
            raise MediaFault("not-media", "it does not move: there are no frames to show")
        frames = [upright(frame) for frame in _frames(image, order)]
        return shape, *derivative(sheet(frames, order.width), order)
    if order.reader == "JPEG":
        wanted = VEILED_WIDTH if order.stage == "VEILED" else order.width
        image.draft("RGB", (wanted, wanted))
    return shape, *derivative(upright(image), order)


def check(image: Image.Image, order: Order) -> None:
    """Raises `MediaFault` where it has too many pixels."""
    if image.width * image.height > order.pixels:
        raise MediaFault("too-large", f"it has more than {order.pixels} pixels")


def upright(image: Image.Image) -> Image.Image:
    """The picture as it is meant to be seen, RGB or RGBA."""
    image.load()
    return plain(ImageOps.exif_transpose(image))


def plain(image: Image.Image) -> Image.Image:
    """The picture in the colours that a screen shows, RGB or RGBA."""
    if image.mode in ("RGB", "RGBA"):
        return image
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits: scaled, where Pillow would clip
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
    if image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")


def _frames(image: Image.Image, order: Order) -> Iterator[Image.Image]:
    """Frames of a moving picture from its beginning to its end, or to where time is up."""

    def all_of_them() -> Iterator[Image.Image]:
        began = time.monotonic()
        for position in range(_SHEET_FRAMES):
            if time.monotonic() - began > _SHEET_SECONDS:
                return
            try:
                image.seek(position)
            except EOFError:
                return
            check(image, order)
            frame = plain(image.copy())
            frame.thumbnail((order.width, order.width))
            yield frame

    return iter(spread(all_of_them()))


def spread(frames: Iterator[Image.Image]) -> list[Image.Image]:
    """Up to nine frames, evenly spread over however many there are, without holding them all."""
    most, step = _SHEET_SIDE**2, 1
    kept: list[Image.Image] = []
    for position, frame in enumerate(frames):
        if position % step:
            continue
        kept.append(frame)
        if len(kept) >= 2 * most:
            kept, step = kept[::2], step * 2
    if len(kept) <= most:
        return kept
    return [kept[round(place * (len(kept) - 1) / (most - 1))] for place in range(most)]


def sheet(frames: list[Image.Image], width: int) -> Image.Image:
    """Frames beside and under each other, in a picture of this width."""
    if not frames:
        raise MediaFault("broken", "it has no frame that can be read")
    side = min(_SHEET_SIDE, len(frames))
    cell = max(1, width // side)
    tall = max(1, round(cell * max(frame.height / frame.width for frame in frames)))
    tall = min(tall, 3 * cell)
    rows = -(-len(frames) // side)
    whole = Image.new("RGB", (cell * side, tall * rows), _BEHIND)
    for position, frame in enumerate(frames):
        small = flat(ImageOps.contain(frame, (cell, tall)))
        whole.paste(small, ((position % side) * cell, (position // side) * tall))
    return whole


def flat(image: Image.Image) -> Image.Image:
    """Without transparency."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    behind = Image.new("RGB", image.size, _BEHIND)
    behind.paste(image, mask=image.getchannel("A"))
    return behind


def derivative(image: Image.Image, order: Order) -> tuple[str, bytes]:
    """The picture at its stage: its media type and bytes."""
    if order.stage == "VEILED":
        return WEBP, _veiled(image, order)
    image = _narrowed(image, order.width)
    if order.stage == "GREY":
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        image = image.convert("L").convert("RGB")
        if alpha is not None:
            image.putalpha(alpha)
    # A new one: what came with the file goes no further.
    clean = Image.new(image.mode, image.size)
    clean.paste(image)
    out = io.BytesIO()
    if clean.mode == "RGBA":
        clean.save(out, "WEBP", quality=85, method=2)
        return WEBP, out.getvalue()
    clean.save(out, "JPEG", quality=88)
    return JPEG, out.getvalue()


def _narrowed(image: Image.Image, width: int) -> Image.Image:
    """No wider than `width`, and no taller than four times that; never enlarged."""
    factor = min(1.0, width / image.width, 4 * width / image.height)
    if factor == 1.0:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BOX if factor < 0.5 else Image.Resampling.LANCZOS)


def _veiled(image: Image.Image, order: Order) -> bytes:
    width = min(order.width, VEILED_WIDTH)
    # Each frame of a sheet keeps what one picture alone would keep, no more.
    points = _POINTS[order.veil]
    few = flat(image)
    few.thumbnail((points, points), Image.Resampling.BOX, reducing_gap=None)
    if order.grey:
        few = few.convert("L").convert("RGB")
    factor = width / max(few.size)
    size = (max(1, round(few.width * factor)), max(1, round(few.height * factor)))
    soft = few.resize(size, Image.Resampling.BICUBIC).filter(
        ImageFilter.GaussianBlur(width / points / 2)
    )
    for quality in _QUALITIES:
        out = io.BytesIO()
        soft.save(out, "WEBP", quality=quality, method=4)
        if out.tell() <= VEILED_BYTES:
            return out.getvalue()
    raise MediaFault("too-large", "its veiled picture is too large")
