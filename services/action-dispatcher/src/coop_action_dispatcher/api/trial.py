"""The route of trials: a webhook sent for somebody who wants to see what comes of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from coop_action_dispatcher.api.context import context_of
from coop_action_dispatcher.arrival import NotYet, Undeliverable
from coop_action_dispatcher.header import InvalidHeaders
from coop_action_dispatcher.keyring import CannotDecrypt, CannotSign
from coop_contracts.dispatch import SEND_TRIAL, SendTrial
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["trials"])


@on(router, SEND_TRIAL)
async def send_trial(
    request: Request, org_id: OrgId, asked: Annotated[SendTrial, asking(SEND_TRIAL)]
) -> Response:
    """Sends it, and tells what was answered."""
    try:
        sent = await context_of(request).trials.send(org_id, asked)
    except NotYet as error:
        raise HTTPException(503, str(error), headers={"Retry-After": "2"}) from None
    except (Undeliverable, CannotSign, CannotDecrypt, InvalidHeaders) as error:
        raise HTTPException(409, str(error)) from None
    return answer(SEND_TRIAL, sent)
