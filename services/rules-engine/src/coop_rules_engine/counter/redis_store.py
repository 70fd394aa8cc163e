"""The counters in Redis: users' strikes, counts of groups, daily limits, blast radius.

    coop:strikes:<org>:<type>:<user>        another service's; read only
    coop:count:<org>:<clause>:<group>       sorted set: submission by time (ms)
    coop:quota:<org>:<rule>:<day>           set: the submissions of that UTC day on which it acted
    coop:blast:<org>:<rule>:<revision>      why the rule was tripped; `:m:<minute>` its actions of
                                            that minute, `:u:<hour>` its users of that hour
    coop:<region>:whole                     of which run of the server that region holds everything

Guarantees: each call is one round trip and atomic; asking twice changes nothing and gives the same
answer. What Redis lost (flushed, restarted, another server) is noticed, because a marker names the
server's run: then nothing is counted, and CountersIncomplete says so. Redis has a deadline.
Must not: rebuild anything (`rebuild` does), or guess a value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final, Literal, NamedTuple, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_runtime.process.error import Retryable
from coop_runtime.redis.client import redis_client
from coop_signals import strike
from coop_signals.strike import PlatformUser

TIMEOUT: Final = 2.0  # seconds that Redis may take
GROUP_MEMBERS: Final = 10_000
"""The most submissions a group keeps, the newest: a count beyond it is not known."""

_CHUNK = 1000  # users and groups, or requests, in one call
_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
QUOTA_LIFE_MS = 8 * _DAY_MS
_BLAST_LIFE_MS = 3 * _HOUR_MS
_LATE_MS = 600_000  # how much later than others a partition may be, at least, and count right

Region = Literal["count", "quota"]


class CountersUnavailable(Retryable):
    """Redis does not answer."""


class CountersIncomplete(Retryable):
    """Redis does not hold all that was counted since `since` (Unix milliseconds; 0: no matter)."""

    def __init__(self, region: Region, since: int = 0) -> None:
        super().__init__(f"Redis does not hold what was counted ({region}): it is being filled")
        self.region: Region = region
        self.since = since


class GroupCount(NamedTuple):
    """One group to count. The submission is added to it, unless `submission_id` is ''. `time` is in
    Unix milliseconds, `window` in milliseconds."""

    key: str
    submission_id: str
    time: int
    window: int


class CounterAnswers(NamedTuple):
    """In the order of the questions. `strikes`: (expires at, weight) of each user, or None where
    they are not known."""

    strikes: list[strike.Strikes | None]
    counts: list[int]


class LimitRequest(NamedTuple):
    """May the rule act on the submission? `time` is the submission's (Unix ms), `user` whom it is
    about ('' for nobody), `actions` how many the rule would take."""

    org_id: str
    rule_id: str
    revision: int
    submission_id: str
    time: int
    daily: int | None
    per_minute: int | None
    per_hour: int | None
    user: str
    actions: int


class LimitAnswer(NamedTuple):
    """`acts`, or why not. `measure` and `reached` where this very submission trips the rule."""

    acts: bool
    measure: Literal["ACTIONS", "USERS"] | None = None
    reached: int = 0


_ACTS, _DOES_NOT = LimitAnswer(acts=True), LimitAnswer(acts=False)
_MEASURES: tuple[Literal["ACTIONS", "USERS"], ...] = ("ACTIONS", "USERS")


def marker(region: str) -> str:
    """The key that says of which run of the server a region holds everything."""
    return f"coop:{region}:whole"


def count_key(org_id: str, clause: str, group: Sequence[Any]) -> str:
    """Where the submissions of a group are. Groups are hashed: their values are the platform's."""
    digest = hashlib.blake2b(msgspec.json.encode(group), digest_size=16).hexdigest()
    return f"coop:count:{org_id}:{clause}:{digest}"


def quota_key(org_id: str, rule_id: str, time: int) -> str:
    """Where the submissions are on which the rule acted on that time's UTC day (Unix ms)."""
    return f"coop:quota:{org_id}:{rule_id}:{time // _DAY_MS}"


def day_of(time: int) -> int:
    """When that time's UTC day began (Unix ms)."""
    return time - time % _DAY_MS


def client_of(url: str) -> Redis:
    """A client with a deadline for every call and no retries of its own."""
    return redis_client(url, timeout=TIMEOUT, connections=16)


