"""Who is signed in, and the configuration that every page names things by, in one request.

    GET /v1/bootstrap     ETag; 304 while nothing of it changed; the session's token as X-CSRF-Token

Guarantees: of each kind what the person may read by its own list, and null where they may not; the
revision is not above that of what is shown, so that a later event of a higher one is never missed.
Must not: hold the session's token in its body, which is compressed (`http.compression`).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.configuration.document_model import (
    ActionView,
    ItemTypeView,
    PolicyView,
    Stamped,
)
from coop_review_api.configuration.document_resource import (
    ACTION_RESOURCE,
    ITEM_TYPE_RESOURCE,
    POLICY_RESOURCE,
)
from coop_review_api.configuration.relation import ORGS
from coop_review_api.configuration.resource import Resource
from coop_review_api.http.authentication import CSRF_HEADER, signed_in, token_of
from coop_review_api.http.body import Model
from coop_review_api.http.conditional import TAGGED
from coop_review_api.http.context import Context, context_of
from coop_review_api.http.csrf import csrf_token_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.people.session_route import SessionFacts, facts_of
from coop_review_api.queue.document import QueueView
from coop_review_api.queue.resource import QUEUE_RESOURCE
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["session"])

MOST: Final = 1000
"""Of each kind."""

_org = ORGS.of.c
_TOKEN_HEADER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            CSRF_HEADER: {
                "description": "The session's token, as `csrfToken` of GET /v1/session.",
                "schema": {"type": "string"},
            }
        }
    }
}

Kept = Literal["itemTypes", "policies", "actions", "queues"]


class SignalNameView(Model):
    """A signal, for whoever reads of it; `/v1/signals` has the rest."""

    name: str
    display_name: str


class BootstrapView(Model):
    """By id each. A kind that the person may not list is null. Of the kinds in `more` there are
    others beside those shown: their own list has them all."""

    config_revision: int
    session: SessionFacts
    item_types: list[ItemTypeView] | None
    policies: list[PolicyView] | None
    actions: list[ActionView] | None
    queues: list[QueueView] | None
    signals: list[SignalNameView]
    more: list[Kept]


_KINDS: Final[dict[Kept, Resource[Any]]] = {
    "itemTypes": ITEM_TYPE_RESOURCE,
    "policies": POLICY_RESOURCE,
    "actions": ACTION_RESOURCE,
    "queues": QUEUE_RESOURCE,
}


@router.get(
    "/bootstrap",
    operation_id="getBootstrap",
    response_model=BootstrapView,
    responses=_TOKEN_HEADER,
    openapi_extra={TAGGED: True},
)
async def get_bootstrap(
    request: Request, response: Response, principal: Annotated[Principal, Depends(signed_in)]
) -> BootstrapView:
    """The session, and item types, policies, actions, queues and names of signals."""
    context = context_of(request)
    session = await facts_of(context, principal)
    async with transaction(context.engine) as connection:
        # Before the documents: an event says when there is a later one.
        of_org = select(_org.head_revision).where(_org.org_id == principal.org_id)
        revision = await connection.scalar(of_org)
        found = {
            name: await _listed(context, connection, principal, kind)
            for name, kind in _KINDS.items()
        }
    response.headers[CSRF_HEADER] = csrf_token_of(token_of(request, context.settings) or "")
    return BootstrapView.model_validate(
        {
            "configRevision": revision or 0,
            "session": session,
            **{name: kept and kept.shown for name, kept in found.items()},
            "signals": [
                SignalNameView(name=one.name, display_name=one.display_name)
                for one in context.signals.values()
            ],
            "more": [name for name, kept in found.items() if kept and kept.has_more],
        }
    )


class _Some(NamedTuple):
    shown: list[Stamped]
    has_more: bool


async def _listed(
    context: Context, connection: AsyncConnection, principal: Principal, kind: Resource[Any]
) -> _Some | None:
    """The first of the kind; None where the person may not list it."""
    if not kind.read.any_of & principal.permissions:
        return None
    documents = kind.documents
    entries = await documents.page(connection, principal.org_id, after=None, limit=MOST + 1)
    shown = [
        kind.view_of(context, principal, one)
        for one in entries[:MOST]
        if documents.may_be_seen(principal, one.document)
    ]
    return _Some(shown, len(entries) > MOST)
