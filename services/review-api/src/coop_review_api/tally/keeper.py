"""Keeping tallies quick: days of weeks that are over go into their season, what is too old goes.

    tallies (seven rows of a day) ──week over──▶ tally_seasons (96 rows) ──800 days──▶ deleted

A year by day is then five numbers of rows instead of 366, which is what makes a year quick to ask.
What is counted later for such a week is in `tallies` again until the next round; who asks adds
both.

Guarantees: a batch is one transaction: at every moment each number is in one place. Any number may
run; an outage of the database postpones a round.
Must not: change what any sum is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api.kernel.clock import Clock
from coop_review_api.tally.season import DAYS, rows_of, season_of
from coop_review_api.tally.store import QUARTERS, quarter_of, week_of
from coop_runtime.database.engine import transaction
from coop_runtime.process.interval import at_intervals

KEPT: Final = timedelta(days=800)
"""So that a window of a year and the one before it are there."""

_EVERY: Final = 600.0  # seconds
_BATCH: Final = 70  # rows of a day: ten keys' week, a thousand rows of seasons
_SETTLED: Final = 2  # days after which a week is over

_TAKE = text(
    f"""
    DELETE FROM review.tallies WHERE (key_id, day) IN (
        SELECT key_id, day FROM review.tallies WHERE day < :before
         ORDER BY key_id, day LIMIT {_BATCH} FOR UPDATE SKIP LOCKED)
    RETURNING key_id, day, counts
    """  # noqa: S608 - a constant
)
_ADD = text(
    """
    INSERT INTO review.tally_seasons AS kept (key_id, season, quarter, counts)
    SELECT key_id, season, quarter, CAST(counts AS integer[])
      FROM unnest(CAST(:keys AS bigint[]), CAST(:seasons AS date[]), CAST(:quarters AS integer[]),
                  CAST(:counts AS text[])) AS given (key_id, season, quarter, counts)
     ORDER BY key_id, season, quarter
    ON CONFLICT (key_id, quarter, season) DO UPDATE SET counts = (
        SELECT array_agg(had + more ORDER BY day)
          FROM unnest(kept.counts, excluded.counts) WITH ORDINALITY AS n (had, more, day))
    """
)
_FORGET = (
    text(
        f"DELETE FROM review.tally_seasons"  # noqa: S608 - a constant
        f" WHERE season <= CAST(:oldest AS date) - {DAYS}"
    ),
    text("DELETE FROM review.tallies WHERE day < :oldest"),
)
# Locked before it is looked whether anything is counted under it: a counter holds the key.
_UNUSED = text(
    """
    SELECT k.key_id FROM review.tally_keys k
     WHERE k.made_at < :oldest
       AND NOT EXISTS (SELECT 1 FROM review.tally_seasons s WHERE s.key_id = k.key_id)
       AND NOT EXISTS (SELECT 1 FROM review.tallies t WHERE t.key_id = k.key_id)
     LIMIT 1000 FOR UPDATE SKIP LOCKED
    """
)
_DROP_KEYS = text(
    """
    DELETE FROM review.tally_keys k WHERE k.key_id = ANY(CAST(:ids AS bigint[]))
       AND NOT EXISTS (SELECT 1 FROM review.tally_seasons s WHERE s.key_id = k.key_id)
       AND NOT EXISTS (SELECT 1 FROM review.tallies t WHERE t.key_id = k.key_id)
    """
)


class TallyKeeper:
    """One process's."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def run(self) -> None:
        """Keep until cancelled."""
        await at_intervals(self.keep, _EVERY, postponed="retention postponed")

    async def keep(self) -> None:
        """One round. Raises `Retryable`."""
        now = self._clock()
        today, _ = quarter_of(now)
        while await self._put_together(week_of(today - timedelta(days=_SETTLED))) == _BATCH:
            pass
        async with transaction(self._engine) as connection:
            for statement in _FORGET:
                await connection.execute(statement, {"oldest": today - KEPT})
        async with transaction(self._engine) as connection:
            ids = (await connection.scalars(_UNUSED, {"oldest": now - KEPT})).all()
            if ids:
                await connection.execute(_DROP_KEYS, {"ids": list(ids)})

    async def _put_together(self, before: date) -> int:
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_TAKE, {"before": before})).all()
            seasons: dict[tuple[int, date], dict[date, Sequence[int]]] = defaultdict(dict)
            for row in rows:
                seasons[row.key_id, season_of(row.day)][row.day] = row.counts
            if seasons:
                await connection.execute(
                    _ADD,
                    {
                        "keys": [key for key, _ in seasons for _ in range(QUARTERS)],
                        "seasons": [season for _, season in seasons for _ in range(QUARTERS)],
                        "quarters": [*range(1, QUARTERS + 1)] * len(seasons),
                        "counts": [
                            counts
                            for (_, season), days in seasons.items()
                            for counts in rows_of(season, days)
                        ],
                    },
                )
        return len(rows)
