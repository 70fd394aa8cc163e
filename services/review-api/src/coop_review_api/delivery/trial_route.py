"""The route of test requests: try out what an action sends, and see what the platform answers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from msgspec import to_builtins
from pydantic import Field, JsonValue

from coop_contracts.permission import Permission
from coop_review_api.configuration.document_model import Id
from coop_review_api.delivery import trial
from coop_review_api.delivery.trial import WebhookTrial
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.kernel.principal import Principal

router = APIRouter(prefix="/v1", tags=["actions"])

Editor = Annotated[Principal, Depends(requires(Permission.MANAGE_ORG))]


class TestRequestBody(Body):
    """Values of the action's parameters; `itemTypeId` is one that the action applies to (left out:
    any). The item itself is none: its id is `coop-test`."""

    __test__ = False  # it is no test case

    item_type_id: Id | None = None
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class AnswerHeaderView(Model):
    name: str
    value: str


class TestRequestView(Model):
    """`body` is what was sent; `status`, `headers` and `response` (the first KB) are what the
    platform answered, null where nothing was: `error` says why, `refused` that the address is not
    allowed, so that deliveries are refused as well."""

    __test__ = False

    id: str
    endpoint: str
    body: str
    latency_ms: float
    status: int | None
    headers: list[AnswerHeaderView]
    response: str | None
    error: str | None
    refused: bool


_body = JsonBody(TestRequestBody)


@router.post(
    "/actions/{action_id}/test-requests",
    operation_id="sendTestRequest",
    response_model=TestRequestView,
    openapi_extra=_body.openapi(),
)
async def send_test_request(
    request: Request,
    principal: Editor,
    action_id: str,
    body: Annotated[TestRequestBody, Depends(_body)],
) -> Any:
    """Send the action's webhook, signed and marked as a test, and show what is answered."""
    wanted = WebhookTrial(
        action_id=action_id, item_type_id=body.item_type_id, parameters=body.parameters
    )
    sent = to_builtins(await trial.send(context_of(request), principal, wanted))
    return {**sent, "id": sent["trialId"]}
