"""What a film says of itself is made unreadable, and everything else is as it was."""

from __future__ import annotations

import contextlib
import io
import random
from typing import Any

import av
import pytest
from PIL import Image

from coop_media.blank import Blank, blanks_of
from coop_media.fault import MediaFault

WHERE, WHO = "+51.5074-000.1278/", "a name that nobody is to read"
SAID = {"title": WHO, "artist": WHO, "comment": WHO, "location": WHERE}


def film(form: str, codec: str, **options: str) -> bytes:
    """A square that wanders, with what is said of it."""
    out = io.BytesIO()
    with av.open(out, "w", format=form, options=options) as container:
        container.metadata.update({**SAID, "creation_time": "2024-05-06T07:08:09.000000Z"})
        stream: Any = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            image = Image.new("RGB", (64, 48), (number * 20, 90, 40))
            frame: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def frames(content: bytes) -> list[bytes]:
    with av.open(io.BytesIO(content), "r") as container:
        shown: list[Any] = list(container.decode(video=0))
        return [frame.to_image().tobytes() for frame in shown]


def metadata(content: bytes) -> dict[str, str]:
    with av.open(io.BytesIO(content)) as container:
        return dict(container.metadata)


async def blanked(content: bytes, media_type: str, *, at_once: int = 4096) -> bytes:
    """The file as it is passed on, piece by piece."""

    async def read(first: int, size: int) -> bytes:
        return content[first : first + min(size, at_once)]

    blanks = await blanks_of(read, len(content), media_type)
    found = b""
    for first in range(0, len(content), 97):
        piece = bytearray(content[first : first + 97])
        for one in blanks:
            one.over(piece, first)
        found += piece
    return found


FILMS: list[Any] = [
    ("mp4", "libx264", "video/mp4", {}),
    ("mp4", "libx264", "video/mp4", {"movflags": "use_metadata_tags"}),
    ("mp4", "libx264", "video/mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ("mov", "libx264", "video/quicktime", {}),
    ("webm", "libvpx", "video/webm", {}),
]


@pytest.mark.parametrize(("form", "codec", "media_type", "options"), FILMS)
async def test_nothing_is_said_and_all_is_shown(
    form: str, codec: str, media_type: str, options: dict[str, str]
) -> None:
    """Neither where nor who nor when is in the bytes or found by a reader; every frame is the same,
    and no byte has moved."""
    content = film(form, codec, **options)
    assert WHO.encode() in content
    clean = await blanked(content, media_type)
    assert len(clean) == len(content)
    for secret in (WHO, WHERE, "51.5074", "2024-05-06"):
        assert secret.encode() not in clean, secret
    left = metadata(clean)
    assert not {"title", "artist", "comment", "location", "creation_time"} & set(left), left
    assert frames(clean) == frames(content)
    # What has nothing to say passes as it is, but for when it was made.
    again = await blanked(clean, media_type)
    assert again == clean


@pytest.mark.parametrize(("form", "codec", "media_type", "options"), FILMS)
async def test_what_cannot_be_walked_is_refused(
    form: str, codec: str, media_type: str, options: dict[str, str]
) -> None:
    """A file that is cut, or lies about its parts, comes to an end or is refused; it never hangs,
    and fails with nothing else."""
    content = film(form, codec, **options)
    with pytest.raises(MediaFault):
        await blanked(b"\0" * 64, media_type)
    chance = random.Random(7)
    for _ in range(300):
        broken = bytearray(content)
        for _ in range(chance.randint(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        with contextlib.suppress(MediaFault):
            await blanked(bytes(broken[: chance.randint(1, len(broken))]), media_type)


async def test_what_is_too_much_is_refused() -> None:
    """Boxes in boxes without an end, and an index larger than is read."""
    deep = b""
    for _ in range(40):
        deep = (len(deep) + 8).to_bytes(4) + b"trak" + deep
    moov = (len(deep) + 8).to_bytes(4) + b"moov" + deep
    with pytest.raises(MediaFault):
        await blanked(moov, "video/mp4")

    async def endless(first: int, _size: int) -> bytes:
        return (1 << 30).to_bytes(4) + b"moov" + b"\0" * 8 if first == 0 else b"\0" * 16

    with pytest.raises(MediaFault):
        await blanks_of(endless, 1 << 30, "video/mp4")


def test_a_blank_covers_what_it_covers() -> None:
    """Whatever piece of the file it is put over."""
    blank = Blank(10, 6, b"free")
    for first in range(20):
        piece = bytearray(b"x" * 5)
        blank.over(piece, first)
        whole = b"x" * 10 + b"free\0\0" + b"x" * 20
        assert bytes(piece) == whole[first : first + 5]


def box(name: bytes, content: bytes = b"") -> bytes:
    return (len(content) + 8).to_bytes(4) + name + content


def element(name: int, content: bytes = b"", *, size: int | None = None) -> bytes:
    """`size` None: as it is; else what it says."""
    head = name.to_bytes((name.bit_length() + 7) // 8)
    said = len(content) if size is None else size
    return head + (0x01 << 56 | said).to_bytes(8) + content


MOOV = box(b"moov", box(b"mvhd", bytes(24)))
SECRET = WHO.encode()
UNKNOWN = (1 << 56) - 1
EBML = element(0x1A45DFA3)
CLUSTER, TAGS, SEGMENT = 0x1F43B675, 0x1254C367, 0x18538067


@pytest.mark.parametrize(
    "content",
    [
        MOOV + box(b"mdat", b"x" * 9) + box(b"udta", SECRET),
        MOOV + box(b"moof", box(b"mfhd")) + box(b"mdat") + box(b"uuid", SECRET),
        MOOV + box(b"moof", box(b"traf", box(b"tfhd") + box(b"uuid", SECRET))) + box(b"mdat"),
        MOOV + box(b"mdat") * 100 + box(b"meta", SECRET),
        MOOV + box(b"moof") + box(b"moov", box(b"udta", SECRET)),
    ],
    ids=["after the film", "after a piece", "in a piece", "after many boxes", "said again"],
)
async def test_what_is_said_late_is_unreadable_too(content: bytes) -> None:
    """Behind pieces of the film, in them, and after any number of boxes that is walked."""
    assert SECRET in content
    clean = await blanked(content, "video/mp4")
    assert SECRET not in clean
    assert len(clean) == len(content)


async def test_tags_behind_the_film_are_unreadable() -> None:
    """Though no index names them."""
    body = element(CLUSTER, b"x" * 50) * 90 + element(TAGS, SECRET)
    for size in (None, UNKNOWN):
        clean = await blanked(EBML + element(SEGMENT, body, size=size), "video/webm")
        assert SECRET not in clean


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (MOOV + box(b"free") * 600 + box(b"udta", SECRET), "video/mp4"),
        (
            EBML + element(SEGMENT, element(CLUSTER, b"x") * 600 + element(TAGS, SECRET)),
            "video/webm",
        ),
        (
            EBML + element(SEGMENT, element(CLUSTER, element(TAGS, SECRET), size=UNKNOWN)),
            "video/webm",
        ),
        (
            EBML
            + element(SEGMENT, element(CLUSTER))
            + EBML
            + element(SEGMENT, element(TAGS, SECRET)),
            "video/webm",
        ),
    ],
    ids=["too many boxes", "too many clusters", "no length", "a film behind the film"],
)
async def test_what_is_not_walked_to_its_end_is_refused(content: bytes, media_type: str) -> None:
    """Rather than shown with what may be said where nobody looked."""
    with pytest.raises(MediaFault):
        await blanked(content, media_type)
