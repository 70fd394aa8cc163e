"""Which IP addresses belong to the public internet, in whatever spelling a host has.

Guarantees: an address is judged by the IANA special-purpose address registries (RFC 6890 and its
updates), and so is the IPv4 address inside an IPv6 one. There are two verdicts. The loose one is
for what somebody names, such as an image's URL in an item: it refuses what Python's own copy of the
registries calls not global. The strict one is for where this system itself sends something: it also
refuses what is unassigned, translates or relays, or serves a cloud's own hosts. What passes the
strict one passes the loose one.
Must not: resolve names; it judges addresses and texts.

Source of the spellings of IPv4: the WHATWG URL Standard, host parsing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NEVER_SENT_TO_V4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; also a cloud's metadata service
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's wire server: public in form, the host's own in fact
        "169.254.0.0/16",  # link-local: metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Outside 2000::/3 lie loopback, NAT64, unique local, link-local, multicast and what is unassigned.
_ASSIGNED_V6: Final = ipaddress.IPv6Network("2000::/3")
_NEVER_SENT_TO_V6: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo (2001::/32) and other protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries an IPv4 address
        "3fff::/20",
    )
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")

_LOOPBACK_NAMES: Final = frozenset({"localhost", "ip6-localhost", "ip6-loopback"})
_LOCAL_NAMES: Final = _LOOPBACK_NAMES | {"broadcasthost", "metadata"}
_LOCAL_SUFFIXES: Final = (
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".home.arpa",
)

_NUMBER: Final = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)")


def is_public(address: Address, *, strictly: bool) -> bool:
    """Whether packets to it leave the private world. `strictly`: see above, for whoever sends."""
    if isinstance(address, ipaddress.IPv6Address):
        if not all(is_public(inner, strictly=strictly) for inner in _inside(address)):
            return False
        if address.ipv4_mapped is not None:
            return True
    if not address.is_global or address.is_multicast:
        return False
    return not strictly or not _is_never_sent_to(address)


def _inside(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that it carries: mapped, 6to4, Teredo, NAT64, compatible."""
    for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
        if inner is not None:
            yield inner
    if address in _NAT64 or address in _V4_COMPATIBLE:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _is_never_sent_to(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return any(address in network for network in _NEVER_SENT_TO_V4)
    return address not in _ASSIGNED_V6 or any(address in one for one in _NEVER_SENT_TO_V6)


def parse_address(text: str) -> Address | None:
    """The address of a literal (brackets and zone removed), an IPv4-mapped one as IPv4; or None."""
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_local_name(name: str) -> bool:
    """True for a host name (in lower case, without the root's full stop) that is never a public
    host's: it is resolved by the machine or the network it is asked in."""
    return name in _LOCAL_NAMES or name.endswith(_LOCAL_SUFFIXES)


def is_loopback_name(name: str) -> bool:
    """True for a local name that means the machine itself (RFC 6761, 6.3)."""
    return name in _LOOPBACK_NAMES or name.endswith(".localhost")


def is_numeric_host(host: str) -> bool:
    """True for `2130706433`, `0x7f.1`, `127.1` and the like: what an address parser somewhere takes
    for an IPv4 address, or would refuse as a wrong one (WHATWG: a host that "ends in a number")."""
    last = host.rstrip(".").rpartition(".")[2]
    return _NUMBER.fullmatch(last) is not None


def parse_spelt_ipv4(host: str) -> ipaddress.IPv4Address | None:
    """An IPv4 address of one to four parts, each decimal, octal (0…) or hexadecimal (0x…)."""
    parts = host.split(".")
    if len(parts) > 4:
        return None
    numbers = []
    for part in parts:
        number = _number(part)
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


def _number(part: str) -> int | None:
    if len(part) > 64 or _NUMBER.fullmatch(part) is None:
        return None
    try:
        if part[:2] in ("0x", "0X"):
            return int(part[2:] or "0", 16)
        return int(part, 8 if part.startswith("0") else 10)
    except ValueError:
        return None
