"""The pictures of the story: simple shapes, drawn by the program, so that nobody owns them.

Guarantees: the same name gives the same picture; all are harmless, the "graphic" one too: it is
red paint on a road.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from random import Random
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

SIZE: Final = (1200, 800)
_AVATAR: Final = 320
_QUALITY: Final = 82

Colour = tuple[int, int, int]
Draw = ImageDraw.ImageDraw
_INK: Final[Colour] = (38, 41, 48)


@lru_cache(maxsize=64)
def picture(name: str) -> bytes:
    """A JPEG. Raises LookupError."""
    image = Image.new("RGB", SIZE)
    _DRAWN[name](image, ImageDraw.Draw(image), Random(name))
    return _jpeg(image)


@lru_cache(maxsize=64)
def avatar(key: str) -> bytes:
    """A JPEG: a head and shoulders of two colours, another for each key."""
    random = Random(f"avatar {key}")
    hue = random.randrange(360)
    image = Image.new("RGB", (_AVATAR, _AVATAR), _hsl(hue, 40, 78))
    draw = ImageDraw.Draw(image)
    skin = random.choice([(241, 212, 188), (224, 178, 140), (178, 124, 86), (120, 79, 55)])
    draw.ellipse((40, 205, 280, 460), fill=_hsl(hue + 170, 35, 42))
    draw.rounded_rectangle((132, 170, 188, 240), 20, fill=_darker(skin))
    draw.ellipse((100, 70, 220, 215), fill=skin)
    hair = random.choice([(40, 32, 30), (92, 62, 40), (170, 126, 70), (150, 150, 155)])
    draw.pieslice((92, 55, 228, 200), 180, 360, fill=hair)
    if random.random() < 0.4:
        draw.rounded_rectangle((92, 120, 112, 230), 10, fill=hair)
        draw.rounded_rectangle((208, 120, 228, 230), 10, fill=hair)
    return _jpeg(image)


def names() -> frozenset[str]:
    """All that can be drawn."""
    return frozenset(_DRAWN)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def _hsl(hue: int, saturation: int, light: int) -> Colour:
    image = Image.new("RGB", (1, 1), f"hsl({hue % 360}, {saturation}%, {light}%)")
    red, green, blue = image.tobytes()
    return red, green, blue


def _darker(colour: Colour, by: float = 0.85) -> Colour:
    red, green, blue = (int(part * by) for part in colour)
    return red, green, blue


def _sky(image: Image.Image, top: Colour, bottom: Colour) -> None:
    """A gradient over the whole picture."""
    mask = Image.linear_gradient("L").resize(image.size)
    above, below = (Image.new("RGB", image.size, colour) for colour in (top, bottom))
    image.paste(Image.composite(below, above, mask))


def _points(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    return list(points)


def _street_gate(image: Image.Image, draw: Draw, random: Random) -> None:
    _sky(image, (188, 199, 210), (223, 222, 214))
    draw.rectangle((0, 560, 1200, 800), fill=(120, 122, 126))
    draw.rectangle((0, 180, 1200, 600), fill=(176, 160, 142))
    for x in range(0, 1200, 60):
        for row, y in enumerate(range(180, 600, 30)):
            left = x - 30 * (row % 2)
            shade = random.randrange(-8, 8)
            draw.rectangle((left, y, left + 57, y + 27), fill=(168 + shade, 150 + shade, 132))
    draw.rectangle((420, 250, 760, 620), fill=(74, 80, 88))
    for x in range(440, 760, 28):
        draw.line((x, 250, x, 620), fill=(96, 104, 114), width=6)
    draw.rectangle((540, 290, 640, 340), fill=(230, 226, 214))
    draw.text((560, 300), "P4", fill=_INK, font_size=32)
    draw.line((940, 160, 940, 640), fill=(60, 62, 66), width=12)
    draw.ellipse((910, 120, 970, 180), fill=(250, 230, 160))


def _poster(image: Image.Image, draw: Draw, _random: Random) -> None:
    _sky(image, (36, 32, 68), (120, 52, 90))
    for n, colour in enumerate([(255, 196, 84), (244, 120, 96), (96, 190, 200)]):
        for step in range(12):
            angle = math.radians(step * 30 + n * 10)
            x, y = 600 + math.cos(angle) * (180 + n * 70), 360 + math.sin(angle) * (180 + n * 70)
            draw.ellipse((x - 16, y - 16, x + 16, y + 16), fill=colour)
    draw.text((600, 350), "RIBEIRA", fill=(255, 245, 230), font_size=120, anchor="mm")
    draw.text(
        (600, 450), "three nights by the river", fill=(255, 220, 190), font_size=44, anchor="mm"
    )
    draw.rectangle((0, 700, 1200, 800), fill=(20, 18, 40))


def _door(_image: Image.Image, draw: Draw, _random: Random) -> None:
    draw.rectangle((0, 0, 1200, 800), fill=(226, 214, 196))
    draw.rectangle((400, 90, 800, 800), fill=(140, 120, 100))
    draw.rectangle((425, 115, 775, 800), fill=(38, 92, 150))
    for x in (455, 610):
        for y in (150, 400, 600):
            draw.rectangle((x, y, x + 130, y + 180), outline=(26, 68, 116), width=8)
    draw.ellipse((735, 450, 760, 475), fill=(214, 180, 90))
    draw.text((600, 70), "214", fill=_INK, font_size=44, anchor="mm")


def _bread(image: Image.Image, draw: Draw, random: Random) -> None:
    _sky(image, (92, 70, 54), (60, 44, 34))
    draw.ellipse((220, 200, 980, 660), fill=(196, 138, 78))
    draw.ellipse((250, 210, 950, 600), fill=(216, 164, 102))
    for n in range(4):
        x = 360 + n * 140
        draw.arc((x, 250, x + 160, 560), 200, 320, fill=(150, 96, 52), width=18)
    for _ in range(500):
        left, top = random.gauss(600, 160), random.gauss(400, 90)
        draw.ellipse((left, top, left + 4, top + 4), fill=(244, 226, 200))


def _ink(_image: Image.Image, draw: Draw, random: Random) -> None:
    draw.rectangle((0, 0, 1200, 800), fill=(246, 243, 234))
    for y in range(120, 760, 56):
        draw.line((80, y, 1120, y), fill=(214, 210, 198), width=2)
        x = 100.0
        while x < 900 + random.randrange(200):
            width = random.randrange(30, 110)
            wave = _points((x + s, y - 12 + 9 * math.sin(s / 5 + y)) for s in range(0, width, 3))
            draw.line(wave, fill=(26, 62, 78), width=5, joint="curve")
            x += width + 26
    draw.rounded_rectangle((820, 520, 1080, 760), 28, fill=(22, 52, 66))
    draw.rectangle((880, 470, 1020, 530), fill=(40, 40, 46))


def _chart_up(_image: Image.Image, draw: Draw, random: Random) -> None:
    draw.rectangle((0, 0, 1200, 800), fill=(12, 20, 30))
    for y in range(100, 800, 100):
        draw.line((0, y, 1200, y), fill=(30, 44, 60), width=2)
    line = _points(
        (x, 700 - (x / 1200) ** 2 * 560 + random.randrange(-24, 24)) for x in range(0, 1201, 30)
    )
    draw.line(line, fill=(60, 220, 130), width=10, joint="curve")
    draw.text((80, 90), "+300 %", fill=(60, 220, 130), font_size=140)


def _beach(image: Image.Image, draw: Draw, _random: Random) -> None:
    _sky(image, (120, 190, 236), (206, 234, 246))
    draw.rectangle((0, 420, 1200, 620), fill=(44, 150, 180))
    draw.rectangle((0, 600, 1200, 800), fill=(238, 214, 160))
    draw.line((860, 720, 900, 320), fill=(124, 88, 56), width=26)
    for step in range(-3, 4):
        end = (900 + step * 70, 300 + abs(step) * 42)
        draw.line((900, 320, *end), fill=(48, 128, 72), width=30)
    draw.ellipse((160, 90, 280, 210), fill=(255, 226, 120))


def _fabric(_image: Image.Image, draw: Draw, random: Random) -> None:
    colours = [(196, 92, 84), (236, 206, 160), (92, 120, 140), (150, 164, 120)]
    for x in range(0, 1200, 120):
        for y in range(0, 800, 100):
            colour = random.choice(colours)
            draw.rectangle((x, y, x + 118, y + 98), fill=colour)
            for n in range(0, 100, 12):
                draw.line((x, y + n, x + 118, y + n), fill=_darker(colour, 0.94), width=3)
    for x in range(40, 1200, 46):
        draw.line((x, 398, x + 24, 398), fill=(250, 250, 246), width=6)


def _radio_set(image: Image.Image, draw: Draw, _random: Random) -> None:
    _sky(image, (210, 206, 198), (170, 160, 148))
    draw.rounded_rectangle((230, 200, 970, 640), 50, fill=(112, 70, 42))
    draw.rounded_rectangle((270, 240, 640, 600), 30, fill=(206, 186, 150))
    for x in range(290, 640, 16):
        draw.line((x, 250, x, 590), fill=(180, 158, 122), width=4)
    draw.rounded_rectangle((680, 250, 930, 380), 12, fill=(250, 232, 170))
    draw.line((740, 260, 760, 370), fill=(200, 60, 40), width=5)
    for x in (720, 850):
        draw.ellipse((x, 440, x + 90, 530), fill=(60, 40, 30))


def _leaves(image: Image.Image, draw: Draw, random: Random) -> None:
    _sky(image, (232, 238, 226), (206, 218, 198))
    for _ in range(46):
        x, y = random.randrange(100, 1100), random.randrange(100, 700)
        size, hue = random.randrange(60, 170), random.randrange(100, 150)
        colour = _hsl(hue, 38, random.randrange(24, 48))
        draw.ellipse((x - size / 3, y - size, x + size / 3, y + size), fill=colour)
        draw.line((x, y - size, x, y + size), fill=_darker(colour, 1.2), width=4)


def _cat(_image: Image.Image, draw: Draw, _random: Random) -> None:
    draw.rectangle((0, 0, 1200, 800), fill=(206, 188, 164))
    draw.rectangle((200, 520, 1000, 800), fill=(140, 92, 66))
    fur = (70, 66, 70)
    draw.ellipse((360, 380, 840, 660), fill=fur)
    draw.ellipse((300, 300, 520, 500), fill=fur)
    draw.polygon(_points([(316, 350), (330, 240), (400, 310)]), fill=fur)
    draw.polygon(_points([(420, 310), (490, 240), (508, 350)]), fill=fur)
    for x in (360, 430):
        draw.arc((x, 385, x + 40, 415), 200, 340, fill=(230, 220, 160), width=6)
    draw.arc((780, 420, 1000, 640), 250, 90, fill=fur, width=36)


def _sea(image: Image.Image, draw: Draw, random: Random) -> None:
    _sky(image, (242, 214, 190), (250, 240, 226))
    for y in range(380, 800, 8):
        shade = int((y - 380) / 6)
        draw.rectangle((0, y, 1200, y + 8), fill=(74 + shade // 3, 140 + shade // 4, 160))
        for _ in range(6):
            x = random.randrange(1200)
            draw.line((x, y, x + random.randrange(20, 90), y), fill=(200, 224, 226), width=3)
    draw.ellipse((540, 300, 660, 420), fill=(255, 236, 196))
    draw.rectangle((0, 396, 1200, 430), fill=(84, 146, 164))


def _spill(image: Image.Image, draw: Draw, random: Random) -> None:
    draw.rectangle((0, 0, 1200, 800), fill=(92, 94, 98))
    for x in range(-100, 1300, 260):
        draw.polygon(
            _points([(x, 380), (x + 140, 380), (x + 120, 420), (x - 20, 420)]), fill=(226, 226, 220)
        )
    for _ in range(70):
        left, top = random.gauss(620, 190), random.gauss(520, 90)
        size = random.randrange(16, 180)
        draw.ellipse((left, top, left + size, top + size / 2), fill=(150, 20, 26))
    draw.rectangle((960, 120, 1060, 320), fill=(244, 140, 40))
    draw.rectangle((960, 190, 1060, 230), fill=(250, 250, 250))
    image.paste(image.filter(ImageFilter.GaussianBlur(2)))


def _phone_box(image: Image.Image, draw: Draw, _random: Random) -> None:
    _sky(image, (236, 236, 238), (206, 208, 214))
    draw.polygon(_points([(380, 180), (760, 140), (860, 600), (460, 660)]), fill=(250, 250, 250))
    draw.polygon(_points([(460, 660), (860, 600), (880, 640), (480, 700)]), fill=(190, 192, 198))
    draw.rounded_rectangle((520, 250, 700, 550), 24, fill=(30, 32, 38))
    draw.rounded_rectangle((535, 270, 685, 530), 8, fill=(70, 110, 170))


def _camera(image: Image.Image, draw: Draw, _random: Random) -> None:
    _sky(image, (186, 170, 150), (146, 130, 112))
    draw.rounded_rectangle((250, 260, 950, 640), 40, fill=(52, 50, 50))
    draw.rectangle((250, 320, 950, 420), fill=(168, 166, 162))
    draw.ellipse((440, 300, 760, 620), fill=(30, 30, 34))
    draw.ellipse((490, 350, 710, 570), fill=(64, 84, 110))
    draw.ellipse((540, 390, 610, 460), fill=(190, 206, 224))
    draw.rectangle((780, 220, 880, 262), fill=(110, 108, 106))


def _test_card(_image: Image.Image, draw: Draw, _random: Random) -> None:
    draw.rectangle((0, 0, 1200, 800), fill=(236, 236, 232))
    draw.ellipse((120, 280, 400, 560), fill=(206, 74, 62))
    draw.rectangle((470, 280, 750, 560), fill=(62, 110, 180))
    draw.polygon(((820, 560), (960, 280), (1100, 560)), fill=(96, 150, 80))
    draw.text((600, 680), "TEST", fill=_INK, font_size=64, anchor="mm")


_DRAWN: Final[dict[str, Callable[[Image.Image, Draw, Random], None]]] = {
    "street-gate": _street_gate,
    "test-card": _test_card,
    "poster-concert": _poster,
    "door-blue": _door,
    "bread": _bread,
    "ink": _ink,
    "chart-up": _chart_up,
    "beach": _beach,
    "fabric": _fabric,
    "radio-set": _radio_set,
    "leaves": _leaves,
    "cat-shape": _cat,
    "sea": _sea,
    "spill": _spill,
    "phone-box": _phone_box,
    "camera": _camera,
}
