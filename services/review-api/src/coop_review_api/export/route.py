"""The decision log as a file: ordered here, written by the relay, fetched when it is complete.

Guarantees: an export is its maker's alone; it needs the permissions that it was made with, and the
queues that were open then, when it is fetched, too; making and fetching one leave audit rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, Field
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.permission import Permission
from coop_review_api.decision_log.question import (
    DecisionType,
    EntryKind,
    EntrySource,
    LogQuestion,
    question_of,
)
from coop_review_api.export import store
from coop_review_api.export.file import MEDIA, Format
from coop_review_api.export.store import ExportLimits
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.query import MAX_VALUES
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.visibility import scope_of
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1/decision-log", tags=["decision log"])

_reads = requires(Permission.VIEW_MRT_DATA)
Reader = Annotated[Principal, Depends(_reads)]

_Id = Annotated[str, Field(min_length=1, max_length=128)]
_Ids = Annotated[list[_Id], Field(max_length=MAX_VALUES)]
_LongId = Annotated[str, Field(min_length=1, max_length=512)]


class LogFilters(Body):
    """The filters of `GET /v1/decision-log`. `since` is within, `until` is not."""

    kinds: Annotated[list[EntryKind], Field(max_length=MAX_VALUES)] = Field(default_factory=list)
    decision_types: Annotated[list[DecisionType], Field(max_length=MAX_VALUES)] = Field(
        default_factory=list
    )
    sources: Annotated[list[EntrySource], Field(max_length=MAX_VALUES)] = Field(
        default_factory=list
    )
    action_ids: _Ids = Field(default_factory=list)
    policy_ids: _Ids = Field(default_factory=list)
    queue_ids: _Ids = Field(default_factory=list)
    reviewer_ids: _Ids = Field(default_factory=list)
    rule_ids: _Ids = Field(default_factory=list)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    item_type_id: _LongId | None = None
    item_id: _LongId | None = None
    user_type_id: _LongId | None = None
    user_id: _LongId | None = None
    job_id: _Id | None = None
    q: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    def question(self) -> LogQuestion:
        """What is asked of the log. Raises `Invalid`."""
        return question_of(**self.model_dump())

    @classmethod
    def of(cls, question: LogQuestion) -> Self:
        """The filters of a question."""
        fields: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in msgspec.structs.asdict(question).items()
        }
        item, user = fields.pop("item"), fields.pop("user")
        return cls(
            **fields,
            item_type_id=None if item is None else item.type_id,
            item_id=None if item is None else item.id or None,
            user_type_id=None if user is None else user.type_id or None,
            user_id=None if user is None else user.id,
        )


class LogExportBody(Body):
    """What to write, and how: CSV (RFC 4180, a header line) or JSON Lines."""

    format: Format
    filters: LogFilters = Field(default_factory=LogFilters)


class LogExportView(Model):
    """`rows` and `bytes` are what is written so far. `error` says why it FAILED. After `expiresAt`
    it is gone."""

    id: str
    format: Format
    state: Literal["RUNNING", "COMPLETE", "FAILED"]
    filters: LogFilters
    rows: int
    bytes: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime


class LogExportPage(Model):
    """Newest first."""

    items: list[LogExportView]
    next_cursor: str | None = None


_export_body = JsonBody(LogExportBody)


@router.post(
    "/exports",
    operation_id="createDecisionLogExport",
    response_model=LogExportView,
    status_code=202,
    openapi_extra=_export_body.openapi(),
)
async def create_decision_log_export(
    request: Request, principal: Reader, body: Annotated[LogExportBody, Depends(_export_body)]
) -> LogExportView:
    """Have the log, as it is now and as I may see it, written to a file."""
    context = context_of(request)
    now = context.clock()
    async with transaction(context.engine) as connection:
        export_id = await store.create(
            connection,
            principal,
            body.filters.question(),
            await scope_of(connection, principal),
            form=body.format,
            limits=context.part(ExportLimits),
            now=now,
        )
        row = await store.find(connection, principal, export_id, now=now)
    return _view_of(row)


@router.get("/exports", operation_id="listDecisionLogExports", response_model=LogExportPage)
async def list_decision_log_exports(
    request: Request, principal: Reader, limit: Limit = 50, cursor: Cursor = None
) -> LogExportPage:
    """Mine that are still kept."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        found = await store.page(
            connection,
            principal,
            before=decode_cursor(cursor),
            limit=limit + 1,
            now=context.clock(),
        )
    page, next_cursor = cut(found, limit, lambda row: str(row.export_id))
    return LogExportPage(items=[_view_of(row) for row in page], next_cursor=next_cursor)


@router.get(
    "/exports/{export_id}", operation_id="getDecisionLogExport", response_model=LogExportView
)
async def get_decision_log_export(
    request: Request, principal: Reader, export_id: str
) -> LogExportView:
    """How far it is."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        row = await store.find(connection, principal, export_id, now=context.clock())
    return _view_of(row)


@router.delete("/exports/{export_id}", operation_id="deleteDecisionLogExport", status_code=204)
async def delete_decision_log_export(
    request: Request, principal: Reader, export_id: str
) -> Response:
    """Stop writing it, or delete its file."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await store.delete_own(connection, principal, export_id, now=context.clock())
    return Response(status_code=204)


@router.get(
    "/exports/{export_id}/download",
    operation_id="downloadDecisionLogExport",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/jsonl": {"schema": {"type": "string"}},
            },
        }
    },
)
async def download_decision_log_export(
    request: Request, principal: Reader, export_id: str
) -> Response:
    """The file, once it is COMPLETE."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        row = await store.opened(connection, principal, export_id, now=context.clock())
    name = f"decision-log-{row.created_at:%Y%m%dT%H%M%SZ}.{row.format.lower()}"
    return StreamingResponse(
        _pieces(context.engine, export_id, row.chunks),
        media_type=MEDIA[row.format],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(row.bytes),
        },
    )


async def _pieces(engine: AsyncEngine, export_id: str, chunks: int) -> AsyncIterator[bytes]:
    """The file, no more than a piece of it in memory. One that is deleted meanwhile is cut off,
    which its announced length shows."""
    for number in range(chunks):
        async with transaction(engine) as connection:
            piece = await store.chunk(connection, export_id, number)
        if piece is None:
            return
        yield piece


def _view_of(row: Row[Any]) -> LogExportView:
    return LogExportView(
        id=row.export_id,
        format=row.format,
        state=row.state,
        filters=LogFilters.of(msgspec.convert(row.wanted, LogQuestion)),
        rows=row.rows,
        bytes=row.bytes,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
    )
