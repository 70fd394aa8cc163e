"""The queue of mails.

    queued ──▶ PENDING ──lease──▶ sent ─────────────────────▶ SENT
                  ▲                 │╲ refused for good, or tried too often
                  └─ next attempt ──┘ ╲────────────────────▶ DEAD

Guarantees: a mail is in the queue because its cause was committed, with it; it is sent at least
once, with the same Message-ID each time, though a process dies; two processes do not send the same
one at once; those of a suspended organisation wait.
Must not: hold a transaction open while a server is waited for: a lease does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.notification.table import mails

LEASE: Final = 180.0
"""Seconds in which whoever took a mail is to say what became of it."""

RETRY_DELAYS: Final = (60, 300, 1800, 7200, 21600, 43200, 86400)
"""Seconds between attempts. After the last one the mail is dead."""

RETENTION: Final = timedelta(days=30)
"""Of mails that were sent or given up."""

_MAX_ERROR = 500

_TAKE = text(
    f"""
    WITH due AS MATERIALIZED (
        SELECT mail_id FROM review.mails AS waiting
        WHERE state = 'PENDING' AND next_attempt_at <= :now AND NOT EXISTS (
            SELECT FROM {CURRENT.sql} AS settings
            WHERE settings.org_id = waiting.org_id AND settings.kind = '{Kind.SETTINGS}'
              AND settings.document ->> 'suspendedAt' IS NOT NULL)
        ORDER BY next_attempt_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE review.mails AS m
    SET attempts = m.attempts + 1,
        next_attempt_at = CAST(:now AS timestamptz) + make_interval(secs => :lease)
    FROM due WHERE m.mail_id = due.mail_id
    RETURNING m.mail_id, m.org_id, m.cause_id, m.recipient, m.subject, m.plain, m.html, m.link,
        m.attempts, m.created_at
    """  # noqa: S608 - made of constants
)

_PRUNE = text(
    """
    DELETE FROM review.mails WHERE mail_id = ANY(ARRAY(
        SELECT mail_id FROM review.mails
        WHERE state <> 'PENDING' AND finished_at < :before LIMIT 1000))
    """
)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One to be sent; `attempts` includes this one, `link` is the ciphertext of a letter's."""

    mail_id: int
    org_id: str
    cause_id: str
    recipient: str
    subject: str
    plain: str
    html: str
    link: str | None
    attempts: int
    created_at: datetime


async def take(connection: AsyncConnection, *, limit: int, now: datetime) -> list[Mail]:
    """Lease what is due, the longest due first."""
    found = await connection.execute(_TAKE, {"now": now, "limit": limit, "lease": LEASE})
    return sorted((Mail(**row._mapping) for row in found), key=lambda mail: mail.mail_id)


async def sent(connection: AsyncConnection, mail: Mail, *, now: datetime) -> None:
    """The server took it."""
    await _finish(connection, mail, "SENT", None, now)


async def failed(
    connection: AsyncConnection, mail: Mail, error: str, *, for_good: bool, now: datetime
) -> bool:
    """It was not taken: again later, or never. True when it is given up."""
    given_up = for_good or mail.attempts > len(RETRY_DELAYS)
    if given_up:
        await _finish(connection, mail, "DEAD", error, now)
    else:
        await put_back(connection, [mail], error, delay=RETRY_DELAYS[mail.attempts - 1], now=now)
    return given_up


async def put_back(
    connection: AsyncConnection,
    taken: Sequence[Mail],
    error: str | None,
    *,
    delay: float,
    now: datetime,
    untried: bool = False,
) -> None:
    """Due again after `delay` seconds. `untried`: this attempt does not count."""
    await connection.execute(
        update(mails)
        .where(mails.c.mail_id.in_([mail.mail_id for mail in taken]), mails.c.state == "PENDING")
        .values(
            next_attempt_at=now + timedelta(seconds=delay),
            last_error=mails.c.last_error if error is None else _stored(error),
            attempts=mails.c.attempts - (1 if untried else 0),
        )
    )


async def pending(connection: AsyncConnection) -> int:
    """How many wait."""
    count = await connection.scalar(
        select(func.count()).select_from(mails).where(mails.c.state == "PENDING")
    )
    return int(count or 0)


async def prune(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete some of those whose end is long ago; gives how many."""
    return (await connection.execute(_PRUNE, {"before": now - RETENTION})).rowcount


async def _finish(
    connection: AsyncConnection, mail: Mail, state: str, error: str | None, now: datetime
) -> None:
    await connection.execute(
        update(mails)
        .where(mails.c.mail_id == mail.mail_id, mails.c.state == "PENDING")
        .values(
            state=state,
            finished_at=now,
            last_error=None if error is None else _stored(error),
            link=None,
        )
    )


def _stored(error: str) -> str:
    return error.replace("\0", "\ufffd")[:_MAX_ERROR]
