"""Writing batches of events into the projection.

Guarantees: a batch is a few statements in the caller's transaction; a row that is there already
stays as it is, so a batch may come twice.
Must not: make partitions or commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import ARRAY, Column, Row, Table, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import (
    ActionDelivered,
    ActionRequested,
    ItemSubmitted,
    RulesEvaluated,
    SubmittedItem,
    encode,
)
from coop_queues.reading import grave_of, item_key
from coop_review_api.projection import erased
from coop_review_api.projection.partition import RECENT, Partitioned
from coop_review_api.projection.table import (
    deliveries,
    evaluation_rules,
    evaluations,
    executions,
    recent_submissions,
    requested_actions,
    submission_windows,
)
from coop_review_api.tally.figure import Fact
from coop_review_api.tally.horizon import horizon_of

_WRITTEN_EVERY = timedelta(minutes=1)
_NOT_ASKED_BEFORE = f"""
    NOT EXISTS (SELECT 1 FROM {requested_actions.fullname} known
                 WHERE known.org_id = given.org_id AND known.execution_id = given.execution_id
                   AND known.time BETWEEN given.time - interval '1 day'
                                      AND given.time + interval '1 day')
"""  # noqa: S608 - names of our own


_TAKEN_BACK = text(
    f"""
    WITH found AS (
        SELECT a.org_id, a.execution_id, a.time, a.counted
          FROM unnest(CAST(:orgs AS text[]), CAST(:ids AS text[])) AS back (org_id, execution_id)
          JOIN {requested_actions.fullname} a
            ON a.org_id = back.org_id AND a.execution_id = back.execution_id
         WHERE a.reverses IS NULL AND a.taken_back IS NOT TRUE
           FOR UPDATE OF a)
    UPDATE {requested_actions.fullname} a SET taken_back = true, counted = false
      FROM found
     WHERE a.org_id = found.org_id AND a.execution_id = found.execution_id
       AND a.time = found.time
    RETURNING a.org_id, a.time, a.action_id, a.source, a.item_type_id, a.rule_ids, a.policy_ids,
              a.grave, found.counted AS was_counted
    """  # noqa: S608 - names of our own
)


async def add_evaluations(
    connection: AsyncConnection, events: Sequence[RulesEvaluated]
) -> list[Fact]:
    """The evaluations, their rules and the executions that they requested; the matches that are
    new. Of users who were erased what followed is kept, and not what was evaluated."""
    late = await erased.late_evaluations(connection, events)
    kept = (event for event in events if event.event_id not in late)
    await _insert(connection, evaluations, (_evaluation(event) for event in kept))
    horizon = await horizon_of(connection, evaluation_rules.name)
    matches = await _insert(
        connection,
        evaluation_rules,
        (
            (
                event.org_id,
                outcome.rule.id,
                submitted_at(event),
                event.submission_id,
                event.lane,
                outcome.rule.revision,
                outcome.passed,
            )
            for event in events
            for outcome in event.rules
            # A sampled evaluation has all rules; those that failed are in its event.
            if outcome.passed is not False
        ),
        returning="org_id, rule_id, rule_revision, time, passed",
    )
    await _insert(
        connection,
        executions,
        (
            (
                event.org_id,
                execution.execution_id,
                submitted_at(event),
                execution.action_id,
                event.submission_id,
                event.lane,
            )
            for event in events
            for execution in event.executions
        ),
    )
    return [
        Fact(
            org_id=row.org_id,
            figure="matches",
            time=row.time,
            values=(row.rule_id, str(row.rule_revision)),
        )
        for row in matches
        if row.passed and row.time >= horizon
    ]


async def add_submissions(
    connection: AsyncConnection, events: Sequence[ItemSubmitted], *, now: datetime
) -> None:
    """The submissions, into the window of recent ones; none that comes late of a user who was
    erased."""
    events = await erased.submissions_of_others(connection, events)
    if not events:
        return
    await _insert(
        connection,
        recent_submissions,
        (
            (
                event.org_id,
                event.submission_id,
                event.time,
                event.item.type_id,
                event.item.id,
                event.config_revision,
                msgspec.json.encode(event.item).decode(),
                _owner(event.item),
            )
            for event in events
        ),
    )
    await written_to(
        connection, submission_windows, RECENT, [event.time for event in events], now=now
    )


async def written_to(
    connection: AsyncConnection,
    windows: Table,
    of: Partitioned,
    times: Iterable[datetime],
    *,
    now: datetime,
) -> None:
    """Notes that the partitions that hold these times are written to."""
    await connection.execute(
        text(
            f"INSERT INTO {windows.fullname} AS known (start, written_at)"  # noqa: S608
            " SELECT start, :now FROM unnest(cast(:starts AS timestamptz[])) AS start"
            " ON CONFLICT (start) DO UPDATE SET written_at = excluded.written_at"
            " WHERE known.written_at < :stale"
        ),
        {
            "starts": sorted({of.start_of(time) for time in times}),
            "now": now,
            "stale": now - _WRITTEN_EVERY,
        },
    )


async def add_actions(connection: AsyncConnection, events: Sequence[ActionRequested]) -> list[Fact]:
    """The actions that were asked for, each once: who asks again (after a crash) does so under the
    same execution id, and perhaps at another time. What is to be counted: those that are new, and
    no longer those that one of these takes back."""
    first: dict[tuple[str, str], ActionRequested] = {}
    for event in events:
        first.setdefault((event.org_id, event.execution_id), event)
    horizon = await horizon_of(connection, requested_actions.name)
    added = await _insert(
        connection,
        requested_actions,
        (
            _action(event, is_counted=event.time >= horizon)
            for event in await erased.renamed(connection, list(first.values()))
        ),
        where=_NOT_ASKED_BEFORE,
        computed={"grave": grave_of("given")},
        returning="org_id, time, action_id, source, item_type_id, rule_ids, policy_ids,"
        " reverses, counted, grave",
    )
    facts = [_fact(row) for row in added if row.counted]
    back = [event for event in events if event.reverses is not None]
    if back:
        rows = await connection.execute(
            _TAKEN_BACK,
            {"orgs": [one.org_id for one in back], "ids": [one.reverses for one in back]},
        )
        facts += [_fact(row, units=-1) for row in rows if row.was_counted]
    return facts


def _fact(row: Row[Any], *, units: Literal[1, -1] = 1) -> Fact:
    reverses = units == 1 and row.reverses is not None
    return Fact(
        org_id=row.org_id,
        figure="reversals" if reverses else "actions",
        time=row.time,
        values=(
            row.action_id,
            row.source,
            row.item_type_id,
            tuple(row.rule_ids),
            tuple(row.policy_ids),
        ),
        grave=bool(row.grave),
        units=units,
    )


async def add_deliveries(connection: AsyncConnection, events: Sequence[ActionDelivered]) -> None:
    """How deliveries ended."""
    await _insert(
        connection,
        deliveries,
        (
            (
                event.org_id,
                event.execution_id,
                event.time,
                event.action_id,
                event.state,
                event.attempts,
                event.status,
                None if event.error is None else event.error.replace("\0", "\ufffd"),
            )
            for event in events
        ),
    )


def _owner(item: SubmittedItem) -> str:
    owner = item.creator or item
    return item_key(owner.type_id, owner.id)


def submitted_at(event: RulesEvaluated) -> datetime:
    """When the submission was made; when it was evaluated, where that is not said."""
    return event.submitted_at or event.time


def _evaluation(event: RulesEvaluated) -> tuple[Any, ...]:
    return (
        event.org_id,
        event.submission_id,
        event.lane,
        submitted_at(event),
        event.time,
        item_key(event.item.type_id, event.item.id),
        event.item.type_id,
        event.item.id,
        event.config_revision,
        any(outcome.passed for outcome in event.rules),
        event.sampled,
        encode(event).decode(),
    )


def _action(event: ActionRequested, *, is_counted: bool) -> tuple[Any, ...]:
    creator = event.creator
    return (
        event.org_id,
        event.execution_id,
        event.time,
        event.action_id,
        event.source,
        item_key(event.item.type_id, event.item.id),
        event.item.type_id,
        event.item.id,
        None if creator is None else creator.type_id,
        None if creator is None else creator.id,
        None if creator is None else item_key(creator.type_id, creator.id),
        event.actor_id,
        _array(event.policy_ids),
        _array([rule.id for rule in event.rules]),
        None if event.actor_note is None else event.actor_note.replace("\0", "\ufffd"),
        event.cause_id,
        event.bulk_id,
        event.reverses,
        None,
        is_counted,
        None,  # whether it is grave is found out as it is written
    )


def _array(values: Sequence[str]) -> str:
    """A text[] as PostgreSQL writes it."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


