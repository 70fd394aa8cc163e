"""What people do with their own account.

    PUT          /v1/me                          name, looks of the console
    PUT, DELETE  /v1/me/wellness                 own veil over media; the organisation's again
    PUT          /v1/me/password                 the present one is needed; other sessions end
    POST         /v1/me/remove                   the end of the account
    GET, DELETE  /v1/me/sessions[/{id}]          where one is signed in; end others, or one

The second factor: `people.second_factor_route`.

Must not: take whose account it is from anywhere but the session.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from coop_contracts.config import Wellness
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.http.authentication import signed_in
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.kernel.error import Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.notification.notice import Notice
from coop_review_api.people import credential, profile, session
from coop_review_api.people.administration import Administration
from coop_review_api.people.password import MAX_LENGTH
from coop_review_api.people.session_route import Preferences, WellnessView, wellness_view
from coop_review_api.people.user_access_route import EndedView, SessionList, entry_of
from coop_review_api.people.wellness import WellnessBody
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1/me", tags=["me"])

Me = Annotated[Principal, Depends(signed_in)]
Password = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]


class ProfileBody(Body):
    """What people choose for themselves, as a whole."""

    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")]
    preferences: Preferences = Preferences()


class ProfileView(Model):
    id: str
    email: str
    name: str
    preferences: Preferences


class OwnWellnessBody(WellnessBody):
    """How media are veiled for oneself. Grayscale or sepia, not both."""


class PasswordBody(Body):
    """The present password and the new one."""

    current_password: Password
    new_password: Password


class ShownPasswordBody(Body):
    """The present password, shown again."""

    password: Password


_profile_body, _wellness_body = JsonBody(ProfileBody), JsonBody(OwnWellnessBody)
_password_body, _shown_body = JsonBody(PasswordBody), JsonBody(ShownPasswordBody)


@router.put(
    "",
    operation_id="replaceProfile",
    response_model=ProfileView,
    openapi_extra=_profile_body.openapi(),
)
async def replace_profile(
    request: Request, principal: Me, body: Annotated[ProfileBody, Depends(_profile_body)]
) -> ProfileView:
    """Name, and how the console looks."""
    async with transaction(context_of(request).engine) as connection:
        await profile.replace(
            connection,
            principal.user_id,
            name=body.name,
            preferences=body.preferences.model_dump(by_alias=True),
        )
    return ProfileView(
        id=principal.user_id, email=principal.email, name=body.name, preferences=body.preferences
    )


@router.put(
    "/wellness",
    operation_id="replaceWellness",
    response_model=WellnessView,
    openapi_extra=_wellness_body.openapi(),
)
async def replace_wellness(
    request: Request, principal: Me, body: Annotated[OwnWellnessBody, Depends(_wellness_body)]
) -> WellnessView:
    """Veil media as one likes."""
    if body.grayscale and body.sepia:
        raise Invalid([Fault("/sepia", "grayscale or sepia, not both")])
    chosen = msgspec.convert(body.model_dump(by_alias=True), Wellness)
    return await _choose(request, principal, chosen)


@router.delete("/wellness", operation_id="deleteWellness", response_model=WellnessView)
async def delete_wellness(request: Request, principal: Me) -> WellnessView:
    """Veil media as the organisation says."""
    return await _choose(request, principal, None)


async def _choose(request: Request, principal: Principal, chosen: Wellness | None) -> WellnessView:
    async with transaction(context_of(request).engine) as connection:
        await profile.choose_wellness(connection, principal.user_id, chosen)
        settings = await settings_of(connection, principal.org_id)
    return wellness_view(chosen, settings.default_wellness)


@router.put(
    "/password",
    operation_id="changePassword",
    status_code=204,
    openapi_extra=_password_body.openapi(),
)
async def change_password(
    request: Request, principal: Me, body: Annotated[PasswordBody, Depends(_password_body)]
) -> Response:
    """Change the password. Everywhere else one is signed out."""
    await credential.change_password(
        context_of(request), principal, current=body.current_password, new=body.new_password
    )
    return Response(status_code=204)


@router.post(
    "/remove", operation_id="removeMe", status_code=204, openapi_extra=_shown_body.openapi()
)
async def remove_me(
    request: Request, principal: Me, body: Annotated[ShownPasswordBody, Depends(_shown_body)]
) -> Response:
    """The end of one's account. 409 for whoever is the last to administer the organisation."""
    context = context_of(request)
    await credential.show_password(context, principal, body.password, at="/password")
    async with changing(context, principal) as configuration:
        await credential.tell(configuration.connection, context, principal, Notice.REMOVED)
        await Administration.of_oneself(configuration, principal).remove(principal.user_id)
    return Response(status_code=204)


@router.get("/sessions", operation_id="listMySessions", response_model=SessionList)
async def list_my_sessions(request: Request, principal: Me) -> SessionList:
    """Where one is signed in, newest first."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        found = await session.of_user(
            connection, principal.org_id, principal.user_id, now=context.clock()
        )
    return SessionList(items=[entry_of(one, principal) for one in found])


@router.delete("/sessions", operation_id="endMyOtherSessions", response_model=EndedView)
async def end_my_other_sessions(request: Request, principal: Me) -> EndedView:
    """Sign out everywhere but here."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        ended = await session.end_all(connection, principal.user_id, but=principal.session_id)
        await credential.record(
            connection, context, principal, "session.others-ended", {"sessions": ended}
        )
    return EndedView(ended=ended)


@router.delete("/sessions/{session_id}", operation_id="endMySession", status_code=204)
async def end_my_session(request: Request, principal: Me, session_id: str) -> Response:
    """Sign out somewhere."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        if not await session.end_one(connection, principal.user_id, session_id):
            raise NotFound(f"no session {session_id}")
        await credential.record(connection, context, principal, "session.ended")
    return Response(status_code=204)
