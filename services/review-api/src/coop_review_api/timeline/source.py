"""The sources of a timeline: each gives its moments before a bound, newest first.

Guarantees: scoped by organisation; bounded; without `child_safety` nothing about it.
Must not: decide who may ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef, RulesEvaluated
from coop_queues.job import JobEntry
from coop_queues.reading import item_key
from coop_review_api.comment import store as comments
from coop_review_api.decision_log import query
from coop_review_api.decision_log.entry import LogEntry, entries_of
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.enforcement import taken_back
from coop_review_api.enforcement.taken_back import TakenBack
from coop_review_api.history.port import FoundItem, ItemFinder, Position, Slice
from coop_review_api.note import store as notes
from coop_review_api.notification import strike
from coop_review_api.review import child_safety
from coop_review_api.review.visibility import ReaderScope
from coop_review_api.timeline import statement
from coop_review_api.timeline.entry import (
    Bound,
    Found,
    Kind,
    Moment,
    Place,
    SourceName,
    Subject,
    not_a_cursor,
)

_JOBS: Final = 500
_MOST: Final = 200  # rows of a source for one page
_BY_RULES: Final = frozenset({"RULE_EXECUTION"})  # evaluations tell of these

_entry = msgspec.json.Decoder(JobEntry)
_event = msgspec.json.Decoder(RulesEvaluated)
_parts = msgspec.json.Decoder(tuple[str, str, str])


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question to the sources. `sees_closed`: jobs that are history, too."""

    subject: Subject
    scope: ReaderScope
    sees_closed: bool
    limit: int
    now: datetime

    @property
    def org_id(self) -> str:
        return self.scope.org_id

    @property
    def key(self) -> str:
        return item_key(self.subject.ref.type_id, self.subject.ref.id)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A report or an appeal, with the job that it went to."""

    entry: JobEntry
    job_id: str
    queue_id: str
    item: ItemRef
    invalidated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The rules that passed on a submission, and what took back what they did."""

    event: RulesEvaluated
    taken_back: Sequence[TakenBack]


async def decisions(connection: AsyncConnection, asked: Asked, bound: Bound) -> Found:
    """What people, bulk actions, thresholds and the platform decided."""
    subject = asked.subject.ref
    question = (
        LogQuestion(item=subject) if asked.subject.of == "ITEM" else LogQuestion(user=subject)
    )
    after = f"{bound.time.isoformat()} {bound.key}"
    rows = await query.page(connection, asked.scope, question, after=after, limit=asked.limit + 1)
    entries = await entries_of(
        connection,
        asked.org_id,
        [row for row in rows if row["source"] not in _BY_RULES],
        child_safety=asked.scope.child_safety,
        now=asked.now,
    )
    moments = [_decided(one) for one in entries]
    if len(rows) <= asked.limit:
        return Found(moments=moments)
    return Found(moments=moments, reached=Place(rows[-1]["time"], "LOG", rows[-1]["id"]))


def _decided(one: LogEntry) -> Moment:
    return Moment(
        kind="DECISION", source="LOG", time=one.time, key=one.id, shown=one, csam=one.csam
    )


async def causes(
    connection: AsyncConnection, asked: Asked, bound: Bound, kinds: Sequence[Kind]
) -> Found:
    """Reports and appeals."""
    limit = min(asked.limit + 1, _MOST)
    asks = statement.ENTRIES_OF[asked.subject.of]
    rows = (await connection.execute(asks, _of_jobs(asked, bound, limit))).all()
    moments = [one for row in rows if (one := _caused(row)).kind in kinds]
    reached = None
    if len(rows) == limit:
        reached = Place(rows[-1].time, "ENTRY", rows[-1].entry_id)
    elif rows and rows[0].reached is not None:
        reached = Place(min(rows[0].reached, rows[-1].time), "ENTRY", "")
    return Found(moments=[one for one in moments if one.shown is not None], reached=reached)


