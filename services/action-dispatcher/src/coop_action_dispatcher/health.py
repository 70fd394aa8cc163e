"""How endpoints do: attempts, successes and latencies by endpoint and minute.

Guarantees: bounded in memory; adding and flushing lose nothing but what a killed process had not
flushed (some seconds of statistics).
Must not: be what decisions rest on; breakers count for themselves.

Latencies are counted in buckets, so that a percentile of any span of time is a sum away; between a
bucket's bounds they are taken to be spread evenly.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_action_dispatcher.delivery import Attempt
from coop_action_dispatcher.endpoint_statement import TALLY
from coop_runtime.database.array import Bigints, Integers, Moments, Texts

BOUNDS = (2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 15_000, 60_000)
"""Upper bounds of the latency buckets, milliseconds; one more bucket holds what is above."""

_MAX_KEYS = 20_000


class _Minute(Struct):
    attempts: int
    delivered: int
    latencies: list[int]


class Tally:
    """What this process saw since it last flushed."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[int, datetime], _Minute] = {}

    def add(self, endpoint_id: int, attempt: Attempt) -> None:
        """Counts an attempt. Past the bound it is left out: the database has been away for long."""
        key = endpoint_id, attempt.started_at.replace(second=0, microsecond=0)
        minute = self._minutes.get(key)
        if minute is None:
            if len(self._minutes) >= _MAX_KEYS:
                return
            minute = self._minutes[key] = _Minute(0, 0, [0] * (len(BOUNDS) + 1))
        minute.attempts += 1
        minute.delivered += attempt.status is not None and 200 <= attempt.status < 300
        minute.latencies[bisect_left(BOUNDS, attempt.latency_ms)] += 1

    def take(self) -> dict[tuple[int, datetime], _Minute]:
        """What there is to flush; the tally begins anew."""
        taken, self._minutes = self._minutes, {}
        return taken

    def give_back(self, taken: dict[tuple[int, datetime], _Minute]) -> None:
        """What could not be flushed: counted again."""
        for key, minute in taken.items():
            known = self._minutes.setdefault(key, minute)
            if known is not minute:
                known.attempts += minute.attempts
                known.delivered += minute.delivered
                known.latencies = [
                    a + b for a, b in zip(known.latencies, minute.latencies, strict=True)
                ]


async def flush(connection: AsyncConnection, taken: dict[tuple[int, datetime], _Minute]) -> None:
    """Adds what was seen to the table."""
    await connection.execute(
        TALLY,
        {
            "ids": Bigints(endpoint_id for endpoint_id, _ in taken),
            "minutes": Moments(minute for _, minute in taken),
            "attempts": Integers(one.attempts for one in taken.values()),
            "delivered": Integers(one.delivered for one in taken.values()),
            # An array of arrays must be rectangular to PostgreSQL: as text they are.
            "latencies": Texts("{" + ",".join(map(str, m.latencies)) + "}" for m in taken.values()),
        },
    )


def percentile(latencies: Sequence[int], share: float) -> float | None:
    """The latency in ms that `share` of the attempts stay under; None where there are none."""
    total = sum(latencies)
    if not total:
        return None
    wanted, before, lower = share * total, 0, 0.0
    for count, upper in zip(latencies, (*BOUNDS, BOUNDS[-1]), strict=True):
        if count and before + count >= wanted:
            return lower + (upper - lower) * (wanted - before) / count
        before, lower = before + count, float(upper)
    return float(BOUNDS[-1])
