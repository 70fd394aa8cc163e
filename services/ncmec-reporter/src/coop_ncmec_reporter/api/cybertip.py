"""The routes of reports: the list, one with its attempts, what was filed, going on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from coop_contracts.cybertip import (
    CYBERTIP_DOCUMENT,
    GET_CYBERTIP,
    LIST_CYBERTIPS,
    RETRY_CYBERTIP,
    Cybertip,
    CybertipAttempt,
    CybertipDetails,
    CybertipDocument,
    CybertipDocumentQuestion,
    CybertipPage,
    CybertipQuestion,
    CybertipsQuestion,
    RetryCybertip,
)
from coop_contracts.event import ItemRef
from coop_ncmec_reporter import attempt_store, pause_store, store
from coop_ncmec_reporter.api.context import context_of
from coop_ncmec_reporter.api.cursor import decode_cursor, encode_cursor
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on
from coop_runtime.secret.vault import SecretError

router = APIRouter(prefix=PREFIX, tags=["reports"])


def view(tip: store.Cybertip, *, paused: bool) -> Cybertip:
    """A report as it is told: nothing of what it says."""
    return Cybertip(
        id=str(tip.cybertip_id),
        decision_id=tip.decision_id,
        job_id=tip.job_id,
        queue_id=tip.queue_id,
        reviewer_id=tip.reviewer_id,
        user=ItemRef(tip.user_id, tip.user_type_id),
        environment=tip.environment,
        state=tip.state,
        report_id=None if tip.report_id is None else str(tip.report_id),
        requested_at=tip.requested_at,
        filed_at=tip.filed_at,
        due_at=None if tip.state in store.ENDED else tip.due_at,
        files=tip.files,
        missing=tip.missing,
        has_receipt=tip.receipt is not None,
        fault=tip.fault,
        code=tip.code,
        warnings=tip.warnings,
        is_paused=paused and tip.filed_at is None,
    )


@on(router, LIST_CYBERTIPS)
async def list_cybertips(
    request: Request,
    org_id: OrgId,
    asked: Annotated[CybertipsQuestion, asking(LIST_CYBERTIPS)],
) -> Response:
    """Newest first."""
    after = decode_cursor(asked.cursor)
    async with transaction(context_of(request).engine) as connection:
        tips = await store.newest(connection, org_id, after=after, limit=asked.limit + 1)
        paused = any(one.org_id == org_id for one in await pause_store.pauses(connection))
    page = tips[: asked.limit]
    last = store.ListPlace(page[-1].requested_at, page[-1].cybertip_id) if page else None
    told = CybertipPage(
        cybertips=[view(tip, paused=paused) for tip in page],
        next_cursor=encode_cursor(last) if last and len(tips) > asked.limit else None,
    )
    return answer(LIST_CYBERTIPS, told)


@on(router, GET_CYBERTIP)
async def get_cybertip(
    request: Request, org_id: OrgId, asked: Annotated[CybertipQuestion, asking(GET_CYBERTIP)]
) -> Response:
    """With its attempts."""
    async with transaction(context_of(request).engine) as connection:
        tip = await store.find(connection, org_id, asked.cybertip_id)
        if tip is None:
            raise HTTPException(404)
        attempts = await attempt_store.attempts(connection, tip)
        paused = any(one.org_id == org_id for one in await pause_store.pauses(connection))
    told = CybertipDetails(
        cybertip=view(tip, paused=paused),
        attempts=[
            CybertipAttempt(
                number=one.number,
                report_id=None if one.report_id is None else str(one.report_id),
                started_at=one.started_at,
                ended_at=one.ended_at,
                outcome=one.outcome,
            )
            for one in attempts
        ],
    )
    return answer(GET_CYBERTIP, told)


@on(router, CYBERTIP_DOCUMENT)
async def cybertip_document(
    request: Request,
    org_id: OrgId,
    asked: Annotated[CybertipDocumentQuestion, asking(CYBERTIP_DOCUMENT)],
) -> Response:
    """The XML that was sent, or the receipt. Who asks writes down for whom."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        tip = await store.find(connection, org_id, asked.cybertip_id)
    sealed = None if tip is None else getattr(tip, asked.what)
    if tip is None or sealed is None:
        raise HTTPException(404)
    try:
        plain = store.unseal(context.vault, tip, asked.what, sealed)
    except SecretError:
        raise HTTPException(409, "the key of this report is not here") from None
    return answer(CYBERTIP_DOCUMENT, CybertipDocument(text=plain.decode("utf-8", "replace")))


@on(router, RETRY_CYBERTIP)
async def retry_cybertip(
    request: Request, org_id: OrgId, asked: Annotated[RetryCybertip, asking(RETRY_CYBERTIP)]
) -> Response:
    """A report that needs a person goes on; its environment stays what it is."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        tip = await store.find(connection, org_id, asked.cybertip_id)
        if tip is None:
            raise HTTPException(404)
        done = await store.retry(
            connection,
            tip,
            further=asked.further,
            without_media=asked.without_media,
            now=context.clock(),
        )
        if not done:
            raise HTTPException(409, "the report does not need a person")
        tip = await store.find(connection, org_id, asked.cybertip_id)
        assert tip is not None
    context.wake()
    return answer(RETRY_CYBERTIP, CybertipDetails(cybertip=view(tip, paused=False), attempts=[]))
