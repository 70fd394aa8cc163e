"""The route of the Hasher-Matcher-Actioner that is asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from coop_contracts.config import HashBank, Kind
from coop_contracts.hash_bank import TRY_HMA, HmaAnswered, HmaQuestion
from coop_hma_bridge.api.context import context_of, when_ready
from coop_hma_bridge.hma_account import tried
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["account"], dependencies=[Depends(when_ready)])


@on(router, TRY_HMA)
async def try_hma(
    request: Request, org_id: OrgId, asked: Annotated[HmaQuestion, asking(TRY_HMA)]
) -> Response:
    """Whether there is one, and whether it answers."""
    del asked
    context = context_of(request)
    if context.hma is None:
        return answer(TRY_HMA, HmaAnswered(account=None))
    banks = context.config.all(org_id, Kind.HASH_BANK).values()
    account = await tried(context.hma, [bank for bank in banks if isinstance(bank, HashBank)])
    return answer(TRY_HMA, HmaAnswered(account=account))
