"""Where a request comes from.

Guarantees: what a client says of itself counts only as far as a trusted proxy vouches for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from fastapi import Request

from coop_review_api.kernel.error import ForeignOrigin
from coop_review_api.settings import Settings


def client_ip(request: Request, settings: Settings) -> str:
    """The caller's address; behind trusted proxies, the one that the outermost of them saw."""
    peer = request.client.host if request.client else "unknown"
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    while is_trusted(peer, settings.review_trusted_proxies) and forwarded:
        peer = forwarded.pop().strip() or peer
    return peer


def is_trusted(peer: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether an address lies in one of the networks. An IPv4 address that was written as an IPv6
    one (`::ffff:10.0.0.1`), as a listener of both kinds sees it, is the IPv4 address."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any((mapped or address) in network for network in networks)


def check_origin(request: Request, settings: Settings) -> None:
    """Raises `ForeignOrigin` for a browser page of another origin (login CSRF)."""
    origin = request.headers.get("origin")
    if origin is None or origin in settings.review_origins:
        return
    if urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignOrigin("pages of this origin may not sign in here")
