"""An item investigated: in one answer what it is, who made it, what was done, what is beside it.

    GET /v1/items/{typeId}/{id}/investigation

Guarantees: every part is what its own route would show this person; what belongs to another service
(strikes, deliveries) and cannot be had is null, and named in `missing`; the answer waits for none
of them longer than `PATIENCE`.
Must not: change anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Request
from msgspec import to_builtins

from coop_contracts.dispatch import (
    LIST_DELIVERIES,
    LIST_USER_STRIKES,
    DeliveriesQuestion,
    UserStrikes,
    UserStrikesQuestion,
)
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.decision_log import reader as decision_log
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.decision_log.route import DecisionLogEntry, entry_view, names_in
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.delivery.route import DeliveryView
from coop_review_api.history.port import FoundItem, Slice
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.item_ref import ItemRefView
from coop_review_api.http.page import cursor_for
from coop_review_api.investigation.listing_view import ListedItemView, listed, ref_of, types_of
from coop_review_api.investigation.lookup_route import conversation, listed_of
from coop_review_api.investigation.paging_view import latest, seen, shown, thread_of
from coop_review_api.investigation.view import ItemVersionView
from coop_review_api.kernel.error import NotFound, Unavailable
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.job_route import page_of as jobs_page
from coop_review_api.review.job_view import ListedJobView
from coop_review_api.review.search import JobFilter
from coop_runtime.database.engine import transaction

T = TypeVar("T")

router = APIRouter(prefix="/v1", tags=["items"])

_investigates = requires(Permission.VIEW_INVESTIGATION)
Investigator = Annotated[Principal, Depends(_investigates)]

TypeId = Annotated[str, Path(max_length=512)]
ItemId = Annotated[str, Path(max_length=512)]

PATIENCE = 2.0
"""Seconds that another service may take."""
LOGGED = 30
_JOBS = 10
_DELIVERIES = 10
_BESIDE = 5
_VERSIONS = 100
_LOG = "/v1/decision-log"


class ItemAuthorView(Model):
    """Who made the item; of a user, the user. `profile` is the user as sent last, null where they
    never were. `strikes` are those that count now, null where they are not known. `isGrave`: there
    is child safety about the item or its author; their picture is for its job alone."""

    ref: ItemRefView
    profile: ItemVersionView | None
    display_name: str | None
    avatar_field: str | None
    is_grave: bool
    strikes: int | None
    next_strike_expiry_at: datetime | None


class ItemCountsView(Model):
    """`versions` are counted to a hundred; jobs and reports are those of `jobs`."""

    versions: int
    open_jobs: int
    reports: int


class RelatedView(Model):
    """`thread`: five before and five after the item, the oldest first, with it; `children`: the
    first five that name it as their parent; `byAuthor`: the author's latest five others."""

    thread: list[ListedItemView]
    children: list[ListedItemView]
    by_author: list[ListedItemView]


class InvestigationView(Model):
    """`log`: what was decided about the item and done to it, newest first, `logCursor` where to go
    on in `/v1/decision-log?itemTypeId=&itemId=`; `jobs` and `deliveries` are the newest ten.
    `missing` are the parts that could not be had now."""

    item: ItemVersionView
    listing: ListedItemView
    author: ItemAuthorView | None
    counts: ItemCountsView
    jobs: list[ListedJobView]
    log: list[DecisionLogEntry]
    log_cursor: str | None
    deliveries: list[DeliveryView] | None
    related: RelatedView
    missing: list[Literal["strikes", "deliveries"]]


@router.get(
    "/items/{type_id}/{item_id:path}/investigation",
    operation_id="investigateItem",
    response_model=InvestigationView,
)
async def investigate_item(
    request: Request, principal: Investigator, type_id: TypeId, item_id: ItemId
) -> InvestigationView:
    """What an item is, who made it, what was decided and done about it, and what is beside it."""
    found = await latest(request, principal, ItemRef(id=item_id, type_id=type_id))
    # What others know is asked for while the database is read here.
    strikes = asyncio.create_task(_patient(_strikes(request, principal, _owner(found))))
    deliveries = asyncio.create_task(_patient(_deliveries(request, principal, ref_of(found))))
    try:
        jobs = await _jobs(request, principal, found)
        log, log_cursor = await _log(request, principal, found)
        related = await _related(request, principal, found)
        types = await types_of(request, principal, [found])
        counts = await _counts(request, principal, found, jobs)
        struck, delivered = await strikes, await deliveries
    finally:
        strikes.cancel()
        deliveries.cancel()
    author = await _author(request, principal, found, struck)
    missing: list[Literal["strikes", "deliveries"]] = []
    if author is not None and struck is None:
        missing.append("strikes")
    if delivered is None:
        missing.append("deliveries")
    return InvestigationView(
        item=seen(request, found),
        listing=listed(found, types),
        author=author,
        counts=counts,
        jobs=jobs,
        log=log,
        log_cursor=log_cursor,
        deliveries=delivered,
        related=related,
        missing=missing,
    )


