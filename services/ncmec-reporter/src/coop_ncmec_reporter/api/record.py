"""Routes of an organisation's records as a whole: how many there are, and their end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from coop_contracts.cybertip import COUNT_CYBERTIP_RECORDS, REMOVE_CYBERTIP_RECORDS
from coop_contracts.dispatch import (
    RecordsQuestion,
    RecordsRemoved,
    RecordsSummary,
    RemoveRecords,
)
from coop_ncmec_reporter import store
from coop_ncmec_reporter.api.context import context_of
from coop_ncmec_reporter.org_record import RECORDS
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on
from coop_runtime.internal.problem import Refusal

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
    """Removes what is there of the organisation, or a part of it: keys, then files, then rows. Not
    while something of it has to be kept: the answer says how many reports, and until when."""
    del asked
    context = context_of(request)
    due = store.Due(context.keeping.keep, context.clock())
    async with transaction(context.engine) as connection:
        kept = await store.kept(connection, org_id, due)
    if reasons := _reasons(kept):
        raise Refusal(409, f"evidence has to be kept: {', '.join(reasons)}", kind="evidence-kept")
    if not await context.destroyer.of_org(org_id, within=_SECONDS):
        return answer(REMOVE_CYBERTIP_RECORDS, RecordsRemoved(tables={}, more=True))
    removed = await RECORDS.remove(context.engine, org_id, within=_SECONDS)
    told = RecordsRemoved(tables=dict(removed.rows), more=removed.more)
    return answer(REMOVE_CYBERTIP_RECORDS, told)


def _reasons(kept: store.Kept) -> list[str]:
    """What has to be kept, in words."""
    reasons = []
    if kept.within:
        reasons.append(f"{_reports(kept.within)} until {kept.until:%Y-%m-%d} at the latest")
    if kept.held:
        reasons.append(f"{_reports(kept.held)} under a hold")
    if kept.unfiled:
        reasons.append(f"{_reports(kept.unfiled)} not filed yet")
    return reasons


def _reports(number: int) -> str:
    return "1 report" if number == 1 else f"{number} reports"
