"""Unpacking a body: gzip and deflate, a bounded part at a time.

Guarantees: no more is unpacked than is asked for, so that who stops asking is not filled by a bomb;
a body that is not whole, or has something after its end, is damaged as a whole.
Must not: count or bound; who asks does.

Source: RFC 9110, 8.4.1: `deflate` is the zlib format; some clients send it without its wrapper.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

PART: Final = 64 * 1024  # bytes that come out at once, at most
MAX_MEMBERS: Final = 100  # of one gzip body; each costs, however small

_GZIP: Final = zlib.MAX_WBITS | 16
_RAW: Final = -zlib.MAX_WBITS
_ZLIB_METHOD: Final = 8


class DamagedBody(Exception):
    """The body is not what its Content-Encoding says."""

    def __init__(self, packing: bytes) -> None:
        super().__init__(f"The body is not whole {packing.decode('latin-1')}.")


def unpack(packed: bytes, packing: bytes) -> Iterator[bytes]:
    """What comes out, part by part. Raises DamagedBody."""
    gzip = packing != b"deflate"
    bits = _GZIP if gzip else zlib.MAX_WBITS if _is_zlib(packed) else _RAW
    members, unpacker = 1, zlib.decompressobj(bits)
    # Piece by piece: the unpacker copies what it has not come to yet each time that it is asked.
    for start in range(0, len(packed), PART):
        rest, part = packed[start : start + PART], b""
        while rest or len(part) == PART:
            if rest and unpacker.eof:
                # A gzip file may have several members, one after another.
                if not gzip or members == MAX_MEMBERS:
                    raise DamagedBody(packing)
                members, unpacker = members + 1, zlib.decompressobj(bits)
            try:
                part = unpacker.decompress(rest, PART)
            except zlib.error:
                raise DamagedBody(packing) from None
            if part:
                yield part
            rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        raise DamagedBody(packing)


def _is_zlib(packed: bytes) -> bool:
    """Whether the two bytes of zlib's header are there (RFC 1950, 2.2)."""
    head = packed[:2]
    return len(head) == 2 and head[0] & 0x0F == _ZLIB_METHOD and int.from_bytes(head) % 31 == 0
