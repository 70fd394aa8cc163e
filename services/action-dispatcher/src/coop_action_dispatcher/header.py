"""The headers of a webhook: the action's own, then ours, which always win.

Guarantees: a header of the action's can neither replace a signature nor change how the request is
framed, and its value never appears in an error.
Must not: log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token, RFC 9110 §5.6.2
_VALUE = re.compile(r"[\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff\t]*[\x21-\x7e\x80-\xff])?|")

# Framing, the connection and the destination are not the action's business.
_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "coop-signature",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)


class InvalidHeaders(Exception):
    """The action's headers cannot be sent. Names the header, never its value."""


def parse_headers(plain: str) -> dict[str, str]:
    """The action's own headers from their JSON object; reserved ones are left out.

    Raises `InvalidHeaders`.
    """
    try:
        headers = msgspec.json.decode(plain, type=dict[str, str])
    except msgspec.MsgspecError:
        raise InvalidHeaders("the action's headers are not a JSON object of strings") from None
    own: dict[str, str] = {}
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise InvalidHeaders("the action has a header with an invalid name")
        if not _VALUE.fullmatch(value):
            raise InvalidHeaders(f"the action's header {name} has an invalid value")
        if name.lower() not in _RESERVED:
            own[name.lower()] = value
    return own


def fixed_headers(own: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """What all requests of an action have, encoded as RFC 9110 fields (values in ISO 8859-1)."""
    merged = {
        "user-agent": "Coop-Webhooks/1",
        **own,
        "content-type": "application/json",
        # What the platform compresses nobody here would unpack.
        "accept-encoding": "identity",
    }
    return encoded(merged)


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers as bytes."""
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
