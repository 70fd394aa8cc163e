"""Telling people: notifications in the console, mails into their queue, in the cause's transaction.

Guarantees: who is told of a cause twice is told once; mails are queued exactly where a mail server
is configured; every read and write is of one person of one organisation.
Must not: send anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.directory import person
from coop_review_api.directory.person import Reachable
from coop_review_api.notification.kind import Data, NotificationKind, wire_of
from coop_review_api.notification.table import alarms, mails, notifications
from coop_review_api.notification.words import render, text_of

RETENTION = timedelta(days=180)
"""Of notifications, read or not."""

_PRUNE = 1000


@dataclass(frozen=True, kw_only=True)
class News:
    """Something to tell people of an organisation. `cause_id` is unique for what happened."""

    org_id: str
    cause_id: str
    kind: NotificationKind
    data: Data
    at: datetime


async def raise_alarm(connection: AsyncConnection, news: News) -> bool:
    """Remember that this happened; False when it is known already."""
    added = await connection.scalar(
        insert(alarms)
        .values(
            org_id=news.org_id,
            cause_id=news.cause_id,
            kind=str(news.kind),
            data=wire_of(news.data),
            raised_at=news.at,
        )
        .on_conflict_do_nothing()
        .returning(alarms.c.cause_id)
    )
    return added is not None


async def tell(
    connection: AsyncConnection, news: News, *, permission: Permission, mail: bool
) -> None:
    """Notify the active people who hold the permission; with `mail`, queue mails to them and to
    the organisation's own address."""
    roles = await role_permission.roles_holding(connection, news.org_id, permission)
    people = await person.with_roles(connection, news.org_id, roles)
    await _tell(connection, news, people, mail=mail, copy=True)


async def tell_people(
    connection: AsyncConnection, news: News, user_ids: Collection[str], *, mail: bool
) -> None:
    """Notify these people of the organisation, those of them who are active; with `mail`, by mail
    too."""
    people = await person.active(connection, news.org_id, user_ids)
    await _tell(connection, news, people, mail=mail, copy=False)


async def _tell(
    connection: AsyncConnection, news: News, people: Sequence[Reachable], *, mail: bool, copy: bool
) -> None:
    if people:
        await connection.execute(
            insert(notifications)
            .values(
                [
                    {
                        "org_id": news.org_id,
                        "user_id": person.user_id,
                        "cause_id": news.cause_id,
                        "kind": str(news.kind),
                        "data": wire_of(news.data),
                        "created_at": news.at,
                    }
                    for person in people
                ]
            )
            .on_conflict_do_nothing()
        )
    if mail:
        await _queue_mails(connection, news, [person.email for person in people], copy=copy)


async def _queue_mails(
    connection: AsyncConnection, news: News, addresses: Sequence[str], *, copy: bool
) -> None:
    """With `copy`, the organisation's own address gets it too."""
    name, address = (
        await connection.execute(
            select(
                CURRENT.of.c.document["name"].astext, CURRENT.of.c.document["email"].astext
            ).where(
                CURRENT.of.c.org_id == news.org_id,
                CURRENT.of.c.kind == "settings",
                CURRENT.of.c.document.is_not(None),
            )
        )
    ).one_or_none() or ("", None)
    copies = [address.strip().lower()] if copy and address else []
    recipients = dict.fromkeys([*addresses, *copies])
    if not recipients:
        return
    mail = render(text_of(news.kind, news.data), organisation=name or "")
    await connection.execute(
        insert(mails)
        .values(
            [
                {
                    "org_id": news.org_id,
                    "recipient": recipient,
                    "cause_id": news.cause_id,
                    "subject": mail.subject,
                    "plain": mail.plain,
                    "html": mail.html,
                    "next_attempt_at": news.at,
                    "created_at": news.at,
                }
                for recipient in recipients
            ]
        )
        .on_conflict_do_nothing()
    )


async def page(
    connection: AsyncConnection,
    user_id: str,
    *,
    before: int | None,
    limit: int,
    unread_only: bool,
) -> Sequence[Row[Any]]:
    """A person's notifications, newest first, before `notification_id`."""
    query = (
        select(notifications)
        .where(notifications.c.user_id == user_id)
        .order_by(notifications.c.notification_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(notifications.c.notification_id < before)
    if unread_only:
        query = query.where(notifications.c.read_at.is_(None))
    return (await connection.execute(query)).all()


async def unread(connection: AsyncConnection, user_id: str) -> int:
    """How many a person has not read."""
    count = await connection.scalar(
        select(func.count())
        .select_from(notifications)
        .where(notifications.c.user_id == user_id, notifications.c.read_at.is_(None))
    )
    return int(count or 0)


async def mark_read(
    connection: AsyncConnection, user_id: str, notification_id: int, *, now: datetime
) -> Row[Any] | None:
    """Mark one as read, if it is this person's; the first time counts."""
    marked = await connection.execute(
        update(notifications)
        .where(
            notifications.c.user_id == user_id,
            notifications.c.notification_id == notification_id,
        )
        .values(read_at=func.coalesce(notifications.c.read_at, now))
        .returning(notifications)
    )
    row: Row[Any] | None = marked.one_or_none()
    return row


async def mark_all_read(
    connection: AsyncConnection, user_id: str, *, up_to: int | None, now: datetime
) -> int:
    """Mark all as read, or those up to and with one id; gives how many were not."""
    statement = (
        update(notifications)
        .where(notifications.c.user_id == user_id, notifications.c.read_at.is_(None))
        .values(read_at=now)
    )
    if up_to is not None:
        statement = statement.where(notifications.c.notification_id <= up_to)
    return (await connection.execute(statement)).rowcount


async def prune(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete some of what is too old; gives how many."""
    old = (
        select(notifications.c.notification_id)
        .where(notifications.c.created_at < now - RETENTION)
        .limit(_PRUNE)
    )
    done = await connection.execute(
        delete(notifications).where(notifications.c.notification_id.in_(old))
    )
    return done.rowcount
