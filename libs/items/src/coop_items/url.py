"""Which URLs an item may carry.

Guarantees: an accepted URL is http or https and its host is a public address or a name that is not
a local one, in every spelling a URL parser would read as such: IPv6, IPv4 inside IPv6, decimal,
octal and hexadecimal IPv4, percent-encoded and full-width digits.
Must not: resolve names. What a name resolves to is checked when it is fetched
(`coop_runtime.egress.guard`), and more strictly (`coop_contracts.address`).

Source of host decoding: the WHATWG URL Standard, host parsing.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from coop_contracts.address import is_numeric_host, is_public, parse_spelt_ipv4
from coop_items.refusal import NotAnItemValue

# A backslash is a slash to browsers and a character to others: no such URL passes.
_URL = re.compile(r"(https?)://([^/?#\\]*)([^\\]*)", re.IGNORECASE)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]")
_HOST_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f#/<>?@\\^|%:\[\]]")

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

_NOT_A_URL: Final = "it must be an http or https URL"
_PRIVATE: Final = "the host must not be private, loopback, link-local or unspecified"


def check_url(value: str, *, allow_private_hosts: bool = False) -> str:
    """The URL, trimmed. Raises NotAnItemValue."""
    url = value.strip()
    match = _URL.fullmatch(url)
    if match is None or _FORBIDDEN.search(url):
        raise NotAnItemValue(_NOT_A_URL)
    host = _host_of(match[2])
    reason = _judge_host(host)
    if reason is _PRIVATE and allow_private_hosts:
        return url
    if reason is not None:
        raise NotAnItemValue(reason)
    return url


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


def _judge_ipv6(text: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return _NOT_A_URL
    if address.scope_id is not None:
        return _PRIVATE
    return None if is_public(address, strictly=False) else _PRIVATE
