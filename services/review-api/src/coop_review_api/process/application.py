"""The HTTP application: routes and errors.

Guarantees: the API lies under `/v1`, and the console everywhere else; what is listed first is
matched first.
Must not: build anything that lives longer than the application; `process.api` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from coop_review_api.analytics import query_route as figure_query
from coop_review_api.analytics import route as analytics
from coop_review_api.audit import route as audit_log
from coop_review_api.automation import emptying_route
from coop_review_api.automation import route as automation
from coop_review_api.backtest import label_route, retroaction_route
from coop_review_api.backtest import route as backtest
from coop_review_api.bootstrap import route as bootstrap
from coop_review_api.comment import route as comment
from coop_review_api.configuration import (
    bank_match_route,
    bank_route,
    key_route,
    routing_order_route,
)
from coop_review_api.configuration.document_resource import (
    ACTION_RESOURCE,
    HASH_BANK_RESOURCE,
    ITEM_TYPE_RESOURCE,
    LOCATION_BANK_RESOURCE,
    POLICY_RESOURCE,
    ROUTING_RULE_RESOURCE,
    RULE_RESOURCE,
    TEXT_BANK_RESOURCE,
)
from coop_review_api.configuration.resource import Resource
from coop_review_api.configuration.resource_route import add_resource
from coop_review_api.cybertip import ending_route as cybertip_ending
from coop_review_api.cybertip import route as cybertip
from coop_review_api.cybertip import settings_route as ncmec_settings_route
from coop_review_api.cybertip import terms_route as cybertip_terms
from coop_review_api.decision_log import job_route as decided_job_route
from coop_review_api.decision_log import route as decision_log
from coop_review_api.delivery import dead_letter_route, strike_route, trial_route
from coop_review_api.delivery import route as delivery
from coop_review_api.directory import person
from coop_review_api.enforcement import bulk_route
from coop_review_api.erasure import route as erasure
from coop_review_api.explanation import route as explanation
from coop_review_api.explanation import routing_trial_route, spot_test_route
from coop_review_api.export import route as export
from coop_review_api.hash_bank import exchange_route as hash_exchange
from coop_review_api.hash_bank import hma_route, seen_copy_route
from coop_review_api.hash_bank import route as hash_bank
from coop_review_api.http import csp_report_route, index_route
from coop_review_api.http.address import strict
from coop_review_api.http.authentication import public
from coop_review_api.http.compression import Compressed
from coop_review_api.http.conditional import TAGGED, Conditional
from coop_review_api.http.console import Console
from coop_review_api.http.console_file import BuiltConsole
from coop_review_api.http.context import Context, context_of
from coop_review_api.http.limit import RequestLimit
from coop_review_api.http.openapi import TITLE, document
from coop_review_api.http.person_view import PersonView, peopled
from coop_review_api.http.problem import install
from coop_review_api.investigation import investigation_route, lookup_route
from coop_review_api.investigation import route as investigation
from coop_review_api.job_context import report_looks_route, user_media_route
from coop_review_api.job_context import route as job_context
from coop_review_api.live import presence_route
from coop_review_api.live import route as live
from coop_review_api.media import exposure_route
from coop_review_api.media import route as media
from coop_review_api.note import route as note
from coop_review_api.notification import route as notification
from coop_review_api.organisation import retention_route, settings_route
from coop_review_api.partial_item import route as partial_item
from coop_review_api.people import (
    directory_route,
    invitation_route,
    me_route,
    password_route,
    preference_route,
    role_route,
    second_factor_route,
    session_route,
    user_access_route,
    user_route,
)
from coop_review_api.people.role_route import ROLE_RESOURCE
from coop_review_api.quality import route as quality
from coop_review_api.quality import second_review_route
from coop_review_api.queue import favourite_route
from coop_review_api.queue import route as queue
from coop_review_api.queue.resource import QUEUE_RESOURCE
from coop_review_api.review import (
    batch_route,
    claim_route,
    decision_route,
    draft_route,
    job_route,
    keeping_route,
    subject_route,
    undo_route,
)
from coop_review_api.rule_proposal import route as rule_proposal
from coop_review_api.saved_view import route as saved_view
from coop_review_api.search import route as search
from coop_review_api.signal import integration_route
from coop_review_api.single_sign_on import provider_route
from coop_review_api.single_sign_on import route as single_sign_on
from coop_review_api.timeline import route as timeline
from coop_review_api.translation import route as translation
from coop_runtime.database.engine import transaction

_ROUTERS: tuple[APIRouter, ...] = (
    index_route.router,
    csp_report_route.router,
    session_route.router,
    bootstrap.router,
    user_route.router,
    directory_route.router,
    user_access_route.router,
    role_route.router,
    invitation_route.router,
    password_route.router,
    me_route.router,
    preference_route.router,
    saved_view.router,
    second_factor_route.router,
    key_route.router,
    settings_route.router,
    retention_route.router,
    ncmec_settings_route.router,
    cybertip.router,
    cybertip_ending.router,
    cybertip_terms.router,
    report_looks_route.router,
    provider_route.router,
    single_sign_on.router,
    claim_route.router,
    decision_route.router,
    undo_route.router,
    draft_route.router,
    keeping_route.router,
    batch_route.router,
    integration_route.router,
    explanation.router,
    spot_test_route.router,
    routing_trial_route.router,
    routing_order_route.router,
    bank_route.router,
    bank_match_route.router,
    hash_bank.router,
    hash_exchange.router,
    hma_route.router,
    seen_copy_route.router,
    backtest.router,
    label_route.router,
    retroaction_route.router,
    rule_proposal.router,
    bulk_route.router,
    decision_log.router,
    export.router,
    erasure.router,
    job_route.router,
    decided_job_route.router,
    job_context.router,
    user_media_route.router,
    timeline.router,
    subject_route.router,
    comment.router,
    note.router,
    live.router,
    presence_route.router,
    audit_log.router,
    notification.router,
    strike_route.router,
    delivery.router,
    dead_letter_route.router,
    trial_route.router,
    second_review_route.router,
    automation.router,
    queue.router,
    emptying_route.router,
    favourite_route.router,
    partial_item.router,
    translation.router,
    search.router,
    quality.router,
    analytics.router,
    media.router,
    exposure_route.router,
    investigation_route.router,
    lookup_route.router,
    figure_query.router,
    investigation.router,  # last: an id of an item may end like any other address of items
)

_RESOURCES: tuple[Resource[Any], ...] = (
    ITEM_TYPE_RESOURCE,
    POLICY_RESOURCE,
    ACTION_RESOURCE,
    RULE_RESOURCE,
    ROUTING_RULE_RESOURCE,
    QUEUE_RESOURCE,
    TEXT_BANK_RESOURCE,
    LOCATION_BANK_RESOURCE,
    HASH_BANK_RESOURCE,
    ROLE_RESOURCE,
)


def build(context: Context) -> FastAPI:
    """The application. `context` is in its state; wrap it with `limited` to serve it."""
    app = FastAPI(title=TITLE, version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.context = context
    install(app)
    # Not include_router: the routes stay plain entries of app.routes, for tests to walk.
    for router in _ROUTERS:
        app.router.routes.extend(_with_people(router))
    readers = {one.documents.kind: one.read.any_of for one in _RESOURCES}
    for resource in _RESOURCES:
        router = APIRouter(prefix="/v1", tags=[resource.path])
        add_resource(router, resource, readers)
        app.router.routes.extend(_with_people(router))

    async def openapi() -> dict[str, Any]:
        """This description."""
        return document(app)

    app.add_api_route(
        "/v1/openapi.json",
        openapi,
        methods=["GET"],
        operation_id="getOpenapi",
        dependencies=[Depends(public)],
        response_model=dict[str, Any],
    )
    for route in app.routes:
        if isinstance(route, APIRoute):
            strict(route)
    return app


def _with_people(router: APIRouter) -> Iterator[BaseRoute]:
    """The router's routes; where they show people's ids, with the people."""
    for route in router.routes:
        yield peopled(route, _people_of) if isinstance(route, APIRoute) else route


async def _people_of(request: Request, user_ids: frozenset[str]) -> Mapping[str, PersonView]:
    principal = getattr(request.state, "principal", None)
    if principal is None:
        return {}
    async with transaction(context_of(request).engine) as connection:
        found = await person.known_as(connection, principal.org_id, user_ids)
    return {one.user_id: PersonView.of(one.user_id, one.name, one.status) for one in found}


def limited(
    app: FastAPI, *, max_body: int, behind_tls: bool = False, console: BuiltConsole | None = None
) -> RequestLimit:
    """The application as it is served. `max_body` in bytes; `behind_tls`: browsers use https;
    `console` is what is served beside the API."""

    def reads_itself(method: str, path: str) -> bool:
        return (
            bank_route.is_import(method, path)
            or bulk_route.is_large(method, path)
            or hash_bank.is_upload(method, path)
        )

    tagged = frozenset(
        route.path
        for route in app.routes
        if isinstance(route, APIRoute) and TAGGED in (route.openapi_extra or {})
    )
    compressed = Compressed(app, is_secret=_is_secret)
    answering = Conditional(compressed, endless=("/v1/events",), tagged=tagged.__contains__)
    return RequestLimit(
        Console(answering, console),
        max_body=max_body,
        reads_itself=reads_itself,
        behind_tls=behind_tls,
    )


def _is_secret(path: str) -> bool:
    """The answers that hold the session's token."""
    return path == "/v1/session" or path.startswith("/v1/session/")
