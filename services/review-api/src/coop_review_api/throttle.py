"""The brake on guessing: passwords, codes of second factors, addresses that have an account.

    failures   1 … free   then each failure doubles the wait: 1 s, 2 s, 4 s … at most 15 min

Of passwords three counters are kept: of the account from this address, of the account from
anywhere, and of the address against any account, with rising numbers of free failures, so that one
attacker cannot lock a person out from their own address with a handful of tries. Of codes one is
kept by account: whoever gets as far knows the password. A counter rests after an hour without a
failure. The check comes before the secret is looked at: while blocked, a right one is refused.

Guarantees: counts are in PostgreSQL, shared by all processes, and kept when a login is refused.
Must not: store an e-mail address or an IP address in clear text.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.error import TooManyAttempts
from coop_review_api.schema import login_throttle

MAX_WAIT = timedelta(minutes=15)
_REST = timedelta(hours=1)
_FREE_ACCOUNT_AND_ADDRESS = 5
_FREE_ACCOUNT = 20
_FREE_ADDRESS = 50
_FREE_CODES = 5
_FREE_TOKENS = 20
_FREE_RESETS = 20
_FREE_RESETS_ACCOUNT = 5
_MAX_DOUBLINGS = 20


class Counter(NamedTuple):
    key: str
    free: int


def of_password(email: str, ip: str) -> tuple[Counter, ...]:
    """The counters of one attempt at a password."""
    return (
        Counter(_key("account-address", email, ip), _FREE_ACCOUNT_AND_ADDRESS),
        Counter(_key("account", email), _FREE_ACCOUNT),
        Counter(_key("address", ip), _FREE_ADDRESS),
    )


def of_code(user_id: str) -> tuple[Counter, ...]:
    """The counters of one attempt at a second factor."""
    return (Counter(_key("code", user_id), _FREE_CODES),)


def of_own_password(user_id: str) -> tuple[Counter, ...]:
    """The counters of somebody signed in who shows their password again."""
    return (Counter(_key("own-password", user_id), _FREE_ACCOUNT_AND_ADDRESS),)


def of_token(ip: str) -> tuple[Counter, ...]:
    """The counters of one attempt at the token of a link."""
    return (Counter(_key("token", ip), _FREE_TOKENS),)


def of_reset(email: str, ip: str) -> tuple[Counter, ...]:
    """The counters of asking for a new password, for which nobody needs an account: each counts."""
    return (
        Counter(_key("reset", ip), _FREE_RESETS),
        Counter(_key("reset-account", email), _FREE_RESETS_ACCOUNT),
    )


def wait_after(failures: int, *, free: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    if failures < free:
        return timedelta(0)
    return min(MAX_WAIT, timedelta(seconds=2 ** min(failures - free, _MAX_DOUBLINGS)))


async def check(connection: AsyncConnection, counters: Iterable[Counter], *, now: datetime) -> None:
    """Raises `TooManyAttempts` while any counter blocks."""
    keys = [counter.key for counter in counters]
    until = await connection.scalar(
        select(func.max(login_throttle.c.blocked_until)).where(login_throttle.c.key.in_(keys))
    )
    if until is not None and until > now:
        seconds = math.ceil((until - now).total_seconds())
        raise TooManyAttempts("too many failed attempts: wait and try again", retry_after=seconds)


async def failed(
    connection: AsyncConnection, counters: Iterable[Counter], *, now: datetime
) -> None:
    """Count a failure."""
    for counter in sorted(counters):  # one order of row locks: no deadlock
        row = insert(login_throttle).values(
            key=counter.key, failures=1, blocked_until=now, updated_at=now
        )
        counted = case(
            (login_throttle.c.updated_at < now - _REST, 1), else_=login_throttle.c.failures + 1
        )
        failures = await connection.scalar(
            row.on_conflict_do_update(
                index_elements=["key"], set_={"failures": counted, "updated_at": now}
            ).returning(login_throttle.c.failures)
        )
        wait = wait_after(failures or 1, free=counter.free)
        if wait:
            await connection.execute(
                login_throttle.update()
                .where(login_throttle.c.key == counter.key)
                .values(blocked_until=now + wait)
            )


async def succeeded(
    connection: AsyncConnection, counters: Iterable[Counter], *, now: datetime
) -> None:
    """Forget the failures of these, and counters long at rest."""
    keys = [counter.key for counter in counters]
    await connection.execute(delete(login_throttle).where(login_throttle.c.key.in_(keys)))
    await connection.execute(
        delete(login_throttle).where(login_throttle.c.updated_at < now - _REST - MAX_WAIT)
    )


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
