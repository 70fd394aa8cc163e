"""Exchanges that fill hash banks.

    GET    /v1/hash-exchanges                                  which there are, how far each is
    POST   /v1/hash-banks/{id}/exchanges                       fill the bank from one
    PUT    /v1/hash-banks/{id}/exchanges/{exchange}/credentials
    POST   /v1/hash-banks/{id}/exchanges/{exchange}/pause      nothing of it is fetched
    POST   /v1/hash-banks/{id}/exchanges/{exchange}/resume     it is again
    DELETE /v1/hash-banks/{id}/exchanges/{exchange}

Guarantees: a bank that the organisation has no document of is not there; who changed what leaves an
audit row before it is asked of hma-bridge, without a credential; adding twice is adding once.
Must not: keep a credential, or answer with one.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from coop_contracts.hash_bank import (
    ADD_EXCHANGE,
    LIST_EXCHANGES,
    PAUSE_EXCHANGE,
    REMOVE_EXCHANGE,
    SET_EXCHANGE_CREDENTIALS,
    AddExchange,
    ExchangesQuestion,
    PauseExchange,
    RemoveExchange,
    SetExchangeCredentials,
)
from coop_review_api.configuration.document_resource import HASH_BANK_RESOURCE
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.hash_bank.exchange_view import (
    ExchangeBody,
    ExchangeCredentialFields,
    ExchangeListView,
    ExchangeView,
)
from coop_review_api.http.body import JsonBody
from coop_review_api.http.context import context_of, part_of
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["hash banks"])

Reader = Annotated[Principal, Depends(HASH_BANK_RESOURCE.read)]
Writer = Annotated[Principal, Depends(HASH_BANK_RESOURCE.write)]
BankId = Annotated[str, Path(max_length=128)]
ExchangeId = Annotated[str, Path(max_length=128)]

_body = JsonBody(ExchangeBody)
_credentials_body = JsonBody(ExchangeCredentialFields)


@router.get("/hash-exchanges", operation_id="listHashExchanges", response_model=ExchangeListView)
async def list_hash_exchanges(request: Request, principal: Reader) -> ExchangeListView:
    """The exchanges that fill the organisation's banks, and which kinds can be added."""
    bridge = part_of(request, HashBridge)
    told = await bridge.ask(principal.org_id, LIST_EXCHANGES, ExchangesQuestion())
    return ExchangeListView.of(told)


@router.post(
    "/hash-banks/{bank_id}/exchanges",
    operation_id="addHashExchange",
    response_model=ExchangeView,
    openapi_extra=_body.openapi(),
)
async def add_hash_exchange(
    request: Request,
    principal: Writer,
    bank_id: BankId,
    body: Annotated[ExchangeBody, Depends(_body)],
) -> ExchangeView:
    """Fill the bank from an exchange. The same one again is that one, with other credentials where
    some are given. Where none can be fetched, the refusal (409) says what is needed."""
    settings, credentials = body.settings.told(), body.credentials.told()
    detail = {
        "kind": body.kind,
        "settings": body.settings.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "withCredentials": bool(credentials),
    }
    await _recorded(request, principal, bank_id, "hash-bank.exchange-added", detail)
    asked = AddExchange(
        bank_id=bank_id,
        kind=body.kind,
        settings=settings,
        credentials=credentials,
        added_by=principal.user_id,
    )
    told = await part_of(request, HashBridge).ask(principal.org_id, ADD_EXCHANGE, asked)
    return ExchangeView.of(told.exchange)


@router.put(
    "/hash-banks/{bank_id}/exchanges/{exchange_id}/credentials",
    operation_id="setHashExchangeCredentials",
    response_model=ExchangeView,
    openapi_extra=_credentials_body.openapi(),
)
async def set_hash_exchange_credentials(
    request: Request,
    principal: Writer,
    bank_id: BankId,
    exchange_id: ExchangeId,
    body: Annotated[ExchangeCredentialFields, Depends(_credentials_body)],
) -> ExchangeView:
    """Give the exchange other credentials."""
    detail = {"exchangeId": exchange_id}
    await _recorded(request, principal, bank_id, "hash-bank.exchange-credentials-set", detail)
    asked = SetExchangeCredentials(
        bank_id=bank_id, exchange_id=exchange_id, credentials=body.told()
    )
    bridge = part_of(request, HashBridge)
    told = await bridge.ask(principal.org_id, SET_EXCHANGE_CREDENTIALS, asked)
    return ExchangeView.of(told.exchange)


@router.post(
    "/hash-banks/{bank_id}/exchanges/{exchange_id}/pause",
    operation_id="pauseHashExchange",
    response_model=ExchangeView,
)
async def pause_hash_exchange(
    request: Request, principal: Writer, bank_id: BankId, exchange_id: ExchangeId
) -> ExchangeView:
    """Fetch nothing of the exchange until it is resumed; what it fetched is matched as before."""
    return await _paused(request, principal, bank_id, exchange_id, paused=True)


@router.post(
    "/hash-banks/{bank_id}/exchanges/{exchange_id}/resume",
    operation_id="resumeHashExchange",
    response_model=ExchangeView,
)
async def resume_hash_exchange(
    request: Request, principal: Writer, bank_id: BankId, exchange_id: ExchangeId
) -> ExchangeView:
    """Fetch the exchange again."""
    return await _paused(request, principal, bank_id, exchange_id, paused=False)


@router.delete(
    "/hash-banks/{bank_id}/exchanges/{exchange_id}",
    operation_id="removeHashExchange",
    status_code=204,
)
async def remove_hash_exchange(
    request: Request, principal: Writer, bank_id: BankId, exchange_id: ExchangeId
) -> Response:
    """The bank has nothing of this exchange any more; what it has otherwise stays."""
    detail = {"exchangeId": exchange_id}
    await _recorded(request, principal, bank_id, "hash-bank.exchange-removed", detail)
    asked = RemoveExchange(bank_id=bank_id, exchange_id=exchange_id)
    told = await part_of(request, HashBridge).ask(principal.org_id, REMOVE_EXCHANGE, asked)
    if not told.removed:
        raise NotFound("there is no such exchange")
    return Response(status_code=204)


async def _paused(
    request: Request, principal: Principal, bank_id: str, exchange_id: str, *, paused: bool
) -> ExchangeView:
    action = "hash-bank.exchange-paused" if paused else "hash-bank.exchange-resumed"
    await _recorded(request, principal, bank_id, action, {"exchangeId": exchange_id})
    asked = PauseExchange(
        bank_id=bank_id, exchange_id=exchange_id, paused=paused, by=principal.user_id
    )
    told = await part_of(request, HashBridge).ask(principal.org_id, PAUSE_EXCHANGE, asked)
    return ExchangeView.of(told.exchange)


async def _recorded(
    request: Request, principal: Principal, bank_id: str, action: str, detail: dict[str, Any]
) -> None:
    """Who does what with which bank. Raises NotFound."""
    context, documents = context_of(request), HASH_BANK_RESOURCE.documents
    async with transaction(context.engine) as connection:
        await documents.read(connection, principal, bank_id)
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action=action,
            target=(str(documents.kind), bank_id),
            detail=detail,
            time=context.clock(),
        )
