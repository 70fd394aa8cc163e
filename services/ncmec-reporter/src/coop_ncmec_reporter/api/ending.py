"""The routes of the end of keeping: holds, and destruction by two people.

Guarantees: each is one transaction on the locked row of its report, with its row of the log of
evidence.
Must not: believe a caller that two people are two; it names them, and the database compares.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.cybertip import (
    ASK_DESTRUCTION,
    CONFIRM_DESTRUCTION,
    LIFT_HOLD,
    PLACE_HOLD,
    REFUSE_DESTRUCTION,
    AskDestruction,
    ConfirmDestruction,
    CybertipDetails,
    LiftHold,
    PlaceHold,
    RefuseDestruction,
)
from coop_ncmec_reporter import destruction, hold_store, store
from coop_ncmec_reporter.api.context import Context, context_of
from coop_ncmec_reporter.api.cybertip import details
from coop_ncmec_reporter.keeping import KeepingRefusal, check_not_destroyed
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on
from coop_runtime.internal.problem import Refusal

router = APIRouter(prefix=PREFIX, tags=["the end of keeping"])


@dataclass(frozen=True, kw_only=True)
class _Change:
    """One change of a report whose row is locked."""

    context: Context
    connection: AsyncConnection
    tip: store.Cybertip
    now: datetime

    async def told(self) -> CybertipDetails:
        """The report after it."""
        tip = await store.lock(self.connection, self.tip.cybertip_id)
        assert tip is not None
        return await details(self.context, self.connection, tip)


@asynccontextmanager
async def _changing(request: Request, org_id: str, cybertip_id: str) -> AsyncIterator[_Change]:
    context = context_of(request)
    async with transaction(context.engine) as connection:
        found = await store.find(connection, org_id, cybertip_id)
        tip = None if found is None else await store.lock(connection, found.cybertip_id)
        if tip is None:
            raise HTTPException(404)
        try:
            yield _Change(context=context, connection=connection, tip=tip, now=context.clock())
        except KeepingRefusal as error:
            raise Refusal(409, str(error), kind=error.kind) from None


@on(router, PLACE_HOLD)
async def place_hold(
    request: Request, org_id: OrgId, asked: Annotated[PlaceHold, asking(PLACE_HOLD)]
) -> Response:
    """Its evidence is kept beyond its time."""
    if asked.until is not None and asked.until.tzinfo is None:
        raise HTTPException(422, "until: must have a zone")
    async with _changing(request, org_id, asked.cybertip_id) as change:
        check_not_destroyed(change.tip)
        if asked.until is not None and asked.until <= change.now:
            raise HTTPException(422, "until: lies in the past")
        await hold_store.place(
            change.connection,
            change.tip,
            person=asked.person_id,
            reason=asked.reason,
            until=asked.until,
            now=change.now,
        )
        told = await change.told()
    return answer(PLACE_HOLD, told)


@on(router, LIFT_HOLD)
async def lift_hold(
    request: Request, org_id: OrgId, asked: Annotated[LiftHold, asking(LIFT_HOLD)]
) -> Response:
    """It is kept for its time alone."""
    async with _changing(request, org_id, asked.cybertip_id) as change:
        person, now = asked.person_id, change.now
        if not await hold_store.lift(change.connection, change.tip, person=person, now=now):
            raise KeepingRefusal("the report is not held", kind="evidence-not-held")
        told = await change.told()
    return answer(LIFT_HOLD, told)


@on(router, ASK_DESTRUCTION)
async def ask_destruction(
    request: Request, org_id: OrgId, asked: Annotated[AskDestruction, asking(ASK_DESTRUCTION)]
) -> Response:
    """A second person is waited for."""
    async with _changing(request, org_id, asked.cybertip_id) as change:
        await destruction.ask(
            change.connection,
            change.tip,
            change.context.keeping,
            person=asked.person_id,
            ground=asked.ground,
            reason=asked.reason,
            now=change.now,
        )
        told = await change.told()
    return answer(ASK_DESTRUCTION, told)


@on(router, CONFIRM_DESTRUCTION)
async def confirm_destruction(
    request: Request,
    org_id: OrgId,
    asked: Annotated[ConfirmDestruction, asking(CONFIRM_DESTRUCTION)],
) -> Response:
    """Keys and ciphertexts go with the answer, files right after it."""
    async with _changing(request, org_id, asked.cybertip_id) as change:
        await destruction.confirm(
            change.connection,
            change.tip,
            change.context.keeping,
            person=asked.person_id,
            now=change.now,
        )
        told = await change.told()
    change.context.destroyer.wake()
    return answer(CONFIRM_DESTRUCTION, told)


@on(router, REFUSE_DESTRUCTION)
async def refuse_destruction(
    request: Request,
    org_id: OrgId,
    asked: Annotated[RefuseDestruction, asking(REFUSE_DESTRUCTION)],
) -> Response:
    """Everything stays."""
    async with _changing(request, org_id, asked.cybertip_id) as change:
        await destruction.refuse(
            change.connection, change.tip, person=asked.person_id, now=change.now
        )
        told = await change.told()
    return answer(REFUSE_DESTRUCTION, told)
