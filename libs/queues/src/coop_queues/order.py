"""The order of free jobs in Redis: a hint, never a truth.

Guarantees: whatever happens to Redis (flushed, restarted, slow, gone, another one), no job is held
twice and none is lost, because each claim is decided on the row (`lease.py`) and the rows alone
suffice (`claim.py`). Nothing here raises because Redis failed, except `reserve` (OrderUnavailable),
whose caller turns to the rows; after a failure Redis is left alone for a moment, so that one that
hangs does not slow every claim.
Must not: be told before the commit. Between commit and telling lies a crash window: a job then
waits without a turn until the event is delivered again (placing), its lease in Redis runs out
(claims, releases), a claim finds the queue empty and looks at the rows, or `sync.Reconciler` comes.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from typing import Final, NamedTuple
from urllib.parse import quote

import redis.asyncio
from redis.exceptions import RedisError

from coop_queues import metric
from coop_queues.job import OrderChange
from coop_runtime.process.log import logger
from coop_runtime.redis.client import redis_client

TIMEOUT: Final = 0.5  # seconds that Redis may take
REST: Final = 1.0  # seconds without a call to it after a failure
RESERVATION: Final = 3.0  # seconds in which a reserved job is to be leased on its row

_WINDOW = 64  # jobs looked at at once for one that the reviewer has not skipped
_WINDOWS = 16
_CHUNK = 1000  # changes in one call

_log = logger("coop_queues.order")


class OrderUnavailable(Exception):
    """Redis does not answer, or was not filled yet: the rows must do."""


class OrderMissing(OrderUnavailable):
    """Redis answers but has lost, or never had, the order of that queue."""

    def __init__(self, org_id: str, queue_id: str) -> None:
        super().__init__(f"no order of queue {queue_id} in Redis")
        self.org_id = org_id
        self.queue_id = queue_id


class Candidate(NamedTuple):
    """A job that Redis offers."""

    org_id: str
    queue_id: str
    job_id: str
    rank: int


def client_of(url: str, *, timeout: float = TIMEOUT) -> redis.asyncio.Redis:
    """A client with a deadline (seconds) for every call and no retries of its own."""
    return redis_client(url, timeout=timeout, connections=32)


class OrderIndex:
    """The order of every queue. One for each process; `close` it at the end."""

    def __init__(
        self, client: redis.asyncio.Redis, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._rest_until = -math.inf
        source = resources.files("coop_queues").joinpath("order.lua").read_text(encoding="utf-8")
        self._script = client.register_script(source)

    @classmethod
    def of(cls, url: str, *, timeout: float = TIMEOUT) -> OrderIndex:
        """The index in the Redis at `url`; connects on first use."""
        return cls(client_of(url, timeout=timeout))

    async def close(self) -> None:
        await self._client.aclose()

    @property
    def resting(self) -> bool:
        """True for a moment after Redis failed: then nothing is sent to it."""
        return self._clock() < self._rest_until

    async def apply(self, changes: Iterable[OrderChange]) -> bool:
        """Tells Redis what was committed; False when it could not be told, which is logged, counted
        and repaired later (module docstring)."""
        told = list(changes)
        try:
            await self.tell(told)
        except OrderUnavailable:
            metric.ORDER_MISSED.inc(len(told))
            return False
        return True

    async def tell(self, changes: Iterable[OrderChange]) -> None:
        """As `apply`, but raises OrderUnavailable."""
        by_queue: dict[tuple[str, str], list[OrderChange]] = defaultdict(list)
        for change in changes:
            by_queue[change.org_id, change.queue_id].append(change)
        for (org_id, queue_id), queue_changes in by_queue.items():
            await self._apply(org_id, queue_id, queue_changes)

    async def _apply(self, org_id: str, queue_id: str, changes: Sequence[OrderChange]) -> None:
        for change in changes:
            # Hidden first: the other way round the skipper could be offered it in between.
            if change.op == "FREE" and change.reviewer_id is not None:
                await self.call(
                    org_id,
                    queue_id,
                    "hide",
                    change.job_id,
                    _ms(change.seconds),
                    reviewer_id=change.reviewer_id,
                )
        for start in range(0, len(changes), _CHUNK):
            arguments: list[str | int] = []
            for change in changes[start : start + _CHUNK]:
                arguments += (change.op, change.job_id, change.rank, _ms(change.seconds))
            await self.call(org_id, queue_id, "apply", *arguments)

    async def reserve(self, org_id: str, queue_id: str, *, reviewer_id: str) -> Candidate | None:
        """The first free job of the queue that is not hidden from the reviewer, offered to nobody
        else for `RESERVATION` seconds; None when there is none in Redis.

        Raises OrderUnavailable, or OrderMissing for a queue without an order.
        """
        answer = await self.call(
            org_id,
            queue_id,
            "reserve",
            _WINDOW,
            _WINDOWS,
            _ms(RESERVATION),
            reviewer_id=reviewer_id,
        )
        if answer[0] == b"unbuilt":
            raise OrderMissing(org_id, queue_id)
        if answer[0] == b"empty":
            return None
        return Candidate(org_id, queue_id, answer[1].decode(), int(float(answer[2])))

    async def size(self, org_id: str, queue_id: str) -> int | None:
        """How many pending jobs Redis knows of the queue; None when it has no order of it.
        Raises OrderUnavailable."""
        answer = await self.call(org_id, queue_id, "size")
        return int(answer[1]) if answer[0] == b"size" else None

    async def members(self, org_id: str, queue_id: str, start: int, count: int) -> list[str]:
        """The free jobs at positions `start` to `start + count - 1`. Raises OrderUnavailable."""
        found = await self.call(org_id, queue_id, "members", start, start + count - 1)
        return [job.decode() for job in found]

    async def answers(self) -> bool:
        """Whether Redis is there now."""
        try:
            with self._guard():
                await self._client.ping()
        except OrderUnavailable:
            return False
        return True

    async def call(
        self,
        org_id: str,
        queue_id: str,
        command: str,
        *arguments: str | int,
        reviewer_id: str | None = None,
    ) -> list[bytes]:
        """One command of `order.lua`. Raises OrderUnavailable."""
        keys = list(_keys(org_id, queue_id))
        if reviewer_id is not None:
            keys.append(f"{_prefix(org_id, queue_id)}:skips:{quote(reviewer_id, safe='')}")
        with self._guard():
            answer: list[bytes] = await self._script(keys=keys, args=[command, *arguments])
        return answer

    def _guard(self) -> _Guard:
        return _Guard(self)

    def failed(self, error: Exception) -> None:
        """Redis failed now: leave it alone for a moment."""
        metric.ORDER_ERRORS.inc()
        metric.ORDER_AVAILABLE.set(0)
        if not self.resting:
            _log.warning("redis does not answer, the rows do", error=str(error) or repr(error))
        self._rest_until = self._clock() + REST


class _Guard:
    """Turns Redis's failures into OrderUnavailable, and refuses while it is left alone."""

    def __init__(self, index: OrderIndex) -> None:
        self._index = index

    def __enter__(self) -> None:
        if self._index.resting:
            raise OrderUnavailable("redis failed a moment ago")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RedisError | OSError | TimeoutError):
            self._index.failed(error)
            raise OrderUnavailable(str(error)) from error
        metric.ORDER_AVAILABLE.set(1)


def _prefix(org_id: str, queue_id: str) -> str:
    # In braces: Redis Cluster keeps all keys of one queue together.
    return f"coop:queue:{{{quote(org_id, safe='')}/{quote(queue_id, safe='')}}}"


def _keys(org_id: str, queue_id: str) -> tuple[str, str, str, str, str]:
    prefix = _prefix(org_id, queue_id)
    return (
        f"{prefix}:order",
        f"{prefix}:leases",
        f"{prefix}:ranks",
        f"{prefix}:built",
        f"{prefix}:building",
    )


def _ms(seconds: float) -> int:
    return max(0, math.ceil(seconds * 1000))
