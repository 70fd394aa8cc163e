"""One look at the database for everybody who listens.

Guarantees: its cost does not depend on how many listen: a few statements, by index but for the
counts, which read every pending job of the organisations that are watched; configuration is read
again only when it changed.
Must not: decide who is shown what; `hub` does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, OrgSettings, Queue, RoleDefinition
from coop_contracts.permission import Permission
from coop_queues.reading import CLAIMS, GRAVE, JOBS
from coop_review_api.comment.relation import COMMENTS
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.relation import ORGS
from coop_review_api.directory.person import PEOPLE
from coop_review_api.kernel.initials import initials_of
from coop_review_api.kernel.session_limit import SessionLimits
from coop_review_api.live.event import HeldJob, JobComments, PersonHere, QueueState, Task
from coop_review_api.live.task import tasks_of
from coop_review_api.notification.relation import NOTIFICATIONS
from coop_review_api.people.relation import SESSIONS


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """What of an organisation's configuration matters here, as of `revision`. `idle` is how long a
    session may be without a request."""

    revision: int
    queues: Mapping[str, Queue]
    roles: Mapping[str, frozenset[Permission]]
    idle: timedelta


@dataclass(frozen=True, kw_only=True)
class SessionState:
    """A session whose user is active."""

    role: str
    last_seen_at: datetime


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What is asked for: organisations, people, sessions (by their ids); jobs that people have
    open, and everybody who has one of them open."""

    org_ids: Collection[str]
    user_ids: Collection[str]
    session_ids: Collection[str]
    job_ids: Collection[str] = ()
    names_of: Collection[str] = ()


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What there is at one moment. `queues`: by organisation and queue, those where something
    waits; `harmless` the same without what is about child safety. `unread`, `held` and `tasks`: by
    person; `grave` are the held jobs that are about child safety; `comments` those with any, of the
    held jobs and the open ones; `names`: people by id."""

    at: datetime
    organisations: Mapping[str, Organisation]
    queues: Mapping[str, Mapping[str, QueueState]]
    harmless: Mapping[str, Mapping[str, QueueState]]
    unread: Mapping[str, int]
    held: Mapping[str, tuple[HeldJob, ...]]
    grave: frozenset[str]
    sessions: Mapping[str, SessionState]
    comments: Mapping[str, JobComments]
    tasks: Mapping[str, tuple[Task, ...]]
    names: Mapping[str, PersonHere]


_COUNTS = text(
    f"""
    SELECT j.org_id, j.queue_id, j.grave, count(*) AS pending,
           count(*) FILTER (WHERE j.lease_expires_at > :now) AS leased,
           count(*) FILTER (WHERE j.deadline <= :now) AS overdue,
           min(j.created_at) AS oldest
      FROM (SELECT j.org_id, j.queue_id, j.lease_expires_at, j.deadline, j.created_at,
                   {GRAVE} AS grave
              FROM {JOBS} j
             WHERE j.org_id = ANY(CAST(:orgs AS text[])) AND j.state = 'PENDING') AS j
     GROUP BY j.org_id, j.queue_id, j.grave
    """  # noqa: S608 - a constant
)
_HELD = text(
    f"""
    SELECT c.reviewer_id, CAST(j.job_id AS text) AS job_id, j.revision, j.report_count,
           j.lease_expires_at,
           {GRAVE} AS grave
      FROM {CLAIMS} c
      JOIN {JOBS} j ON j.job_id = c.job_id
     WHERE c.org_id = ANY(CAST(:orgs AS text[])) AND c.ended_at IS NULL
       AND c.reviewer_id = ANY(CAST(:users AS text[]))
       AND j.state = 'PENDING' AND j.lease_holder = c.reviewer_id AND j.lease_expires_at > :now
     ORDER BY j.job_id
    """  # noqa: S608 - constants
)
_UNREAD = text(
    f"""
    SELECT user_id, count(*) AS unread FROM {NOTIFICATIONS.sql} AS n
     WHERE user_id = ANY(CAST(:users AS text[])) AND read_at IS NULL
     GROUP BY user_id
    """  # noqa: S608 - constants; values are bound
)
_SESSIONS = text(
    f"""
    SELECT s.session_id, s.last_seen_at, u.role
      FROM {SESSIONS.sql} s
      JOIN {PEOPLE.sql} u ON u.user_id = s.user_id
     WHERE s.session_id = ANY(CAST(:sessions AS text[])) AND s.expires_at > :now
       AND u.status = 'ACTIVE'
    """  # noqa: S608
)
_COMMENTS = text(
    f"""
    SELECT CAST(j.job_id AS text) AS job_id, count(*) AS written,
           max(coalesce(c.edited_at, c.created_at)) AS latest
      FROM {JOBS} j
      JOIN {COMMENTS.sql} AS c
        ON c.org_id = j.org_id AND c.item_key = j.item_key AND c.job_id = j.job_id
     WHERE j.job_id = ANY(CAST(:jobs AS uuid[])) AND j.org_id = ANY(CAST(:orgs AS text[]))
     GROUP BY j.job_id
    """  # noqa: S608 - constants
)
_NAMES = text(
    f"""
    SELECT user_id, name, status FROM {PEOPLE.sql} AS p
     WHERE p.org_id = ANY(CAST(:orgs AS text[])) AND p.user_id = ANY(CAST(:people AS text[]))
    """  # noqa: S608 - constants
)
_REVISIONS = text(
    f"""
    SELECT org_id, head_revision FROM {ORGS.sql} AS o
     WHERE org_id = ANY(CAST(:orgs AS text[]))
    """  # noqa: S608
)


async def take_snapshot(
    connection: AsyncConnection,
    watched: Watched,
    known: Mapping[str, Organisation],
    *,
    limits: SessionLimits,
    now: datetime,
) -> Snapshot:
    """What there is now. `known` are organisations as they were in the snapshot before."""
    values = {
        "orgs": list(watched.org_ids),
        "users": list(watched.user_ids),
        "sessions": list(watched.session_ids),
        "now": now,
    }
    organisations = {}
    for org_id, revision in (await connection.execute(_REVISIONS, values)).all():
        before = known.get(org_id)
        if before is None or before.revision != revision:
            before = await _organisation(connection, org_id, limits)
        organisations[org_id] = before
    queues, harmless = await _waiting(connection, values)
    held, grave = await _held(connection, values)
    jobs = {job.job_id for of_person in held.values() for job in of_person}
    return Snapshot(
        at=now,
        organisations=organisations,
        queues=queues,
        harmless=harmless,
        unread={row.user_id: row.unread for row in await connection.execute(_UNREAD, values)},
        held=held,
        grave=grave,
        sessions={
            row.session_id: SessionState(role=row.role, last_seen_at=row.last_seen_at)
            for row in await connection.execute(_SESSIONS, values)
        },
        comments=await _comments(connection, values, jobs.union(watched.job_ids)),
        tasks=await tasks_of(connection, values, now=now),
        names=await _names(connection, values, watched.names_of),
    )


async def _waiting(
    connection: AsyncConnection, values: Mapping[str, Any]
) -> tuple[dict[str, dict[str, QueueState]], dict[str, dict[str, QueueState]]]:
    """What waits, by organisation and queue; and the same of what is not about child safety."""
    queues: dict[str, dict[str, QueueState]] = {}
    harmless: dict[str, dict[str, QueueState]] = {}
    for row in await connection.execute(_COUNTS, values):
        state = QueueState(
            queue_id=row.queue_id,
            pending=row.pending,
            leased=row.leased,
            overdue=row.overdue,
            oldest_created_at=row.oldest,
        )
        if not row.grave:
            harmless.setdefault(row.org_id, {})[row.queue_id] = state
        of_org = queues.setdefault(row.org_id, {})
        of_org[row.queue_id] = _together(of_org.get(row.queue_id), state)
    return queues, harmless


async def _held(
    connection: AsyncConnection, values: Mapping[str, Any]
) -> tuple[dict[str, tuple[HeldJob, ...]], frozenset[str]]:
    """What is held, by person; and which of it is about child safety."""
    held: dict[str, tuple[HeldJob, ...]] = {}
    grave = set()
    for row in await connection.execute(_HELD, values):
        if row.grave:
            grave.add(row.job_id)
        job = HeldJob(
            job_id=row.job_id,
            revision=row.revision,
            report_count=row.report_count,
            lease_expires_at=row.lease_expires_at,
        )
        held[row.reviewer_id] = (*held.get(row.reviewer_id, ()), job)
    return held, frozenset(grave)


async def _comments(
    connection: AsyncConnection, values: Mapping[str, Any], job_ids: Collection[str]
) -> dict[str, JobComments]:
    if not job_ids:
        return {}
    asked = {"orgs": values["orgs"], "jobs": sorted(job_ids)}
    return {
        row.job_id: JobComments(job_id=row.job_id, count=row.written, latest_at=row.latest)
        for row in await connection.execute(_COMMENTS, asked)
    }


async def _names(
    connection: AsyncConnection, values: Mapping[str, Any], user_ids: Collection[str]
) -> dict[str, PersonHere]:
    if not user_ids:
        return {}
    asked = {"orgs": values["orgs"], "people": list(user_ids)}
    return {
        row.user_id: PersonHere(
            id=row.user_id,
            name=row.name,
            initials=initials_of(row.name),
            active=row.status == "ACTIVE",
        )
        for row in await connection.execute(_NAMES, asked)
    }


def _together(one: QueueState | None, other: QueueState) -> QueueState:
    """The counts of both."""
    if one is None:
        return other
    times = [time for time in (one.oldest_created_at, other.oldest_created_at) if time is not None]
    return QueueState(
        queue_id=other.queue_id,
        pending=one.pending + other.pending,
        leased=one.leased + other.leased,
        overdue=one.overdue + other.overdue,
        oldest_created_at=min(times, default=None),
    )


async def _organisation(
    connection: AsyncConnection, org_id: str, limits: SessionLimits
) -> Organisation:
    kinds = [Kind.QUEUE, Kind.ROLE, Kind.SETTINGS]
    catalogue = await load_catalogue(connection, org_id, kinds)
    settings = catalogue.get(Kind.SETTINGS, OrgSettings, SETTINGS_ID)
    if settings is not None:
        limits = limits.shortened(
            hours=settings.session_hours, idle_minutes=settings.session_idle_minutes
        )
    roles = role_permission.DEFAULTS | catalogue.all(Kind.ROLE, RoleDefinition)
    return Organisation(
        revision=catalogue.revision,
        queues=catalogue.all(Kind.QUEUE, Queue),
        roles={one.id: frozenset(one.permissions) for one in roles.values()},
        idle=limits.idle,
    )
