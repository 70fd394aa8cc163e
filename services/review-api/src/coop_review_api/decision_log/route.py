"""The decision log: what people, rules and the platform's own calls decided, newest first.

Guarantees: scoped by organisation; what was undone or taken back is there and says so; each entry
that can be taken back says how. Who reviews reads of it what their job's item and user are about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_queues import store
from coop_review_api.decision_log import reader
from coop_review_api.decision_log.entry import LogEntry
from coop_review_api.decision_log.name import names_of
from coop_review_api.decision_log.question import (
    DecisionType,
    EntryKind,
    EntrySource,
    LogQuestion,
    question_of,
)
from coop_review_api.enforcement.bulk import BulkOrder
from coop_review_api.history.known_item import own_first
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.item_ref import PlatformUserView
from coop_review_api.http.moment import Moment
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.query import AnyOf, QueryModel
from coop_review_api.http.shape import Shape
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import desk
from coop_review_api.review.decision import Component, Execution
from coop_review_api.review.escalation import author_of
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["decision log"])

_reads = requires(Permission.VIEW_MRT_DATA)
Reader = Annotated[Principal, Depends(_reads)]


class ReversibleView(Model):
    """What `POST /v1/reversals` takes: a `decisionId`, `bulkId` or `executionId`."""

    kind: Literal["DECISION", "BULK_ACTION", "EXECUTION"]
    id: str


class TakenBackView(Model):
    """By which entry of the log, when, and how many `executions`: a reversal, or the decision on an
    appeal."""

    kind: Literal["BULK_REVERSAL", "DECISION"]
    id: str
    time: datetime
    executions: int


class DecisionLogEntry(Model):
    """A decision on a job (`source` AUTOMATIC: the queue's settings made it; COOP: it was made in
    Coop, before the organisation came here), a confirmed bulk action or reversal, an action that
    something else than a person in a queue asked for, or a job that was claimed and left.
    `components` are the decision's; of a bulk action its order. `actorId` is null where no person
    acted. Until `leavesAt` a decision can be undone. `state` is a bulk action's, or how a claim
    ended; `total` a bulk action's items. `takenBack` are what took its actions back, some or all:
    of a bulk action the reversals of it as a whole. What was taken back entirely is no longer
    `reversible`. `related` are the other items and users that were acted on; a name is the one that
    was sent last, null where none is known."""

    id: str
    kind: EntryKind
    source: EntrySource
    time: datetime
    actor_id: str | None
    actor: PersonBeside = None
    queue_id: str | None
    job_id: str | None
    item_type_id: str | None
    item_id: str | None
    item_display_name: str | None
    related: list[PlatformUserView]
    components: list[Annotated[dict[str, Any], Shape(Component, BulkOrder)]]
    executions: list[Annotated[dict[str, Any], Shape(Execution)]]
    rule_ids: list[str]
    reason: str | None
    note: str | None
    undone_at: datetime | None
    leaves_at: datetime | None
    moved_to: str | None
    appeal_of: str | None
    state: str | None
    total: int | None
    csam: bool
    reversible: ReversibleView | None
    taken_back: list[TakenBackView]


class DecisionLogPage(Model):
    items: list[DecisionLogEntry]
    next_cursor: str | None = None


def entry_view(entry: LogEntry, names: Mapping[ItemRef, str]) -> DecisionLogEntry:
    """An entry, with the names of items that are known."""
    fields = msgspec.structs.asdict(entry)
    fields["item_display_name"] = None if entry.item is None else names.get(entry.item)
    fields["related"] = [
        PlatformUserView(id=one.id, type_id=one.type_id, display_name=names.get(one))
        for one in entry.named
        if one != entry.item
    ]
    if entry.reversible is not None:
        fields["reversible"] = ReversibleView(kind=entry.reversible.kind, id=entry.reversible.id)
    fields["taken_back"] = [
        TakenBackView(**msgspec.structs.asdict(one)) for one in entry.taken_back
    ]
    return DecisionLogEntry(**fields)


class LogQuery(QueryModel):
    """What of the log is asked for. Of each filter, given several times, one value fits. `q` are
    words of what was said (reasons, notes) or of the names of a decision's actions and policies, as
    web searches are written ("a phrase", -without). A `userId` without a type is whoever has it."""

    kinds: AnyOf[EntryKind] = Field(alias="kind")
    decision_types: AnyOf[DecisionType] = Field(alias="decisionType")
    sources: AnyOf[EntrySource] = Field(alias="source")
    action_ids: AnyOf[str] = Field(alias="actionId")
    policy_ids: AnyOf[str] = Field(alias="policyId")
    queue_ids: AnyOf[str] = Field(alias="queueId")
    reviewer_ids: AnyOf[str] = Field(alias="reviewerId")
    rule_ids: AnyOf[str] = Field(alias="ruleId")
    since: Moment | None = None
    until: Moment | None = None
    item_type_id: str | None = Field(None, max_length=512)
    item_id: str | None = Field(None, max_length=512)
    user_type_id: str | None = Field(None, max_length=512)
    user_id: str | None = Field(None, max_length=512)
    job_id: str | None = Field(None, max_length=128)
    q: str | None = Field(None, min_length=1, max_length=200)


def asked(query: Annotated[LogQuery, Query()]) -> LogQuestion:
    """The question in an address. Raises `Invalid`."""
    return question_of(**query.model_dump())


@router.get("/decision-log", operation_id="listDecisionLog", response_model=DecisionLogPage)
async def list_decision_log(
    request: Request,
    principal: Reader,
    question: Annotated[LogQuestion, Depends(asked)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DecisionLogPage:
    """What was decided, newest first. What rules and the platform did (ACTION) is there when it is
    asked for: by `kind`, source, action, policy or rule, or of one item or user; jobs that were
    left undecided (SKIP, RELEASE) by `kind`; what a bulk action did to an item or a user when these
    are asked for."""
    async with transaction(context_of(request).engine) as connection:
        found = await _read(request, connection, principal, question, cursor, limit)
    return await _page(request, principal, found, limit)


@router.get("/jobs/{job_id}/history", operation_id="listJobHistory", response_model=DecisionLogPage)
async def list_job_history(
    request: Request,
    principal: Reader,
    job_id: str,
    of: Annotated[
        Literal["ITEM", "USER"], Query(description="USER: who made the item, or who it is.")
    ] = "ITEM",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DecisionLogPage:
    """What was decided before about the item of a job that is open to me, or about its user and all
    that they made, newest first."""
    async with transaction(context_of(request).engine) as connection:
        job = await store.get_job(connection, principal.org_id, job_id)
        await desk.require_visible(connection, principal, job.summary)
        if of == "ITEM":
            question = LogQuestion(item=job.summary.item)
        else:
            question = LogQuestion(user=author_of(job) or job.summary.item)
        found = await _read(request, connection, principal, question, cursor, limit)
    return await _page(request, principal, found, limit)


async def _read(
    request: Request,
    connection: AsyncConnection,
    principal: Principal,
    question: LogQuestion,
    cursor: str | None,
    limit: int,
) -> list[LogEntry]:
    return await reader.read(
        connection,
        principal,
        question,
        after=decode_cursor(cursor),
        limit=limit,
        now=context_of(request).clock(),
    )


async def _page(
    request: Request, principal: Principal, found: list[LogEntry], limit: int
) -> DecisionLogPage:
    page, next_cursor = cut(found, limit, lambda one: f"{one.time.isoformat()} {one.id}")
    names = await names_in(request, principal, page)
    return DecisionLogPage(items=[entry_view(one, names) for one in page], next_cursor=next_cursor)


async def names_in(
    request: Request, principal: Principal, entries: Sequence[LogEntry]
) -> Mapping[ItemRef, str]:
    """What the items in these entries are called, as far as it is known."""
    context = context_of(request)
    return await names_of(
        context.engine,
        context.part(ItemReader),
        principal,
        own_first(one.named for one in entries),
    )
