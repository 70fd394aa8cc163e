"""The brake on guessing: passwords, codes of second factors, addresses that have an account.

    failures   1 … free   then each failure doubles the wait: 1 s, 2 s, 4 s … at most 15 min

Of passwords three counters are kept: of the account from this address, of the account from
anywhere, and of the address against any account, with rising numbers of free failures. Of codes one
is kept by account: whoever gets as far knows the password. A device that the account signed in on
before (`device`) has a counter of its own instead of all these, so that nobody locks a person out
of the browser that they use, from wherever and however often others guess. An IPv6 address stands
for its /64: whoever has one address of that has them all. A counter rests after an hour without a
failure.

Guarantees: an attempt at a password is counted before the password is looked at, so that many at
once are no more than many in a row; while blocked, a right one is refused; counts are in
PostgreSQL, shared by all processes, and kept when a login is refused.
Must not: store an e-mail address or an IP address in clear text.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.kernel.error import TooManyAttempts
from coop_review_api.people.table import login_throttle

MAX_WAIT = timedelta(minutes=15)
_REST = timedelta(hours=1)
_FREE_DEVICE = 5
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


class PasswordCounters(NamedTuple):
    """The counters of one attempt at a password: a success ends `own`, and is no failure of
    `shared`."""

    own: tuple[Counter, ...]
    shared: tuple[Counter, ...] = ()

    @property
    def all(self) -> tuple[Counter, ...]:
        return self.own + self.shared


def of_password(email: str, ip: str, *, device: str | None = None) -> PasswordCounters:
    """The counters of one attempt at a password; `device` is one that the account knows."""
    if device is not None:
        return PasswordCounters((Counter(_key("device", email, device), _FREE_DEVICE),))
    address = network_of(ip)
    own = (
        Counter(_key("account-address", email, address), _FREE_ACCOUNT_AND_ADDRESS),
        Counter(_key("account", email), _FREE_ACCOUNT),
    )
    return PasswordCounters(own, (Counter(_key("address", address), _FREE_ADDRESS),))


def of_code(user_id: str, *, device: str | None = None) -> tuple[Counter, ...]:
    """The counters of one attempt at a second factor; `device` is one that the account knows."""
    if device is not None:
        return (Counter(_key("device-code", user_id, device), _FREE_CODES),)
    return (Counter(_key("code", user_id), _FREE_CODES),)


def of_own_password(user_id: str) -> tuple[Counter, ...]:
    """The counters of somebody signed in who shows their password again."""
    return (Counter(_key("own-password", user_id), _FREE_ACCOUNT_AND_ADDRESS),)


def of_token(ip: str) -> tuple[Counter, ...]:
    """The counters of one attempt at the token of a link."""
    return (Counter(_key("token", network_of(ip)), _FREE_TOKENS),)


def of_reset(email: str, ip: str) -> tuple[Counter, ...]:
    """The counters of asking for a new password, for which nobody needs an account: each counts."""
    return (
        Counter(_key("reset", network_of(ip)), _FREE_RESETS),
        Counter(_key("reset-account", email), _FREE_RESETS_ACCOUNT),
    )


def network_of(ip: str) -> str:
    """What one subscriber has: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


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


async def take(connection: AsyncConnection, counters: Iterable[Counter], *, now: datetime) -> None:
    """Count an attempt as failed before it is looked at. Raises `TooManyAttempts` while any counter
    blocks; let that end the transaction, so that nothing is counted."""
    for counter in _in_order(counters):
        if not await _count(connection, counter, now=now):
            await check(connection, [counter], now=now)
            raise TooManyAttempts("too many attempts at once", retry_after=1)


async def give_back(connection: AsyncConnection, counters: Iterable[Counter]) -> None:
    """What was taken was no failure."""
    for counter in _in_order(counters):
        await connection.execute(
            update(login_throttle)
            .where(login_throttle.c.key == counter.key)
            .values(failures=func.greatest(login_throttle.c.failures - 1, 0))
        )


async def failed(
    connection: AsyncConnection, counters: Iterable[Counter], *, now: datetime
) -> None:
    """Count a failure; for what was checked before, in the same transaction."""
    for counter in _in_order(counters):
        await _count(connection, counter, now=now)


async def succeeded(
    connection: AsyncConnection, counters: Iterable[Counter], *, now: datetime
) -> None:
    """Forget the failures of these, and counters long at rest."""
    keys = [counter.key for counter in counters]
    await connection.execute(delete(login_throttle).where(login_throttle.c.key.in_(keys)))
    await connection.execute(
        delete(login_throttle).where(login_throttle.c.updated_at < now - _REST - MAX_WAIT)
    )


async def _count(connection: AsyncConnection, counter: Counter, *, now: datetime) -> bool:
    """Count a failure, unless the counter blocks."""
    row = insert(login_throttle).values(
        key=counter.key, failures=1, blocked_until=now, updated_at=now
    )
    counted = case(
        (login_throttle.c.updated_at < now - _REST, 1), else_=login_throttle.c.failures + 1
    )
    failures = await connection.scalar(
        row.on_conflict_do_update(
            index_elements=["key"],
            set_={"failures": counted, "updated_at": now},
            where=login_throttle.c.blocked_until <= now,
        ).returning(login_throttle.c.failures)
    )
    if failures is None:
        return False
    wait = wait_after(failures, free=counter.free)
    if wait:
        await connection.execute(
            update(login_throttle)
            .where(login_throttle.c.key == counter.key)
            .values(blocked_until=now + wait)
        )
    return True


def _in_order(counters: Iterable[Counter]) -> list[Counter]:
    """One order of row locks: no deadlock."""
    return sorted(counters)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
