"""Which medium a reference names, if the person may see it.

    shown in a job ──▶ whoever may see that job now (VIEW_MRT)
    decided again  ──▶ whoever holds that second review now, and may still work in its queue
    looked up      ──▶ whoever investigates (VIEW_INVESTIGATION)
    either         ──▶ of child-abuse material: VIEW_CHILD_SAFETY_DATA, and a row in the audit log

Guarantees: asked anew each time: a reference outlives no right, no item and no picture that took
the place of another; what may not be seen looks as if it were not there.
Must not: give a medium's address to anyone but the gallery.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef, SubmittedItem
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.job import JobSummary
from coop_review_api.history.port import MAX_SCAN, Slice
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.context import Context
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.media.medium import Medium
from coop_review_api.media_value.reference import MediaReference, digest_of, opened
from coop_review_api.media_value.value import values_of
from coop_review_api.review import child_safety, desk
from coop_runtime.database.engine import transaction

_PAGES: Final = 5


@dataclass(frozen=True)
class SecondReviews:
    """What the slice of second reviews hands in: the job of the one that the person holds now,
    `csam` also where it was so when it was sampled. Raises `NotFound`."""

    held_by: Callable[[AsyncConnection, Principal, str], Awaitable[JobSummary]]


async def medium_of(context: Context, principal: Principal, text: str) -> Medium:
    """The medium. Raises `NotFound`, JobNotFound."""
    reference = opened(context.vault, principal.org_id, text)
    if reference.job_id or reference.second_review_id:
        return await _in_job(context, principal, reference)
    if not principal.may(Permission.VIEW_INVESTIGATION):
        raise NotFound("no such medium")
    item = await _version(context, principal, reference)
    is_grave = await _checked(context, principal, reference.item)
    return Medium(
        org_id=principal.org_id,
        item=reference.item,
        url=_url([item], reference),
        is_grave=is_grave,
    )


async def _in_job(context: Context, principal: Principal, reference: MediaReference) -> Medium:
    if not principal.may(Permission.VIEW_MRT):
        raise NotFound("no such medium")
    async with transaction(context.engine) as connection:
        summary, target = await _job(context, connection, principal, reference)
        items: Sequence[SubmittedItem] = ()
        if not reference.submission_id:
            items = await store.items_in(connection, summary, reference.item)
        grave = await child_safety.grave_among(connection, principal.org_id, [reference.item])
        is_grave = summary.csam or bool(grave)
        if is_grave:
            if not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
                raise NotFound("no such medium")
            await child_safety.viewed(connection, principal, target, now=context.clock())
    if reference.submission_id:
        items = [await _version(context, principal, reference)]
    return Medium(
        org_id=principal.org_id,
        item=reference.item,
        url=_url(items, reference),
        is_grave=is_grave,
        job_id=summary.job_id,
        second_review_id=reference.second_review_id or None,
        severity=summary.severity,
    )


async def _job(
    context: Context, connection: AsyncConnection, principal: Principal, reference: MediaReference
) -> tuple[JobSummary, tuple[str, str]]:
    """The job in which it was shown, if it is open to the person now, and what a look at it is
    called in the audit log. Raises `NotFound`, JobNotFound."""
    if reference.second_review_id:
        held = context.part(SecondReviews).held_by
        summary = await held(connection, principal, reference.second_review_id)
        return summary, ("second-review", reference.second_review_id)
    summary = await store.get_summary(connection, principal.org_id, reference.job_id)
    await desk.require_readable(connection, principal, summary)
    return summary, ("job", summary.job_id)


async def _checked(context: Context, principal: Principal, item: ItemRef) -> bool:
    """Whether it is grave; with a row in the audit log, then. Raises `NotFound`."""
    async with transaction(context.engine) as connection:
        await child_safety.require(
            connection, principal, ("item", item.id), items=[item], now=context.clock()
        )
        return bool(await child_safety.grave_among(connection, principal.org_id, [item]))


async def _version(
    context: Context, principal: Principal, reference: MediaReference
) -> SubmittedItem:
    """The version of the item that the submission brought, as long as the history has it."""
    reader, part = context.part(ItemReader), Slice(limit=MAX_SCAN)
    for _ in range(_PAGES):
        page = await reader.versions(principal.org_id, reference.item, part)
        for found in page.items:
            if found.submission_id == reference.submission_id:
                return found.item
        if page.next is None:
            break
        part = Slice(limit=MAX_SCAN, after=page.next)
    raise NotFound("no such medium")


def _url(items: Sequence[SubmittedItem], reference: MediaReference) -> str:
    for item in items:
        for value in values_of(item.data):
            if value.pointer == reference.pointer and digest_of(value.url) == reference.digest:
                return value.url
    raise NotFound("no such medium")
