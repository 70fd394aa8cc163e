"""Routes of the exchanges that fill banks.

Must not: answer with a credential.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from coop_contracts.hash_bank import (
    ADD_EXCHANGE,
    LIST_EXCHANGES,
    PAUSE_EXCHANGE,
    REMOVE_EXCHANGE,
    SET_EXCHANGE_CREDENTIALS,
    AddExchange,
    ExchangeAnswered,
    ExchangeRemoved,
    ExchangesQuestion,
    PauseExchange,
    RemoveExchange,
    SetExchangeCredentials,
)
from coop_hma_bridge.api.context import context_of, when_ready
from coop_hma_bridge.exchange_desk import ExchangeInvalid
from coop_hma_bridge.hma_exchange import ExchangeRefused
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["exchanges"], dependencies=[Depends(when_ready)])


@on(router, LIST_EXCHANGES)
async def list_exchanges(
    request: Request, org_id: OrgId, asked: Annotated[ExchangesQuestion, asking(LIST_EXCHANGES)]
) -> Response:
    """All of the organisation, and what there could be."""
    del asked
    return answer(LIST_EXCHANGES, await context_of(request).exchanges.listed(org_id))


@on(router, ADD_EXCHANGE)
async def add_exchange(
    request: Request, org_id: OrgId, asked: Annotated[AddExchange, asking(ADD_EXCHANGE)]
) -> Response:
    """One for a bank."""
    with _refused():
        found = await context_of(request).exchanges.add(org_id, asked)
    return answer(ADD_EXCHANGE, ExchangeAnswered(exchange=found))


@on(router, SET_EXCHANGE_CREDENTIALS)
async def set_exchange_credentials(
    request: Request,
    org_id: OrgId,
    asked: Annotated[SetExchangeCredentials, asking(SET_EXCHANGE_CREDENTIALS)],
) -> Response:
    """Others than it had."""
    with _refused():
        found = await context_of(request).exchanges.set_credentials(
            org_id, asked.bank_id, _number(asked.exchange_id), asked.credentials
        )
    if found is None:
        raise HTTPException(404, "there is no such exchange")
    return answer(SET_EXCHANGE_CREDENTIALS, ExchangeAnswered(exchange=found))


@on(router, PAUSE_EXCHANGE)
async def pause_exchange(
    request: Request, org_id: OrgId, asked: Annotated[PauseExchange, asking(PAUSE_EXCHANGE)]
) -> Response:
    """It is not fetched any more, or again."""
    found = await context_of(request).exchanges.pause(
        org_id, asked.bank_id, _number(asked.exchange_id), paused=asked.paused, by=asked.by
    )
    if found is None:
        raise HTTPException(404, "there is no such exchange")
    return answer(PAUSE_EXCHANGE, ExchangeAnswered(exchange=found))


@on(router, REMOVE_EXCHANGE)
async def remove_exchange(
    request: Request, org_id: OrgId, asked: Annotated[RemoveExchange, asking(REMOVE_EXCHANGE)]
) -> Response:
    """It fills the bank no more."""
    removed = await context_of(request).exchanges.remove(
        org_id, asked.bank_id, _number(asked.exchange_id)
    )
    return answer(REMOVE_EXCHANGE, ExchangeRemoved(removed=removed))


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except ExchangeInvalid as invalid:
        raise HTTPException(422, f"body/{invalid}") from None
    except ExchangeRefused as refused:
        raise HTTPException(409, str(refused)) from None


def _number(exchange_id: str) -> int:
    """0, which none has, for what is no number of one."""
    return int(exchange_id) if exchange_id.isdecimal() and len(exchange_id) < 19 else 0
