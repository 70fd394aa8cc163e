"""Answers kept for a little while: in memory, and where asked for in Redis for all processes.

Guarantees: bounded by entries and by bytes, the least recently used goes first. Keys are digests:
no content of an item is in them. A refusal of an input is kept for a few seconds and in memory
only; whatever may get better by itself is not kept at all. Redis away costs one short wait each
few seconds and nothing else.
Must not: be the only place of anything.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_runtime.process.log import logger
from coop_signals import metric
from coop_signals.error import InputRefused

PREFIX = "coop:signal:"
REFUSAL_SECONDS = 5.0
_REFUSAL_BYTES = 200
_ENTRY_BYTES = 200  # what an entry costs beside its answer
_REDIS_PAUSE = 5.0
_REDIS_SECONDS = 0.25
_MISSING = object()

_log = logger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class AnswerCache:
    """`ttl` in seconds, 0 for none; `clock` in seconds."""

    MISSING = _MISSING

    def __init__(
        self,
        *,
        ttl: float,
        max_entries: int,
        max_bytes: int,
        clock: Callable[[], float],
        redis: Redis | None = None,
    ) -> None:
        self._ttl = ttl
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._redis = redis
        self._redis_from = 0.0
        self._entries: OrderedDict[str, tuple[float, int, Any]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Any:
        """The answer, an InputRefused, or MISSING."""
        entry = self._entries.get(key)
        if entry is None:
            return _MISSING
        if entry[0] <= self._clock():
            self._remove(key)
            return _MISSING
        self._entries.move_to_end(key)
        return entry[2]

    def put(self, key: str, answer: Any, *, size: int) -> None:
        """Keeps an answer, or an InputRefused for a shorter time."""
        refusal = isinstance(answer, InputRefused)
        ttl = min(self._ttl, REFUSAL_SECONDS) if refusal else self._ttl
        size = _REFUSAL_BYTES if refusal else size + _ENTRY_BYTES
        if ttl <= 0 or size > self._max_bytes:
            return
        if key in self._entries:
            self._remove(key)
        self._entries[key] = (self._clock() + ttl, size, answer)
        self._bytes += size
        while self._bytes > self._max_bytes or len(self._entries) > self._max_entries:
            self._remove(next(iter(self._entries)))
        metric.CACHE_BYTES.set(self._bytes)

    def _remove(self, key: str) -> None:
        self._bytes -= self._entries.pop(key)[1]
        metric.CACHE_BYTES.set(self._bytes)

    async def read(self, key: str) -> Any:
        """The answer another process keeps, or MISSING."""
        if self._redis is None or self._clock() < self._redis_from:
            return _MISSING
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                found = await self._redis.get(PREFIX + key)
            return _MISSING if found is None else _decode(found)
        except (RedisError, OSError) as error:
            self._pause(error)
        except msgspec.MsgspecError:
            pass  # written by another version: asked for again
        return _MISSING

    async def keep(self, key: str, answer: Any) -> None:
        """Keeps an answer in memory and for other processes."""
        encoded = _encode(answer)
        self.put(key, answer, size=len(encoded))
        if self._redis is None or self._ttl <= 0 or self._clock() < self._redis_from:
            return
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                await self._redis.set(PREFIX + key, encoded, px=max(1, int(self._ttl * 1000)))
        except (RedisError, OSError) as error:
            self._pause(error)

    def _pause(self, error: Exception) -> None:
        metric.CACHE_ERRORS.inc()
        self._redis_from = self._clock() + _REDIS_PAUSE
        _log.warning("the signal cache in Redis is away", error=type(error).__name__)