async def kept(connection: AsyncConnection, asked: Asked, bound: Bound) -> Found:
    """The times that a job was given to a person, or held."""
    limit = min(asked.limit + 1, _MOST)
    asks = statement.KEEPINGS_OF[asked.subject.of]
    rows = (await connection.execute(asks, _of_jobs(asked, bound, limit))).all()
    moments = [
        Moment(
            kind="KEEPING", source="KEEPING", time=row.time, key=row.key, shown=row, csam=row.csam
        )
        for row in rows
    ]
    reached = _end(rows, limit, "KEEPING")
    if reached is None and rows and rows[0].reached is not None:
        reached = Place(min(rows[0].reached, rows[-1].time), "KEEPING", "")
    return Found(moments=moments, reached=reached)


def _of_jobs(asked: Asked, bound: Bound, limit: int) -> dict[str, Any]:
    queues = asked.scope.queue_ids
    return _values(asked, bound, limit) | {
        "jobs": _JOBS,
        "states": ["PENDING", "CLOSED"] if asked.sees_closed else ["PENDING"],
        "queues": None if queues is None else list(queues),
        "child_safety": asked.scope.child_safety,
    }


def _caused(row: Row[Any]) -> Moment:
    entry = _entry.decode(row.body)
    known = entry.report is not None or entry.appeal is not None
    cause = Cause(
        entry=entry,
        job_id=str(row.job_id),
        queue_id=row.queue_id,
        item=ItemRef(id=row.item_id, type_id=row.item_type_id),
        invalidated_at=row.invalidated_at,
    )
    return Moment(
        kind="APPEAL" if entry.appeal is not None else "REPORT",
        source="ENTRY",
        time=row.time,
        key=row.entry_id,
        shown=cause if known else None,
        csam=row.csam,
    )


async def evaluations(connection: AsyncConnection, asked: Asked, bound: Bound) -> Found:
    """Submissions on which rules passed."""
    limit = _MOST
    asks = statement.EVALUATIONS_OF[asked.subject.of]
    rows = (await connection.execute(asks, _values(asked, bound, limit))).all()
    shown = [row for row in rows if row.event is not None and _may_show(row, asked)]
    shown = shown[: asked.limit + 1]
    events = [_event.decode(row.event) for row in shown]
    ids = {one.execution_id for event in events for one in event.executions}
    back = await taken_back.of_executions(connection, asked.org_id, ids, now=asked.now)
    moments = []
    for row, event in zip(shown, events, strict=True):
        took = [one for each in event.executions for one in back.get(each.execution_id, ())]
        moments.append(
            Moment(
                kind="RULE",
                source="RULE",
                time=row.time,
                key=row.key,
                shown=Evaluation(event=event, taken_back=took),
                csam=row.csam,
            )
        )
    if len(shown) > asked.limit:
        return Found(moments=moments, reached=Place(shown[-1].time, "RULE", shown[-1].key))
    if len(rows) == limit:
        return Found(moments=moments, reached=Place(rows[-1].time, "RULE", rows[-1].key))
    return Found(moments=moments)


async def deliveries(connection: AsyncConnection, asked: Asked, bound: Bound) -> Found:
    """What became of actions, each where it was asked for."""
    limit = min(asked.limit + 1, _MOST)
    asks = statement.DELIVERIES_OF[asked.subject.of]
    rows = (await connection.execute(asks, _values(asked, bound, limit))).all()
    moments = [
        Moment(
            kind="DELIVERY", source="DELIVERY", time=row.time, key=row.key, shown=row, csam=row.csam
        )
        for row in rows
        if _may_show(row, asked)
    ]
    return Found(moments=moments, reached=_end(rows, limit, "DELIVERY"))


async def strikes(connection: AsyncConnection, asked: Asked, bound: Bound) -> Found:
    """How a user's strikes changed."""
    ref, limit = asked.subject.ref, min(asked.limit + 1, _MOST)
    rows = await strike.before(
        connection,
        strike.digest_of(asked.org_id, ref.type_id, ref.id),
        time=bound.time,
        change_id=_number(bound.key),
        limit=limit,
    )
    grave = await child_safety.grave_causes(
        connection, asked.org_id, {str(row.cause_id) for row in rows}
    )
    moments = [
        Moment(
            kind="STRIKE",
            source="STRIKE",
            time=row.changed_at,
            key=str(row.change_id),
            shown=row,
            csam=row.cause_id in grave,
        )
        for row in rows
        if asked.scope.child_safety or row.cause_id not in grave
    ]
    reached = None
    if len(rows) == limit:
        reached = Place(rows[-1].changed_at, "STRIKE", str(rows[-1].change_id))
    return Found(moments=moments, reached=reached)


