"""Which URLs an item may carry.

Guarantees: an accepted URL is http or https and its host is a public address or a name that is not
a local one, in every spelling a URL parser would read as such: IPv6, IPv4 inside IPv6, decimal,
octal and hexadecimal IPv4, percent-encoded and full-width digits.
Must not: resolve names. What a name resolves to is checked when it is fetched
(`coop_runtime.egress.guard`).

Source of the IPv4 spellings and of host decoding: the WHATWG URL Standard, host parsing.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from coop_items.refusal import Refused

# A backslash is a slash to browsers and a character to others: no such URL passes.
_URL = re.compile(r"(https?)://([^/?#\\]*)([^\\]*)", re.IGNORECASE)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]")
_HOST_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f#/<>?@\\^|%:\[\]]")
_NUMERIC = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)")

_LOCAL_NAMES: Final = frozenset(
    {"localhost", "ip6-localhost", "ip6-loopback", "broadcasthost", "metadata"}
)
_LOCAL_SUFFIXES: Final = (
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".home.arpa",
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")

_NOT_A_URL: Final = "it must be an http or https URL"
_PRIVATE: Final = "the host must not be private, loopback, link-local or unspecified"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_url(value: str, *, allow_private_hosts: bool = False) -> str:
    """The URL, trimmed. Raises Refused."""
    url = value.strip()
    match = _URL.fullmatch(url)
    if match is None or _FORBIDDEN.search(url):
        raise Refused(_NOT_A_URL)
    host = _host_of(match[2])
    reason = _judge_host(host)
    if reason is _PRIVATE and allow_private_hosts:
        return url
    if reason is not None:
        raise Refused(reason)
    return url


def _host_of(authority: str) -> str:
    """The host of `user:password@host:port`."""
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        host, bracket, port = host.partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise Refused(_NOT_A_URL)
        host, port = host + bracket, port[1:]
    else:
        host, _, port = host.partition(":")
    if port and not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):
        raise Refused("the port is out of range")
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
    last = name.rpartition(".")[2]
    if _NUMERIC.fullmatch(last):
        address = _loose_ipv4(name)
        if address is None:
            return _NOT_A_URL
        return None if _is_public(address) else _PRIVATE
    if name in _LOCAL_NAMES or name.endswith(_LOCAL_SUFFIXES):
        return _PRIVATE
    return None


def _normal_name(host: str) -> str | None:
    """The host as a URL parser compares it: decoded, compatibility forms folded, lower case."""
    try:
        decoded = unquote_to_bytes(host).decode()
    except UnicodeDecodeError:
        return None
    folded = unicodedata.normalize("NFKC", decoded).replace("\u3002", ".")
    # Soft hyphens and zero-width characters vanish in UTS 46: `local\u00adhost` is localhost.
    visible = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    name = unicodedata.normalize("NFKC", visible.casefold()).removesuffix(".")
    if not name or _HOST_FORBIDDEN.search(name) or any(not label for label in name.split(".")):
        return None
    return name


def _loose_ipv4(name: str) -> ipaddress.IPv4Address | None:
    """An IPv4 address of one to four parts, each decimal, octal (0…) or hexadecimal (0x…)."""
    parts = name.split(".")
    if len(parts) > 4:
        return None
    numbers = []
    for part in parts:
        number = _loose_number(part)
        if number is None:
            return None
        numbers.append(number)
    *leading, last = numbers
    if any(number > 255 for number in leading) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last
    for position, number in enumerate(leading):
        value += number << (8 * (3 - position))
    return ipaddress.IPv4Address(value)


def _loose_number(part: str) -> int | None:
    if len(part) > 64 or _NUMERIC.fullmatch(part) is None:
        return None
    try:
        if part[:2] in ("0x", "0X"):
            return int(part[2:] or "0", 16)
        return int(part, 8 if part.startswith("0") else 10)
    except ValueError:
        return None


def _judge_ipv6(text: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return _NOT_A_URL
    if address.scope_id is not None:
        return _PRIVATE
    return None if _is_public(address) else _PRIVATE


def _is_public(address: Address) -> bool:
    """Whether packets to it leave the private world, also through the IPv4 inside an IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64 or address in _V4_COMPATIBLE:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if any(part is not None and not _is_public(part) for part in inner):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not address.is_multicast
