"""Routes of media that were seen lately: copies of one among them, and what is forgotten of an end
user.

Must not: wait for the banks: what was seen is the database's alone.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from coop_contracts.hash_bank import (
    COUNT_COPIES,
    FIND_COPIES,
    FORGET_MEDIA,
    CopiesCounted,
    CopiesFound,
    CountCopies,
    FindCopies,
    ForgetMedia,
    MediaForgotten,
    SoughtCopies,
)
from coop_hma_bridge import seen_store
from coop_hma_bridge.api.context import context_of
from coop_hma_bridge.seen_store import Place
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["seen media"])

_WITHIN = 28.0  # seconds for one look at everything; below what review-api waits


@on(router, COUNT_COPIES)
async def count_copies(
    request: Request, org_id: OrgId, asked: Annotated[CountCopies, asking(COUNT_COPIES)]
) -> Response:
    """How many media, of how many items."""
    _check(asked)
    async with transaction(context_of(request).engine, within=_WITHIN) as connection:
        media, items = await seen_store.count(connection, org_id, asked)
    return answer(COUNT_COPIES, CopiesCounted(media=media, items=items))


@on(router, FIND_COPIES)
async def find_copies(
    request: Request, org_id: OrgId, asked: Annotated[FindCopies, asking(FIND_COPIES)]
) -> Response:
    """A page of them."""
    _check(asked)
    try:
        after = None if asked.after is None else Place.read(asked.after)
    except ValueError as error:
        raise HTTPException(422, f"body/after: {error}") from None
    async with transaction(context_of(request).engine, within=_WITHIN) as connection:
        found = await seen_store.find(connection, org_id, asked, after=after, limit=asked.limit)
    last = None if found.last is None else found.last.written()
    return answer(FIND_COPIES, CopiesFound(copies=found.found, next=last))


@on(router, FORGET_MEDIA)
async def forget_media(
    request: Request, org_id: OrgId, asked: Annotated[ForgetMedia, asking(FORGET_MEDIA)]
) -> Response:
    """Of the items of somebody who is erased."""
    async with transaction(context_of(request).engine) as connection:
        gone = await seen_store.forget(connection, org_id, asked.items, until=asked.until)
    return answer(FORGET_MEDIA, MediaForgotten(media=gone))


def _check(asked: SoughtCopies) -> None:
    if asked.pdq is None and asked.md5 is None:
        raise HTTPException(422, "body: give a pdq, an md5, or both")
