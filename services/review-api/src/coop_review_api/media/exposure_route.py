"""What people see unveiled, told to themselves; and sums, told to who looks after them.

    GET    /v1/me/exposure              mine, by day, and since my last pause
    DELETE /v1/me/reveals/{id}          I veiled it again
    GET    /v1/analytics/exposure       of all together

Guarantees: nobody is told of one other person, nor of a group of fewer than five.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from coop_contracts.permission import Permission
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.http.authentication import requires, signed_in
from coop_review_api.http.context import context_of
from coop_review_api.http.moment import Moment
from coop_review_api.http.query import QueryModel
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.media import exposure, reveal
from coop_review_api.media.view import ExposureView, TeamExposureView, exposure_view, team_view
from coop_review_api.people import profile
from coop_review_api.people.wellness import stricter
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["media"])

Me = Annotated[Principal, Depends(signed_in)]
_reads = requires(Permission.VIEW_INSIGHTS)
Reader = Annotated[Principal, Depends(_reads)]

_DAYS: Final = timedelta(days=30)
_MOST: Final = timedelta(days=366)


class TeamQuery(QueryModel):
    """From and to; the last thirty days."""

    since: Moment | None = None
    until: Moment | None = None


@router.get("/me/exposure", operation_id="getMyExposure", response_model=ExposureView)
async def get_my_exposure(
    request: Request,
    principal: Me,
    since: Annotated[Moment | None, Query(description="A year back at most.")] = None,
) -> ExposureView:
    """What I saw unveiled: by day, and since my last pause."""
    context, now = context_of(request), context_of(request).clock()
    begin = max(since or now - _DAYS, now - _MOST)
    async with transaction(context.engine) as connection:
        days = await exposure.days_of(connection, principal, begin)
        stretch = await exposure.stretch_of(connection, principal, now)
        settings = await settings_of(connection, principal.org_id)
        own = await profile.read(connection, principal.user_id)
    wellness = stricter(own.wellness, settings.default_wellness)
    return exposure_view(days, stretch, break_due=exposure.is_due(stretch, wellness, now))


@router.delete("/me/reveals/{reveal_id}", operation_id="veilAgain", status_code=204)
async def veil_again(
    request: Request, principal: Me, reveal_id: Annotated[str, Path(max_length=64)]
) -> Response:
    """I see it no longer: its address is closed, and the time is counted."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await reveal.veil(connection, principal, reveal_id, now=context.clock())
    return Response(status_code=204)


@router.get("/analytics/exposure", operation_id="getTeamExposure", response_model=TeamExposureView)
async def get_team_exposure(
    request: Request, principal: Reader, query: Annotated[TeamQuery, Query()]
) -> TeamExposureView:
    """What all people saw unveiled, by day; days of fewer than five people are left out."""
    context, now = context_of(request), context_of(request).clock()
    until = query.until or now
    since = query.since or until - _DAYS
    if until - since > _MOST:
        raise Invalid([Fault("#/query/since", "at most 366 days")])
    async with transaction(context.engine) as connection:
        days = await exposure.days_of_all(connection, principal.org_id, since, until)
    return team_view(days, exposure.SMALLEST)
