"""Writes down what was seen, in batches, beside what is said of it.

    said ─▶ add ─▶ a line ─▶ one statement for all that stand in it ─▶ the next

Guarantees: who adds waits until it is written, so that what is acknowledged is remembered; while
the database is away nobody waits, and what was added is written when it is back, as far as the line
is long (`most` media). What the database refuses takes nothing else along. What is not written is
counted.
Must not: raise, or stand before a match: add what was said already.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy.exc
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_hma_bridge import metric, seen_store
from coop_hma_bridge.seen import SeenMedium
from coop_hma_bridge.seen_store import SEEN
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import Partitions
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_BATCH: Final = 1_000  # media in one statement
_PATIENCE: Final = 2.0  # seconds that who adds waits for a database that hangs
_NO_PARTITION: Final = "23514"  # check_violation: no partition takes the row

_log = logger(__name__)

_Waiting = tuple[list[SeenMedium], asyncio.Future[None]]


class SeenWriter:
    """One for a process. What is older than `days` is not remembered any more."""

    def __init__(
        self,
        engine: AsyncEngine,
        partitions: Partitions,
        *,
        days: int,
        most: int = 50_000,
        patience: float = _PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._partitions = partitions
        self._kept = timedelta(days=days)
        self._most = most
        self._patience = patience
        self._now = now
        self._line: deque[_Waiting] = deque()
        self._size = 0
        self._singly = 0  # so many of the line each by itself: one of them is refused
        self._there = asyncio.Event()
        self._away = False

    async def add(self, media: Sequence[SeenMedium]) -> None:
        """Returns once they are written, or will be when they can."""
        oldest = self._now() - self._kept
        lately = [one for one in media if self._kept and one.time > oldest]
        if not lately:
            return
        if self._size + len(lately) > self._most:
            metric.SEEN.labels("lost").inc(len(lately))
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((lately, done))
        self._size += len(lately)
        self._there.set()
        if not self._away:
            await asyncio.wait([done], timeout=self._patience)

    async def run(self) -> None:
        """Until cancelled."""
        backoff = Backoff(last=30)
        while True:
            await self._there.wait()
            first = self._first()
            media = [one for some, _ in first for one in some]
            try:
                await self._write(media)
            except Retryable as error:
                self._away = True
                self._let_go(self._line)
                delay = backoff.next_delay()
                _log.warning("what was seen is not written", error=str(error), seconds=delay)
                await asyncio.sleep(delay)
                continue
            except sqlalchemy.exc.DBAPIError:
                if len(first) > 1:
                    self._singly = len(first)
                    continue
                _log.exception("what was seen cannot be written", media=len(media))
                metric.SEEN.labels("lost").inc(len(media))
            else:
                metric.SEEN.labels("kept").inc(len(media))
            self._away = False
            backoff.reset()
            self._singly = max(0, self._singly - len(first))
            for _ in first:
                self._line.popleft()
            self._size -= len(media)
            self._let_go(first)
            if not self._line:
                self._there.clear()

    def _first(self) -> list[_Waiting]:
        """As many as one statement takes, one at least. They stay in the line."""
        found: list[_Waiting] = []
        size = 0
        for some, done in self._line:
            size += len(some)
            if found and (self._singly or size > _BATCH):
                break
            found.append((some, done))
        return found

    def _let_go(self, waiting: Sequence[_Waiting] | deque[_Waiting]) -> None:
        for _, done in waiting:
            if not done.done():
                done.set_result(None)

    async def _write(self, media: Sequence[SeenMedium]) -> None:
        """Raises Retryable."""
        await self._partitions.ensure(SEEN, [one.time for one in media])
        try:
            async with transaction(self._engine) as connection:
                await seen_store.add(connection, media)
        except sqlalchemy.exc.IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) != _NO_PARTITION:
                raise
            # Dropped by another process since it was seen here.
            self._partitions.forget()
            raise Retryable("a partition is gone: it will be made again") from error
