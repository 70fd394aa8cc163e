"""Which URLs an item may carry.

Guarantees: an accepted URL is http or https and its host is a public address or a name that is not
a local one, in every spelling a URL parser would read as such: IPv6, IPv4 inside IPv6, decimal,
octal and hexadecimal IPv4, percent-encoded and full-width digits. What is kept is read in one way
by everybody: as a browser reads it, without the line breaks and tabs that it leaves out, `\\` as
`/`, two slashes after the scheme, control characters encoded. A blank stays a blank.
Must not: resolve names. What a name resolves to is checked when it is fetched
(`coop_runtime.egress.guard`), and more strictly (`coop_contracts.address`).

Source: the WHATWG URL Standard, basic URL parser and host parsing.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from coop_contracts.address import (
    is_local_name,
    is_numeric_host,
    is_public,
    parse_spelt_ipv4,
)
from coop_items.refusal import NotAnItemValue

_PLAIN = re.compile(r"https?://([^/?#\\\s\x00-\x20\x7f]+)[^\\\s\x00-\x20\x7f]*")
_LEFT_OUT = str.maketrans("", "", "\t\n\r")
_URL = re.compile(r"(https?):([/\\]*)([^/?#\\]*)([^?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029#/<>?@\\^|%:\[\]]")

_NOT_A_URL: Final = "it must be an http or https URL"
_PRIVATE: Final = "the host must not be private, loopback, link-local or unspecified"


def check_url(value: str, *, allow_private_hosts: bool = False) -> str:
    """The URL as it is kept. Raises NotAnItemValue."""
    # What most platforms send is written as everybody reads it already.
    plain = _PLAIN.fullmatch(value)
    if plain is not None and _judge_host(_host_of(plain[1])) is None:
        return value
    match = _URL.fullmatch(value.strip().translate(_LEFT_OUT))
    if match is None:
        raise NotAnItemValue(_NOT_A_URL)
    scheme, _, authority, path, rest = match.groups()
    reason = _judge_host(_host_of(authority))
    if reason is not None and not (reason is _PRIVATE and allow_private_hosts):
        raise NotAnItemValue(reason)
    path = path.replace("\\", "/")
    return _CONTROL.sub(_encoded, f"{scheme}://{authority}{path}{rest}")


def _encoded(control: re.Match[str]) -> str:
    return f"%{ord(control[0]):02X}"


def _host_of(authority: str) -> str:
    """The host of `user:password@host:port`."""
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        host, bracket, port = host.partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise NotAnItemValue(_NOT_A_URL)
        host, port = host + bracket, port[1:]
    else:
        host, _, port = host.partition(":")
    if port and not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):
        raise NotAnItemValue("the port is out of range")
    return host


@lru_cache(maxsize=4096)
def _judge_host(host: str) -> str | None:
    """Why the host is refused, or None."""
    if not host or len(host) > 1024:
        return _NOT_A_URL
    if host.startswith("["):
        return _judge_ipv6(host[1:-1])
    name = _normal_name(host)
    if name is None:
        return _NOT_A_URL
    if is_numeric_host(name):
        address = parse_spelt_ipv4(name)
        if address is None:
            return _NOT_A_URL
        return None if is_public(address, strictly=False) else _PRIVATE
    return _PRIVATE if is_local_name(name) else None


def _normal_name(host: str) -> str | None:
    """The host as a URL parser compares it: decoded, compatibility forms folded, lower case."""
    try:
        decoded = unquote_to_bytes(host).decode()
    except UnicodeDecodeError:
        return None
    folded = unicodedata.normalize("NFKC", decoded).replace("\u3002", ".")
    # Soft hyphens and zero-width characters vanish in UTS 46: `local\u00adhost` is localhost.
    visible = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    name = unicodedata.normalize("NFKC", visible.casefold()).rstrip(".")
    if not name or _HOST_FORBIDDEN.search(name):
        return None
    return name


def _judge_ipv6(text: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return _NOT_A_URL
    if address.scope_id is not None:
        return _PRIVATE
    return None if is_public(address, strictly=False) else _PRIVATE
