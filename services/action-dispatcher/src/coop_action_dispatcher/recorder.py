"""Writes the results of deliveries, many in one transaction.

Guarantees: a result is kept until the database has it; what the platform was told and the event
that says so are one transaction; a result that cannot be written as it is is written without its
texts, so that it cannot hold up the others or be sent again and again.
Must not: drop a result because the database is away. Results are as many as there are slots.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from coop_action_dispatcher import metric
from coop_action_dispatcher.asked import action_id_of, kind_of
from coop_action_dispatcher.breaker import HealthChange, News
from coop_action_dispatcher.delivery import Result, State
from coop_action_dispatcher.sender import utc_now
from coop_action_dispatcher.store import Recorded, Store, is_finished
from coop_contracts.event import ActionDelivered, ActionRequested
from coop_contracts.ids import item_key, new_id
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

BATCH = 256

_log = logger("coop.dispatcher.recorder")


class Recorder:
    """Collects results for up to `linger` seconds and writes them together.

    `changes_of` tells what a result says of its endpoint; it is asked once for each. `on_saved` is
    told, once for each such change, when the endpoint's row has it or a later one.
    """

    def __init__(
        self,
        store: Store,
        *,
        linger: float,
        changes_of: Callable[[Result], HealthChange | None],
        on_saved: Callable[[int], None],
        on_recorded: Callable[[Sequence[Result], Recorded], None],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._linger = linger
        self._changes_of = changes_of
        self._on_saved = on_saved
        self._on_recorded = on_recorded
        self._now = now
        self._results: list[Result] = []
        self._changes: dict[int, HealthChange] = {}
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, result: Result, *, last: bool) -> None:
        """Takes a result; it is written soon, and at once when it is the `last` to be expected."""
        self._results.append(result)
        change = self._changes_of(result)
        if change is not None:
            self._note(change)
        self._idle.clear()
        self._arrived.set()
        if last or len(self._results) >= BATCH:
            self._full.set()

    def _note(self, change: HealthChange) -> None:
        """Of one endpoint only the last news counts; but what is gone stays gone."""
        known = self._changes.get(change.endpoint_id)
        if known is not None:
            self._on_saved(change.endpoint_id)
        if known is None or known.news is not News.GONE:
            self._changes[change.endpoint_id] = change

    @property
    def waiting(self) -> int:
        """How many results are not written yet."""
        return len(self._results)

    async def drained(self) -> None:
        """Returns once every result taken so far is written."""
        await self._idle.wait()

    async def run(self) -> None:
        """Writes until cancelled."""
        while True:
            await self._arrived.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._linger):
                    await self._full.wait()
            self._arrived.clear()
            self._full.clear()
            while self._results:
                batch = self._results[:BATCH]
                changes, self._changes = list(self._changes.values()), {}
                recorded = await self._write(batch, changes)
                del self._results[: len(batch)]
                for change in changes:
                    self._on_saved(change.endpoint_id)
                self._on_recorded(batch, recorded)
                _count(recorded.recorded, len(batch), self._now())
            self._idle.set()

    async def _write(self, batch: Sequence[Result], changes: Sequence[HealthChange]) -> Recorded:
        backoff = Backoff()
        while True:
            try:
                return await self._write_once(batch, changes)
            except Retryable as error:
                metric.STORE_RETRIES.labels("record").inc()
                _log.warning("results cannot be written yet", reason=str(error), count=len(batch))
                await asyncio.sleep(backoff.next_delay())

    async def _write_once(
        self, batch: Sequence[Result], changes: Sequence[HealthChange]
    ) -> Recorded:
        try:
            return await self._store.record(batch, _messages(batch, self._now()), changes)
        except Retryable:
            raise
        except Exception:  # noqa: BLE001 - logged, and each is tried alone
            _log.exception("results refused by the database", count=len(batch))
        parts = [await self._write_alone(result, changes) for result in batch]
        return Recorded(
            [result for part in parts for result in part.recorded],
            sum(part.promoted for part in parts),
        )

    async def _write_alone(self, result: Result, changes: Sequence[HealthChange]) -> Recorded:
        own = [change for change in changes if change.endpoint_id == result.delivery.endpoint_id]
        try:
            return await self._store.record([result], _messages([result], self._now()), own)
        except Retryable:
            raise
        except Exception as error:  # noqa: BLE001 - logged above; written without its texts
            bare = _bare(result, type(error).__name__)
        return await self._store.record([bare], _messages([bare], self._now()))


def _bare(result: Result, error: str) -> Result:
    reason = f"the result could not be written whole ({error})"
    attempt = result.attempt
    if attempt is not None:
        attempt = msgspec.structs.replace(attempt, response=None, error=reason)
    return msgspec.structs.replace(
        result, attempt=attempt, verdict=result.verdict._replace(reason=reason)
    )


def _messages(batch: Sequence[Result], now: datetime) -> list[Message | None]:
    """What tells of the ends of actions; of callbacks nobody is told but who asks."""
    messages: list[Message | None] = []
    for result in batch:
        asked = result.delivery.asked
        if isinstance(asked, ActionRequested) and is_finished(result):
            messages.append(_message(result, asked, now))
        else:
            messages.append(None)
    return messages


def _message(result: Result, request: ActionRequested, now: datetime) -> Message:
    event = ActionDelivered(
        event_id=new_id(),
        org_id=request.org_id,
        time=now,
        correlation_id=request.correlation_id,
        causation_id=request.event_id,
        execution_id=request.execution_id,
        action_id=request.action_id,
        item=request.item,
        state="DELIVERED" if result.verdict.state is State.DELIVERED else "DEAD",
        attempts=result.attempts,
        status=result.attempt.status if result.attempt else None,
        error=result.verdict.reason,
    )
    key = item_key(request.org_id, request.item.type_id, request.item.id)
    return message_of(event, key=key, traceparent=result.delivery.traceparent or "")


def _count(recorded: Sequence[Result], of: int, now: datetime) -> None:
    metric.LOST_LEASES.inc(of - len(recorded))
    for result in recorded:
        if result.verdict.state is State.DELIVERED:
            metric.DELIVERED.inc()
            requested_at = result.delivery.asked.time
            metric.LATENCY.observe(max(0.0, (now - requested_at).total_seconds()))
        elif result.verdict.unaddressed:
            metric.UNADDRESSED.inc()
            _log.info(
                "callback recorded and not sent",
                execution_id=result.delivery.execution_id,
                org_id=result.delivery.org_id,
                reason=result.verdict.reason,
            )
        elif result.verdict.state is State.DEAD:
            metric.DEAD.inc()
            asked = result.delivery.asked
            _log.error(
                "delivery is dead",
                execution_id=result.delivery.execution_id,
                org_id=result.delivery.org_id,
                delivers=action_id_of(asked) or kind_of(asked),
                attempts=result.attempts,
                reason=result.verdict.reason,
            )
