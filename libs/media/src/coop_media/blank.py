"""What a film says of itself beside its pictures and sounds (where it was made, when, by what,
whose it is), made unreadable where it stands.

    ISO base media (MP4, MOV, M4A)    boxes `udta`, `meta`, `uuid`; tracks of data; times of making
    Matroska (WebM)                   Tags, Attachments, the title, the date

Guarantees: nothing moves: what stands there instead is as long (ISO/IEC 14496-12 `free`, RFC 9559
`Void`), so that every piece of the file is where it was; the walk goes to the end of the file, and
is bounded in steps and bytes. What cannot be walked through to its end is refused, rather than
shown with what it says: too many parts, a part whose length nobody knows, a film behind the film.
Must not: know where the bytes come from; decode anything. The samples of a track of data stay where
they are, without anything that says what they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from coop_media.fault import MediaFault

Read = Callable[[int, int], Awaitable[bytes]]
"""So many bytes from there on; fewer at the end of the file, or of what one answer has."""

_STEPS: Final = 512  # parts of a file: an hour of film in pieces of seven seconds
_SOUGHT: Final = 64
_MOST: Final = 16 * 1024 * 1024  # of what is read to be walked through
_DEPTH: Final = 8

_TELLS: Final = frozenset({b"udta", b"meta", b"uuid"})
_READ: Final = frozenset({b"moov", b"moof"})
_HOLDS: Final = frozenset({b"trak", b"mdia", b"minf", b"traf"})
_TIMES: Final = frozenset({b"mvhd", b"tkhd", b"mdhd"})
_OF_DATA: Final = frozenset({b"meta", b"mdta"})

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _TITLE, _DATE = 0x1549A966, 0x7BA9, 0x4461
_SAYS: Final = frozenset({0x1254C367, 0x1941A469})  # Tags, Attachments


class Blank(Struct, frozen=True):
    """`size` bytes from `first` on: `head`, and then zeros."""

    first: int
    size: int
    head: bytes = b""

    def over(self, content: bytearray, first: int) -> None:
        """Puts it over a piece of the file that begins at `first`."""
        begin, end = max(self.first, first), min(self.first + self.size, first + len(content))
        if begin < end:
            whole = self.head[begin - self.first : end - self.first]
            content[begin - first : end - first] = whole.ljust(end - begin, b"\0")


async def blanks_of(read: Read, total: int, media_type: str) -> tuple[Blank, ...]:
    """What to put over a file of `total` bytes. Raises `MediaFault`."""
    if media_type in ("video/mp4", "video/quicktime", "audio/mp4"):
        return tuple(await _of_iso(read, total))
    if media_type in ("video/webm", "audio/webm"):
        return tuple(await _of_matroska(read, total))
    return ()


def _broken() -> MediaFault:
    return MediaFault("broken", "its parts cannot be told from each other")


async def _all(read: Read, first: int, size: int) -> bytes:
    """All of these bytes, and no fewer. Raises `MediaFault`."""
    if size > _MOST:
        raise MediaFault("too-large", "it says more of itself than media may")
    found = b""
    while len(found) < size:
        more = await read(first + len(found), size - len(found))
        if not more:
            raise _broken()
        found += more
    return found[:size]


# ISO base media: boxes of a size, a name and what they hold.


def _box(content: bytes, at: int, room: int) -> tuple[bytes, int, int]:
    """Name, size, and how much of that is its head. Raises `MediaFault`."""
    size, name, head = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8], 8
    if size == 1:
        size, head = int.from_bytes(content[at + 8 : at + 16]), 16
    elif size == 0:
        size = room
    if len(name) < 4 or not head <= size <= room:
        raise _broken()
    return name, size, head


def _freed(content: bytes, at: int, size: int, head: int, base: int) -> Blank:
    """Instead of the box at this place of the content, which lies at `base` of the file."""
    return Blank(base + at + 4, size - 4, b"free" + content[at + 8 : at + head])


async def _of_iso(read: Read, total: int) -> list[Blank]:
    found: list[Blank] = []
    at, knows = 0, False
    for _ in range(_STEPS):
        if total - at < 8:
            break
        start = await _all(read, at, min(16, total - at))
        name, size, head = _box(start, 0, total - at)
        if name in _TELLS:
            found.append(_freed(start, 0, size, head, at))
        elif name in _READ:
            found += _in_box(await _all(read, at, size), head, size, at, _DEPTH)
            knows = knows or name == b"moov"
        at += size
    if not knows or total - at >= 8:
        raise _broken()
    return found


def _in_box(content: bytes, start: int, end: int, base: int, depth: int) -> Iterator[Blank]:
    if depth == 0:
        raise _broken()
    at = start
    while end - at >= 8:
        name, size, head = _box(content, at, end - at)
        if name in _TELLS or (name == b"trak" and _is_of_data(content, at + head, at + size)):
            yield _freed(content, at, size, head, base)
        elif name in _TIMES and size > head + 4:
            # Version and flags, then when it was made and changed last.
            long = 16 if content[at + head] == 1 else 8
            yield Blank(base + at + head + 4, min(long, size - head - 4))
        elif name in _HOLDS:
            yield from _in_box(content, at + head, at + size, base, depth - 1)
        at += size


def _is_of_data(content: bytes, start: int, end: int) -> bool:
    """Whether a track has neither pictures nor sounds but, say, where a camera was."""
    at = start
    while end - at >= 8:
        name, size, head = _box(content, at, end - at)
        if name == b"mdia":
            return _is_of_data(content, at + head, at + size)
        if name == b"hdlr":
            return content[at + head + 8 : at + head + 12] in _OF_DATA
        at += size
    return False


# Matroska: elements of an id, a size and what they hold.


def _number(content: bytes, at: int, *, keeps_mark: bool) -> tuple[int, int]:
    """A number of variable length (RFC 8794, 4), and where it ends. Raises `MediaFault`."""
    if at >= len(content) or content[at] == 0:
        raise _broken()
    length = 9 - content[at].bit_length()
    if at + length > len(content):
        raise _broken()
    value = int.from_bytes(content[at : at + length])
    return value if keeps_mark else value & ((1 << (7 * length)) - 1), at + length


def _element(content: bytes, at: int) -> tuple[int, int | None, int]:
    """Id, size (None: not known) and where what it holds begins."""
    name, after = _number(content, at, keeps_mark=True)
    size, start = _number(content, after, keeps_mark=False)
    return name, None if size == (1 << (7 * (start - after))) - 1 else size, start


def _void(first: int, length: int) -> Blank:
    """Instead of an element that is so long altogether."""
    if length - 2 <= 126:
        return Blank(first, length, bytes((0xEC, 0x80 | (length - 2))))
    return Blank(first, length, b"\xec\x01" + (length - 9).to_bytes(7))


def _elements(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Id, begin, start of what it holds, and end, of each."""
    at = 0
    while at < len(content):
        name, size, start = _element(content, at)
        if size is None or start + size > len(content):
            raise _broken()
        yield name, at, start, start + size
        at = start + size


