"""The routes of reports: the list, one with its attempts, what was filed, going on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

import msgspec
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.cybertip import (
    CYBERTIP_DOCUMENT,
    GET_CYBERTIP,
    LIST_CYBERTIPS,
    RETRY_CYBERTIP,
    Cybertip,
    CybertipAttempt,
    CybertipCall,
    CybertipDestruction,
    CybertipDetails,
    CybertipDocument,
    CybertipDocumentQuestion,
    CybertipHold,
    CybertipPage,
    CybertipPreservation,
    CybertipQuestion,
    CybertipsQuestion,
    RetryCybertip,
)
from coop_contracts.event import ItemRef
from coop_ncmec_reporter import (
    attempt_store,
    destruction_store,
    hold_store,
    pause_store,
    preservation_store,
    store,
)
from coop_ncmec_reporter.api.context import Context, context_of
from coop_ncmec_reporter.api.cursor import decode_cursor, encode_cursor
from coop_ncmec_reporter.destruction_store import DestructionRow
from coop_ncmec_reporter.hold_store import HoldRow
from coop_ncmec_reporter.keeping import Keeping
from coop_ncmec_reporter.preservation_store import Preservation
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on
from coop_runtime.secret.vault import SecretError

router = APIRouter(prefix=PREFIX, tags=["reports"])

_MOST_CALLS: Final = 200


class _Beside(NamedTuple):
    """What is told of reports beside their rows."""

    paused: bool
    holds: Mapping[uuid.UUID, HoldRow]
    destructions: Mapping[uuid.UUID, DestructionRow]
    preservations: Mapping[uuid.UUID, Preservation]
    keeping: Keeping
    now: datetime


async def _beside(
    context: Context, connection: AsyncConnection, org_id: str, tips: Sequence[store.Cybertip]
) -> _Beside:
    ids, now = [one.cybertip_id for one in tips], context.clock()
    return _Beside(
        paused=any(one.org_id == org_id for one in await pause_store.pauses(connection)),
        holds=await hold_store.holds(connection, ids, now=now),
        destructions=await destruction_store.latest(connection, ids, now=now),
        preservations=await preservation_store.of(connection, ids),
        keeping=context.keeping,
        now=now,
    )


def _view(tip: store.Cybertip, beside: _Beside) -> Cybertip:
    """A report as it is told: nothing of what it says."""
    hold = beside.holds.get(tip.cybertip_id)
    destruction = beside.destructions.get(tip.cybertip_id)
    preservation = beside.preservations.get(tip.cybertip_id)
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
        is_paused=beside.paused and tip.filed_at is None,
        keep_until=beside.keeping.until(tip),
        is_due=beside.keeping.is_due(tip, hold, beside.now),
        hold=None if hold is None else _hold(hold),
        destruction=None if destruction is None else _destruction(destruction),
        destroyed_at=tip.destroyed_at,
        preservation=None if preservation is None else _preservation(preservation),
    )


def _preservation(one: Preservation) -> CybertipPreservation:
    return CybertipPreservation(
        state=one.outcome or "WAITING",
        since=one.since,
        tries=one.tries,
        tried_at=one.tried_at,
        due_at=None if one.outcome else one.due_at,
        fault=one.fault,
        ended_at=one.ended_at,
    )


def _hold(hold: HoldRow) -> CybertipHold:
    return CybertipHold(
        placed_by=hold.placed_by, reason=hold.reason, placed_at=hold.placed_at, until=hold.until
    )


def _destruction(one: DestructionRow) -> CybertipDestruction:
    return CybertipDestruction(
        state=one.state,
        ground=one.ground,
        reason=one.reason,
        asked_by=one.asked_by,
        asked_at=one.asked_at,
        expires_at=one.expires_at,
        answered_by=one.answered_by,
        answered_at=one.answered_at,
        done_at=one.done_at,
    )


async def details(
    context: Context, connection: AsyncConnection, tip: store.Cybertip
) -> CybertipDetails:
    """A report with its attempts, and its newest calls."""
    beside = await _beside(context, connection, tip.org_id, [tip])
    attempts = await attempt_store.attempts(connection, tip)
    calls, before = await attempt_store.calls(connection, tip, limit=_MOST_CALLS)
    return CybertipDetails(
        cybertip=_view(tip, beside),
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
        calls=[msgspec.convert(one, CybertipCall, from_attributes=True) for one in calls],
        calls_before=before,
    )


def _user_of(asked: CybertipsQuestion) -> ItemRef | None:
    if asked.user_id is None or asked.user_type_id is None:
        return None
    return ItemRef(asked.user_id, asked.user_type_id)


@on(router, LIST_CYBERTIPS)
async def list_cybertips(
    request: Request,
    org_id: OrgId,
    asked: Annotated[CybertipsQuestion, asking(LIST_CYBERTIPS)],
) -> Response:
    """Newest first."""
    context, after = context_of(request), decode_cursor(asked.cursor)
    due = store.Due(context.keeping.keep, context.clock()) if asked.due else None
    async with transaction(context.engine) as connection:
        tips = await store.newest(
            connection,
            org_id,
            after=after,
            limit=asked.limit + 1,
            due=due,
            progress=asked.progress,
            user=_user_of(asked),
        )
        page = tips[: asked.limit]
        beside = await _beside(context, connection, org_id, page)
    last = store.ListPlace(page[-1].requested_at, page[-1].cybertip_id) if page else None
    told = CybertipPage(
        cybertips=[_view(tip, beside) for tip in page],
        next_cursor=encode_cursor(last) if last and len(tips) > asked.limit else None,
    )
    return answer(LIST_CYBERTIPS, told)


@on(router, GET_CYBERTIP)
async def get_cybertip(
    request: Request, org_id: OrgId, asked: Annotated[CybertipQuestion, asking(GET_CYBERTIP)]
) -> Response:
    """With its attempts."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        tip = await store.find(connection, org_id, asked.cybertip_id)
        if tip is None:
            raise HTTPException(404)
        told = await details(context, connection, tip)
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
        told = await details(context, connection, tip)
    context.wake()
    return answer(RETRY_CYBERTIP, told)
