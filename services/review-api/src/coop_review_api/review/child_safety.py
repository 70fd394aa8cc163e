"""Who is shown what is about child safety, and the trace that looking at it leaves.

What is grave is said in one place, `coop_queues.child_safety`: every item that a job of child-abuse
material holds, and so every job, evaluation, action, delivery and decision about one of them. Here
is how the API asks for it: of items and of what was done for a cause (a decision, a submission).

Guarantees: an audit row in the transaction of the look: who saw what, when; without the permission
what is about a grave item looks as if it were not there, in a job about something else too.
Must not: decide who may see a job; `access` does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from msgspec.structs import replace
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef, SubmittedItem
from coop_contracts.permission import Permission
from coop_queues.job import Job
from coop_queues.reading import GRAVE, JOBS, grave_items, grave_of, item_key
from coop_queues.store import mark_child_safety
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.projection.relation import EVALUATIONS, REQUESTED_ACTIONS
from coop_review_api.review.relation import DECISIONS

T = TypeVar("T")


def grave_job_of(alias: str) -> str:
    """SQL: the row of that alias, which has the `job_id` of a job as text, is about child safety;
    so is one whose job is gone: it can no longer say what it was about."""
    return f"""NOT EXISTS (SELECT 1 FROM {JOBS} j
                WHERE j.job_id = CAST({alias}.job_id AS uuid) AND NOT {GRAVE})"""  # noqa: S608


_GRAVE_DECISIONS: Final = f"""
    SELECT d.decision_id AS id FROM {DECISIONS.sql} d
     WHERE d.org_id = :org AND d.decision_id = ANY(CAST(:ids AS text[])) AND {grave_job_of("d")}
"""  # noqa: S608 - constants; values are bound
_GRAVE_SUBMISSIONS: Final = f"""
    SELECT e.submission_id AS id FROM {EVALUATIONS.sql} e
     WHERE e.org_id = :org AND e.submission_id = ANY(CAST(:ids AS text[])) AND {grave_of("e")}
