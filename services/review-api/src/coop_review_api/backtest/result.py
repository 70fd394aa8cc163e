"""What the engine says of backtests, kept: counts and samples.

Guarantees: counts never go back; what has ended stays as it ended, whatever comes twice or late; of
each class (what the rule says now, what the live rule said then) at most `SAMPLES` are kept,
those with the lowest MD5 of the submission id, as the engine does.
Must not: take a result for another organisation's backtest.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import BacktestProgressed, BacktestSample
from coop_review_api.backtest import label_store
from coop_review_api.backtest.request import OPEN
from coop_review_api.backtest.table import backtest_samples, backtests
from coop_review_api.kernel import metric
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

SAMPLES = 100

_MAX_TEXT = 2_000


class BacktestResults:
    """The handler of the consumer of BacktestProgressed."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, batch: Sequence[Received[BacktestProgressed]]) -> None:
        """Keep a batch: one transaction. Raises `Retryable`."""
        by_backtest: dict[str, list[BacktestProgressed]] = {}
        for received in batch:
            by_backtest.setdefault(received.event.backtest_id, []).append(received.event)
        async with transaction(self._engine) as connection:
            for events in by_backtest.values():
                await _keep(connection, events)
        metric.PROJECTED.labels("backtest").inc(len(batch))


async def _keep(connection: AsyncConnection, events: Sequence[BacktestProgressed]) -> None:
    backtest_id, org_id = events[0].backtest_id, events[0].org_id
    known = await connection.scalar(
        select(backtests.c.org_id).where(backtests.c.backtest_id == backtest_id).with_for_update()
    )
    events = [event for event in events if event.org_id == known]
    if known != org_id or not events:
        return  # forgotten meanwhile
    samples = {sample.submission_id: sample for event in events for sample in event.samples}
    if samples:
        await _keep_samples(connection, backtest_id, list(samples.values()))
    for event in events:
        change = update(backtests).where(
            backtests.c.backtest_id == backtest_id, backtests.c.state.in_(OPEN)
        )
        if event.state == "RUNNING":
            change = change.where(backtests.c.progress <= event.progress)
        changed = await connection.execute(change.values(**_counts(event)))
        if changed.rowcount:
            await label_store.mark(connection, backtest_id, event.judged)


def _counts(event: BacktestProgressed) -> dict[str, Any]:
    return {
        "state": event.state,
        "updated_at": event.time,
        "progress": event.progress,
        "scanned": event.scanned,
        "evaluated": event.evaluated,
        "passed": event.passed,
        "unknown": event.unknown,
        "newly_passing": event.newly_passing,
        "no_longer_passing": event.no_longer_passing,
        "acted": event.acted,
        "skipped": event.skipped,
        "unavailable": {_storable(name): count for name, count in event.unavailable.items()},
        "data_from": event.data_from,
        "error": None if event.error is None else _storable(event.error),
    }


async def _keep_samples(
    connection: AsyncConnection, backtest_id: str, samples: Sequence[BacktestSample]
) -> None:
    rows = [
        {
            "backtest_id": backtest_id,
            "rank": rank_of(sample.submission_id),
            "submission_id": _storable(sample.submission_id),
            "item_type_id": _storable(sample.item.type_id),
            "item_id": _storable(sample.item.id),
            "time": sample.time,
            "passed": sample.passed,
            "live": sample.live,
            # Escapes of U+0000 in JSON are text that PostgreSQL takes.
            "conditions": msgspec.json.encode(sample.conditions).decode(),
        }
        for sample in samples
    ]
    await connection.execute(upsert(backtest_samples).values(rows).on_conflict_do_nothing())
    place = func.row_number().over(
        partition_by=(backtest_samples.c.passed, backtest_samples.c.live),
        order_by=backtest_samples.c.rank,
    )
    placed = (
        select(backtest_samples.c.rank, place.label("place"))
        .where(backtest_samples.c.backtest_id == backtest_id)
        .subquery()
    )
    await connection.execute(
        delete(backtest_samples).where(
            backtest_samples.c.backtest_id == backtest_id,
            backtest_samples.c.rank.in_(select(placed.c.rank).where(placed.c.place > SAMPLES)),
        )
    )


def rank_of(submission_id: str) -> str:
    """The sample's place among those of its class, as a UUID."""
    digest = hashlib.md5(submission_id.encode("utf-8", "replace"), usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest))


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")[:_MAX_TEXT]
