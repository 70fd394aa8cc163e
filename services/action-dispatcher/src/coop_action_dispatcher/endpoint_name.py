"""The name of an endpoint: what deliveries to one receiver of an organisation have in common.

Guarantees: the same URL has the same name, always: rows are found by it. It shows the URL's origin;
path and query may hold a secret, and of them it has eight digits of a hash.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from urllib.parse import urlsplit

from coop_action_dispatcher.arrival import Undeliverable

NOWHERE = ""
"""The endpoint of deliveries of which it is not known yet, or never will be, where they go."""


@lru_cache(maxsize=4096)
def endpoint_of(url: str | None) -> str:
    """The name of the endpoint that a URL leads to.

    Raises `Undeliverable` for what is no http or https URL.
    """
    try:
        parts = urlsplit(url or "")
        port = parts.port
    except ValueError:
        raise Undeliverable("the callback URL is not valid") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Undeliverable("the callback URL is not an http or https URL")
    origin = f"{parts.scheme}://{parts.hostname}:{port or (443 if parts.scheme == 'https' else 80)}"
    rest = parts.path if not parts.query else f"{parts.path}?{parts.query}"
    if rest in ("", "/"):
        return origin
    return f"{origin} #{hashlib.sha256(rest.encode()).hexdigest()[:8]}"
