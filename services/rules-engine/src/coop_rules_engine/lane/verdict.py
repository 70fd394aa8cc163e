"""Verdicts: what the rules of a submission said, for the request that waits for it.

    messages of a batch ─▶ acknowledged ─▶ those of submissions with `reply_to` are read again
                                                  └─▶ queue ─▶ Redis, one message an address

Guarantees: a verdict is read off the messages that the broker has acknowledged, so it says what is
on the log and nothing else; a batch is settled without waiting for Redis; submissions that nobody
waits for cost a look at one field. Lists are bounded: what is too much is dropped and counted.
Must not: be needed. A request that is not told ends at its deadline.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_contracts.event import (
    EvaluationDeferred,
    Lane,
    RequestedExecution,
    RulesEvaluated,
)
from coop_rules_engine import metric
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.message import Message
from coop_runtime.process.log import logger
from coop_runtime.redis.verdict import Verdict, encode_verdicts, verdict_channel

WAITING: Final = 10_000
"""Verdicts that may wait to be told."""

_TOLD = metric.VERDICTS.labels("told")
_LOST = metric.VERDICTS.labels("lost")
_DROPPED = metric.VERDICTS.labels("dropped")

_log = logger(__name__)


class _Result(Struct, rename="camel"):
    """Of a RulesEvaluated or EvaluationDeferred, what a verdict says."""

    submission_id: str
    lane: Lane = "FAST"
    executions: tuple[RequestedExecution, ...] = ()


_decode = msgspec.json.Decoder(_Result).decode


class Verdicts:
    """One for a process; `run` is a service task. `waiting`: how many may wait to be told."""

    def __init__(self, redis: Redis, *, waiting: int = WAITING) -> None:
        self._redis = redis
        self._limit = waiting
        self._waiting: deque[tuple[str, Verdict]] = deque()
        self._some = asyncio.Event()

    def after(
        self,
        acknowledged: Awaitable[None],
        submissions: Sequence[Submission],
        messages: Sequence[Message],
    ) -> Awaitable[None]:
        """`acknowledged`, and then the verdicts of those submissions are told that somebody waits
        for; `messages` are what was published of them."""
        asked = {one.submission_id: one for one in submissions if one.reply_to is not None}
        if not asked:
            return acknowledged
        return self._tell(acknowledged, asked, messages)

    async def _tell(
        self,
        acknowledged: Awaitable[None],
        asked: dict[str, Submission],
        messages: Sequence[Message],
    ) -> None:
        await acknowledged
        for address, verdict in verdicts_of(asked, messages):
            if len(self._waiting) >= self._limit:
                _DROPPED.inc()
            else:
                self._waiting.append((address, verdict))
        self._some.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            told: dict[str, list[Verdict]] = {}
            while self._waiting:
                address, verdict = self._waiting.popleft()
                told.setdefault(address, []).append(verdict)
            await self._publish(told)

    async def _publish(self, told: dict[str, list[Verdict]]) -> None:
        count = sum(map(len, told.values()))
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for address, verdicts in told.items():
                    pipeline.publish(verdict_channel(address), encode_verdicts(verdicts))
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            _LOST.inc(count)
            _log.warning("redis is away: verdicts are lost", count=count, error=repr(error))
        else:
            _TOLD.inc(count)


def verdicts_of(
    asked: dict[str, Submission], messages: Sequence[Message]
) -> list[tuple[str, Verdict]]:
    """The verdicts on the submissions of `asked` (by id) in what was published, with the address
    of each."""
    keys = {one.key.encode() for one in asked.values()}
    decided: dict[str, list[_Result]] = {}
    deferred: dict[str, list[_Result]] = {}
    for message in messages:
        if message.key not in keys:
            continue
        if message.topic == RulesEvaluated.topic:
            found, into = _decode(message.value), decided
        elif message.topic == EvaluationDeferred.topic:
            found, into = _decode(message.value), deferred
        else:
            continue
        into.setdefault(found.submission_id, []).append(found)
    return [
        (
            submission.reply_to or "",
            Verdict(
                submission_id=submission_id,
                decided=tuple(one.lane for one in decided.get(submission_id, ())),
                deferred=tuple(one.lane for one in deferred.get(submission_id, ())),
                action_ids=tuple(
                    execution.action_id
                    for one in decided.get(submission_id, ())
                    for execution in one.executions
                ),
            ),
        )
        for submission_id, submission in asked.items()
        if submission_id in decided or submission_id in deferred
    ]
