"""Which items child-safety data is about, and the trace that looking at it leaves.

An item is grave once a review job of child-abuse material was about it; a job becomes one by its
reports, its kind, or when its decision to escalate it leaves (`raise_escalated`).

Guarantees: an audit row in the transaction of the look: who saw what, when; without the permission
what is about a grave item looks as if it were not there.
Must not: decide who may see a job; `access` does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_queues.reading import JOBS, item_key, jobs
from coop_queues.store import mark_child_safety
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal

T = TypeVar("T")

_GRAVE_CAUSES = text(
    f"""
    SELECT d.decision_id FROM review.decisions d
      JOIN {JOBS} j ON j.org_id = d.org_id AND j.job_id = CAST(d.job_id AS uuid)
     WHERE d.org_id = :org AND d.decision_id = ANY(CAST(:ids AS text[])) AND j.csam
    """  # noqa: S608 - a constant
)


async def raise_escalated(connection: AsyncConnection, org_id: str, job_id: str) -> None:
    """The job was escalated to NCMEC: from now on it is about child safety, closed as it is."""
    await mark_child_safety(connection, org_id, job_id)


async def grave_items(
    connection: AsyncConnection, org_id: str, items: Iterable[ItemRef]
) -> frozenset[ItemRef]:
    """Those of the items that a job of child-abuse material is or was about."""
    by_key = {item_key(item.type_id, item.id): item for item in items}
    if not by_key:
        return frozenset()
    found = await connection.scalars(
        select(jobs.c.item_key)
        .where(jobs.c.org_id == org_id, jobs.c.item_key.in_(by_key), jobs.c.csam)
        .distinct()
    )
    return frozenset(by_key[str(key)] for key in found)


async def grave_causes(
    connection: AsyncConnection, org_id: str, ids: Collection[str]
) -> frozenset[str]:
    """Those of the ids that are of decisions about jobs of child-abuse material."""
    if not ids:
        return frozenset()
    found = await connection.scalars(_GRAVE_CAUSES, {"org": org_id, "ids": list(ids)})
    return frozenset(found)


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
    grave = await grave_items(connection, principal.org_id, items) or await grave_causes(
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
    now: datetime,
) -> list[T]:
    """Those of a page's entries that may be shown: without the permission, none about a grave
    item; with it all of them, and a row says which were."""
    grave = await grave_items(connection, principal.org_id, [item_of(one) for one in entries])
    if not grave:
        return list(entries)
    if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        return [one for one in entries if item_of(one) not in grave]
    seen = [id_of(one) for one in entries if item_of(one) in grave]
    await listed(connection, principal, kind, seen, now=now)
    return list(entries)


async def viewed(
    connection: AsyncConnection,
    principal: Principal,
    target: tuple[str, str],
    *,
    now: datetime,
) -> None:
    """One thing, a kind and an id, was looked at."""
    await audit.record(
        connection,
        org_id=principal.org_id,
        actor=principal.user_id,
        action="child-safety.viewed",
        target=target,
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
