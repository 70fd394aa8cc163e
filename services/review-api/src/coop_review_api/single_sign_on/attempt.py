"""Attempts to sign in, from the redirect to the provider to the session.

    begun ── answered (once, within 10 minutes) ──▶ SAML: ticket ── redeemed (once, within 1 minute)
      │                                       └───▶ OIDC: session
      └── too old ──▶ gone

`state` travels through the provider, the browser's secret stays in its cookie, and the ticket goes
to whoever brought the provider's answer: only one browser has the cookie and the ticket both.

Guarantees: state, cookie and ticket are kept as hashes; each of them works once; what is open is
bounded, for an address and for a provider.
Must not: say whose attempt it was to a browser that does not have its cookie.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Row, Table, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel.error import TooManyAttempts
from coop_review_api.people.throttle import network_of
from coop_review_api.single_sign_on.assertion import Assertion
from coop_review_api.single_sign_on.error import AttemptExpired, SignInRefused
from coop_review_api.single_sign_on.provider import Provider
from coop_review_api.single_sign_on.table import sso_assertions, sso_attempts

LIFETIME = timedelta(minutes=10)
TICKET_LIFETIME = timedelta(minutes=1)
_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes in base64url
_SWEPT = 1000  # rows at once: nobody waits for a long night's leftovers


@dataclass(frozen=True, kw_only=True)
class AttemptLimits:
    """How many may be under way, from one address and at one provider."""

    of_address: int = 300
    of_provider: int = 50_000


@dataclass(frozen=True, kw_only=True)
class BegunAttempt:
    """An attempt on its way. `state` is RelayState or OAuth's state, `message_id` SAML's ID."""

    state: str
    message_id: str


@dataclass(frozen=True, kw_only=True)
class AnsweredAttempt:
    """An attempt whose answer has come."""

    state_hash: bytes
    message_id: str
    return_to: str


@dataclass(frozen=True, kw_only=True)
class RedeemedTicket:
    """Who signs in, and where they wanted to go."""

    user_id: str
    return_to: str


def browser_secret(cookie: str | None) -> str:
    """The secret of a browser: the one it has, so that two of its tabs do not disturb each other,
    or a new one."""
    if cookie is not None and _TOKEN.fullmatch(cookie):
        return cookie
    return secrets.token_urlsafe(_BYTES)


def derived(browser: str, state: str, purpose: str) -> str:
    """A value that only the browser's own flow has: nonce, code verifier (43 characters)."""
    digest = hmac.digest(browser.encode(), f"{purpose}\0{state}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def begin(
    connection: AsyncConnection,
    provider: Provider,
    *,
    browser: str,
    ip: str,
    return_to: str,
    limits: AttemptLimits,
    now: datetime,
) -> BegunAttempt:
    """Keep a new attempt. Raises `TooManyAttempts`."""
    await _sweep(connection, sso_attempts, sso_attempts.c.state_hash, now)
    address = _hash(network_of(ip))
    await _check_open(connection, provider.id, address, limits)
    begun = BegunAttempt(
        state=secrets.token_urlsafe(_BYTES), message_id=f"_{secrets.token_hex(20)}"
    )
    await connection.execute(
        insert(sso_attempts).values(
            state_hash=_hash(begun.state),
            org_id=provider.org_id,
            provider_id=provider.id,
            browser_hash=_hash(browser),
            address_hash=address,
            message_id=begun.message_id,
            return_to=return_to,
            expires_at=now + LIFETIME,
        )
    )
    return begun


