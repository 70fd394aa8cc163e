"""Counting evaluations, also those of which nothing is kept: what rules are measured against.

    evaluation ─▶ counted_evaluations (by day) ─▶ counted if it is new
                        └── two days after its last row ─▶ dropped; the horizon rises with it

Guarantees: an evaluation is that of a submission and lane; it counts once, however often it comes,
also when the engine published it twice. A day that nothing was written to for two days of the
projector's own work is closed: what comes for it later does not count.
Must not: keep more of an evaluation than a hash.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import RulesEvaluated
from coop_review_api.projection.partition import COUNTED, DAY, Partitions
from coop_review_api.projection.store import submitted_at, written_to
from coop_review_api.projection.table import counted_evaluations, evaluation_windows
from coop_review_api.tally.figure import Fact
from coop_review_api.tally.horizon import horizon_of, raising
from coop_runtime.database.engine import transaction

KEPT_FOR: Final = timedelta(days=2)

_ADD = text(
    f"""
    INSERT INTO {counted_evaluations.fullname} (evaluation, time)
    SELECT given.* FROM unnest(CAST(:evaluations AS uuid[]), CAST(:times AS timestamptz[]))
        AS given (evaluation, time) ORDER BY 1, 2
    ON CONFLICT DO NOTHING RETURNING evaluation
    """  # noqa: S608 - names of our own
)


async def add_evaluated(
    connection: AsyncConnection, events: Sequence[RulesEvaluated], *, now: datetime
) -> list[Fact]:
    """Those that are new, to be counted."""
    horizon = await horizon_of(connection, counted_evaluations.name)
    by_id = {_id_of(event): event for event in events}
    times = [submitted_at(event) for event in by_id.values()]
    given = {"evaluations": list(by_id), "times": times}
    new = (await connection.scalars(_ADD, given)).all()
    await written_to(connection, evaluation_windows, COUNTED, times, now=now)
    return [
        Fact(
            org_id=event.org_id,
            figure="evaluations",
            time=submitted_at(event),
            values=(event.item.type_id, event.lane, str(event.config_revision)),
        )
        for event in (by_id[str(one)] for one in new)
        if submitted_at(event) >= horizon
    ]


async def forget_evaluated(engine: AsyncEngine, partitions: Partitions, *, now: datetime) -> None:
    """Drop the days to which nothing more comes. Raises `Retryable`."""
    async with transaction(engine) as connection:
        rows = await connection.execute(
            select(evaluation_windows.c.start, evaluation_windows.c.written_at)
        )
        written = {row.start: row.written_at for row in rows}
    # By its own work: a projector that was away for days has yet to read what it missed.
    newest = max(written.values(), default=now)
    for start in await partitions.starts(COUNTED):
        ends = start + COUNTED.step
        if ends > now - KEPT_FOR or written.get(start, start) > newest - KEPT_FOR:
            continue
        await partitions.drop(COUNTED, start, first=raising(counted_evaluations.name, ends))
        async with transaction(engine) as connection:
            await connection.execute(
                delete(evaluation_windows).where(evaluation_windows.c.start == start)
            )


async def prepare_evaluated(partitions: Partitions, *, now: datetime) -> None:
    """Make the partitions of today and tomorrow."""
    await partitions.ensure(COUNTED, (now, now + DAY))


def _id_of(event: RulesEvaluated) -> str:
    name = f"{event.org_id}\0{event.submission_id}\0{event.lane}".encode()
    return str(uuid.UUID(bytes=hashlib.blake2b(name, digest_size=16).digest()))
