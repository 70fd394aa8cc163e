"""Routes of an organisation's records as a whole: how many there are, and their end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from coop_contracts.cybertip import COUNT_CYBERTIP_RECORDS, REMOVE_CYBERTIP_RECORDS
from coop_contracts.dispatch import (
    RecordsQuestion,
    RecordsRemoved,
    RecordsSummary,
    RemoveRecords,
)
from coop_ncmec_reporter import file_store
from coop_ncmec_reporter.api.context import context_of
from coop_ncmec_reporter.org_record import RECORDS
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["records"])

_SECONDS = 3.0  # of one call, which is asked again; well below what its caller waits


@on(router, COUNT_CYBERTIP_RECORDS)
async def count_records(
    request: Request,
    org_id: OrgId,
    asked: Annotated[RecordsQuestion, asking(COUNT_CYBERTIP_RECORDS)],
) -> Response:
    """How many rows there are of the organisation."""
    del asked
    async with transaction(context_of(request).engine) as connection:
        counts = await RECORDS.count(connection, org_id)
    return answer(COUNT_CYBERTIP_RECORDS, RecordsSummary(tables=counts))


@on(router, REMOVE_CYBERTIP_RECORDS)
async def remove_records(
    request: Request,
    org_id: OrgId,
    asked: Annotated[RemoveRecords, asking(REMOVE_CYBERTIP_RECORDS)],
) -> Response:
    """Removes what is there of the organisation, or a part of it. The keys of its evidence go with
    its rows: what is left of the files says nothing. Not while the law has them preserved."""
    del asked
    engine = context_of(request).engine
    async with transaction(engine) as connection:
        until = await file_store.preserved_until(connection, org_id)
    if until is not None and until > context_of(request).clock():
        raise HTTPException(409, f"evidence has to be preserved until {until.isoformat()}")
    removed = await RECORDS.remove(engine, org_id, within=_SECONDS)
    told = RecordsRemoved(tables=dict(removed.rows), more=removed.more)
    return answer(REMOVE_CYBERTIP_RECORDS, told)
