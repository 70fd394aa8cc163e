"""The rows of jobs that come to be or grow: what joins a job, its new totals, its new turn.

Guarantees: totals and turn are computed from the row as it is under its lock, so no merge, no
promotion and no new ranking is lost; whoever joins a job may only add to it.
Must not: be called without the slots locked (`slot.py`), or in another order than slots, entries,
jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import Source
from coop_queues.job import OrderChange
from coop_queues.ranking import Ranking, TurnFacts, turn_of
from coop_queues.slot import Slot
from coop_runtime.database.array import typed

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What joins the job of a slot. `new_reporters` are those that the job did not have. `subject`
    is the key of the user it is about, where that is not the item. `moved_from` are the jobs whose
    history comes along."""

    slot: Slot
    job_id: str
    generation: int
    ranking: Ranking
    item_type_id: str
    item_id: str
    source: Source
    first_cause: datetime
    entries: int
    reports: int
    new_reporters: int
    policy_ids: Sequence[str] = ()
    csam: bool = False
    subject: str | None = None
    moved_from: tuple[str, ...] = ()


class Grown(NamedTuple):
    """A job after it grew. Revision 1: it was created now. `csam`: of child-abuse material."""

    rank: int
    revision: int
    csam: bool


_NOW = text(
    """
    SELECT CAST(job_id AS text) AS job_id, state, revision, entry_count, report_count,
           reporter_count, csam, policy_ids, created_at, CAST(subject_key AS text) AS subject_key,
           CAST(moved_from AS text[]) AS moved_from
      FROM queues.jobs WHERE job_id = ANY(CAST(:jobs AS uuid[]))
     ORDER BY jobs.job_id FOR NO KEY UPDATE
    """
)

_COLUMNS = {
    "job_id": "uuid",
    "org_id": "text",
    "queue_id": "text",
    "kind": "text",
    "item_key": "uuid",
    "item_type_id": "text",
    "item_id": "text",
    "generation": "int",
    "source": "text",
    "created_at": "timestamptz",
    "revision": "int",
    "entry_count": "int",
    "report_count": "int",
    "reporter_count": "int",
    "csam": "bool",
    "subject_key": "uuid",
    "severity": "int",
    "deadline": "timestamptz",
    "overdue_at": "timestamptz",
    "rank": "bigint",
    "ranking": "bigint",
    "ranking_revision": "bigint",
    "moved_from": "text",
    "policy_ids": "text",
}
_FIXED = ("job_id", "org_id", "queue_id", "kind", "item_key", "item_type_id", "item_id")
_GROWING = [name for name in _COLUMNS if name not in (*_FIXED, "generation", "source")]
_READ = {
    "moved_from": "CAST(p.moved_from AS uuid[])",
    # An array of arrays cannot be unnested by one dimension.
    "policy_ids": "ARRAY(SELECT jsonb_array_elements_text(CAST(p.policy_ids AS jsonb)))",
}

_UPSERT = text(
    f"""
    INSERT INTO queues.jobs AS j ({", ".join(_COLUMNS)})
    SELECT {", ".join(_READ.get(name, f"p.{name}") for name in _COLUMNS)}
      FROM unnest({", ".join(f"CAST(:{name} AS {type_}[])" for name, type_ in _COLUMNS.items())})
        AS p ({", ".join(_COLUMNS)})
     ORDER BY p.job_id
    ON CONFLICT (job_id) DO UPDATE
       SET {", ".join(f"{name} = excluded.{name}" for name in _GROWING)}
     WHERE j.state = 'PENDING'
    RETURNING CAST(j.job_id AS text), j.rank, j.revision, j.csam
    """  # noqa: S608 - constants only; values are bound
)


async def grow(
    connection: AsyncConnection, growths: Sequence[Growth], *, now: datetime
) -> dict[str, Grown]:
    """Writes the rows, one a growth; by job id. `now` decides what is overdue."""
    ids = sorted(growth.job_id for growth in growths)
    found = (await connection.execute(_NOW, typed(_NOW, {"jobs": ids}))).mappings()
    present = {row["job_id"]: dict(row) for row in found}
    rows = [_row(growth, present.get(growth.job_id), now) for growth in growths]
    written = await columns(connection, _UPSERT, rows)
    if len(written) != len(growths):
        raise RuntimeError("a slot's generation is that of a closed job: the rows contradict")
    return {job_id: Grown(*after) for job_id, *after in written}


def _row(growth: Growth, present: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    # U+0000 would be refused; the entry itself keeps the id as it came.
    policies = {policy.replace("\x00", "\ufffd") for policy in growth.policy_ids}
    first, moved_from, subject = growth.first_cause, list(growth.moved_from), growth.subject
    before = present or {}
    if present is not None:
        policies.update(present["policy_ids"])
        first = min(first, present["created_at"])
        moved_from = [*present["moved_from"], *moved_from]
        subject = subject or present["subject_key"]
    row = {
        "job_id": growth.job_id,
        **growth.slot._asdict(),
        "item_type_id": growth.item_type_id,
        "item_id": growth.item_id,
        "generation": growth.generation,
        "source": growth.source,
        "created_at": first,
        "revision": before.get("revision", 0) + 1,
        "entry_count": before.get("entry_count", 0) + growth.entries,
        "report_count": before.get("report_count", 0) + growth.reports,
        "reporter_count": before.get("reporter_count", 0) + growth.new_reporters,
        "csam": growth.csam or before.get("csam", False),
        "subject_key": subject or growth.slot.item_key,
        "moved_from": "{" + ",".join(moved_from) + "}",
        "policy_ids": _encoder.encode(sorted(policies)).decode(),
    }
    facts = TurnFacts(first, row["report_count"], row["reporter_count"], policies)
    return {**row, **turn_columns(growth.ranking, facts, now=now)}


def turn_columns(ranking: Ranking, facts: TurnFacts, *, now: datetime) -> dict[str, Any]:
    """The columns of a job's turn and of the ranking that gave it."""
    return {
        **turn_of(ranking, facts, now=now)._asdict(),
        "ranking": ranking.digest,
        "ranking_revision": ranking.revision,
    }


def added(org_id: str, queue_id: str, job_id: str, rank: int) -> OrderChange:
    """What Redis is told of a job that came to a queue, grew, or has another turn."""
    return OrderChange(op="ADD", org_id=org_id, queue_id=queue_id, job_id=job_id, rank=rank)


async def columns(
    connection: AsyncConnection, statement: TextClause, rows: Sequence[dict[str, Any]]
) -> Sequence[Any]:
    """Sends rows as one array a column: one statement, prepared once, for a batch of any size."""
    values = {name: [row[name] for row in rows] for name in rows[0]}
    return (await connection.execute(statement, typed(statement, values))).all()
