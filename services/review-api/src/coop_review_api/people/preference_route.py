"""What my pages remember for me.

    GET                /v1/me/preferences          all of mine
    GET, PUT, DELETE   /v1/me/preferences/{key}    ETag, If-Match: one of them

The console's own keys: `keys`, `columns`, `savedViews`, `charts`, `locale`, `timeZone`, `audio`,
`ruleFavourites`. Theme, density and shortcuts are in the session (`PUT /v1/me`).

Must not: take whose they are from anywhere but the session.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import JsonValue

from coop_review_api.http.authentication import signed_in
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.http.route import IF_MATCH
from coop_review_api.kernel.principal import Principal
from coop_review_api.people import preference
from coop_review_api.people.preference import Preference
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1/me", tags=["me"])

Me = Annotated[Principal, Depends(signed_in)]
Key = Annotated[str, Path(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,63}$")]


class PreferenceBody(Body):
    """Whatever a page puts there: JSON of 16 KB at most."""

    value: JsonValue


class PreferenceView(Model):
    """`revision` counts the changes: send it as If-Match."""

    key: str
    value: JsonValue
    revision: int
    updated_at: datetime


class PreferenceList(Model):
    """By key."""

    items: list[PreferenceView]


_body = JsonBody(PreferenceBody)


@router.get("/preferences", operation_id="listPreferences", response_model=PreferenceList)
async def list_preferences(request: Request, principal: Me) -> PreferenceList:
    """All that my pages remember for me."""
    async with transaction(context_of(request).engine) as connection:
        found = await preference.listed(connection, principal.user_id)
    return PreferenceList(items=[_view(one) for one in found])


@router.get("/preferences/{key}", operation_id="getPreference", response_model=PreferenceView)
async def get_preference(
    request: Request, response: Response, principal: Me, key: Key
) -> PreferenceView:
    """What they remember under a key."""
    async with transaction(context_of(request).engine) as connection:
        found = await preference.find(connection, principal.user_id, key)
    response.headers["ETag"] = etag_of(found.revision)
    return _view(found)


@router.put(
    "/preferences/{key}",
    operation_id="putPreference",
    response_model=PreferenceView,
    openapi_extra=_body.openapi(),
)
async def put_preference(
    request: Request,
    response: Response,
    principal: Me,
    key: Key,
    body: Annotated[PreferenceBody, Depends(_body)],
    if_match: str | None = IF_MATCH,
) -> PreferenceView:
    """Remember this under a key, in place of what was there. `If-Match: "0"`: only if nothing
    was."""
    context, expected = context_of(request), expected_revision(if_match)
    async with transaction(context.engine) as connection:
        kept = await preference.put(
            connection,
            principal.user_id,
            key,
            body.value,
            expected=expected,
            now=context.clock(),
        )
    response.headers["ETag"] = etag_of(kept.revision)
    return _view(kept)


@router.delete("/preferences/{key}", operation_id="deletePreference", status_code=204)
async def delete_preference(
    request: Request, principal: Me, key: Key, if_match: str | None = IF_MATCH
) -> Response:
    """Remember it no more."""
    expected = expected_revision(if_match)
    async with transaction(context_of(request).engine) as connection:
        await preference.remove(connection, principal.user_id, key, expected=expected)
    return Response(status_code=204)


def _view(found: Preference) -> PreferenceView:
    return PreferenceView(
        key=found.key,
        value=found.value,
        revision=found.revision,
        updated_at=found.updated_at,
    )
