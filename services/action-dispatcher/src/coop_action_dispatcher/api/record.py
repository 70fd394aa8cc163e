"""Routes of an organisation's records as a whole: how many there are, and their end; and of the
erasure of one of its end users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from redis.exceptions import RedisError

from coop_action_dispatcher.api.call import PREFIX, OrgId, answer, asking, on
from coop_action_dispatcher.api.context import context_of
from coop_action_dispatcher.erasure import erase
from coop_action_dispatcher.org_record import RECORDS
from coop_contracts.dispatch import (
    COUNT_RECORDS,
    ERASE_USER,
    REMOVE_RECORDS,
    EraseUser,
    RecordsQuestion,
    RecordsRemoved,
    RecordsSummary,
    RemoveRecords,
)
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable

router = APIRouter(prefix=PREFIX, tags=["records"])

_SECONDS = 3.0  # of one call, which is asked again; well below what its caller waits


@on(router, COUNT_RECORDS)
async def count_records(
    request: Request, org_id: OrgId, asked: Annotated[RecordsQuestion, asking(COUNT_RECORDS)]
) -> Response:
    """How many rows there are of the organisation."""
    del asked
    async with transaction(context_of(request).engine) as connection:
        counts = await RECORDS.count(connection, org_id)
    return answer(COUNT_RECORDS, RecordsSummary(tables=counts))


@on(router, REMOVE_RECORDS)
async def remove_records(
    request: Request, org_id: OrgId, asked: Annotated[RemoveRecords, asking(REMOVE_RECORDS)]
) -> Response:
    """Removes what is there of the organisation, or a part of it."""
    del asked
    removed = await RECORDS.remove(context_of(request).engine, org_id, within=_SECONDS)
    told = RecordsRemoved(tables=dict(removed.rows), more=removed.more)
    return answer(REMOVE_RECORDS, told)


@on(router, ERASE_USER)
async def erase_user(
    request: Request, org_id: OrgId, asked: Annotated[EraseUser, asking(ERASE_USER)]
) -> Response:
    """Empties what there is of a user, and says what is on its way still."""
    context = context_of(request)
    try:
        told = await erase(context.engine, context.redis, org_id, asked.erased, asked.items)
    except (RedisError, OSError) as error:
        raise Retryable("Redis does not answer") from error
    return answer(ERASE_USER, told)
