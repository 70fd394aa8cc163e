"""Counts and times, each one statement.

    decisions   on jobs, undone ones apart                       review.decisions
    jobs        that came; a moved or reopened one came once     the queue store's
    skips       jobs that were claimed and skipped               the queue store's
    actions     that were asked for and not taken back;          review.requested_actions
                reversals where asked for by source
    times       of people's decisions that ended their job: from its first cause until decided
                (waiting), from the claim until decided (handling), in seconds

Guarantees: scoped by organisation and by time, through an index; what a reader may not see is not
counted: queues that are closed to them (their own decisions and skips apart), child safety without
its permission; every value is bound; a figure has at most so many points.
Must not: decide who may know facts of a person; routes do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy.exc
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_queues import reading
from coop_review_api.analytics.parameter import Parameters
from coop_review_api.analytics.question import Question
from coop_review_api.kernel.error import Conflict, Fault, Invalid
from coop_review_api.kernel.statement import statement_of
from coop_review_api.projection.relation import REQUESTED_ACTIONS
from coop_review_api.review.relation import DECISIONS
from coop_review_api.review.visibility import ReaderScope


@dataclass(frozen=True, kw_only=True)
class FigureLimits:
    """How many points one answer has at most."""

    points: int = 10_000


Figure = Literal["decisions", "jobs", "skips", "actions"]

_UNKNOWN_ZONE = "22023"  # SQLSTATE: invalid parameter value
# The database's own list: whether it cuts time there is what matters.
_KNOWN_ZONE = text("SELECT now() AT TIME ZONE CAST(:zone AS text)")
_PARTS = "jsonb_array_elements(d.components) AS part"

Keys = dict[str, str]
"""By what is grouped by: the SELECT of one row's keys. NONE has no key."""

DECISION_KEYS: Final[Keys] = {
    "NONE": "SELECT CAST(NULL AS text)",
    "TYPE": f"SELECT DISTINCT part ->> 'type' FROM {_PARTS}",  # noqa: S608 - constants
    "ACTION": f"""SELECT DISTINCT jsonb_array_elements_text(part -> 'actionIds')
                    FROM {_PARTS} WHERE part ? 'actionIds'""",  # noqa: S608
    "POLICY": f"""SELECT DISTINCT jsonb_array_elements_text(part -> 'policyIds')
                    FROM {_PARTS} WHERE part ? 'policyIds'""",  # noqa: S608
    "QUEUE": "SELECT d.queue_id",
    "REVIEWER": "SELECT d.reviewer_id",
    "ITEM_TYPE": "SELECT d.item_type_id",
}
JOB_KEYS: Final[Keys] = {
    "NONE": "SELECT CAST(NULL AS text)",
    "QUEUE": "SELECT j.queue_id",
    "ITEM_TYPE": "SELECT j.item_type_id",
    "SOURCE": "SELECT j.source",
    "POLICY": "SELECT DISTINCT unnest(j.policy_ids)",
}
SKIP_KEYS: Final[Keys] = {
    "NONE": "SELECT CAST(NULL AS text)",
    "QUEUE": "SELECT c.queue_id",
    "REVIEWER": "SELECT c.reviewer_id",
}
ACTION_KEYS: Final[Keys] = {
    "NONE": "SELECT CAST(NULL AS text)",
    "ACTION": "SELECT a.action_id",
    "SOURCE": "SELECT a.source",
    "ITEM_TYPE": "SELECT a.item_type_id",
    "RULE": "SELECT DISTINCT unnest(a.rule_ids)",
    "POLICY": "SELECT DISTINCT unnest(a.policy_ids)",
}
TIME_KEYS: Final[Keys] = {
    name: DECISION_KEYS[name] for name in ("NONE", "QUEUE", "REVIEWER", "ITEM_TYPE", "POLICY")
}

# A job that is gone can no longer say what it was about.
_JOB_CSAM = f"(j.job_id IS NULL OR {reading.GRAVE})"
_ESCALATES = """d.components @> '[{"type": "ESCALATE_TO_NCMEC"}]'"""
_MOVES = """d.components @> '[{"type": "MOVE"}]'"""
_OF_JOB = f"LEFT JOIN {reading.JOBS} j ON j.job_id = CAST(d.job_id AS uuid)"


async def counts(
    connection: AsyncConnection,
    scope: ReaderScope,
    figure: Figure,
    group_by: str,
    question: Question,
    *,
    limits: FigureLimits,
) -> Sequence[Row[Any]]:
    """Rows of (start, key, units): of each time in which there is something, the largest first.
    What has several keys (policies, actions) counts under each. Raises `Invalid`, `Conflict`."""
    parameters = _parameters(scope, question, limits)
    source = _SOURCES[figure](scope, question, parameters)
    statement = f"""
        SELECT {_start(question, source.time)} AS start, keys.key, count(*) AS units
          FROM {source.tables} CROSS JOIN LATERAL ({source.keys[group_by]}) AS keys (key)
         WHERE {" AND ".join(source.where)}
         GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2 LIMIT :limit
    """  # noqa: S608 - constants; values are bound
    return await _rows(connection, statement, parameters, limits)


