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
from functools import lru_cache
from typing import Final

_UNUSUAL: Final = frozenset({b"transfer-encoding", b"expect"})
# RFC 3986, 3.2.2 and 3.2.3: a name, an address or one in brackets; a port. It may be empty.
_HOST = re.compile(
    rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(?::[0-9]{0,5})?"
    rb"|\[[0-9A-Za-z:.%_~-]+\](?::[0-9]{0,5})?"
)


def head_fault(version: str, headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The status that refuses this head; None where it is in order. Names are in lower case.

    That a Content-Length is a number, the parser sees to.
    """
    if version not in {"1.1", "1.0"}:
        return 505
    host, hosts, lengths = b"", 0, 0
    unusual: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        if name == b"host":
            host, hosts = value, hosts + 1
        elif name == b"content-length":
            lengths += 1
        elif name in _UNUSUAL:
            unusual.append((name, value))
    if hosts > 1 or lengths > 1 or (not hosts and version == "1.1") or not _is_host(host):
        return 400
    return _body_fault(version, unusual, has_length=lengths > 0) if unusual else None


# Nearly all requests name the same few.
@lru_cache(maxsize=1024)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def _body_fault(
    version: str, unusual: Iterable[tuple[bytes, bytes]], *, has_length: bool
) -> int | None:
    codings = []
    for name, value in unusual:
        if name == b"transfer-encoding":
            codings.append(value.strip().lower())
        elif value.lower() != b"100-continue":
            return 417
    if not codings:
        return None
    if has_length or len(codings) > 1 or version == "1.0":
        return 400
    coding = codings[0]
    if coding == b"chunked":
        return None
    return 400 if b"chunked" in coding and b"identity" in coding else 501
