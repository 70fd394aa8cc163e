"""Asks providers: from the cache, from a call that is under way, or by a call.

    question ──▶ cache ──▶ under way? join ──▶ channel (breaker, slots, retries) ──▶ cache

Guarantees: equal questions at the same time are one call, which lives as long as anyone waits for
it and ends with the latest of their deadlines. What is kept is bounded: answers, calls, channels.
Must not: mix organisations: every key begins with one.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from coop_signals import metric
from coop_signals.cache import AnswerCache
from coop_signals.channel import FAIR_SECONDS, Channel
from coop_signals.error import InputRefused, SignalError, TimedOut, Unavailable
from coop_signals.media import Downloads
from coop_signals.provider import Answer, Provider, ProviderAccount, ProviderQuestion

MAX_CALLS = 10_000
MAX_CHANNELS = 10_000
# The call ends a little before those who wait, so that they hear why.
_MARGIN = 0.02

_encode = msgspec.json.Encoder(order="deterministic").encode


def digest(org_id: str, provider_id: str, question: ProviderQuestion) -> str:
    """The key of an answer, 32 hex characters; says nothing of the question's content."""
    content = _encode((org_id, provider_id, question))
    return hashlib.blake2b(content, digest_size=16).hexdigest()


class _Late(TimedOut):
    """The call's deadline was reached."""


class _Call:
    """A question under way, and how many wait for it."""

    __slots__ = ("deadline", "scope", "task", "waiting")

    task: asyncio.Task[Answer | SignalError]

    def __init__(self) -> None:
        self.waiting = 0
        self.deadline = 0.0
        self.scope: asyncio.Timeout | None = None

    def join(self, deadline: float) -> None:
        self.waiting += 1
        if deadline > self.deadline:
            self.deadline = deadline
            # Before the first step there is no scope; after the last one it cannot be moved.
            if self.scope is not None and not self.scope.expired() and not self.task.done():
                self.scope.reschedule(deadline - _MARGIN)

    def leave(self) -> bool:
        """True when no one waits any more."""
        self.waiting -= 1
        return self.waiting == 0


class Calls:
    """All calls of one process, for one event loop."""

    def __init__(
        self,
        cache: AnswerCache,
        downloads: Downloads,
        *,
        clock: Callable[[], float] = time.monotonic,
        fair_seconds: float = FAIR_SECONDS,
    ) -> None:
        self._cache = cache
        self._downloads = downloads
        self._clock = clock
        self._fair_seconds = fair_seconds
        self._calls: dict[str, _Call] = {}
        self._channels: OrderedDict[tuple[str, str], Channel] = OrderedDict()

    async def answer(
        self,
        org_id: str,
        provider: Provider,
        question: ProviderQuestion,
        account: ProviderAccount,
        *,
        deadline: float,
    ) -> Answer:
        """The provider's answer, by `deadline` of the event loop's clock. Raises SignalError."""
        key = digest(org_id, provider.id, question)
        kept = self._cache.get(key)
        if kept is not AnswerCache.MISSING:
            metric.ANSWERS.labels(provider.id, "memory").inc()
            if isinstance(kept, InputRefused):
                raise InputRefused(str(kept))
            return kept
        while True:
            try:
                return await self._share(key, org_id, provider, question, account, deadline)
            except _Late:
                # It may have been the end of a call that was joined too late to be put off.
                if deadline - asyncio.get_running_loop().time() <= 2 * _MARGIN:
                    raise

    async def _share(
        self,
        key: str,
        org_id: str,
        provider: Provider,
        question: ProviderQuestion,
        account: ProviderAccount,
        deadline: float,
    ) -> Answer:
        call = self._calls.get(key)
        if call is None:
            if len(self._calls) >= MAX_CALLS:
                raise Unavailable("too many calls are under way")
            call = self._calls[key] = _Call()
            call.join(deadline)
            call.task = asyncio.create_task(
                self._run(call, key, org_id, provider, question, account)
            )
            call.task.add_done_callback(lambda task: self._ended(key, call, task))
        else:
            metric.ANSWERS.labels(provider.id, "shared").inc()
            call.join(deadline)
        try:
            return await _found(call, provider, deadline)
        finally:
            if call.leave():
                self._forget_call(key, call)
                call.task.cancel()

    def _ended(self, key: str, call: _Call, task: asyncio.Task[Answer | SignalError]) -> None:
        self._forget_call(key, call)
        if not task.cancelled():
            task.exception()  # a fault is told to those who wait, if any still do

    def _forget_call(self, key: str, call: _Call) -> None:
        if self._calls.get(key) is call:
            del self._calls[key]

    async def _run(
        self,
        call: _Call,
        key: str,
        org_id: str,
        provider: Provider,
        question: ProviderQuestion,
        account: ProviderAccount,
    ) -> Answer | SignalError:
        try:
            async with asyncio.timeout_at(call.deadline - _MARGIN) as call.scope:
                answer = await self._cache.read(key)
                if answer is not AnswerCache.MISSING:
                    metric.ANSWERS.labels(provider.id, "redis").inc()
                    self._cache.put(key, answer, size=len(_encode(answer)))
                    return answer
                metric.ANSWERS.labels(provider.id, "call").inc()
                channel = self._channel(org_id, provider)
                answer = await channel.ask(question, account, call.scope)
                await self._cache.keep(key, answer)
                return answer
        except TimeoutError:
            return _Late(f"{provider.id} did not answer in time")
        except InputRefused as error:
            self._cache.put(key, InputRefused(str(error)), size=0)
            return error
        except SignalError as error:
            return error

    def _channel(self, org_id: str, provider: Provider) -> Channel:
        key = (org_id, provider.id)
        channel = self._channels.get(key)
        if channel is None:
            if len(self._channels) >= MAX_CHANNELS:
                self._forget_channel()
            channel = Channel(
                org_id,
                provider,
                self._downloads,
                clock=self._clock,
                fair_seconds=self._fair_seconds,
            )
            self._channels[key] = channel
        self._channels.move_to_end(key)
        return channel

    def _forget_channel(self) -> None:
        for key, channel in self._channels.items():
            if channel.idle:
                del self._channels[key]
                return

    async def aclose(self) -> None:
        """Ends every call that is under way."""
        tasks = [call.task for call in self._calls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _found(call: _Call, provider: Provider, deadline: float) -> Answer:
    """The call's answer, if it comes in time. Raises SignalError."""
    left = deadline - asyncio.get_running_loop().time()
    # `wait` neither cancels the call with one who waits for it, nor the other way round.
    done, _ = await asyncio.wait([call.task], timeout=max(left, 0.0))
    if not done:
        raise TimedOut(f"{provider.id} did not answer in time")
    if call.task.cancelled():
        raise Unavailable(f"the call to {provider.id} was given up")
    found = call.task.result()
    if isinstance(found, SignalError):
        # Of its own for each who waits: a raised exception carries a traceback.
        raise type(found)(str(found))
    return found