"""  # noqa: S608
_GRAVE_CAUSES = text(f"{_GRAVE_DECISIONS} UNION {_GRAVE_SUBMISSIONS}")
_CAUSES = text(
    f"""
    SELECT a.execution_id, a.cause_id FROM {REQUESTED_ACTIONS.sql} a
     WHERE a.org_id = :org AND a.execution_id = ANY(CAST(:ids AS text[]))
    """  # noqa: S608
)


async def raise_escalated(connection: AsyncConnection, org_id: str, job_id: str) -> None:
    """The job was escalated to NCMEC: from now on it is about child safety, closed as it is."""
    await mark_child_safety(connection, org_id, job_id)


async def grave_among(
    connection: AsyncConnection, org_id: str, items: Iterable[ItemRef]
) -> frozenset[ItemRef]:
    """Those of the items that are about child safety."""
    by_key = {item_key(item.type_id, item.id): _ref(item) for item in items}
    if not by_key:
        return frozenset()
    grave = grave_items.c
    found = await connection.scalars(
        select(grave.item_key).where(grave.org_id == org_id, grave.item_key.in_(by_key))
    )
    return frozenset(by_key[str(key)] for key in found)


async def grave_causes(
    connection: AsyncConnection, org_id: str, ids: Collection[str]
) -> frozenset[str]:
    """Those of the ids that are of decisions on, or of submissions of, what is grave."""
    if not ids:
        return frozenset()
    found = await connection.scalars(_GRAVE_CAUSES, {"org": org_id, "ids": list(ids)})
    return frozenset(found)


async def grave_executions(
    connection: AsyncConnection, org_id: str, ids: Collection[str]
) -> frozenset[str]:
    """Those of the executions that were done for something grave, to whatever item."""
    if not ids:
        return frozenset()
    rows = (await connection.execute(_CAUSES, {"org": org_id, "ids": list(ids)})).all()
    causes = {row.execution_id: row.cause_id for row in rows if row.cause_id is not None}
    grave = await grave_causes(connection, org_id, set(causes.values()))
    return frozenset(one for one, cause in causes.items() if cause in grave)


async def require(
    connection: AsyncConnection,
    principal: Principal,
    target: tuple[str, str],
    *,
    items: Collection[ItemRef] = (),
    causes: Collection[str] = (),
    now: datetime,
) -> None:
    """Before `target` (a kind and an id) is shown, which is about `items` and done for `causes`.
    Where one of them is grave: raises `NotFound` without the permission, else leaves a row."""
    grave = await grave_among(connection, principal.org_id, items) or await grave_causes(
        connection, principal.org_id, causes
    )
    if not grave:
        return
    if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        raise NotFound(f"no {target[0]} {target[1]:.60}")
    await viewed(connection, principal, target, now=now)


async def shown(
    connection: AsyncConnection,
    principal: Principal,
    kind: str,
    entries: Sequence[T],
    *,
    item_of: Callable[[T], ItemRef],
    id_of: Callable[[T], str],
    cause_of: Callable[[T], str] | None = None,
    are_executions: bool = False,
    now: datetime,
) -> list[T]:
    """Those of a page's entries that may be shown: without the permission, none about a grave item
    or done for a grave cause; with it all of them, and a row says which were. `are_executions`:
    the ids are those of executions, whose causes are known here."""
    org_id = principal.org_id
    items = await grave_among(connection, org_id, [item_of(one) for one in entries])
    causes: frozenset[str] = frozenset()
    if cause_of is not None:
        causes = await grave_causes(connection, org_id, {cause_of(one) for one in entries})
    if are_executions:
        causes = await grave_executions(connection, org_id, {id_of(one) for one in entries})
        cause_of = id_of

    def is_grave(one: T) -> bool:
        return item_of(one) in items or (cause_of is not None and cause_of(one) in causes)

    if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        return [one for one in entries if not is_grave(one)]
    seen = [id_of(one) for one in entries if is_grave(one)]
    await listed(connection, principal, kind, seen, now=now)
    return list(entries)


async def cleared(
    connection: AsyncConnection, principal: Principal, job: Job, *, now: datetime
) -> Job:
    """The job as this person may see it: what came beside its item and is grave is left out of it
    without the permission. A look at such, or at a grave job, leaves a row."""
    beside: list[SubmittedItem | ItemRef] = [*job.thread_items, *job.additional_items]
    beside += job.reported_in_thread
    grave = await grave_among(connection, principal.org_id, map(_ref, beside))
    if principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        if grave or job.summary.csam:
            await viewed(connection, principal, ("job", job.summary.job_id), now=now)
        return job
    if not grave:
        return job

    def kept(items: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(one for one in items if _ref(one) not in grave)

    return replace(
        job,
        thread_items=kept(job.thread_items),
        additional_items=kept(job.additional_items),
        reported_in_thread=kept(job.reported_in_thread),
        entries=tuple(
            replace(entry, reported_in_thread=kept(entry.reported_in_thread))
            for entry in job.entries
        ),
    )


def _ref(item: SubmittedItem | ItemRef) -> ItemRef:
    return ItemRef(id=item.id, type_id=item.type_id)


async def viewed(
    connection: AsyncConnection,
    principal: Principal,
    target: tuple[str, str],
    *,
    detail: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """One thing, a kind and an id, was looked at; `detail` says what else was shown with it."""
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action="child-safety.viewed",
        target=target,
        detail=detail,
        time=now,
    )


async def listed(
    connection: AsyncConnection,
    principal: Principal,
    kind: str,
    ids: Sequence[str],
    *,
    now: datetime,
) -> None:
    """These of a list's entries are about child safety; nothing, if there are none."""
    if ids:
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="child-safety.listed",
            target=(kind, principal.org_id),
            detail={"ids": list(ids)},
            time=now,
        )
