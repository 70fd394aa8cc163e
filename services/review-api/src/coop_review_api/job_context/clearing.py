"""What of a job's context somebody may see, and the trace that seeing it leaves.

Guarantees: nothing that is about child safety without the permission, and no word that it was left
out; with the permission one audit row for the whole answer, which says what beside the job it was.
Must not: be asked before everything was read: what became grave meanwhile is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import ItemRef, SubmittedItem
from coop_contracts.permission import Permission
from coop_queues.job import Job
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.history.known_item import KnownItem, creators_of, ref_of
from coop_review_api.history.port import Span
from coop_review_api.job_context.material import (
    ContextLimits,
    FromHistory,
    Ground,
    JobContext,
    ThreadContext,
)
from coop_review_api.job_context.thread import ThreadPart
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety


async def cleared(
    connection: AsyncConnection,
    principal: Principal,
    found: JobContext,
    limits: ContextLimits,
    *,
    now: datetime,
) -> JobContext:
    """As the person may see it, with the types of what is shown."""
    found = replace(found, ground=replace(found.ground, job=_bounded(found.ground.job, limits)))
    grave = await child_safety.grave_among(connection, principal.org_id, _named_in(found))
    if principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        await _viewed(connection, principal, found, grave, now)
    else:
        found = _without(found, grave)
    types = await types_of(connection, found.ground, _items_of(found))
    return replace(found, types=types)


async def cleared_thread(
    connection: AsyncConnection, principal: Principal, found: ThreadContext, *, now: datetime
) -> ThreadContext:
    """A part of a thread as the person may see it, with the types of what is in it."""
    ground, items = found.ground, found.history.thread.items
    named = [one.ref for one in items] + creators_of(items)
    grave = await child_safety.grave_among(connection, principal.org_id, named)
    if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
        found = replace(found, history=_history_without(found.history, grave))
    elif ground.job.summary.csam or grave:
        target = ("job", ground.job.summary.job_id)
        detail = {"items": [_shown_ref(one) for one in grave]}
        await child_safety.viewed(connection, principal, target, detail=detail, now=now)
    shown = [one.item for one in found.history.thread.items]
    return replace(found, types=await types_of(connection, ground, shown))


async def types_of(
    connection: AsyncConnection, ground: Ground, items: Iterable[SubmittedItem]
) -> dict[tuple[str, str], ItemType]:
    """The types of the items, by id and version: as they were, where that is known."""
    pairs = {(one.type_id, one.type_version) for one in items}
    old = {
        f"{type_id}@{version}"
        for type_id, version in pairs
        if type_id not in ground.types or ground.types[type_id].version != version
    }
    catalogue = await load_documents(
        connection,
        ground.job.summary.org_id,
        [(Kind.ITEM_TYPE_VERSION, one) for one in old],
    )
    then = catalogue.all(Kind.ITEM_TYPE_VERSION, ItemType)
    found = {
        (type_id, version): then.get(f"{type_id}@{version}") or ground.types.get(type_id)
        for type_id, version in pairs
    }
    return {pair: one for pair, one in found.items() if one is not None}


async def _viewed(
    connection: AsyncConnection,
    principal: Principal,
    found: JobContext,
    grave: frozenset[ItemRef],
    now: datetime,
) -> None:
    summary, own = found.ground.job.summary, found.own
    comments = [one.comment_id for one in own.comments if one.csam]
    jobs = [one.job_id for one in own.recent.jobs if one.csam and one.job_id != summary.job_id]
    told = [] if found.timeline is None else found.timeline.grave
    if not (summary.csam or grave or comments or jobs or told):
        return
    beside = {"items": [_shown_ref(one) for one in grave], "comments": comments, "jobs": jobs}
    beside["timeline"] = told
    detail = {name: ids for name, ids in beside.items() if ids}
    target = ("job", summary.job_id)
    await child_safety.viewed(connection, principal, target, detail=detail or None, now=now)


def _shown_ref(ref: ItemRef) -> dict[str, str]:
    return {"id": ref.id, "typeId": ref.type_id}


def _bounded(job: Job, limits: ContextLimits) -> Job:
    """What is shown of the job itself: its thread is shown by itself."""
    return msgspec.structs.replace(
        job,
        entries=job.entries[: limits.entries],
        earlier_items=job.earlier_items[: limits.beside],
        additional_items=job.additional_items[: limits.beside],
        reported_in_thread=job.reported_in_thread[: limits.beside],
        thread_items=(),
    )


def _items_of(found: JobContext) -> Iterator[SubmittedItem]:
    """Every item that is shown whole."""
    job = found.ground.job
    yield found.history.item.item
    yield from (*job.earlier_items, *job.additional_items)
    yield from (one.item for one in found.history.thread.items)
    if found.profile is not None:
        yield found.profile


def _named_in(found: JobContext) -> list[ItemRef]:
    """Everything beside the job's item that is shown or named."""
    job, user = found.ground.job, found.ground.user
    named = [*found.history.known, *map(ref_of, job.additional_items), *job.reported_in_thread]
    named += [one.ref for one in found.history.thread.items]
    named += creators_of(found.history.thread.items)
    named += [one.item for one in found.explanations]
    named += [one.reporter for one in job.reports if one.reporter]
    if user is not None:
        named.append(user)
    return [one for one in dict.fromkeys(named) if one != job.summary.item]


def _without(found: JobContext, grave: frozenset[ItemRef]) -> JobContext:
    if not grave:
        return found
    job = found.ground.job
    job = msgspec.structs.replace(
        job,
        additional_items=tuple(one for one in job.additional_items if ref_of(one) not in grave),
        reported_in_thread=_kept(job.reported_in_thread, grave),
        entries=tuple(
            msgspec.structs.replace(
                entry, reported_in_thread=_kept(entry.reported_in_thread, grave)
            )
            for entry in job.entries
        ),
    )
    history = _history_without(found.history, grave)
    strikes, timeline = found.strikes, found.timeline
    if found.ground.user in grave:
        history, strikes, timeline = replace(history, seen=Span()), None, None
    explanations = tuple(one for one in found.explanations if one.item not in grave)
    ground = replace(found.ground, job=job)
    return replace(
        found,
        ground=ground,
        history=history,
        strikes=strikes,
        timeline=timeline,
        explanations=explanations,
    )


def _history_without(history: FromHistory, grave: frozenset[ItemRef]) -> FromHistory:
    def shown(one: KnownItem) -> bool:
        return one.ref == history.item.ref or one.ref not in grave

    thread: ThreadPart = history.thread
    return replace(
        history,
        thread=replace(thread, items=tuple(one for one in thread.items if shown(one))),
        known={ref: one for ref, one in history.known.items() if ref not in grave},
    )


def _kept(refs: Iterable[ItemRef], grave: frozenset[ItemRef]) -> tuple[ItemRef, ...]:
    return tuple(one for one in refs if one not in grave)
