"""The end of the evidence of reports to NCMEC: holds, and destruction by two people.

Guarantees: nobody does it without the permission for child-safety data; who asked for what, and
why, leaves an audit row before the reporter is asked, also where it then refuses; the reporter
writes what it did with the effect.
Must not: judge whether a hold or the law forbids it; the reporter does, and says which.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from msgspec import to_builtins
from pydantic import AwareDatetime, Field

from coop_contracts.call import Call, Command
from coop_contracts.cybertip import (
    ASK_DESTRUCTION,
    CONFIRM_DESTRUCTION,
    LIFT_HOLD,
    PLACE_HOLD,
    REFUSE_DESTRUCTION,
    AskDestruction,
    ConfirmDestruction,
    CybertipDetails,
    DestructionGround,
    LiftHold,
    PlaceHold,
    RefuseDestruction,
)
from coop_review_api.cybertip.reporter import CybertipReporter
from coop_review_api.cybertip.route import KIND, CybertipId, Reader
from coop_review_api.cybertip.view import CybertipDetailsView
from coop_review_api.http.body import Body, JsonBody
from coop_review_api.http.context import context_of
from coop_review_api.kernel import audit
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["reports to NCMEC"])

Reason = Annotated[str, Field(min_length=1, max_length=1000)]


class CybertipHoldBody(Body):
    """Why it is kept, and until when; null: until it is lifted."""

    reason: Reason
    until: AwareDatetime | None = None


class CybertipDestructionBody(Body):
    """On which ground, with the authority's reference, or why it is not kept for longer. Before
    its time is over, LAW_ENFORCEMENT is the only one."""

    ground: DestructionGround
    reason: Reason


_hold_body = JsonBody(CybertipHoldBody)
_destruction_body = JsonBody(CybertipDestructionBody)


@router.put(
    "/cybertips/{cybertip_id}/hold",
    operation_id="placeCybertipHold",
    response_model=CybertipDetailsView,
    openapi_extra=_hold_body.openapi(),
)
async def place_cybertip_hold(
    request: Request,
    principal: Reader,
    cybertip_id: CybertipId,
    body: Annotated[CybertipHoldBody, Depends(_hold_body)],
) -> Any:
    """Keep its evidence beyond its time, in place of a hold that there is."""
    detail = body.model_dump(by_alias=True, mode="json")
    asked = PlaceHold(
        cybertip_id=cybertip_id,
        person_id=principal.user_id,
        reason=body.reason,
        until=body.until,
    )
    await _record(request, principal, cybertip_id, "cybertip.held", detail)
    return await _ask(request, principal, PLACE_HOLD, asked)


@router.delete(
    "/cybertips/{cybertip_id}/hold",
    operation_id="liftCybertipHold",
    response_model=CybertipDetailsView,
)
async def lift_cybertip_hold(request: Request, principal: Reader, cybertip_id: CybertipId) -> Any:
    """The hold ends."""
    asked = LiftHold(cybertip_id=cybertip_id, person_id=principal.user_id)
    await _record(request, principal, cybertip_id, "cybertip.hold-lifted")
    return await _ask(request, principal, LIFT_HOLD, asked)


@router.post(
    "/cybertips/{cybertip_id}/destruction",
    operation_id="askCybertipDestruction",
    response_model=CybertipDetailsView,
    openapi_extra=_destruction_body.openapi(),
)
async def ask_cybertip_destruction(
    request: Request,
    principal: Reader,
    cybertip_id: CybertipId,
    body: Annotated[CybertipDestructionBody, Depends(_destruction_body)],
) -> Any:
    """Have its evidence destroyed for good, once a second person confirms it."""
    asked = AskDestruction(
        cybertip_id=cybertip_id,
        person_id=principal.user_id,
        ground=body.ground,
        reason=body.reason,
    )
    detail = body.model_dump(by_alias=True)
    await _record(request, principal, cybertip_id, "cybertip.destruction-asked", detail)
    return await _ask(request, principal, ASK_DESTRUCTION, asked)


@router.post(
    "/cybertips/{cybertip_id}/destruction/confirm",
    operation_id="confirmCybertipDestruction",
    response_model=CybertipDetailsView,
)
async def confirm_cybertip_destruction(
    request: Request, principal: Reader, cybertip_id: CybertipId
) -> Any:
    """The second person's word: keys, files and what names people are destroyed."""
    asked = ConfirmDestruction(cybertip_id=cybertip_id, person_id=principal.user_id)
    await _record(request, principal, cybertip_id, "cybertip.destruction-confirmed")
    return await _ask(request, principal, CONFIRM_DESTRUCTION, asked)


@router.post(
    "/cybertips/{cybertip_id}/destruction/refuse",
    operation_id="refuseCybertipDestruction",
    response_model=CybertipDetailsView,
)
async def refuse_cybertip_destruction(
    request: Request, principal: Reader, cybertip_id: CybertipId
) -> Any:
    """Nothing is destroyed. Who asked may say so too."""
    asked = RefuseDestruction(cybertip_id=cybertip_id, person_id=principal.user_id)
    await _record(request, principal, cybertip_id, "cybertip.destruction-refused")
    return await _ask(request, principal, REFUSE_DESTRUCTION, asked)


async def _record(
    request: Request,
    principal: Principal,
    cybertip_id: str,
    action: str,
    detail: dict[str, Any] | None = None,
) -> None:
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action=action,
            target=(KIND, cybertip_id),
            detail=detail,
            time=context.clock(),
        )


async def _ask(
    request: Request, principal: Principal, call: Call[Any, CybertipDetails], asked: Command
) -> Any:
    reporter = context_of(request).part(CybertipReporter)
    return to_builtins(await reporter.ask(principal.org_id, call, asked))