async def in_buckets(
    connection: AsyncConnection,
    scope: ReaderScope,
    figure: Figure,
    group_by: str,
    question: Question,
    edges: Sequence[datetime],
) -> dict[str, list[int]]:
    """By key ("" without one) how often in each of the buckets that have these edges."""
    within = replace(question, start=edges[0], end=edges[-1])
    parameters = _parameters(scope, within, FigureLimits())
    parameters.values["edges"] = list(edges)
    source = _SOURCES[figure](scope, within, parameters)
    statement = f"""
        SELECT width_bucket({source.time}, CAST(:edges AS timestamptz[])) - 1 AS bucket,
               coalesce(keys.key, '') AS key, count(*) AS units
          FROM {source.tables} CROSS JOIN LATERAL ({source.keys[group_by]}) AS keys (key)
         WHERE {" AND ".join(source.where)}
         GROUP BY 1, 2
    """  # noqa: S608 - constants; values are bound
    found: dict[str, list[int]] = {}
    for row in await connection.execute(statement_of(statement), parameters.values):
        found.setdefault(row.key, [0] * (len(edges) - 1))[row.bucket] = row.units
    return found


async def times(
    connection: AsyncConnection,
    scope: ReaderScope,
    group_by: str,
    question: Question,
    *,
    limits: FigureLimits,
) -> Sequence[Row[Any]]:
    """Rows of (start, key, decisions, and of waiting and handling the mean, median and 90th
    percentile). Raises `Invalid`, `Conflict`."""
    parameters = _parameters(scope, question, limits)
    where = _decided(scope, question, parameters)
    waiting = "extract(epoch FROM d.decided_at - j.created_at)"
    handling = "extract(epoch FROM d.decided_at - d.claimed_at)"

    def spread(value: str, name: str) -> str:
        at = f"WITHIN GROUP (ORDER BY CAST({value} AS double precision))"
        return f"""CAST(avg({value}) AS double precision) AS {name}_mean,
                   percentile_cont(0.5) {at} AS {name}_median,
                   percentile_cont(0.9) {at} AS {name}_p90"""

    statement = f"""
        SELECT {_start(question, "d.decided_at")} AS start, keys.key, count(*) AS decisions,
               {spread(waiting, "waiting")}, {spread(handling, "handling")}
          FROM {DECISIONS.sql} d {_OF_JOB}
         CROSS JOIN LATERAL ({TIME_KEYS[group_by]}) AS keys (key)
         WHERE {" AND ".join(where)} AND d.reviewer_id IS NOT NULL AND NOT {_MOVES}
         GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2 LIMIT :limit
    """  # noqa: S608
    return await _rows(connection, statement, parameters, limits)


async def table(
    connection: AsyncConnection,
    scope: ReaderScope,
    rows_of: str,
    question: Question,
    *,
    limits: FigureLimits,
) -> Sequence[Row[Any]]:
    """Rows of (key, type, action_id, units): of each queue or reviewer the decisions of each type,
    of those that act by action. Raises `Conflict`."""
    parameters = _parameters(scope, question, limits)
    where = _decided(scope, question, parameters)
    statement = f"""
        SELECT keys.key, cell.type, cell.action_id, count(*) AS units
          FROM {_decisions_of(scope)}
         CROSS JOIN LATERAL ({DECISION_KEYS[rows_of]}) AS keys (key)
         CROSS JOIN LATERAL (
            SELECT DISTINCT part ->> 'type', act.action_id
              FROM {_PARTS}
              LEFT JOIN LATERAL jsonb_array_elements_text(part -> 'actionIds') AS act (action_id)
                ON true) AS cell (type, action_id)
         WHERE {" AND ".join(where)}
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT :limit
    """  # noqa: S608
    return await _rows(connection, statement, parameters, limits)


def _parameters(scope: ReaderScope, question: Question, limits: FigureLimits) -> Parameters:
    return Parameters(
        org=scope.org_id,
        me=scope.user_id,
        start=question.start,
        end=question.end,
        zone=question.zone,
        limit=limits.points + 1,
    )


def _start(question: Question, time: str) -> str:
    if question.division == "TOTAL":
        return "CAST(:start AS timestamptz)"
    return f"date_trunc('{question.division.lower()}', {time}, CAST(:zone AS text))"


async def _rows(
    connection: AsyncConnection, statement: str, parameters: Parameters, limits: FigureLimits
) -> Sequence[Row[Any]]:
    try:
        await connection.execute(_KNOWN_ZONE, {"zone": parameters.values["zone"]})
    except sqlalchemy.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _UNKNOWN_ZONE:
            raise Invalid([Fault("#/query/timeZone", "no time zone that is known")]) from None
        raise
    rows = (await connection.execute(statement_of(statement), parameters.values)).all()
    if len(rows) > limits.points:
        raise Conflict("too many figures at once: ask for a shorter time, or for days")
    return rows


