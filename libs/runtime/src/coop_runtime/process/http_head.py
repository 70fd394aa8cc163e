"""What a request's head may not say: whatever two readers could understand differently.

    400   no Host, two of them, or none that names a host; two ways, or an unknown way, to tell the
          body's length; chunks in HTTP/1.0
    417   an expectation other than `100-continue`
    501   a transfer coding other than `chunked`
    505   a version other than 1.0 and 1.1

A proxy in front that reads such a head otherwise than we do would let a request pass inside of
another one.

Source: RFC 9110, 7.2 and 10.1.1; RFC 9112, 3.2 and 6.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_VERSIONS: Final = frozenset({"1.0", "1.1"})
_TOLD: Final = frozenset({b"host", b"transfer-encoding", b"content-length", b"expect"})
# RFC 3986, 3.2.2 and 3.2.3: a name, an address or one in brackets; a port. It may be empty.
_HOST = re.compile(
    rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(?::[0-9]{0,5})?"
    rb"|\[[0-9A-Za-z:.%_~-]+\](?::[0-9]{0,5})?"
)


def head_fault(version: str, headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The status that refuses this head; None where it is in order. Names are in lower case."""
    if version not in _VERSIONS:
        return 505
    told: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _TOLD:
            told.setdefault(name, []).append(value)
    hosts = told.get(b"host", [])
    if len(hosts) > 1 or (not hosts and version != "1.0"):
        return 400
    if hosts and _HOST.fullmatch(hosts[0]) is None:
        return 400
    if len(told) == len(hosts):
        return None
    return _body_fault(version, told)


def _body_fault(version: str, told: dict[bytes, list[bytes]]) -> int | None:
    if any(value.lower() != b"100-continue" for value in told.get(b"expect", ())):
        return 417
    lengths, codings = told.get(b"content-length", []), told.get(b"transfer-encoding", [])
    if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
        return 400
    if not codings:
        return None
    if lengths or len(codings) > 1 or version == "1.0":
        return 400
    coding = codings[0].strip().lower()
    if coding == b"chunked":
        return None
    return 400 if b"chunked" in coding and b"identity" in coding else 501
