"""What an answer says beside its status: response headers that an old client can ignore.

    X-Coop-Unknown-Fields        fields that the item types do not have; kept as sent
    X-Coop-Replaced-Characters   texts in which U+FFFD stands for what cannot be kept
    X-Coop-Doubtful-Values       values of no use as what their field is for; kept
    X-Coop-Unknown-References    what is named and is not there; policies, actions and items of a
                                 thread are left out, reporter and appellant kept as named

Guarantees: names and pointers are percent-encoded ASCII, separated by commas; a header has
`MAX_HEADER` bytes at most, `...` stands for those left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from coop_ingest.json_reading import MORE

MAX_HEADER: Final = 1_024  # bytes

_Header = tuple[bytes, bytes]


class Notices:
    """What is to be said about one request; empty for most."""

    __slots__ = ("doubtful", "lost", "references", "unknown_fields")

    def __init__(self, lost: tuple[str, ...] = ()) -> None:
        self.lost = lost
        self.unknown_fields: dict[str, None] = {}
        self.doubtful: list[str] = []
        self.references: list[str] = []

    def headers(self) -> tuple[_Header, ...]:
        """The headers of an answer that accepts."""
        if not (self.unknown_fields or self.lost or self.doubtful or self.references):
            return ()
        lists = (
            (b"x-coop-unknown-fields", self.unknown_fields, ""),
            (b"x-coop-replaced-characters", self.lost, "/~"),
            (b"x-coop-doubtful-values", self.doubtful, "/~"),
            (b"x-coop-unknown-references", self.references, "/~"),
        )
        return tuple((name, _listed(values, safe)) for name, values, safe in lists if values)


def _listed(values: Iterable[str], safe: str) -> bytes:
    listed = b""
    for value in values:
        encoded = MORE.encode() if value == MORE else quote(value, safe=safe).encode()
        if len(listed) + len(encoded) + 6 > MAX_HEADER:
            return listed + b", ..." if listed else b"..."
        listed += b", " + encoded if listed else encoded
    return listed
