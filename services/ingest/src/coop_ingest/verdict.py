"""Requests that wait for what the rules say of their item.

    room? ─▶ wait(submission) ─▶ the item is published ─▶ verdicts from Redis ─▶ all lanes decided,
             (429 where none)                                                     or the deadline

Each process has a channel of its own, whose address goes with the item
(`coop_runtime.redis.verdict`).

Guarantees: a request waits for so long and no longer, whether Redis or the rules answer or not; how
many wait is bounded, and one organisation may have twice as many as it leaves free. A verdict that
comes twice counts once; one that nobody waits for (any more) is dropped.
Must not: keep an item from being accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_contracts.event import Lane
from coop_contracts.ids import new_id
from coop_ingest.places import Places
from coop_ingest.refusal import too_many_wait
from coop_runtime.process.log import logger
from coop_runtime.redis.verdict import Verdict, decode_verdicts, verdict_channel

_QUIET: Final = 5.0  # seconds without a message until Redis is asked whether it is there
_PAUSE: Final = 1.0  # seconds until Redis is asked again after it failed

_log = logger(__name__)


class Decision(NamedTuple):
    """What the rules asked for by now, and the lanes that have not decided yet."""

    action_ids: tuple[str, ...]
    undecided: tuple[Lane, ...]


class Waiting:
    """One request that waits."""

    def __init__(self) -> None:
        self._decided: set[Lane] = set()
        self._deferred: set[Lane] = set()
        self._actions: dict[str, None] = {}
        self._whole = asyncio.Event()

    def take(self, verdict: Verdict) -> None:
        """A verdict came."""
        self._decided.update(verdict.decided)
        self._deferred.update(verdict.deferred)
        self._actions.update(dict.fromkeys(verdict.action_ids))
        if "FAST" in self._decided and self._deferred <= self._decided:
            self._whole.set()

    async def decision(self, seconds: float) -> Decision | None:
        """What is decided when all is, or after so many seconds; None where nothing is."""
        try:
            async with asyncio.timeout(seconds):
                await self._whole.wait()
        except TimeoutError:
            if "FAST" not in self._decided:
                return None
        undecided = tuple(sorted(self._deferred - self._decided))
        return Decision(tuple(self._actions), undecided)


class Verdicts:
    """All requests of a process that wait: `limit` at once. An organisation that is not in
    `weights` has 1."""

    def __init__(self, *, limit: int, weights: Mapping[str, float] = MappingProxyType({})) -> None:
        self.address = new_id()
        self._places = Places(limit, too_many_wait, weights=weights)
        self._waiting: dict[str, Waiting] = {}

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return self._places.taken

    @contextmanager
    def wait(self, org_id: str, submission_id: str) -> Iterator[Waiting]:
        """A place to wait. Raises Refusal (429) where there is none."""
        with self._places.take(org_id):
            waiting = self._waiting[submission_id] = Waiting()
            try:
                yield waiting
            finally:
                if self._waiting.get(submission_id) is waiting:
                    del self._waiting[submission_id]

    def take(self, message: bytes) -> None:
        """A message of the channel."""
        for verdict in decode_verdicts(message):
            waiting = self._waiting.get(verdict.submission_id)
            if waiting is not None:
                waiting.take(verdict)

    async def run(self, redis: Redis) -> None:
        """Listens until cancelled; while Redis is away, requests wait in vain."""
        while True:
            try:
                await self._listen(redis)
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("redis is away: verdicts do not come", error=repr(error))
                await asyncio.sleep(_PAUSE)

    async def _listen(self, redis: Redis) -> None:
        async with redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(verdict_channel(self.address))
            asked = False
            while True:
                message = await channel.get_message(timeout=_QUIET)
                if message is not None:
                    asked = False
                    self.take(message["data"])
                elif asked:
                    raise TimeoutError("no answer")
                else:
                    asked = True
                    await channel.ping()
