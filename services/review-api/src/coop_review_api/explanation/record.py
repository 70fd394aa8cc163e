"""Reading what the projector recorded of a submission.

Guarantees: scoped by organisation; a submission's evaluations are in the order in which they were
made.
Must not: judge what was recorded.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, FromClause, String, and_, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import RulesEvaluated, SubmittedItem
from coop_queues.reading import entries, is_grave, item_key, uuid_of
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.projection import relation as projected
from coop_review_api.review.relation import DECISIONS

_event = msgspec.json.Decoder(RulesEvaluated)
_item = msgspec.json.Decoder(SubmittedItem)

ExecutionState = Literal["DELIVERED", "DEAD", "REVIEW", "UNKNOWN"]


@dataclass(frozen=True, kw_only=True)
class RecordedSubmission:
    """A submission as it was accepted."""

    submission_id: str
    time: datetime
    config_revision: int
    item: SubmittedItem


@dataclass(frozen=True, kw_only=True)
class ExecutionOutcome:
    """What became of an execution. REVIEW: it placed a review job, `job_id`. UNKNOWN: nothing was
    heard of it yet. `status` is HTTP's."""

    state: ExecutionState
    attempts: int = 0
    status: int | None = None
    error: str | None = None
    time: datetime | None = None
    job_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoundEvaluation:
    """One evaluation in a list."""

    submission_id: str
    lane: str
    time: datetime
    item_type_id: str
    item_id: str
    config_revision: int
    matched: bool
    sampled: bool


@dataclass(frozen=True, kw_only=True)
class EvaluationFilter:
    """Which evaluations to list; what is None does not matter. `since` and `until` are times of
    submission, the second exclusive; `rule_revision` goes with `rule_id`."""

    item_type_id: str | None = None
    item_id: str | None = None
    rule_id: str | None = None
    rule_revision: int | None = None
    matched: bool | None = None
    submission_ids: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


async def submission(
    connection: AsyncConnection, org_id: str, submission_id: str
) -> RecordedSubmission | None:
    """The submission, if its data is still here."""
    for table in (projected.SUBMISSIONS.of, projected.RECENT_SUBMISSIONS.of):
        row = (
            await connection.execute(
                select(table.c.time, table.c.config_revision, table.c.item)
                .where(table.c.org_id == org_id, table.c.submission_id == submission_id)
                .order_by(table.c.time)
                .limit(1)
            )
        ).one_or_none()
        if row is not None:
            return RecordedSubmission(
                submission_id=submission_id,
                time=row.time,
                config_revision=row.config_revision,
                item=_item.decode(row.item),
            )
    return None


async def evaluations(
    connection: AsyncConnection, org_id: str, submission_id: str
) -> list[RulesEvaluated]:
    """What was recorded of the submission, lane by lane."""
    table = projected.EVALUATIONS.of
    found = await connection.scalars(
        select(table.c.event)
        .where(table.c.org_id == org_id, table.c.submission_id == submission_id)
        .order_by(table.c.evaluated_at, table.c.lane)
    )
    return [_event.decode(event) for event in found]


async def outcomes(
    connection: AsyncConnection, org_id: str, execution_ids: Collection[str]
) -> dict[str, ExecutionOutcome]:
    """What became of executions; each has an entry."""
    found = {execution_id: ExecutionOutcome(state="UNKNOWN") for execution_id in execution_ids}
    if not found:
        return found
    placed = await connection.execute(
        select(entries.c.entry_id, entries.c.job_id, entries.c.placed_at).where(
            entries.c.org_id == org_id, entries.c.entry_id.in_(found)
        )
    )
    for row in placed:
        found[row.entry_id] = ExecutionOutcome(
            state="REVIEW", job_id=row.job_id, time=row.placed_at
        )
    table = projected.DELIVERIES.of
    ended = await connection.execute(
        select(table)
        .where(table.c.org_id == org_id, table.c.execution_id.in_(execution_ids))
        .order_by(table.c.time)
    )
    for row in ended:  # the newest last
        found[row.execution_id] = ExecutionOutcome(
            state=row.state,
            attempts=row.attempts,
            status=row.status,
            error=row.error,
            time=row.time,
        )
    return found


class _Cause(Struct, rename="camel"):
    """What is read of an entry of a review job."""

    source: str
    correlation_id: str | None = None


async def submission_ids_of_job(connection: AsyncConnection, org_id: str, job_id: str) -> list[str]:
    """The submissions whose evaluation put a job into its queue, oldest first.

    Raises JobNotFound for what cannot be a job's id.
    """
    bodies = await connection.scalars(
        select(entries.c.body)
        .where(entries.c.org_id == org_id, entries.c.job_id == uuid_of(job_id))
        .order_by(entries.c.position)
    )
    causes = [msgspec.json.decode(body, type=_Cause) for body in bodies]
    by_rule = [c.correlation_id for c in causes if c.source == "RULE_EXECUTION"]
    return list(dict.fromkeys(found for found in by_rule if found is not None))


