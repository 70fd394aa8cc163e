"""The HTTP application: routes and errors.

Guarantees: everything lies under `/v1`.
Must not: build anything that lives longer than the application; `app` does.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from coop_review_api.api import (
    analytics,
    audit_log,
    automation,
    backtest,
    bank_route,
    bulk,
    comment,
    decision,
    decision_log,
    delivery,
    draft,
    explanation,
    export,
    identity_provider,
    integration,
    invitation,
    job,
    key,
    live,
    me,
    notification,
    partial_item,
    password,
    quality,
    queue,
    retroaction,
    review,
    role,
    routing_rule,
    second_factor,
    second_review,
    session,
    settings,
    single_sign_on,
    spot_test,
    strike,
    user,
    user_access,
)
from coop_review_api.api.authentication import public
from coop_review_api.api.kind import RESOURCES
from coop_review_api.api.limit import Limit
from coop_review_api.api.openapi import TITLE, document
from coop_review_api.api.problem import install
from coop_review_api.api.resource_route import add_resource
from coop_review_api.api.turn import Turn
from coop_review_api.api.upload import Uploads
from coop_review_api.context import Context
from coop_review_api.live.hub import Hub


def build(context: Context) -> FastAPI:
    """The application. `context` is in its state; wrap it with `limited` to serve it."""
    app = FastAPI(title=TITLE, version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.context = context
    app.state.uploads = Uploads()
    app.state.live = Hub(context)
    app.state.agreement = Turn(1, busy="other agreement is being computed")
    app.state.analytics = Turn(analytics.PLACES, busy="other figures are being counted")
    install(app)
    parts = [
        session.router,
        user.router,
        user_access.router,
        role.router,
        invitation.router,
        password.router,
        me.router,
        second_factor.router,
        key.router,
        settings.router,
        identity_provider.router,
        single_sign_on.router,
        review.router,
        decision.router,
        draft.router,
        integration.router,
        explanation.router,
        spot_test.router,
        routing_rule.router,
        bank_route.router,
        backtest.router,
        retroaction.router,
        bulk.router,
        decision_log.router,
        export.router,
        job.router,
        comment.router,
        live.router,
        audit_log.router,
        notification.router,
        strike.router,
        delivery.router,
        second_review.router,
        automation.router,
        queue.router,
        partial_item.router,
        quality.router,
        analytics.router,
    ]
    for resource in RESOURCES:
        part = APIRouter(prefix="/v1", tags=[resource.path])
        add_resource(part, resource)
        parts.append(part)
    for part in parts:
        # Not include_router: the routes stay plain entries of app.routes, for tests to walk.
        app.router.routes.extend(part.routes)

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
    return app


def limited(app: FastAPI, *, max_body: int) -> Limit:
    """The application as it is served. `max_body` in bytes."""

    def reads_itself(method: str, path: str) -> bool:
        return bank_route.is_import(method, path) or bulk.is_large(method, path)

    return Limit(app, max_body=max_body, reads_itself=reads_itself)
