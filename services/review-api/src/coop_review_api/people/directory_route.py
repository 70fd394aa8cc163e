"""Names of colleagues, for whoever sees the log, queues, jobs or rules.

    GET  /v1/people     ?ids= &search= &queueId= &status=

Must not: show an address or a role; `user_route` does, to those who manage users.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request

from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.page import MAX_PAGE, Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonView
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import directory
from coop_review_api.people.directory import DirectoryFilter
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["users"])

_sees_people = requires(*directory.READERS)
Colleague = Annotated[Principal, Depends(_sees_people)]


class PersonPage(Model):
    """By name."""

    items: list[PersonView]
    next_cursor: str | None = None


@router.get("/people", operation_id="listPeople", response_model=PersonPage)
async def list_people(
    request: Request,
    principal: Colleague,
    *,
    ids: Annotated[
        str | None,
        Query(max_length=200 * 129, description="At most 200, with commas between them."),
    ] = None,
    search: Annotated[
        str | None, Query(min_length=1, max_length=255, description="A part of the name.")
    ] = None,
    queue_id: Annotated[
        str | None,
        Query(alias="queueId", max_length=128, description="Who reviews in this queue."),
    ] = None,
    status: Annotated[Literal["ACTIVE", "INACTIVE"] | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PersonPage:
    """The people of the organisation, by name."""
    wanted = DirectoryFilter(
        ids=_ids_in(ids),
        search=search,
        queue_id=queue_id,
        is_active=None if status is None else status == "ACTIVE",
    )
    after = decode_cursor(cursor)
    async with transaction(context_of(request).engine) as connection:
        found = await directory.page(connection, principal, wanted, after=after, limit=limit + 1)
    page, next_cursor = cut(found, limit, lambda row: str(row.user_id))
    items = [PersonView.of(row.user_id, row.name, row.status) for row in page]
    return PersonPage(items=items, next_cursor=next_cursor)


def _ids_in(text: str | None) -> list[str] | None:
    """Raises `Invalid` for too many."""
    if text is None:
        return None
    ids = [one for one in text.split(",") if one]
    if len(ids) > MAX_PAGE:
        raise Invalid([Fault("#/query/ids", f"at most {MAX_PAGE}")])
    return ids
