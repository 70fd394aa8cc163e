"""The order in which routing rules are tried."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from coop_contracts.permission import Permission
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.document_model import Id, RoutingRuleView
from coop_review_api.configuration.document_resource import ROUTING_RULE_RESOURCE
from coop_review_api.configuration.routing_order import reorder
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.http.etag import expected_revision
from coop_review_api.http.route import IF_MATCH
from coop_review_api.kernel.principal import Principal

router = APIRouter(prefix="/v1", tags=["routing-rules"])

MAX_RULES = 1000

Manager = Annotated[Principal, Depends(requires(Permission.MANAGE_ROUTING_RULES))]


class RoutingOrderBody(Body):
    """All rules of a class, in the order in which they shall be tried."""

    rule_ids: Annotated[list[Id], Field(max_length=MAX_RULES)]
    for_appeals: bool = False


class RoutingOrderView(Model):
    """The rules of a class in their order. `revision` is the newest of theirs: send it as If-Match
    with the next order to be told of a change in between."""

    for_appeals: bool
    revision: int
    items: list[RoutingRuleView]


_order_body = JsonBody(RoutingOrderBody)


@router.put(
    "/routing-rules/order",
    operation_id="orderRoutingRules",
    response_model=RoutingOrderView,
    openapi_extra=_order_body.openapi(),
)
async def order_routing_rules(
    request: Request,
    principal: Manager,
    body: Annotated[RoutingOrderBody, Depends(_order_body)],
    if_match: str | None = IF_MATCH,
) -> RoutingOrderView:
    """Put all routing rules of a class into an order."""
    context, resource = context_of(request), ROUTING_RULE_RESOURCE
    expected = expected_revision(if_match)
    async with changing(context, principal) as configuration:
        entries = await reorder(
            configuration, body.rule_ids, for_appeals=body.for_appeals, expected=expected
        )
    shown: list[Any] = [resource.view_of(context, principal, entry) for entry in entries]
    return RoutingOrderView(
        for_appeals=body.for_appeals,
        revision=max((entry.revision for entry in entries), default=0),
        items=shown,
    )