async def _insert(
    connection: AsyncConnection,
    table: Table,
    rows: Iterable[tuple[Any, ...]],
    *,
    where: str = "true",
    computed: Mapping[str, str] | None = None,
    returning: str = "1",
) -> Sequence[Row[Any]]:
    """Insert the rows (values in the order of the columns) that are not there yet; the new ones, as
    `returning` says. `where` is a condition on the alias `given`, `computed` are expressions of
    columns in place of their values, in words of our own."""
    columns = list(table.columns)
    values = list(zip(*rows, strict=True))
    if not values:
        return []
    instead = computed or {}
    # One array a column: one statement to parse, whatever the number of rows.
    arrays = ", ".join(f"cast(:{c.name} AS {_element_of(c)}[])" for c in columns)
    names = ", ".join(f'"{c.name}"' for c in columns)
    given = ", ".join(
        instead.get(c.name, f'cast(given."{c.name}" AS {_type_of(c)})') for c in columns
    )
    inserted = await connection.execute(
        text(
            f"INSERT INTO {table.fullname} ({names})"  # noqa: S608 - names of our own
            f" SELECT {given} FROM unnest({arrays}) AS given ({names}) WHERE {where}"
            f" ON CONFLICT DO NOTHING RETURNING {returning}"
        ),
        {column.name: list(found) for column, found in zip(columns, values, strict=True)},
    )
    return inserted.all()


def _element_of(column: Column[Any]) -> str:
    """What is unnested: of an array its text, because arrays of arrays unnest to the bottom."""
    return "text" if isinstance(column.type, ARRAY) else _type_of(column)


def _type_of(column: Column[Any]) -> str:
    return str(column.type.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
