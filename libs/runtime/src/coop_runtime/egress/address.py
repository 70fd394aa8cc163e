"""Which addresses the outside world may send this system to.

Guarantees: only globally reachable unicast addresses pass, by the IANA special-purpose address
registries (RFC 6890 and its updates), plus those an operator allows by name.
Must not: resolve names; it judges addresses and texts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SPECIAL_V4 = tuple(
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
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo (2001::/32) and other protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries an IPv4 address
        "3fff::/20",
    )
)

# WHATWG URL "ends in a number": what an address parser somewhere may take for an IPv4 address.
_NUMBER = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)")
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


def parse_address(text: str) -> Address | None:
    """The address of a literal (brackets and zone removed), an IPv4-mapped one as IPv4; or None."""
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return unmapped(address)


def unmapped(address: Address) -> Address:
    """`::ffff:a.b.c.d` as `a.b.c.d`; any other address as it is."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """True for an address that anyone on the internet reaches and that is no one's own network."""
    address = unmapped(address)
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    # Outside 2000::/3 lie loopback, NAT64, unique local, link-local and multicast.
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)


def is_numeric_host(host: str) -> bool:
    """True for `2130706433`, `0x7f.1`, `127.1` and the like: an IPv4 address in disguise."""
    last = host.rstrip(".").rpartition(".")[2]
    return _NUMBER.fullmatch(last) is not None


def normal_host(host: str) -> str:
    """A host name in lower case, without the root's full stop."""
    return host.lower().rstrip(".")


def is_host_name(host: str) -> bool:
    """True for an ASCII host name (IDNA-encoded), in normal form."""
    return len(host) <= 253 and _HOST.fullmatch(host) is not None


class AllowList:
    """What an operator allows beyond the public internet: networks, addresses, exact host names."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Raises ValueError for an entry that is neither a network, an address nor a host name."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in entries:
            text = entry.strip()
            try:
                networks.append(ipaddress.ip_network(text.strip("[]"), strict=False))
            except ValueError:
                host = normal_host(text)
                if not is_host_name(host) or is_numeric_host(host):
                    raise ValueError(f"neither a network nor a host name: {text!r}") from None
                hosts.add(host)
        self._networks: Sequence[Network] = networks
        self._hosts = frozenset(hosts)

    def has_host(self, host: str) -> bool:
        """True when the name is allowed, whatever it resolves to."""
        return normal_host(host) in self._hosts

    def has_address(self, address: Address) -> bool:
        """True when the address lies in an allowed network."""
        return any(
            address.version == network.version and address in network for network in self._networks
        )