def _within(time: str) -> str:
    return f"{time} >= CAST(:start AS timestamptz) AND {time} < CAST(:end AS timestamptz)"


class _Source(NamedTuple):
    """Where a figure is counted: FROM, the column of time, the conditions, and how to group."""

    tables: str
    time: str
    where: list[str]
    keys: Keys


def _decisions(scope: ReaderScope, question: Question, parameters: Parameters) -> _Source:
    where = _decided(scope, question, parameters)
    return _Source(_decisions_of(scope), "d.decided_at", where, DECISION_KEYS)


def _decisions_of(scope: ReaderScope) -> str:
    """The join costs: only where it is needed."""
    return f"{DECISIONS.sql} d {'' if scope.child_safety else _OF_JOB}"


def _decided(scope: ReaderScope, question: Question, parameters: Parameters) -> list[str]:
    where = ["d.org_id = :org", _within("d.decided_at"), "d.undone_at IS NULL"]
    if not scope.child_safety:
        where += [f"NOT {_JOB_CSAM}", f"NOT {_ESCALATES}"]
    where += _open(scope, "d", parameters)
    where += _of_columns(
        parameters,
        {
            "d.queue_id": question.queue_ids,
            "d.reviewer_id": question.reviewer_ids,
            "d.item_type_id": question.item_type_ids,
        },
    )
    for name, values in (
        ("type", question.decision_types),
        ("actionIds", question.action_ids),
        ("policyIds", question.policy_ids),
    ):
        members = [{name: one if name == "type" else [one]} for one in values]
        found = [parameters.contains("d.components", member) for member in members]
        if found:
            where.append(f"({' OR '.join(found)})")
    return where


def _jobs(scope: ReaderScope, question: Question, parameters: Parameters) -> _Source:
    where = ["j.org_id = :org", _within("j.enqueued_at"), "j.moved_from = '{}'"]
    if not scope.child_safety:
        where.append(f"NOT {reading.GRAVE}")
    if scope.queue_ids is not None:
        where.append(parameters.any_of("j.queue_id", scope.queue_ids))
    where += _of_columns(
        parameters,
        {
            "j.queue_id": question.queue_ids,
            "j.item_type_id": question.item_type_ids,
            "j.source": question.sources,
        },
    )
    where += _overlapping(parameters, {"j.policy_ids": question.policy_ids})
    return _Source(f"{reading.JOBS} j", "j.enqueued_at", where, JOB_KEYS)


def _skips(scope: ReaderScope, question: Question, parameters: Parameters) -> _Source:
    where = [
        "c.org_id = :org",
        _within("c.ended_at"),
        # As the index says it, and then which of them.
        "c.outcome IN ('SKIPPED', 'RELEASED', 'EXPIRED')",
        "c.outcome = 'SKIPPED'",
    ]
    if not scope.child_safety:
        where.append(f"NOT {_JOB_CSAM}")
    where += _open(scope, "c", parameters)
    where += _of_columns(
        parameters, {"c.queue_id": question.queue_ids, "c.reviewer_id": question.reviewer_ids}
    )
    tables = f"{reading.CLAIMS} c LEFT JOIN {reading.JOBS} j ON j.job_id = c.job_id"
    return _Source(tables, "c.ended_at", where, SKIP_KEYS)


def _actions(scope: ReaderScope, question: Question, parameters: Parameters) -> _Source:
    where = ["a.org_id = :org", _within("a.time")]
    if "REVERSAL" not in question.sources:
        where += ["a.reverses IS NULL", "a.taken_back IS NOT TRUE"]
    if not scope.child_safety:
        where.append(f"NOT {reading.grave_of('a')}")
    where += _of_columns(
        parameters,
        {
            "a.action_id": question.action_ids,
            "a.item_type_id": question.item_type_ids,
            "a.source": question.sources,
        },
    )
    where += _overlapping(
        parameters, {"a.rule_ids": question.rule_ids, "a.policy_ids": question.policy_ids}
    )
    return _Source(f"{REQUESTED_ACTIONS.sql} a", "a.time", where, ACTION_KEYS)


_SOURCES: Final = {
    "decisions": _decisions,
    "jobs": _jobs,
    "skips": _skips,
    "actions": _actions,
}


def _open(scope: ReaderScope, alias: str, parameters: Parameters) -> list[str]:
    """Of the queues that are open to the reader, and their own doing."""
    if scope.queue_ids is None:
        return []
    is_open = parameters.any_of(f"{alias}.queue_id", scope.queue_ids)
    return [f"({is_open} OR {alias}.reviewer_id = :me)"]


def _of_columns(parameters: Parameters, wanted: dict[str, tuple[str, ...]]) -> list[str]:
    return [parameters.any_of(column, values) for column, values in wanted.items() if values]


def _overlapping(parameters: Parameters, wanted: dict[str, tuple[str, ...]]) -> list[str]:
    return [parameters.overlap(column, values) for column, values in wanted.items() if values]
