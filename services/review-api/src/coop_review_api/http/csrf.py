"""The token by which a page proves that it was given the session's cookie by this API.

    CSRF token = HMAC-SHA256(key=session token, "coop csrf"): of this session, of no other

Guarantees: compared in constant time; nothing is stored.
"""

from __future__ import annotations

import base64
import hmac


def csrf_token_of(token: str) -> str:
    """The token that a page must send back to change anything in this session."""
    digest = hmac.digest(token.encode(), b"coop csrf", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def csrf_matches(token: str, sent: str | None) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(csrf_token_of(token).encode(), (sent or "").encode())
