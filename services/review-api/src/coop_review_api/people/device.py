"""Devices: browsers in which somebody signed in with their password before.

    sign-in ──▶ `<nonce>.<end, Unix seconds>.<code>` in a cookie of half a year ──▶ next sign-in

Guarantees: only a holder of the operator's key can make one; it is good for one address; it opens
nothing, it only has a brake of its own (`throttle`; OWASP, "Slow down online guessing attacks with
device cookies").
Must not: be taken for a sign that somebody is who they say.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from coop_runtime.secret.vault import SecretError, Vault

LIFETIME = timedelta(days=180)

_CONTEXT = "device"
_NONCE_BYTES = 16
_PARTS = 3
_MAX_COOKIE = 300


def of_cookie(vault: Vault, cookie: str | None, *, email: str, now: datetime) -> str | None:
    """The device, if this address signed in on it before; None for any other cookie."""
    parts = (cookie or "")[:_MAX_COOKIE].split(".", _PARTS - 1)
    if len(parts) != _PARTS:
        return None
    nonce, until, code = parts
    try:
        good = vault.authentic(_said(nonce, until, email), code, context=_CONTEXT)
        return nonce if good and int(until) > now.timestamp() else None
    except (SecretError, ValueError):  # made under a key that is gone, or by somebody else
        return None


def cookie_for(vault: Vault, device: str | None, *, email: str, now: datetime) -> str:
    """The cookie of a device; of a new one where there is none yet."""
    nonce = device or secrets.token_urlsafe(_NONCE_BYTES)
    until = str(int((now + LIFETIME).timestamp()))
    code = vault.authenticate(_said(nonce, until, email), context=_CONTEXT)
    return f"{nonce}.{until}.{code}"


def _said(nonce: str, until: str, email: str) -> str:
    return f"{nonce}.{until}.{email}"