async def said(connection: AsyncConnection, asked: Asked, bound: Bound) -> Found:
    """Comments on the item."""
    limit = min(asked.limit + 1, _MOST)
    found = await comments.before(
        connection,
        asked.org_id,
        asked.subject.ref,
        child_safety=asked.scope.child_safety,
        time=bound.time,
        comment_id=bound.key,
        limit=limit,
    )
    moments = [
        Moment(
            kind="COMMENT",
            source="COMMENT",
            time=one.created_at,
            key=one.comment_id,
            shown=one,
            csam=one.csam,
        )
        for one in found
    ]
    reached = _place_of(moments[-1]) if len(found) == limit else None
    return Found(moments=moments, reached=reached)


async def noted(connection: AsyncConnection, asked: Asked, bound: Bound) -> Found:
    """Notes on the user."""
    limit = min(asked.limit + 1, _MOST)
    found = await notes.before(
        connection,
        asked.org_id,
        asked.subject.ref,
        time=bound.time,
        note_id=bound.key,
        limit=limit,
    )
    moments = [
        Moment(kind="NOTE", source="NOTE", time=one.created_at, key=one.note_id, shown=one)
        for one in found
    ]
    reached = _place_of(moments[-1]) if len(found) == limit else None
    return Found(moments=moments, reached=reached)


async def submissions(finder: ItemFinder, asked: Asked, bound: Bound) -> Found:
    """What was sent: an item each time, a user with everything that they made, as it was last."""
    ref, limit = asked.subject.ref, min(asked.limit + 1, _MOST)
    if asked.subject.of == "ITEM":
        at = Position(bound.time, ref.id, ref.type_id, bound.time, bound.key)
        page = await finder.versions(asked.org_id, ref, Slice(limit, at))
    else:
        page = await finder.by_author(asked.org_id, ref, Slice(limit, _item_position(bound)))
    moments = [
        Moment(
            kind="SUBMISSION", source="ITEM", time=one.time, key=_item_key(asked, one), shown=one
        )
        for one in page.items
    ]
    if page.next is None:
        return Found(moments=moments)
    key = page.next.submission_id
    if asked.subject.of == "USER":
        parts = [page.next.type_id, page.next.item_id, page.next.submission_id]
        key = msgspec.json.encode(parts).decode()
    return Found(moments=moments, reached=Place(page.next.time, "ITEM", key))


def _item_key(asked: Asked, one: FoundItem) -> str:
    if asked.subject.of == "ITEM":
        return one.submission_id
    parts = [one.item.type_id, one.item.id, one.submission_id]
    return msgspec.json.encode(parts).decode()


def _item_position(bound: Bound) -> Position:
    if not bound.key:
        return Position(bound.time, "", "", bound.time, "")
    try:
        type_id, item_id, submission_id = _parts.decode(bound.key)
    except (msgspec.MsgspecError, ValueError):
        raise not_a_cursor() from None
    return Position(bound.time, item_id, type_id, bound.time, submission_id)


def _number(key: str) -> int:
    if not key:
        return 0
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise not_a_cursor()
    return int(key)


def _values(asked: Asked, bound: Bound, limit: int) -> dict[str, Any]:
    return {
        "org": asked.org_id,
        "subject": asked.key,
        "at": bound.time,
        "key": bound.key,
        "limit": limit,
    }


def _may_show(row: Row[Any], asked: Asked) -> bool:
    return asked.scope.child_safety or not row.csam


def _end(rows: Sequence[Row[Any]], limit: int, source: SourceName) -> Place | None:
    return Place(rows[-1].time, source, rows[-1].key) if len(rows) == limit else None


def _place_of(one: Moment) -> Place:
    return Place(one.time, one.source, one.key)
