"""Copies of a medium that is, or shall be, in a hash bank, among what was seen lately.

    POST /v1/hash-banks/{id}/copies         which there are: a preview
    POST /v1/hash-banks/{id}/copies/jobs    what was previewed, into a queue

Guarantees: a bank that the organisation has no document of is not there; what is about child safety
is listed to those alone who may see it, and then leaves a row. See `seen_copy`.
Must not: change a bank.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request

from coop_contracts.event import ItemRef
from coop_contracts.hash_bank import COUNT_COPIES, FIND_COPIES, MAX_COPIES, SeenCopy
from coop_contracts.permission import Permission
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.configuration.document_resource import HASH_BANK_RESOURCE
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.hash_bank import seen_copy
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.hash_bank.seen_copy import KINDS, CopyOrder, Sought
from coop_review_api.hash_bank.seen_copy_view import (
    CopiesBody,
    CopiesView,
    CopyView,
    QueuedCopiesBody,
    QueuedCopiesView,
)
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import JsonBody
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.page import Cursor, Limit, decode_cursor, wrapped
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["hash banks"])

_seeks = requires(Permission.VIEW_CHILD_SAFETY_DATA, Permission.MUTATE_LIVE_RULES)
Seeker = Annotated[Principal, Depends(_seeks)]
BankId = Annotated[str, Path(max_length=128)]

_copies_body = JsonBody(CopiesBody)
_queued_body = JsonBody(QueuedCopiesBody)

_LATELY: Final = timedelta(days=30)
_OLDEST_NOTICE: Final = timedelta(days=30)


@router.post(
    "/hash-banks/{bank_id}/copies",
    operation_id="previewCopies",
    response_model=CopiesView,
    openapi_extra=_copies_body.openapi(),
)
async def preview_copies(
    request: Request,
    principal: Seeker,
    bank_id: BankId,
    body: Annotated[CopiesBody, Depends(_copies_body)],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> CopiesView:
    """Which media that were seen lately are copies. Nothing happens to them."""
    context = context_of(request)
    bridge, now = part_of(request, HashBridge), context.clock()
    async with transaction(context.engine) as connection:
        await HASH_BANK_RESOURCE.documents.read(connection, principal, bank_id)
    until = body.until or now
    sought = _sought(body, since=body.since or until - _LATELY, until=until)
    counted = await bridge.ask(principal.org_id, COUNT_COPIES, sought.counting())
    asked = sought.finding(after=decode_cursor(cursor), limit=limit)
    found = await bridge.ask(principal.org_id, FIND_COPIES, asked)
    async with transaction(context.engine) as connection:
        shown = await child_safety.shown(
            connection,
            principal,
            "items",
            found.copies,
            item_of=_item_of,
            id_of=lambda copy: copy.item.id,
            now=now,
        )
    return CopiesView(
        media=counted.media,
        items=counted.items,
        since=sought.since,
        until=sought.until,
        copies=[CopyView.of(one) for one in shown],
        next_cursor=wrapped(found.next),
    )


@router.post(
    "/hash-banks/{bank_id}/copies/jobs",
    operation_id="queueCopies",
    response_model=QueuedCopiesView,
    openapi_extra=_queued_body.openapi(),
)
async def queue_copies(
    request: Request,
    principal: Seeker,
    bank_id: BankId,
    body: Annotated[QueuedCopiesBody, Depends(_queued_body)],
) -> QueuedCopiesView:
    """Have people look at what was previewed: each item is a job in that queue, once."""
    context = context_of(request)
    bridge, now = part_of(request, HashBridge), context.clock()
    sought = _sought(body, since=body.since, until=body.until)
    async with transaction(context.engine) as connection:
        await HASH_BANK_RESOURCE.documents.read(connection, principal, bank_id)
        catalogue = await load_catalogue(connection, principal.org_id, KINDS)
        settings = await settings_of(connection, principal.org_id)
    order = CopyOrder(
        org_id=principal.org_id,
        bank_id=bank_id,
        digits=body.hash,
        queue_id=body.queue_id,
        to_ncmec=body.queue_id == settings.ncmec_queue_id,
        policy_ids=tuple(body.policy_ids),
        note=body.note,
        noticed_at=body.noticed_at,
        actor_id=principal.user_id,
    )
    faults = _notice_faults(body.noticed_at, now)
    faults += seen_copy.check(order, catalogue, principal)
    if faults:
        raise Invalid(faults)
    counted = await bridge.ask(principal.org_id, COUNT_COPIES, sought.counting())
    if counted.items != body.items:
        raise Conflict(f"there are {counted.items} items, not {body.items}: look again")
    async with transaction(context.engine) as connection:
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="hash-bank.copies-queued",
            target=(str(HASH_BANK_RESOURCE.documents.kind), bank_id),
            detail=body.model_dump(mode="json", by_alias=True, exclude={"note"}),
            time=now,
        )
    known: set[ItemRef] = set()
    after: str | None = None
    while True:
        asked = sought.finding(after=after, limit=MAX_COPIES)
        found = await bridge.ask(principal.org_id, FIND_COPIES, asked)
        items = seen_copy.once(found.copies, known)
        async with transaction(context.engine) as connection:
            await seen_copy.place(connection, order, items, now=now)
        after = found.next
        if after is None:
            return QueuedCopiesView(items=len(known))


def _item_of(copy: SeenCopy) -> ItemRef:
    return copy.item


def _sought(body: CopiesBody | QueuedCopiesBody, *, since: datetime, until: datetime) -> Sought:
    """Raises `Invalid`."""
    if since >= until:
        raise Invalid([Fault("/since", "has to be before until")])
    return Sought(digits=body.hash, within=body.within, since=since, until=until)


def _notice_faults(noticed_at: datetime | None, now: datetime) -> list[Fault]:
    if noticed_at is None:
        return []
    if noticed_at > now:
        return [Fault("/noticedAt", "is in the future")]
    if noticed_at < now - _OLDEST_NOTICE:
        return [Fault("/noticedAt", "is more than 30 days ago")]
    return []
