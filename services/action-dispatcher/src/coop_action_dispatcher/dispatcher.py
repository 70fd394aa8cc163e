"""The dispatcher: takes deliveries on, and sees each of them through.

    accept ──leased──▶ carry ──result──▶ recorder ──▶ database
      │                  ▲                  │ slots free, next of the item, retry at …
      └─left in database─┴──── pass ◀───────┘
                          (woken, or at the next due time)

Guarantees: what finds a free slot is sent at once, without a poll in between; what is due later
costs a timer, not a task; a killed process's deliveries are taken over by any other within seconds.
Must not: hold more in memory than there are slots.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from coop_action_dispatcher import metric
from coop_action_dispatcher.courier import Courier
from coop_action_dispatcher.delivery import Delivery, NewDelivery, Result, State
from coop_action_dispatcher.lease import Leases
from coop_action_dispatcher.recorder import Recorder
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.store import Recorded, Store
from coop_action_dispatcher.tuning import Tuning
from coop_action_dispatcher.upkeep import Upkeep
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_IDLE_PASS = 2.0  # seconds: finds what other processes set free
_PASS_EVERY = 0.02
_GAUGES_EVERY = 15.0
_IDLE_REST = 4  # a pass that found little is followed by a pause of so many times its length
_LITTLE = 32
_NO_SLOTS = Slots(total=0, per_endpoint=0)

_log = logger("coop.dispatcher")


class Dispatcher:
    """One process's share of the work. Times are seconds.

    `revision` gives an organisation's newest configuration revision; the tuning's `drain` bounds
    how long a stop waits for requests under way.
    """

    def __init__(
        self,
        *,
        store: Store,
        leases: Leases,
        slots: Slots,
        courier: Courier,
        upkeep: Upkeep,
        revision: Callable[[str], int],
        tuning: Tuning,
    ) -> None:
        self._store = store
        self._leases = leases
        self._slots = slots
        self._courier = courier
        self._upkeep = upkeep
        self._revision = revision
        self._heartbeat = tuning.heartbeat
        self._drain = tuning.drain
        self._recorder = Recorder(
            store,
            linger=tuning.record_linger,
            changes_of=upkeep.observe,
            on_saved=upkeep.saved,
            on_recorded=self._recorded,
        )
        # One lease at a time in this process, so that the count of slots is exact and the
        # database holds no lease of ours that memory does not, except a forgotten one.
        self._leasing = asyncio.Lock()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._due_at = 0.0
        self._rested_at = 0.0
        self._woken = asyncio.Event()
        self._left_behind = False
        self._changed: set[str] = set()
        self._config_changed = asyncio.Event()
        self._beaten_at = float("-inf")
        self._stopping = False

    def ready(self) -> bool:
        """True while the database has answered lately."""
        return time.monotonic() - self._beaten_at < 3 * self._heartbeat + 1

    async def accept(self, requested: Sequence[NewDelivery]) -> None:
        """Takes deliveries on and starts those that may leave. Raises `Retryable`."""
        async with self._leasing:
            slots = _NO_SLOTS if self._stopping else self._slots
            accepted = await self._store.accept(requested, slots)
            self._start(accepted.leased)
        if accepted.left:
            self._left_behind = True
        metric.REQUESTED.inc(accepted.new)
        metric.REPEATED.inc(len(requested) - accepted.new)

    def config_changed(self, org_id: str) -> None:
        """Tries what is held back for want of configuration or keys of this organisation again."""
        self._changed.add(org_id)
        self._config_changed.set()

    async def run(self) -> None:
        """Works until cancelled; then finishes what is under way and gives its leases back."""
        loops = [
            self._forever("pass", self._pass_loop),
            self._forever("heartbeat", self._beat_loop),
            self._forever("release", self._release_loop),
            self._forever("gauges", self._gauge_loop),
            *(self._forever(name, loop) for name, loop in self._upkeep.loops().items()),
        ]
        recording = asyncio.create_task(self._recorder.run())
        working = asyncio.create_task(_all(loops))
        try:
            await asyncio.wait({recording, working}, return_when=asyncio.FIRST_COMPLETED)
            for ended in (recording, working):
                if ended.done():
                    ended.result()
        finally:
            self._stopping = True
            working.cancel()
            await asyncio.wait({working})
            await self._finish(recording)

    async def _finish(self, recording: asyncio.Task[None]) -> None:
        try:
            async with asyncio.timeout(self._drain):
                while self._under_way:
                    await asyncio.wait(list(self._under_way.values()))
                    await self._recorder.drained()
                await self._leases.retire()
        except (TimeoutError, Retryable) as error:
            _log.warning("stopped with deliveries under way", reason=type(error).__name__)
        finally:
            recording.cancel()
            for task in self._under_way.values():
                task.cancel()

    async def _forever(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        backoff = Backoff()
        while True:
            try:
                await loop()
                backoff.reset()
            except Retryable as error:
                metric.STORE_RETRIES.labels(name).inc()
                _log.warning("the database does not answer", task=name, reason=str(error))
                await asyncio.sleep(min(backoff.next_delay(), self._heartbeat))

    def _start(self, leased: Sequence[Delivery]) -> None:
        for delivery in leased:
            task = asyncio.create_task(self._carry(delivery))
            self._under_way[delivery.seq] = task
        metric.UNDER_WAY.set(len(self._under_way))

    async def _carry(self, delivery: Delivery) -> None:
        result = await self._courier.carry(delivery)
        last = self._recorder.waiting + 1 >= len(self._under_way)
        self._recorder.add(result, last=last)

    def _recorded(self, batch: Sequence[Result], recorded: Recorded) -> None:
        for result in batch:
            self._slots.give(result.delivery.org_id, result.delivery.endpoint_id)
            self._under_way.pop(result.delivery.seq, None)
        for result in recorded.recorded:
            if result.verdict.state is State.PENDING:
                self._wake(result.verdict.delay)
            org_id = result.delivery.org_id
            if result.verdict.held and self._revision(org_id) != result.config_revision:
                self.config_changed(org_id)
        if recorded.promoted or self._left_behind:
            self._wake()
        metric.UNDER_WAY.set(len(self._under_way))

    def _wake(self, delay: float = 0.0) -> None:
        due_at = max(time.monotonic() + delay, self._rested_at)
        if due_at < self._due_at:
            self._due_at = due_at
            self._woken.set()

    async def _pass_loop(self) -> None:
        try:
            async with asyncio.timeout_at(
                asyncio.get_running_loop().time() + max(0.0, self._due_at - time.monotonic())
            ):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + _IDLE_PASS
        async with self._leasing:
            self._left_behind = False
            began = time.perf_counter()
            found = await self._leases.take_due(self._slots)
            took = time.perf_counter() - began
            self._start(found.leased)
        metric.PASS_SECONDS.observe(took)
        self._left_behind = self._left_behind or found.more
        # What another process holds locked just now looks due: give it time to finish.
        rest = _IDLE_REST * took if len(found.leased) < _LITTLE else 0.0
        self._rested_at = time.monotonic() + max(_PASS_EVERY, rest)
        if found.cut:
            self._wake()
        elif found.next_due is not None:
            self._wake(max(0.0, found.next_due))

    async def _beat_loop(self) -> None:
        async with self._leasing:
            freed = await self._leases.beat(self._under_way)
        self._beaten_at = time.monotonic()
        if freed:
            metric.RECLAIMED.inc(freed)
            _log.info("leases of a dead process taken over", count=freed)
            self._wake()
        await asyncio.sleep(self._heartbeat)

    async def _release_loop(self) -> None:
        await self._config_changed.wait()
        self._config_changed.clear()
        changed, self._changed = self._changed, set()
        try:
            released = await self._leases.release_held(changed)
            await self._upkeep.refresh()
            moved = await self._upkeep.lead()
            if released or moved:
                self._wake()
        except Retryable:
            for org_id in changed:
                self.config_changed(org_id)
            raise

    async def _gauge_loop(self) -> None:
        found = await self._leases.backlog()
        metric.PENDING.set(found.pending)
        metric.OLDEST.set(found.oldest)
        metric.LATE.set(found.late)
        await asyncio.sleep(_GAUGES_EVERY)


async def _all(loops: Sequence[Coroutine[None, None, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop)
