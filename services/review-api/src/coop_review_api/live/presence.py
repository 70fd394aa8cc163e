"""Who has which job open, for as long as their pages say so.

    coop:presence:job:<job>      people, each until a time
    coop:presence:person:<id>    jobs, each until a time

Guarantees: whoever is silent for `PresenceLimits.lasts` is gone; nothing waits for this, and while
Redis is away nobody is anywhere.
Must not: say who may see a job; `presence_route` asks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from coop_review_api.kernel.clock import Clock
from coop_runtime.process.log import logger

_log = logger("coop.review_api.presence")


@dataclass(frozen=True, kw_only=True)
class PresenceLimits:
    """How long one word is good for (seconds), at how many jobs somebody can be, and how many
    people are named at one; how long Redis is waited for, and left alone after a failure."""

    lasts: float = 45.0
    jobs: int = 20
    people: int = 20
    wait: float = 0.5
    rest: float = 5.0


class Presence:
    """One for each process."""

    def __init__(self, redis: Redis, *, clock: Clock, limits: PresenceLimits) -> None:
        self._redis = redis
        self._clock = clock
        self._limits = limits
        self._rests_until = 0.0  # of the monotonic clock

    async def enter(self, job_id: str, user_id: str) -> None:
        """This person has the job open, until they are silent."""
        limits, until = self._limits, self._now() + self._limits.lasts
        pipe = self._redis.pipeline(transaction=False)
        for key, member in ((_job(job_id), user_id), (_person(user_id), job_id)):
            pipe.zadd(key, {member: until})
            pipe.expire(key, int(limits.lasts) + 1)
        # Those that were named longest ago go.
        pipe.zremrangebyrank(_person(user_id), 0, -limits.jobs - 1)
        await self._run(pipe)

    async def leave(self, job_id: str, user_id: str) -> bool:
        """They have it open no more; whether they had, as far as is known."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.zrem(_job(job_id), user_id)
        pipe.zrem(_person(user_id), job_id)
        return any(await self._run(pipe))

    async def of(self, user_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        """The jobs that each of these people has open."""
        found = await self._read([(one, _person(one)) for one in user_ids], self._limits.jobs)
        return {one: frozenset(jobs) for one, jobs in found.items()}

    async def at(self, job_ids: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Who has each of these jobs open: ids, sorted."""
        found = await self._read([(one, _job(one)) for one in job_ids], self._limits.people)
        return {one: tuple(sorted(people)) for one, people in found.items()}

    async def _read(self, wanted: Sequence[tuple[str, str]], most: int) -> dict[str, list[str]]:
        """By name, those of these keys that hold somebody now, or something."""
        pipe, now = self._redis.pipeline(transaction=False), self._now()
        for _, key in wanted:
            pipe.zrangebyscore(key, f"({now}", "+inf", start=0, num=most)
        answers = await self._run(pipe) if wanted else []
        return {
            name: [one.decode() if isinstance(one, bytes) else one for one in found]
            for (name, _), found in zip(wanted, answers, strict=False)
            if found
        }

    async def _run(self, pipe: Pipeline) -> list[Any]:
        """The answers; none while Redis is away."""
        if time.monotonic() < self._rests_until:
            return []
        try:
            async with asyncio.timeout(self._limits.wait):
                return list(await pipe.execute())
        except (RedisError, OSError, TimeoutError) as error:
            self._rests_until = time.monotonic() + self._limits.rest
            _log.warning("nobody is anywhere", error=str(error))
            return []

    def _now(self) -> float:
        return self._clock().timestamp()


def _job(job_id: str) -> str:
    return f"coop:presence:job:{job_id}"


def _person(user_id: str) -> str:
    return f"coop:presence:person:{user_id}"
