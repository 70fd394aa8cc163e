"""Makes Redis hold what was counted: daily limits and counts, from the log. It is done when rules
first count, and when Redis lost what it had; the log says which of these it was (`Reason`).

    CountersIncomplete ──┐
    a look now and then ─┴─ask─▶ lock ─▶ pause (limits) ─▶ the log again ─▶ marker

Guarantees: one process does it; the marker is set only on the very run of the server, under the
very lock, that the work began with: a loss in the middle begins it again, and the lock of a process
that dies ends. Afterwards what was counted before the loss is there: daily limits from
`rule-results` since the day's midnight, counts from `items`, at most `window` seconds back.
Must not: run where no rule asks: an organisation without such rules never waits.

Results that were under way when Redis lost its data reach the log within the producer's deadline,
or never: hence the pause before limits are read. Reading and decoding happen in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from enum import StrEnum
from importlib import resources
from typing import Final, Protocol, get_args

import msgspec
from msgspec import Struct
from redis.exceptions import RedisError

from coop_contracts.event import ItemSubmitted, RulesEvaluated
from coop_rules_engine import metric
from coop_rules_engine.counter.redis_store import (
    QUOTA_LIFE_MS,
    CounterStore,
    GroupCount,
    Region,
    day_of,
    marker,
    quota_key,
)
from coop_runtime.kafka.log_reader import LogReader
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings

LOCK_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 8.0  # the producer's deadline of 5 s, and some
_WAIT_SECONDS = 0.5  # between looks at another process's work

_log = logger(__name__)


class _Rule(Struct, rename="camel"):
    id: str


class _Outcome(Struct, rename="camel"):
    rule: _Rule
    status: str
    passed: bool | None


class _Result(Struct, rename="camel"):
    """What of a RulesEvaluated says which rules acted."""

    org_id: str
    submission_id: str
    rules: tuple[_Outcome, ...] = ()
    limited: tuple[str, ...] = ()
    submitted_at: datetime | None = None


_decode_result = msgspec.json.Decoder(_Result).decode
_decode_item = msgspec.json.Decoder(ItemSubmitted).decode


class RebuildRules(Protocol):
    """What a rebuild must know of the rules; called from a thread."""

    def has_daily_limit(self, org_id: str, rule_id: str) -> bool: ...

    def counts_of(self, item: ItemSubmitted) -> Sequence[GroupCount]:
        """The groups that the item is counted in."""

    def has_daily_limits(self) -> bool:
        """Whether any rule has one."""

    def largest_window(self) -> float:
        """Of all clauses in use, in seconds; 0 where there is none."""


class Reason(StrEnum):
    """Why Redis does not hold what was counted."""

    FIRST = "no marker, and this process never saw one: counting begins, or all went before"
    GONE = "the marker went on the same run of the server: flushed, or evicted"
    ANOTHER_RUN = "another run of the server: it was restarted, or another one took its place"
    EARLIER = "a submission is of an earlier day than what is held"


class _Lost(Exception):
    """Redis lost its data, or the lock, while the rebuild ran."""


class Rebuilder:
    """One for a process; `run` works until cancelled. `window`: how far back items are read, at
    most; `pause`: before limits are read; `look`: between two looks at Redis. All in seconds."""

    def __init__(
        self,
        store: CounterStore,
        rules: RebuildRules,
        settings: RuntimeSettings,
        *,
        window: float,
        pause: float = PAUSE_SECONDS,
        look: float = LOOK_SECONDS,
    ) -> None:
        self._store = store
        self._rules = rules
        self._settings = settings
        self._window = window
        self._pause = pause
        self._look_seconds = look
        self._asked: dict[Region, int] = {}
        self._whole: dict[Region, str] = {}  # the run on which it was last seen whole
        self._policy_seen = False
        for region in get_args(Region):
            metric.REBUILDING.labels(region).set(0)
        self._wake = asyncio.Event()
        source = resources.files("coop_rules_engine.counter").joinpath("whole.lua")
        self._finish = store.client.register_script(source.read_text(encoding="utf-8"))

    def ask(self, region: Region, since: int = 0) -> None:
        """Have the region made whole (from `since`, Unix ms, on), soon."""
        self._asked[region] = min(since, self._asked.get(region, since))
        self._wake.set()

    async def run(self) -> None:
        """Rebuilds what is asked for."""
        backoff = Backoff(last=5.0)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_seconds):
                    await self._wake.wait()
            self._wake.clear()
            await self._look()
            while self._asked:
                region, since = next(iter(self._asked.items()))
                try:
                    await self._make_whole(region, since)
                except (Retryable, RedisError, OSError, _Lost) as error:
                    delay = backoff.next_delay()
                    _log.warning(
                        "rebuild failed", region=region, error=repr(error), seconds=round(delay, 2)
                    )
                    await asyncio.sleep(delay)
                else:
                    backoff.reset()
                    if self._asked.get(region) == since:
                        del self._asked[region]

    async def _look(self) -> None:
        """Asks for what rules will need and Redis has not, before an item has to wait for it."""
        wanted: list[tuple[Region, int]] = []
        if self._rules.has_daily_limits():
            wanted.append(("quota", day_of(int(time.time() * 1000))))
        if self._rules.largest_window():
            wanted.append(("count", 0))
        if not wanted:
            return
        try:
            run_id = await self._run_id()
            await self._see_policy()
            for region, since in wanted:
                if not await self._is_whole(region, since, run_id):
                    self.ask(region, since)
        except (RedisError, OSError) as error:
            _log.warning("redis is away: what it has lost is not known", error=str(error))

    async def _see_policy(self) -> None:
        """Says so, once, where Redis may drop what is counted without a word."""
        if self._policy_seen:
            return
        memory = await self._store.client.info("memory")
        self._policy_seen = True
        policy = memory.get("maxmemory_policy", "noeviction")
        if memory.get("maxmemory") and policy != "noeviction":
            _log.error("redis may evict what is counted: set noeviction", policy=policy)

    async def _make_whole(self, region: Region, since: int) -> None:
        client, token = self._store.client, secrets.token_hex(8)
        lock = f"coop:{region}:rebuild"
        while not await client.set(lock, token, nx=True, px=int(LOCK_SECONDS * 1000)):
            # Another process is at it.
            await asyncio.sleep(_WAIT_SECONDS)
            if await self._is_whole(region, since, await self._run_id()):
                return
        run_id = await self._run_id()
        try:
            if not await self._is_whole(region, since, run_id):
                await self._rebuild(region, since, lock, token, run_id)
        finally:
            with contextlib.suppress(RedisError, OSError):
                if await client.get(lock) == token.encode():
                    await client.delete(lock)

    async def _rebuild(
        self, region: Region, since: int, lock: str, token: str, run_id: str
    ) -> None:
        began = time.monotonic()
        await self._say_why(region, run_id)
        metric.REBUILDING.labels(region).set(1)
        try:
            renewing = asyncio.create_task(self._renew(lock, token))
            working = asyncio.create_task(
                self._counts() if region == "count" else self._quotas(since)
            )
            try:
                await asyncio.wait({renewing, working}, return_when=asyncio.FIRST_COMPLETED)
                if renewing.done():
                    renewing.result()
                records = working.result()
            finally:
                renewing.cancel()
                working.cancel()
                await asyncio.gather(renewing, working, return_exceptions=True)
            value = run_id if region == "count" else f"{run_id}:{since}"
            done = await self._finish(keys=[lock, marker(region)], args=[token, run_id, value])
            if not done:
                raise _Lost("redis lost its data, or our lock, in the middle")
        finally:
            metric.REBUILDING.labels(region).set(0)
        metric.REBUILDS.labels(region).inc()
        self._whole[region] = run_id
        _log.info(
            "filled", region=region, records=records, seconds=round(time.monotonic() - began, 2)
        )

    async def _say_why(self, region: Region, run_id: str) -> None:
        held = await self._held(region)
        if not held[0]:
            reason = Reason.GONE if self._whole.get(region) == run_id else Reason.FIRST
        else:
            reason = Reason.EARLIER if held[0] == run_id else Reason.ANOTHER_RUN
        server = await self._store.client.info()
        say = _log.info if reason is Reason.FIRST else _log.warning
        say(
            "redis does not hold what was counted: filling it from the log",
            region=region,
            reason=reason.name,
            means=reason.value,
            run=run_id,
            held=held[0],
            uptime=server.get("uptime_in_seconds"),
            role=server.get("role"),
            evicted=server.get("evicted_keys"),
            policy=server.get("maxmemory_policy"),
        )

    async def _renew(self, lock: str, token: str) -> None:
        """Raises _Lost when the lock is another's."""
        client = self._store.client
        while True:
            await asyncio.sleep(LOCK_SECONDS / 3)
            if await client.get(lock) != token.encode():
                raise _Lost("the lock was lost")
            await client.pexpire(lock, int(LOCK_SECONDS * 1000))

    async def _run_id(self) -> str:
        return str((await self._store.client.info("server"))["run_id"])

    async def _is_whole(self, region: Region, since: int, run_id: str) -> bool:
        held, from_ = await self._held(region)
        whole = held == run_id and (region == "count" or int(from_) <= since)
        if whole:
            self._whole[region] = run_id
        return whole

    async def _held(self, region: Region) -> tuple[str, str]:
        """Of which run the region holds everything ('': none), and from when on."""
        raw = await self._store.client.get(marker(region))
        text = raw.decode() if isinstance(raw, bytes) else raw or ""
        held, _, from_ = text.partition(":")
        return held, from_

    async def _quotas(self, since: int) -> int:
        """Which submissions rules with a daily limit acted on, since a midnight."""
        await asyncio.sleep(self._pause)
        records = 0
        async for values in self._chunks(RulesEvaluated.topic, since):
            records += len(values)
            acted = await asyncio.to_thread(self._acted, values)
            if acted:
                pipeline = self._store.client.pipeline(transaction=False)
                for key, submissions in acted.items():
                    pipeline.sadd(key, *submissions)
                    pipeline.pexpire(key, QUOTA_LIFE_MS)
                await pipeline.execute()
        return records

    def _acted(self, values: Sequence[bytes]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for value in values:
            if b'"rules"' not in value:
                continue
            result = _decode(value)
            if result is None or result.submitted_at is None:
                continue
            submitted = int(result.submitted_at.timestamp() * 1000)
            for outcome in result.rules:
                rule = outcome.rule.id
                if (
                    outcome.passed
                    and outcome.status == "LIVE"
                    and rule not in result.limited
                    and self._rules.has_daily_limit(result.org_id, rule)
                ):
                    key = quota_key(result.org_id, rule, submitted)
                    found.setdefault(key, []).append(result.submission_id)
        return found

    async def _counts(self) -> int:
        """Which submissions are in which group, since the largest window in use."""
        window = self._rules.largest_window()
        if window > self._window:
            _log.warning("counts are rebuilt in part", window=window, read=self._window)
        since = int((time.time() - min(window, self._window)) * 1000)
        records = 0
        async for values in self._chunks(ItemSubmitted.topic, since):
            records += len(values)
            await self._store.count(await asyncio.to_thread(self._counted, values))
        return records

    def _counted(self, values: Sequence[bytes]) -> list[GroupCount]:
        found: list[GroupCount] = []
        for value in values:
            try:
                item = _decode_item(value)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                continue  # whoever handles it puts it into the dead letters
            found += self._rules.counts_of(item)
        return found

    async def _chunks(self, topic: str, since: int) -> AsyncIterator[list[bytes]]:
        reader = await asyncio.to_thread(
            LogReader, self._settings, "rules-engine.rebuild", topic, since
        )
        try:
            while values := await asyncio.to_thread(reader.read):
                yield values
        finally:
            await asyncio.to_thread(reader.close)


def _decode(value: bytes) -> _Result | None:
    try:
        return _decode_result(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None  # not ours: it says nothing of what rules did
