"""Routes of an organisation's records as a whole, for whoever holds some: how many there are, and
their end.

    router = records_router(RECORDS, lambda request: context_of(request).engine)

Guarantees: removing takes a few seconds a call, and says whether it is to be called again.
Must not: know what the records are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.dispatch import (
    COUNT_RECORDS,
    REMOVE_RECORDS,
    RecordsQuestion,
    RecordsRemoved,
    RecordsSummary,
    RemoveRecords,
)
from coop_runtime.database.engine import transaction
from coop_runtime.database.org_record import OrgRecords
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

_SECONDS = 3.0  # of one call, which is asked again; well below what its caller waits


def records_router(records: OrgRecords, engine_of: Callable[[Request], AsyncEngine]) -> APIRouter:
    """The two routes."""
    router = APIRouter(prefix=PREFIX, tags=["records"])

    @on(router, COUNT_RECORDS)
    async def count_records(
        request: Request, org_id: OrgId, asked: Annotated[RecordsQuestion, asking(COUNT_RECORDS)]
    ) -> Response:
        """How many rows there are of the organisation."""
        del asked
        async with transaction(engine_of(request)) as connection:
            counts = await records.count(connection, org_id)
        return answer(COUNT_RECORDS, RecordsSummary(tables=counts))

    @on(router, REMOVE_RECORDS)
    async def remove_records(
        request: Request, org_id: OrgId, asked: Annotated[RemoveRecords, asking(REMOVE_RECORDS)]
    ) -> Response:
        """Removes what is there of the organisation, or a part of it."""
        del asked
        removed = await records.remove(engine_of(request), org_id, within=_SECONDS)
        told = RecordsRemoved(tables=dict(removed.rows), more=removed.more)
        return answer(REMOVE_RECORDS, told)

    return router
