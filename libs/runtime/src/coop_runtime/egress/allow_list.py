"""What an operator allows beyond the public internet: networks, addresses, exact host names.

Must not: resolve names; it judges addresses and texts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from coop_contracts.address import Address, is_loopback_name, is_numeric_host

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


def normal_host(host: str) -> str:
    """A host name in lower case, without the root's full stop."""
    return host.lower().rstrip(".")


def is_host_name(host: str) -> bool:
    """True for an ASCII host name (IDNA-encoded), in normal form."""
    return len(host) <= 253 and _HOST.fullmatch(host) is not None


class AllowList:
    """The operator's entries."""

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

    def may_have(self, name: str) -> bool:
        """Whether a local name may lead to what is allowed: the machine's own where a loopback
        address is, any other where a network is at all."""
        if is_loopback_name(name):
            return any(network.is_loopback for network in self._networks)
        return bool(self._networks)

    def has_address(self, address: Address) -> bool:
        """True when the address lies in an allowed network."""
        return any(
            address.version == network.version and address in network for network in self._networks
        )