async def answer(
    connection: AsyncConnection,
    provider: Provider,
    state: str | None,
    *,
    now: datetime,
    browser: str | None = None,
) -> AnsweredAttempt:
    """Take the attempt that an answer names, for ever; with `browser`, of that browser alone.
    Raises `AttemptExpired`."""
    of_browser = [] if browser is None else [sso_attempts.c.browser_hash == _hash(browser)]
    row = (
        await connection.execute(
            update(sso_attempts)
            .where(
                sso_attempts.c.state_hash == _hash(state or ""),
                sso_attempts.c.provider_id == provider.id,
                sso_attempts.c.org_id == provider.org_id,
                sso_attempts.c.answered_at.is_(None),
                sso_attempts.c.expires_at > now,
                *of_browser,
            )
            .values(answered_at=now)
            .returning(
                sso_attempts.c.state_hash, sso_attempts.c.message_id, sso_attempts.c.return_to
            )
        )
    ).one_or_none()
    if row is None:
        raise AttemptExpired("state", "no attempt of this browser waits for the answer")
    return AnsweredAttempt(
        state_hash=row.state_hash, message_id=row.message_id, return_to=row.return_to
    )


async def use(
    connection: AsyncConnection, provider: Provider, assertion: Assertion, *, now: datetime
) -> None:
    """Remember that an assertion was used. Raises `SignInRefused` when it was before."""
    await _sweep(connection, sso_assertions, sso_assertions.c.assertion_hash, now)
    inserted = await connection.scalar(
        upsert(sso_assertions)
        .values(
            provider_id=provider.id,
            assertion_hash=_hash(assertion.assertion_id),
            expires_at=assertion.expires_at,
        )
        .on_conflict_do_nothing()
        .returning(sso_assertions.c.provider_id)
    )
    if inserted is None:
        raise SignInRefused("replay", "the assertion was used before")


async def ticket(
    connection: AsyncConnection, answered: AnsweredAttempt, *, user_id: str, now: datetime
) -> str:
    """What the browser that brought the answer redeems, if it is the one that began."""
    made = secrets.token_urlsafe(_BYTES)
    await connection.execute(
        update(sso_attempts)
        .where(sso_attempts.c.state_hash == answered.state_hash)
        .values(ticket_hash=_hash(made), user_id=user_id, expires_at=now + TICKET_LIFETIME)
    )
    return made


async def redeem(
    connection: AsyncConnection,
    provider: Provider,
    given: str,
    *,
    browser: str | None,
    now: datetime,
) -> RedeemedTicket:
    """The sign-in behind a ticket, which is spent whatever comes of it. Raises `AttemptExpired`, or
    `SignInRefused` for a browser that did not begin."""
    row: Row[*tuple[Any, ...]] | None = (
        await connection.execute(
            delete(sso_attempts)
            .where(
                sso_attempts.c.ticket_hash == _hash(given),
                sso_attempts.c.provider_id == provider.id,
                sso_attempts.c.expires_at > now,
            )
            .returning(
                sso_attempts.c.browser_hash, sso_attempts.c.user_id, sso_attempts.c.return_to
            )
        )
    ).one_or_none()
    if row is None:
        raise AttemptExpired("ticket", "no sign-in waits for this ticket")
    if not hmac.compare_digest(row.browser_hash, _hash(browser or "")):
        raise SignInRefused("browser", "another browser began this sign-in")
    return RedeemedTicket(user_id=row.user_id, return_to=row.return_to)


async def _sweep(
    connection: AsyncConnection, table: Table, key: Column[Any], now: datetime
) -> None:
    """Forget what is too old, but for rows that somebody else is forgetting."""
    old = (
        select(key)
        .where(table.c.expires_at < now)
        .limit(_SWEPT)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    await connection.execute(delete(table).where(key.in_(old), table.c.expires_at < now))


async def _check_open(
    connection: AsyncConnection, provider_id: str, address: bytes, limits: AttemptLimits
) -> None:
    of_address, of_provider = (
        await connection.execute(
            select(
                select(func.count())
                .where(sso_attempts.c.address_hash == address)
                .scalar_subquery(),
                select(func.count())
                .where(sso_attempts.c.provider_id == provider_id)
                .scalar_subquery(),
            )
        )
    ).one()
    if of_address >= limits.of_address or of_provider >= limits.of_provider:
        seconds = int(LIFETIME.total_seconds())
        raise TooManyAttempts("too many sign-ins are under way: wait", retry_after=seconds)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