def _owner(found: FoundItem) -> ItemRef:
    """Who made the item; the item itself, where it names nobody: of a user that is the user."""
    return found.item.creator or ref_of(found)


async def _jobs(request: Request, principal: Principal, found: FoundItem) -> list[ListedJobView]:
    item = ref_of(found)
    wanted = JobFilter(item_type_id=item.type_id, item_id=item.id, newest_first=True)
    return (await jobs_page(request, principal, wanted, None, _JOBS)).items


async def _counts(
    request: Request, principal: Principal, found: FoundItem, jobs: list[ListedJobView]
) -> ItemCountsView:
    reader = part_of(request, ItemReader)
    versions = await reader.versions(principal.org_id, ref_of(found), Slice(_VERSIONS))
    return ItemCountsView(
        versions=len(versions.items),
        open_jobs=sum(1 for job in jobs if job.state == "PENDING"),
        reports=sum(job.report_count for job in jobs),
    )


async def _log(
    request: Request, principal: Principal, found: FoundItem
) -> tuple[list[DecisionLogEntry], str | None]:
    context = context_of(request)
    async with transaction(context.engine) as connection:
        entries = await decision_log.read(
            connection,
            principal,
            LogQuestion(item=ref_of(found)),
            after=None,
            limit=LOGGED,
            now=context.clock(),
        )
    page, cursor = entries[:LOGGED], None
    if len(entries) > LOGGED:
        cursor = cursor_for(_LOG, f"{page[-1].time.isoformat()} {page[-1].id}")
    names = await names_in(request, principal, page)
    return [entry_view(entry, names) for entry in page], cursor


async def _related(request: Request, principal: Principal, found: FoundItem) -> RelatedView:
    reader, org_id, item = part_of(request, ItemReader), principal.org_id, ref_of(found)
    async with transaction(context_of(request).engine) as connection:
        thread = await thread_of(connection, org_id, found.item)
    around = await conversation(
        request, principal, found, thread, before=Slice(_BESIDE), after=Slice(_BESIDE)
    )
    children = await reader.by_parent(org_id, item, Slice(_BESIDE))
    author = _owner(found)
    # Without the item itself and its author's profile, which are told already.
    others = await reader.by_author(org_id, author, Slice(_BESIDE + 2))
    made = [one for one in others.items if ref_of(one) not in (item, author)]
    return RelatedView(
        thread=around.items,
        children=await listed_of(request, principal, children.items),
        by_author=await listed_of(request, principal, made[:_BESIDE]),
    )


async def _author(
    request: Request, principal: Principal, found: FoundItem, struck: UserStrikes | None
) -> ItemAuthorView | None:
    if found.item.creator is None:
        types = await types_of(request, principal, [found])
        item_type = types.get(found.item.type_id)
        if item_type is None or item_type.kind != "USER":
            return None
    ref = _owner(found)
    profile = await part_of(request, ItemReader).latest(principal.org_id, ref)
    listing = None
    if profile is not None:
        profile = next(iter(await shown(request, principal, [profile])), None)
    if profile is not None:
        listing = listed(profile, await types_of(request, principal, [profile]))
    async with transaction(context_of(request).engine) as connection:
        grave = await child_safety.grave_among(connection, principal.org_id, [ref, ref_of(found)])
    return ItemAuthorView(
        ref=ItemRefView(id=ref.id, type_id=ref.type_id),
        profile=None if profile is None else seen(request, profile),
        display_name=None if listing is None else listing.display_name,
        avatar_field=None if listing is None else listing.avatar_field,
        is_grave=bool(grave),
        strikes=None if struck is None else struck.total,
        next_strike_expiry_at=None if struck is None else struck.next_expiry_at,
    )


async def _strikes(request: Request, principal: Principal, user: ItemRef) -> UserStrikes:
    """As of now. A user who is grave has none for those who may not see that."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await child_safety.require(
            connection, principal, ("user", user.id), items=[user], now=context.clock()
        )
    asked = UserStrikesQuestion(type_id=user.type_id, user_id=user.id, limit=1)
    return await context.part(Dispatch).ask(principal.org_id, LIST_USER_STRIKES, asked)


async def _deliveries(request: Request, principal: Principal, item: ItemRef) -> list[DeliveryView]:
    asked = DeliveriesQuestion(item_type_id=item.type_id, item_id=item.id, limit=_DELIVERIES)
    context = context_of(request)
    found = await context.part(Dispatch).ask(principal.org_id, LIST_DELIVERIES, asked)
    async with transaction(context.engine) as connection:
        visible = await child_safety.shown(
            connection,
            principal,
            "deliveries",
            found.items,
            item_of=lambda one: one.item,
            id_of=lambda one: one.execution_id,
            are_executions=True,
            now=context.clock(),
        )
    plain = [to_builtins(one, builtin_types=(datetime,)) for one in visible]
    return [DeliveryView.model_validate(one) for one in plain]


async def _patient(answer: Awaitable[T]) -> T | None:
    """The answer; None where there is none in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await answer
    except (Unavailable, NotFound, TimeoutError):
        return None