@dataclass(frozen=True, kw_only=True)
class RecordedExecution:
    """An execution that a submission or a decision requested."""

    execution_id: str
    action_id: str
    submission_id: str | None = None
    decision_id: str | None = None
    job_id: str | None = None


async def execution(
    connection: AsyncConnection, org_id: str, execution_id: str
) -> RecordedExecution | None:
    """Who requested an execution: an evaluated submission, or a reviewer's decision."""
    table = projected.EXECUTIONS.of
    row = (
        await connection.execute(
            select(table.c.action_id, table.c.submission_id)
            .where(table.c.org_id == org_id, table.c.execution_id == execution_id)
            .limit(1)
        )
    ).one_or_none()
    if row is not None:
        return RecordedExecution(
            execution_id=execution_id, action_id=row.action_id, submission_id=row.submission_id
        )
    wanted = [{"executionId": execution_id}]
    decided = (
        await connection.execute(
            select(
                DECISIONS.of.c.decision_id, DECISIONS.of.c.job_id, DECISIONS.of.c.executions
            ).where(DECISIONS.of.c.org_id == org_id, DECISIONS.of.c.executions.contains(wanted))
        )
    ).first()
    if decided is None:
        return None
    action_id = next(
        one["actionId"] for one in decided.executions if one["executionId"] == execution_id
    )
    return RecordedExecution(
        execution_id=execution_id,
        action_id=action_id,
        decision_id=decided.decision_id,
        job_id=decided.job_id,
    )


async def job_of_decision(connection: AsyncConnection, org_id: str, decision_id: str) -> str | None:
    """The job that a decision was about."""
    found: str | None = await connection.scalar(
        select(DECISIONS.of.c.job_id).where(
            DECISIONS.of.c.org_id == org_id, DECISIONS.of.c.decision_id == decision_id
        )
    )
    return found


async def search(
    connection: AsyncConnection,
    org_id: str,
    wanted: EvaluationFilter,
    *,
    hidden: bool,
    after: str | None,
    limit: int,
) -> list[FoundEvaluation]:
    """Up to `limit` evaluations, newest submission first, from the one after a position. With
    `hidden`, those of what is about child safety are left out."""
    table = projected.EVALUATIONS.of
    by_rule = projected.EVALUATION_RULES.of
    place: FromClause = table if wanted.rule_id is None else by_rule
    query = select(table).where(table.c.org_id == org_id, *_conditions(wanted, place))
    if wanted.rule_id is not None:
        query = query.join(
            by_rule,
            and_(
                *(
                    table.c[name] == by_rule.c[name]
                    for name in ("org_id", "submission_id", "lane", "time")
                )
            ),
        ).where(by_rule.c.org_id == org_id)
    if hidden:
        query = query.where(~is_grave(table))
    if after is not None:
        query = query.where(_beyond(place, after))
    query = query.order_by(place.c.time.desc(), place.c.submission_id, place.c.lane).limit(limit)
    return [
        FoundEvaluation(
            submission_id=row.submission_id,
            lane=row.lane,
            time=row.time,
            item_type_id=row.item_type_id,
            item_id=row.item_id,
            config_revision=row.config_revision,
            matched=row.matched,
            sampled=row.sampled,
        )
        for row in await connection.execute(query)
    ]


def position_of(found: FoundEvaluation) -> str:
    """Where an evaluation stands in a search."""
    return f"{found.time.isoformat()} {found.lane} {found.submission_id}"


def _beyond(table: FromClause, position: str) -> ColumnElement[bool]:
    time, _, rest = position.partition(" ")
    lane, _, submission_id = rest.partition(" ")
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    here = tuple_(literal(submission_id, String), literal(lane, String))
    return or_(
        table.c.time < moment,
        and_(table.c.time == moment, tuple_(table.c.submission_id, table.c.lane) > here),
    )


def _conditions(wanted: EvaluationFilter, place: FromClause) -> list[ColumnElement[bool]]:
    table, by_rule = projected.EVALUATIONS.of, projected.EVALUATION_RULES.of
    conditions: list[ColumnElement[bool]] = []
    if wanted.item_type_id is not None and wanted.item_id is not None:
        conditions.append(table.c.item_key == item_key(wanted.item_type_id, wanted.item_id))
    elif wanted.item_type_id is not None:
        conditions.append(table.c.item_type_id == wanted.item_type_id)
    if wanted.rule_id is not None:
        conditions += [by_rule.c.rule_id == wanted.rule_id, by_rule.c.passed.is_not(None)]
        if wanted.rule_revision is not None:
            conditions.append(by_rule.c.rule_revision == wanted.rule_revision)
    if wanted.submission_ids is not None:
        conditions.append(table.c.submission_id.in_(wanted.submission_ids))
    if wanted.matched is not None:
        conditions.append(table.c.matched.is_(wanted.matched))
    if wanted.since is not None:
        conditions.append(place.c.time >= wanted.since)
    if wanted.until is not None:
        conditions.append(place.c.time < wanted.until)
    return conditions
