"""The role that tries rules on the past: takes requests, schedules them, publishes progress.

    coop.backtests.v1 ─▶ RequestReader ─▶ schedule ─▶ slices of a run (one worker thread)
                                                     │ effects ─▶ acknowledged
                                                     └▶ coop.backtest-results.v1, about one a second

Guarantees: the position is told only after the effects before it are acknowledged, so that a killed
process neither leaves one out nor asks for one under another id; progress never goes back; a
cancellation acts between two slices; one backtest that fails stops no other.
Must not: touch the live path: no offset, no Redis, no shared thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from coop_contracts.config import Rule
from coop_contracts.event import BacktestProgressed, BacktestRequested
from coop_contracts.ids import new_id
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules_engine import metric
from coop_rules_engine.backtest.request import PastProgress, RequestReader
from coop_rules_engine.backtest.run import BacktestRun
from coop_rules_engine.backtest.schedule import BacktestSchedule
from coop_rules_engine.backtest.tally import SAMPLES_AT_ONCE, BacktestState, BacktestTally
from coop_rules_engine.backtest.trial import RuleTrials, TrialConfiguration
from coop_rules_engine.settings import BacktestSettings
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import BrokerUnavailable, Retryable
from coop_runtime.process.log import logger

_SLICE_SECONDS = 0.05
_PROGRESS_SECONDS = 1.0
_IDLE_SECONDS = 0.05
_CONFIG_SECONDS = 3600.0  # until then the process is alive and not ready
_STOP_SECONDS = 5.0
_BEHIND_SECONDS = 30.0
_REMEMBERED = 10_000  # finished backtests: a request may come twice

R = TypeVar("R")

_log = logger(__name__)


class BacktestJob:
    """One backtest of ours; `run` is made when it first gets a slot."""

    def __init__(
        self, partition: int, request: BacktestRequested, past: PastProgress | None
    ) -> None:
        self.partition = partition
        self.request = request
        self.past = past
        self.tally = BacktestTally() if past is None else BacktestTally.of(past.last, past.samples)
        self.run: BacktestRun | None = None
        self.opened_at = 0.0
        self.cancelled = request.cancelled
        self.backoff = Backoff(last=10.0)
        self.not_before = 0.0
        self.taken_at = time.monotonic()
        self.published_at = 0.0
        self.published = None if past is None else past.last

    @property
    def id(self) -> str:
        return self.request.backtest_id

    @property
    def org_id(self) -> str:
        return self.request.org_id

    @property
    def is_open(self) -> bool:
        return self.run is not None and self.run.is_open

    @property
    def due(self) -> float:
        return max(self.not_before, self.run.due if self.run is not None else 0.0)

    def positions(self) -> dict[str, int]:
        """The next offset by partition, as events tell it."""
        if self.run is None:
            return {} if self.past is None else self.past.last.position
        return {str(partition): offset for partition, offset in self.run.positions().items()}

    def progress(self) -> float:
        return self.tally.reached if self.run is None else self.run.progress()


class Backtests:
    """One for a process. `run` works until cancelled."""

    def __init__(
        self,
        settings: BacktestSettings,
        config: ConfigTable,
        producer: Producer,
        catalogue: SignalCatalogue,
    ) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._config = config
        self._producer = producer
        self._turns: BacktestSchedule[BacktestJob] = BacktestSchedule(
            slots=settings.backtest_slots, quantum=settings.backtest_quantum
        )
        self._jobs: dict[str, BacktestJob] = {}
        self._finished: dict[str, None] = {}
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="backtest")
        self._wake = asyncio.Event()
        self._reader: RequestReader | None = None

    def ready(self) -> bool:
        """Whether the consumer group has assigned this process its partitions."""
        return self._reader is not None and self._reader.joined

    async def run(self) -> None:
        """Raises KafkaException when the client cannot go on."""
        await self._config.wait_ready(_CONFIG_SECONDS)
        metric.BACKTESTS.set(0)
        loop = asyncio.get_running_loop()
        self._reader = reader = RequestReader(
            self._settings,
            taken=lambda *told: _in_loop(loop, self._taken, *told),
            lost=lambda partition: _in_loop(loop, self._lost, partition),
        )
        reading: asyncio.Future[None] = loop.create_future()
        threading.Thread(
            target=_read, args=(reader, loop, reading), name="backtest requests", daemon=True
        ).start()
        working = asyncio.create_task(self._work())
        try:
            await asyncio.wait([reading, working], return_when=asyncio.FIRST_COMPLETED)
            for ended in (reading, working):
                if ended.done():
                    ended.result()
        finally:
            reader.stop()
            working.cancel()
            await asyncio.wait([reading, working], timeout=_STOP_SECONDS)
            await self._in_thread(self._park_all)
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _taken(self, partition: int, request: BacktestRequested, past: PastProgress | None) -> None:
        known = self._jobs.get(request.backtest_id)
        if known is not None:
            known.cancelled = known.cancelled or request.cancelled
        elif request.backtest_id not in self._finished:
            job = BacktestJob(partition, request, past)
            self._jobs[job.id] = job
            self._turns.add(job)
            metric.BACKTESTS.set(len(self._jobs))
        self._wake.set()

    def _lost(self, partition: int) -> None:
        """The partition is another process's now, which goes on from the last published event."""
        for job in list(self._jobs.values()):
            if job.partition == partition:
                self._drop(job)
                if job.run is not None:
                    self._executor.submit(job.run.park)

    def _drop(self, job: BacktestJob) -> None:
        if self._jobs.pop(job.id, None) is not None:
            self._turns.remove(job)
            metric.BACKTESTS.set(len(self._jobs))

    async def _work(self) -> None:
        while True:
            await self._cancel()
            await self._give_slots()
            job = self._turns.step(time.monotonic())
            if job is None or job.run is None:
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _IDLE_SECONDS)
            elif job.id in self._jobs:
                await self._guarded(job, self._slice(job, job.run))

    async def _guarded(self, job: BacktestJob, work: Any) -> None:
        """Do a step of a backtest; what goes wrong ends that one alone."""
        try:
            await work
            job.backoff.reset()
        except Retryable as error:
            delay = job.backoff.next_delay()
            job.not_before = time.monotonic() + delay
            metric.BACKTEST_RETRIES.inc()
            _log.warning(
                "backtest waits", backtest=job.id, seconds=round(delay, 2), error=str(error)
            )
            if job.run is not None:
                await self._in_thread(job.run.park)
        except Exception as error:  # noqa: BLE001 - logged, and said in the result
            _log.exception("backtest failed", backtest=job.id)
            await self._end(job, "FAILED", error=f"{type(error).__name__}: {error}"[:500])

    async def _cancel(self) -> None:
        for job in list(self._jobs.values()):
            if job.cancelled and job.not_before <= time.monotonic():
                await self._guarded(job, self._end(job, "CANCELLED"))

    async def _give_slots(self) -> None:
        now = time.monotonic()
        waiting = self._turns.to_open(now)
        if waiting is None:
            return
        parked = self._turns.to_park(now, waiting)
        if parked is not None and parked.run is not None:
            await self._in_thread(parked.run.park)
        if self._turns.has_room():
            await self._guarded(waiting, self._open(waiting))

    async def _open(self, job: BacktestJob) -> None:
        if job.run is None:
            self._expect_configuration(job)
            job.run = self._new_run(job)
        await self._in_thread(job.run.open)
        job.opened_at = time.monotonic()

    def _expect_configuration(self, job: BacktestJob) -> None:
        """Raises Retryable, for a while, while the request's configuration is not known here."""
        request = job.request
        known = self._config.revision(request.org_id)
        if known >= request.config_revision:
            return
        if time.monotonic() - job.taken_at < _BEHIND_SECONDS:
            raise Retryable(f"configuration {known} is behind {request.config_revision}")
        _log.warning("configuration behind a backtest", backtest=job.id, revision=known)

    def _new_run(self, job: BacktestJob) -> BacktestRun:
        request = job.request
        rule = msgspec.json.decode(request.rule, type=Rule)
        around = TrialConfiguration.of(self._config, request.org_id, rule, self._catalogue)
        past = request.past if request.values == "RECORDED" else None
        return BacktestRun(
            self._settings,
            request,
            RuleTrials(rule, around, past),
            partitions=self._settings.backtest_partitions,
            tally=job.tally,
            positions={int(partition): offset for partition, offset in job.positions().items()},
        )

    async def _slice(self, job: BacktestJob, run: BacktestRun) -> None:
        before = run.tally.evaluated
        effects = await self._in_thread(run.step, _SLICE_SECONDS)
        metric.BACKTEST_ITEMS.inc(run.tally.evaluated - before)
        if job.id not in self._jobs:
            return  # somebody else's now: they ask for these effects, under the same ids
        await self._act(effects)
        if run.finished:
            await self._end(job, "COMPLETE")
        elif time.monotonic() - job.published_at >= _PROGRESS_SECONDS:
            job.published_at = time.monotonic()
            with contextlib.suppress(BrokerUnavailable):  # it is said again in a second
                await self._publish_progress(job, "RUNNING")

    async def _act(self, effects: list[Message]) -> None:
        """Publish the effects, for as long as it takes: one without acknowledgement is not done."""
        backoff = Backoff(last=10.0)
        while effects:
            try:
                await self._producer.publish(effects)
            except BrokerUnavailable as error:
                _log.warning("effects of a backtest wait for the broker", error=str(error))
                await asyncio.sleep(backoff.next_delay())
            else:
                return

    async def _end(
        self, job: BacktestJob, state: BacktestState, *, error: str | None = None
    ) -> None:
        """Publish the last event of a backtest, and forget it. Raises Retryable: then try again."""
        if job.run is not None:
            await self._in_thread(job.run.park)
        await self._publish_progress(job, state, error=error)
        self._finished[job.id] = None
        while len(self._finished) > _REMEMBERED:
            del self._finished[next(iter(self._finished))]
        self._drop(job)
        metric.BACKTESTS_ENDED.labels(state).inc()
        _log.info("backtest ended", backtest=job.id, org_id=job.org_id, state=state)

    async def _publish_progress(
        self, job: BacktestJob, state: BacktestState, *, error: str | None = None
    ) -> None:
        """Publish its position and all new samples. Raises BrokerUnavailable."""
        while job.tally.unpublished() > SAMPLES_AT_ONCE:
            # Under the position that was told before: whoever goes on from a position has all
            # samples up to it.
            earlier = job.published or _first_event(job.request)
            await self._publish(
                job,
                msgspec.structs.replace(
                    earlier,
                    event_id=new_id(),
                    time=datetime.now(UTC),
                    samples=job.tally.new_samples(),
                ),
            )
        event = job.tally.event(
            event_id=new_id(),
            org_id=job.org_id,
            backtest_id=job.id,
            time=datetime.now(UTC),
            state=state,
            progress=job.progress(),
            position=job.positions(),
            error=error,
        )
        await self._publish(job, event)
        job.published = event

    async def _publish(self, job: BacktestJob, event: BacktestProgressed) -> None:
        await self._producer.publish([message_of(event, key=f"{job.org_id}/{job.id}")])
        job.tally.published(event.samples)

    def _park_all(self) -> None:
        for job in self._jobs.values():
            if job.run is not None:
                job.run.park()

    async def _in_thread(self, call: Callable[..., R], *arguments: Any) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *arguments)


def _first_event(request: BacktestRequested) -> BacktestProgressed:
    """The first event of a backtest: running, nothing read."""
    return BacktestTally().event(
        event_id=new_id(),
        org_id=request.org_id,
        backtest_id=request.backtest_id,
        time=datetime.now(UTC),
        state="RUNNING",
        progress=0.0,
        position={},
    )


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
        loop.call_soon_threadsafe(call, *arguments)


def _read(
    reader: RequestReader, loop: asyncio.AbstractEventLoop, reading: asyncio.Future[None]
) -> None:
    error: BaseException | None = None
    try:
        reader.run()
    except BaseException as raised:  # noqa: BLE001 - handed to the event loop, which raises it
        error = raised
    _in_loop(loop, _finish, reading, error)


def _finish(reading: asyncio.Future[None], error: BaseException | None) -> None:
    if reading.done():
        return
    if error is None:
        reading.set_result(None)
    else:
        reading.set_exception(error)