class CounterStore:
    """One for a process; `close` it at the end. `group_members`: the most submissions that a group
    keeps."""

    def __init__(self, client: Redis, *, group_members: int = GROUP_MEMBERS) -> None:
        self.client = client
        self._group_members = group_members
        self._values, self._admit = (
            client.register_script(
                resources.files("coop_rules_engine.counter")
                .joinpath(name)
                .read_text(encoding="utf-8")
            )
            for name in ("values.lua", "admit.lua")
        )

    @classmethod
    def of(cls, url: str, *, group_members: int = GROUP_MEMBERS) -> CounterStore:
        """The Redis at `url`; connects on first use."""
        return cls(client_of(url), group_members=group_members)

    async def close(self) -> None:
        await self.client.aclose()

    async def values(
        self, users: Sequence[PlatformUser], counts: Sequence[GroupCount]
    ) -> CounterAnswers:
        """Users' strikes, and the counts, in the order asked: one round trip for a thousand.

        Raises CountersUnavailable, CountersIncomplete.
        """
        found = CounterAnswers([], [])
        for start in range(0, max(len(users), len(counts), 1), _CHUNK):
            await self._fetch(
                users[start : start + _CHUNK], counts[start : start + _CHUNK], found, force=False
            )
        return found

    async def count(self, counts: Sequence[GroupCount]) -> None:
        """Takes submissions into their groups although the marker is missing: for a rebuild.

        Raises CountersUnavailable.
        """
        for start in range(0, len(counts), _CHUNK):
            await self._fetch(
                (), counts[start : start + _CHUNK], CounterAnswers([], []), force=True
            )

    async def _fetch(
        self,
        users: Sequence[PlatformUser],
        counts: Sequence[GroupCount],
        found: CounterAnswers,
        *,
        force: bool,
    ) -> None:
        keys = [strike.MARKER, marker("count")]
        keys += [user.key for user in users]
        keys += [count.key for count in counts]
        arguments: list[Any] = [int(force), len(users)]
        for count in counts:
            kept = max(2 * count.window, count.window + _LATE_MS)
            arguments += [
                count.submission_id,
                count.time,
                count.window,
                count.time - kept,
                kept,
                self._group_members,
            ]
        try:
            answer = await self._values(keys=keys, args=arguments)
        except (RedisError, OSError) as error:
            raise CountersUnavailable(f"Redis: {error}") from error
        strikes_whole, counts_whole, strikes, counted = answer
        if counts and not counts_whole:
            raise CountersIncomplete("count")
        found.strikes.extend(strike.read(raw) if strikes_whole else None for raw in strikes)
        found.counts.extend(counted)

    async def admit(self, requests: Sequence[LimitRequest]) -> list[LimitAnswer]:
        """Whether each may act, decided in this order.

        Raises CountersUnavailable, CountersIncomplete.
        """
        answers: list[LimitAnswer] = []
        for start in range(0, len(requests), _CHUNK):
            answers += await self._decide(requests[start : start + _CHUNK])
        return answers

    async def _decide(self, requests: Sequence[LimitRequest]) -> list[LimitAnswer]:
        keys = [marker("quota")]
        arguments: list[Any] = [len(requests)]
        for one in requests:
            blast = f"coop:blast:{one.org_id}:{one.rule_id}:{one.revision}"
            keys += [
                quota_key(one.org_id, one.rule_id, one.time),
                blast,
                f"{blast}:m:{one.time // _MINUTE_MS}",
                f"{blast}:u:{one.time // _HOUR_MS}",
            ]
            arguments += [
                one.submission_id,
                day_of(one.time),
                _or_none(one.daily),
                _or_none(one.per_minute),
                _or_none(one.per_hour),
                one.user,
                one.actions,
                QUOTA_LIFE_MS,
                _BLAST_LIFE_MS,
            ]
        try:
            found = await self._admit(keys=keys, args=arguments)
        except (RedisError, OSError) as error:
            raise CountersUnavailable(f"Redis: {error}") from error
        if found and found[0][0] == -1:
            raise CountersIncomplete("quota", int(found[0][1]))
        return [_answer(one) for one in cast("list[list[int]]", found)]


def _answer(found: Sequence[int]) -> LimitAnswer:
    if found[0] == 0:
        return _ACTS
    if found[0] == 3:
        return LimitAnswer(acts=False, measure=_MEASURES[found[1] - 1], reached=found[2])
    return _DOES_NOT


def _or_none(limit: int | None) -> int:
    return -1 if limit is None else limit
