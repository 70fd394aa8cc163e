"""Where a request comes from.

Guarantees: what a client says of itself counts only as far as a trusted proxy vouches for it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from coop_review_api.kernel.error import ForeignOrigin
from coop_review_api.settings import Settings


def client_ip(request: Request, settings: Settings) -> str:
    """The caller's address; behind trusted proxies, the one that the outermost of them saw."""
    peer = request.client.host if request.client else "unknown"
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    while peer in settings.review_trusted_proxies and forwarded:
        peer = forwarded.pop().strip() or peer
    return peer


def check_origin(request: Request, settings: Settings) -> None:
    """Raises `ForeignOrigin` for a browser page of another origin (login CSRF)."""
    origin = request.headers.get("origin")
    if origin is None or origin in settings.review_origins:
        return
    if urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignOrigin("pages of this origin may not sign in here")
