"""The way to one provider for one organisation: so many calls at once, behind one breaker.

    medium (where needed) ──▶ breaker ──▶ slot ──▶ attempt ──▶ answer
                                 ▲                    │ failed: back off, as long as there is time
                                 └────────────────────┘

Guarantees: at most `limits.concurrency` attempts of the provider at once and a bounded number
waiting; nothing runs longer than its caller's deadline. Only what the provider itself does moves
the breaker: not a platform's dead link, not an input that it refuses, not a caller in a hurry.
Must not: cache, or know who else asks the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from weakref import WeakSet

import httpx

from coop_runtime.egress.guard import EgressRefused, ResponseTooLarge
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.log import logger
from coop_signals import metric
from coop_signals.breaker import Breaker, BreakerOpen, BreakerState
from coop_signals.error import (
    AccountRefused,
    InputRefused,
    NotConfigured,
    ProviderFault,
    RateLimited,
    SignalError,
    TimedOut,
    Unavailable,
)
from coop_signals.media import Downloads, Medium, MediumLimit
from coop_signals.provider import Answer, Call, Provider, ProviderAccount, ProviderQuestion

MAX_WAITING = 256
DOWNLOADS_AT_ONCE = 16
ATTEMPTS = 4
RETRY_FIRST = 0.2  # seconds
RETRY_LAST = 5.0
ACCOUNT_PAUSE = 30.0
MAX_PAUSE = 60.0  # however long a Retry-After asks for
# An attempt that its caller cut short says something of the provider from here on.
FAIR_SECONDS = 1.0
_LEAST = 0.05  # an attempt in less time than this is not begun

_log = logger(__name__)


class Channel:
    """One organisation's channel to one provider."""

    def __init__(
        self,
        org_id: str,
        provider: Provider,
        downloads: Downloads,
        *,
        clock: Callable[[], float] = time.monotonic,
        fair_seconds: float = FAIR_SECONDS,
    ) -> None:
        self._org_id = org_id
        self._provider = provider
        self._limits = provider.limits
        self._fair = min(fair_seconds, provider.limits.timeout)
        self._downloads = downloads
        self._slots = asyncio.Semaphore(provider.limits.concurrency)
        self._downloading = asyncio.Semaphore(DOWNLOADS_AT_ONCE)
        self._users = 0
        self._revision = -1
        self._not_before = 0.0  # event loop's time: the provider asked for a pause
        self._closed = True
        self.breaker = Breaker(clock=clock, on_state=self._count_state)
        _watch(self._provider.id, self.breaker)

    @property
    def idle(self) -> bool:
        """True when forgetting the channel would lose nothing."""
        return self._users == 0 and self.breaker.state is BreakerState.CLOSED

    async def ask(
        self, question: ProviderQuestion, account: ProviderAccount, deadline: asyncio.Timeout
    ) -> Answer:
        """The provider's answer. The caller's `deadline` may be put off while this runs.

        Raises SignalError.
        """
        if account.revision > self._revision:
            # A mended account deserves a call at once.
            self._revision = account.revision
            self._not_before = 0.0
            self.breaker.reset()
        if self._users >= MAX_WAITING + self._limits.concurrency:
            raise Unavailable(f"{self._provider.id} has too many calls waiting")
        self._users += 1
        try:
            return await self._ask(question, account, deadline)
        finally:
            self._users -= 1

    async def _ask(
        self, question: ProviderQuestion, account: ProviderAccount, deadline: asyncio.Timeout
    ) -> Answer:
        backoff = Backoff(first=RETRY_FIRST, last=RETRY_LAST)
        async with AsyncExitStack() as held:
            medium: Medium | None = None
            attempt = 0
            while True:
                attempt += 1
                try:
                    await self._wait_until_allowed(deadline)
                    if self._limits.medium is not None and medium is None:
                        medium = await self._download(question, self._limits.medium, held)
                    return await self._attempt(question, account, medium)
                except Unavailable as error:
                    delay = backoff.next_delay()
                    if not error.retry or attempt == ATTEMPTS or _left(deadline) < delay + _LEAST:
                        raise
                    metric.RETRIES.labels(self._provider.id).inc()
                await asyncio.sleep(delay)

    async def _wait_until_allowed(self, deadline: asyncio.Timeout) -> None:
        """Raises Unavailable at once when the wait would be too long."""
        self._check_breaker()
        pause = self._not_before - asyncio.get_running_loop().time()
        if pause <= 0:
            return
        name = self._provider.id
        if pause + _LEAST > _left(deadline):
            raise Unavailable(f"{name} limits the rate of calls", retry=False)
        await asyncio.sleep(pause)

    def _check_breaker(self) -> None:
        try:
            self.breaker.check()
        except BreakerOpen as error:
            raise self._left_alone(error) from None

    def _left_alone(self, error: BreakerOpen) -> Unavailable:
        # Waiting for the breaker within one call would only fill the queue.
        return Unavailable(f"{self._provider.id} is left alone: {error}", retry=False)

    async def _download(
        self, question: ProviderQuestion, limit: MediumLimit, held: AsyncExitStack
    ) -> Medium:
        async with self._downloading:
            return await held.enter_async_context(
                self._downloads.medium(self._org_id, str(question.content), limit)
            )

    async def _attempt(
        self, question: ProviderQuestion, account: ProviderAccount, medium: Medium | None
    ) -> Answer:
        async with self._slots:
            try:
                ticket = self.breaker.admit()
            except BreakerOpen as error:
                raise self._left_alone(error) from None
            with self._judged(ticket, account):
                return await self._fetch(Call(self._org_id, question, account, medium))

    async def _fetch(self, call: Call) -> Answer:
        """One attempt. Whatever goes wrong is a SignalError."""
        name = self._provider.id
        try:
            async with asyncio.timeout(self._limits.timeout):
                return await self._provider.fetch(call)
        except SignalError:
            raise
        except TimeoutError:
            raise TimedOut(f"{name} did not answer within {self._limits.timeout:g} s") from None
        except EgressRefused:
            raise Unavailable(f"{name} has an address that is not allowed", retry=False) from None
        except ResponseTooLarge:
            raise Unavailable(f"{name} gave too long an answer", retry=False) from None
        except httpx.TransportError as error:
            raise Unavailable(f"{name} cannot be reached ({type(error).__name__})") from None
        except Exception as error:  # noqa: BLE001 - logged, and told on without its text
            log_fault(name, error)
            raise ProviderFault(f"{name} failed ({type(error).__name__})") from None

    @contextmanager
    def _judged(self, ticket: int, account: ProviderAccount) -> Iterator[None]:
        """Tells the breaker and the metrics what came of an attempt."""
        name = self._provider.id
        began = time.monotonic()
        outcome = "answered"
        metric.CALLS_UNDER_WAY.labels(name).inc()
        try:
            yield
            self.breaker.succeeded(ticket)
        except SignalError as error:
            outcome = error.outcome
            self._judge(ticket, error, account)
            raise
        except asyncio.CancelledError:
            outcome = TimedOut.outcome
            if time.monotonic() - began >= self._fair:
                self.breaker.failed(ticket, f"{name} did not answer in time")
            else:
                self.breaker.abandoned(ticket)
            raise
        finally:
            metric.CALLS_UNDER_WAY.labels(name).dec()
            metric.CALLS.labels(name, outcome).inc()
            metric.CALL_SECONDS.labels(name).observe(time.monotonic() - began)

    def _judge(self, ticket: int, error: SignalError, account: ProviderAccount) -> None:
        match error:
            case AccountRefused() | NotConfigured():
                if account.revision == self._revision:
                    self.breaker.hold(ACCOUNT_PAUSE, str(error))
            case InputRefused():
                self.breaker.succeeded(ticket)  # it answered
            case RateLimited(pause=float() as pause):
                self.breaker.abandoned(ticket)
                until = asyncio.get_running_loop().time() + min(pause, MAX_PAUSE)
                self._not_before = max(self._not_before, until)
            case _:
                self.breaker.failed(ticket, str(error))

    def _count_state(self, state: BreakerState) -> None:
        name = self._provider.id
        metric.BREAKER_CHANGES.labels(name, state).inc()
        if self._closed == (state is BreakerState.CLOSED):
            return
        self._closed = state is BreakerState.CLOSED
        if not self._closed:
            _log.warning("a provider is left alone", provider=name, org_id=self._org_id)


_breakers: dict[str, WeakSet[Breaker]] = {}


def _watch(provider: str, breaker: Breaker) -> None:
    """Counts the breaker when the gauge is read: one that opened and that nobody asks any more
    (the account is gone) does not stay open for ever."""
    known = _breakers.get(provider)
    if known is None:
        known = _breakers[provider] = WeakSet()
        metric.BREAKERS_OPEN.labels(provider).set_function(
            lambda: sum(one.refuses for one in list(known))
        )
    known.add(breaker)


def _left(deadline: asyncio.Timeout) -> float:
    when = deadline.when()
    return float("inf") if when is None else when - asyncio.get_running_loop().time()


def log_fault(provider: str, error: BaseException) -> None:
    """Logs what a provider's code raised."""
    # The text of an error may quote a key or an item, so only its kind and place are told.
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f"{place.tb_frame.f_code.co_qualname}:{place.tb_lineno}"
    _log.error("a provider failed", provider=provider, error=type(error).__name__, where=where)
