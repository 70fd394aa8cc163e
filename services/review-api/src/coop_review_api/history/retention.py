"""Keeping the history to what each organisation wants: days that are over are emptied or dropped.

    item_versions (by day) ──its organisation's days are over──┬─ a profile, the newest one
                                                               ├─ something was done about the item:
                                                               │  the day's last version, and what
                                                               │  reports and appeals brought
                                                               │     ─▶ kept_items
                                                               └─ otherwise it goes
    a day that is over for every organisation ──▶ its partition is dropped whole

Guarantees: what is to be kept is in `kept_items` in the transaction in which its day goes, under
its marks' locks, so that none is kept for a mark that is gone; several processes may do this at
once, and it may be killed anywhere. An organisation that keeps nothing has its versions for
`window`, so that what is done about an item finds it; nobody is shown them.
Must not: delete row by row where the longest retention of all organisations is over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_review_api.history.table import VERSIONS, item_marks, item_versions, kept_items
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import DAY, Partitions
from coop_runtime.process.interval import at_intervals
from coop_runtime.process.log import logger

DEFAULT_DAYS: Final = 30

_SETTLE_TIMEOUT = 600.0  # seconds

_log = logger("coop.review_api.history")

_KEPT_COLUMNS = ", ".join(column.name for column in kept_items.columns)
_MARKED = f"""EXISTS (SELECT 1 FROM {item_marks.fullname} m
    WHERE m.org_id = v.org_id AND m.item_id = v.item_id AND m.type_id = v.type_id)"""  # noqa: S608
_OF_DAY = """v.time >= :start AND v.time < :end
    AND (CAST(:orgs AS text[]) IS NULL OR v.org_id = ANY(CAST(:orgs AS text[])))"""
_HOLD_MARKS = text(
    f"""
    SELECT count(*) FROM (
        SELECT 1 FROM {item_marks.fullname} m
         WHERE EXISTS (SELECT 1 FROM {item_versions.fullname} v
            WHERE v.org_id = m.org_id AND v.item_id = m.item_id AND v.type_id = m.type_id
              AND {_OF_DAY})
         ORDER BY m.org_id, m.item_id, m.type_id FOR KEY SHARE OF m) AS held
    """  # noqa: S608 - names of our own
)
_KEEP = text(
    f"""
    INSERT INTO {kept_items.fullname} ({_KEPT_COLUMNS})
    SELECT {_KEPT_COLUMNS} FROM (
        SELECT v.*, row_number() OVER (PARTITION BY v.org_id, v.item_id, v.type_id
                                       ORDER BY v.time DESC, v.submission_id DESC) AS age
          FROM {item_versions.fullname} v
         WHERE {_OF_DAY} AND (v.is_user OR {_MARKED})) AS v
     WHERE v.age = 1 OR (v.source <> 'ITEM' AND {_MARKED})
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - names of our own
)
_FORGET_PROFILES = text(
    f"""
    DELETE FROM {kept_items.fullname} v
     WHERE v.is_user AND NOT {_MARKED}
       AND EXISTS (SELECT 1 FROM {kept_items.fullname} n
            WHERE n.org_id = v.org_id AND n.item_id = v.item_id AND n.type_id = v.type_id
              AND (n.time, n.submission_id) > (v.time, v.submission_id))
       AND (v.org_id, v.item_id, v.type_id) IN (
            SELECT v.org_id, v.item_id, v.type_id FROM {item_versions.fullname} v
             WHERE v.is_user AND {_OF_DAY})
    """  # noqa: S608 - names of our own
)
_FORGET = text(
    f"DELETE FROM {item_versions.fullname}"  # noqa: S608 - names of our own
    " WHERE time >= :start AND time < :end AND org_id = ANY(CAST(:orgs AS text[]))"
)

DaysOf = Callable[[str], int]
"""How many days an organisation keeps its items' versions."""


def horizon(now: datetime, days: int) -> datetime | None:
    """From when on versions are shown: whole days, as they go. None: nothing but what is kept."""
    return None if days == 0 else VERSIONS.start_of(now - timedelta(days=days))


class HistoryKeeper:
    """`org_ids` says which organisations there are, `days_of` how long each keeps; `every` is in
    seconds."""

    def __init__(
        self,
        engine: AsyncEngine,
        partitions: Partitions,
        *,
        clock: Clock,
        org_ids: Callable[[], Collection[str]],
        days_of: DaysOf,
        window: timedelta,
        every: float,
    ) -> None:
        self._engine = engine
        self._partitions = partitions
        self._clock = clock
        self._org_ids = org_ids
        self._days_of = days_of
        self._window = window
        self._every = every

    async def run(self) -> None:
        """Keep until cancelled."""
        await at_intervals(self.keep, self._every, postponed="retention postponed")

    async def keep(self) -> None:
        """One round. Raises `Retryable`."""
        now = self._clock()
        await self._partitions.ensure(VERSIONS, (now, now + DAY))
        days = {org_id: self._days_of(org_id) for org_id in self._org_ids()}
        longest = max(days.values(), default=DEFAULT_DAYS)
        for start in await self._partitions.starts(VERSIONS):
            end = start + VERSIONS.step
            last = horizon(now, longest)
            if end <= (last or now - self._window):
                await self._drop(start)
                continue
            by_end: dict[datetime, list[str]] = {}
            for org_id, own in days.items():
                first = horizon(now, own)
                gone = now - self._window if first is None else min(first, end)
                # Without a retention what is done about an item keeps it at once.
                if (own == 0 and start <= now) or (own < longest and end <= gone):
                    by_end.setdefault(min(gone, end), []).append(org_id)
            for until, org_ids in by_end.items():
                await self._settle(start, until, org_ids)

    async def _settle(self, start: datetime, until: datetime, org_ids: Sequence[str]) -> None:
        """Keep what these organisations keep of a day, and delete what is older than `until`."""
        async with transaction(self._engine, within=_SETTLE_TIMEOUT) as connection:
            await _keep(connection, start, org_ids)
            if until > start:
                asked = {"start": start, "end": until, "orgs": list(org_ids)}
                await connection.execute(_FORGET, asked)

    async def _drop(self, start: datetime) -> None:
        async def first(connection: AsyncConnection) -> None:
            await _keep(connection, start, None)

        await self._partitions.drop(VERSIONS, start, first=first, within=_SETTLE_TIMEOUT)
        _log.info("a day of items is over", start=start.isoformat())


async def _keep(
    connection: AsyncConnection, start: datetime, org_ids: Sequence[str] | None
) -> None:
    timeout = f"SET LOCAL statement_timeout = '{int(_SETTLE_TIMEOUT)}s'"
    await connection.execute(text(timeout))
    asked: dict[str, Any] = {
        "start": start,
        "end": start + VERSIONS.step,
        "orgs": None if org_ids is None else list(org_ids),
    }
    # A mark that fades now takes what is kept because of it along (`fading`): what comes after that
    # would be kept for ever. New marks do not wait.
    await connection.execute(_HOLD_MARKS, asked)
    kept = await connection.execute(_KEEP, asked)
    await connection.execute(_FORGET_PROFILES, asked)
    metric.HISTORY_KEPT.inc(kept.rowcount)