async def _head_at(read: Read, at: int, total: int) -> tuple[int, int | None, int]:
    """Id, size and the length of the head of an element in the file."""
    return _element(await _all(read, at, min(16, total - at)), 0)


async def _of_matroska(read: Read, total: int) -> list[Blank]:
    name, size, head = await _head_at(read, 0, total)
    if name != _EBML or size is None:
        raise _broken()
    begin = head + size
    name, size, head = await _head_at(read, begin, total)
    if name != _SEGMENT:
        raise _broken()
    base = at = begin + head
    found: dict[int, Blank] = {}
    sought: list[int] = []
    for _ in range(_STEPS):
        if total - at < 2:
            break
        name, size, head = await _head_at(read, at, total)
        if size is None or name in (_EBML, _SEGMENT):
            raise _broken()
        if name in _SAYS:
            found[at] = _void(at, head + size)
        elif name == _SEEK_HEAD:
            sought += [base + one for one in _sought(await _all(read, at + head, size))]
        elif name == _INFO:
            content = await _all(read, at + head, size)
            for inner, first, _, end in _elements(content):
                if inner in (_TITLE, _DATE):
                    found[at + head + first] = _void(at + head + first, end - first)
        at += head + size
    if total - at >= 2 or len(sought) > _SOUGHT:
        raise _broken()
    for place in sought:
        if place not in found and total - place >= 2:
            name, size, head = await _head_at(read, place, total)
            if name in _SAYS and size is not None:
                found[place] = _void(place, head + size)
    return list(found.values())


def _sought(content: bytes) -> Sequence[int]:
    """Where the index says that elements lie that tell of the film."""
    places = []
    for name, _, start, end in _elements(content):
        if name != _SEEK:
            continue
        fields = {
            inner: content[start + first : start + last]
            for inner, _, first, last in _elements(content[start:end])
        }
        if int.from_bytes(fields.get(_SEEK_ID, b"")) in _SAYS:
            places.append(int.from_bytes(fields.get(_SEEK_POSITION, b"")))
    return places
