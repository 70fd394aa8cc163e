"""Text as the interface takes it: what XML can hold, what is an address, what fits.

Guarantees: pure functions; nothing is made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_UNFIT: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EMAIL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LONGEST_URL: Final = 2083
_CUT: Final = "…"


def clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold, and with one kind of line's end."""
    return _UNFIT.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def cut(text: str, most: int) -> str:
    """At most so many characters; what was cut says so."""
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT


def is_url(text: str) -> bool:
    """An absolute http(s) URL of printable ASCII, of which nothing has to be guessed."""
    if len(text) > _LONGEST_URL or not re.fullmatch(r"[\x21-\x7e]+", text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_email(text: str) -> bool:
    """An address as mail programs write it."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


def is_ip(text: str) -> bool:
    """An address of version 4 or 6, without a zone."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def csv_cell(text: str) -> str:
    """A cell that a spreadsheet shows and does not calculate."""
    text = clean(text)
    safe = f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\n") else text
    return '"' + safe.replace('"', '""') + '"'


def csv_lines(rows: Iterator[tuple[str, ...]]) -> bytes:
    """The rows as RFC 4180 in UTF-8."""
    return "".join(",".join(map(csv_cell, row)) + "\r\n" for row in rows).encode()
