"""Keeps the book as the database has it.

    start ─▶ all entries, in pieces ─▶ ready ─▶ what has changed since, every `every` seconds

Guarantees: what is committed in the database is matched by this process `every` seconds later, or a
little; `stale` says for how long that cannot be promised: for ever, before the first reading.
Whoever asks, looks come one after another, and never before that reading. An outage of the database
changes nothing that is known. What takes long is done in threads.
Must not: write.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_hma_bridge import metric, store
from coop_hma_bridge.bank import BankNumbers
from coop_hma_bridge.book import HashBook
from coop_hma_bridge.entry import HASH_BYTES, Algorithm
from coop_hma_bridge.segment import Words
from coop_runtime.database.engine import transaction
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_PIECE: Final = 100_000
_CHANGES: Final = 20_000
_FEW: Final = 20  # changes: with a look-up for each, ten milliseconds
_LOAD_SECONDS: Final = 600.0
_LONG: Final = 1e9  # seconds: for who draws them

# Packed by the server: a row of the driver's costs more than all that is done with it here.
_LOAD: Final = """
    SELECT string_agg(int4send(bank_no) || int8send(entry_id) || hash, ''::bytea ORDER BY entry_id)
    FROM (SELECT bank_no, entry_id, hash FROM hashes.entries
          WHERE algorithm = %s AND state = 1 AND entry_id > %s
          ORDER BY entry_id LIMIT %s) AS piece
"""
_NEWEST = text("SELECT coalesce(max(change), 0) FROM hashes.entries")

_log = logger(__name__)


class Follower:
    """One for a process."""

    def __init__(
        self, engine: AsyncEngine, book: HashBook, numbers: BankNumbers, *, every: float
    ) -> None:
        self._engine = engine
        self._book = book
        self._numbers = numbers
        self._every = every
        self._newest = 0
        self._whole_at = -math.inf
        self._ready = asyncio.Event()
        self._looking = asyncio.Lock()

    def stale(self) -> float:
        """Seconds since all that was committed was known."""
        return time.monotonic() - self._whole_at

    def ready(self) -> bool:
        """Whether the entries were read."""
        return self._ready.is_set()

    async def wait_ready(self, seconds: float) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await self._ready.wait()

    async def run(self) -> None:
        """Until cancelled."""
        backoff = Backoff(last=5)
        while True:
            try:
                if not self._ready.is_set():
                    await self._load()
                await self.look()
            except Retryable as error:
                delay = backoff.next_delay()
                _log.warning("banks' entries out of reach", error=str(error), seconds=delay)
                metric.STALE_SECONDS.set(min(self.stale(), _LONG))
                await asyncio.sleep(delay)
                continue
            backoff.reset()
            metric.STALE_SECONDS.set(self.stale())
            metric.ENTRIES.set(len(self._book))
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Take what has changed. Raises Retryable, also before the entries were read."""
        if not self._ready.is_set():
            raise Retryable("the banks' entries are being read")
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        while True:
            began = time.monotonic()
            async with transaction(self._engine) as connection:
                self._numbers.learn(await store.banks_after(connection, self._numbers.newest))
                changes = await store.changes_after(connection, self._newest, most=_CHANGES)
            if changes:
                if len(changes) < _FEW:
                    self._book.apply(changes)
                else:
                    await asyncio.to_thread(self._book.apply, changes)
                self._book.fold_if_long()
                self._newest = changes[-1].number
            if len(changes) < _CHANGES:
                self._whole_at = began
                return

    async def _load(self) -> None:
        began = time.monotonic()
        async with transaction(self._engine, within=_LOAD_SECONDS) as connection:
            await connection.execute(text(f"SET LOCAL statement_timeout = '{_LOAD_SECONDS:g}s'"))
            # Before the entries: what changes while they are read is taken again afterwards.
            newest = int(await connection.scalar(_NEWEST) or 0)
            self._numbers.learn(await store.banks_after(connection, 0))
            pdq = await _entries(connection, "pdq")
            md5 = await _entries(connection, "md5")
        await asyncio.to_thread(self._fill, pdq, md5)
        self._newest = newest
        self._whole_at = began
        self._ready.set()
        _log.info("banks' entries read", pdq=len(pdq.hashes), md5=len(md5.hashes))

    def _fill(self, pdq: _Columns, md5: _Columns) -> None:
        self._book.load_md5(*md5)
        self._book.load_pdq(*pdq)


class _Columns(NamedTuple):
    """Entries: n × words, n, n."""

    hashes: Words
    banks: NDArray[np.uint32]
    entries: NDArray[np.int64]


async def _entries(connection: AsyncConnection, algorithm: Algorithm) -> _Columns:
    """All that match."""
    row = np.dtype([("bank", ">i4"), ("entry", ">i8"), ("hash", "u1", (HASH_BYTES[algorithm],))])
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    pieces, after = [], 0
    async with driver.cursor(binary=True) as cursor:
        while True:
            await cursor.execute(_LOAD, (store.CODES[algorithm], after, _PIECE))
            (packed,) = await cursor.fetchone()
            if packed is None:
                break
            pieces.append(np.frombuffer(packed, dtype=row))
            after = int(pieces[-1]["entry"][-1])
    return _columns(pieces, HASH_BYTES[algorithm] // 8)


def _columns(pieces: list[Any], words: int) -> _Columns:
    """Takes the pieces: each goes as it is read, so that all is there hardly more than once."""
    size = sum(len(piece) for piece in pieces)
    found = _Columns(
        np.empty((size, words), dtype=np.uint64),
        np.empty(size, dtype=np.uint32),
        np.empty(size, dtype=np.int64),
    )
    end = size
    while pieces:
        piece = pieces.pop()
        where = slice(end - len(piece), end)
        found.hashes[where] = np.ascontiguousarray(piece["hash"]).view("<u8")
        found.banks[where] = piece["bank"]
        found.entries[where] = piece["entry"]
        end -= len(piece)
    return found
