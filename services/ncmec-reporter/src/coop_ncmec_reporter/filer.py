"""Reports are filed: one step after the other, each written down before and after it.

    REQUESTED ─▶ HOLDING ─▶ READY ─▶ OPENING ─▶ FILLING ─▶ FINISHING ─▶ FILED ─▶ DONE
                              ▲         └──────────┴─fault─▶ RETRACTING ─┐    │    ▲
                              │               (attempt + 1)              │    └─▶ PRESERVING
                              └──────────────────────────────────────────┘        (`preserving`)
    any ─▶ NEEDS_ATTENTION ─ a person ─▶ where it was

Guarantees: whatever is killed, and whichever answer is lost, a report is filed once and no file is
in it twice; what was begun is known, because it was written before; an answer that may have come is
asked for again where that is harmless, and given up with its report where it is not. A defect keeps
its own report waiting, no other.
Must not: upload a byte that is not held as evidence; raise an environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import (
    CybertipProgressed,
    CybertipSecured,
    CybertipState,
    Event,
    ItemRef,
)
from coop_contracts.ids import item_key, new_id
from coop_ncmec_reporter import metric, pause_store, store
from coop_ncmec_reporter.outcome import Later, NeedsPerson, Paused, StepEnded
from coop_ncmec_reporter.schema import OUTBOX
from coop_ncmec_reporter.store import Cybertip, LostLease
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import message_of
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_runtime.secret.vault import SecretError

Clock = Callable[[], datetime]
Step = Callable[[Cybertip], Awaitable[Cybertip]]

_log = logger(__name__)

_NEVER_GIVEN_UP: Final = frozenset({"FINISHING", "RETRACTING", "FILED"})
"""Where only NCMEC, or the platform, knows: it is asked for as long as it takes."""

_PROGRESS: Final = frozenset({"HOLDING", "FINISHING", "FILED", "PRESERVING", "DONE"})
"""Who came so far begins a new series of tries. One that is only begun anew does not."""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Retries, in seconds: the delays, the last of them for ever; after `patience` of failures a
    person is asked. A lease lasts `lease`, and is kept while its report is worked on. A process
    works on `at_once` reports, each of another organisation."""

    delays: Sequence[float] = (60, 300, 900, 3600)
    patience: float = 72 * 3600
    lease: float = 60
    poll: float = 1
    at_once: int = 1

    def delay(self, tries: int) -> float:
        """Before the try after so many."""
        return self.delays[min(tries, len(self.delays) - 1)]


class Filer:
    """Works on some reports at once, each under a lease of its own: a platform that is slow holds
    up its own reports. Any number may run."""

    def __init__(
        self,
        engine: AsyncEngine,
        steps: Mapping[str, Step],
        *,
        revision: Callable[[str], int],
        schedule: Schedule = Schedule(),
        clock: Clock = utc_now,
    ) -> None:
        self._engine = engine
        self._steps = steps
        self._revision = revision
        self._schedule = schedule
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._schedule.at_once):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                if await self.once():
                    continue
            except Retryable as error:
                _log.warning("the database is away", error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._schedule.poll)

    async def once(self) -> bool:
        """Take a report as far as it goes now; whether there was one. Raises Retryable."""
        async with transaction(self._engine) as connection:
            tip = await store.claim(
                connection,
                lease=uuid.uuid4(),
                seconds=self._schedule.lease,
                now=self._clock(),
            )
        if tip is None:
            return False
        # A task of its own: one that is through cannot be cancelled any more, by `_keep` neither,
        # which finds the lease gone when the report was let go.
        working = asyncio.create_task(self._advance(tip))
        keeping = asyncio.create_task(self._keep(tip, working))
        try:
            await asyncio.wait((working,))
        finally:
            working.cancel()
            keeping.cancel()
            await asyncio.gather(working, keeping, return_exceptions=True)
        if working.cancelled():
            _log.warning("a report's lease was lost", cybertip_id=str(tip.cybertip_id))
            return True
        try:
            working.result()
        except LostLease:
            _log.warning("another process works on a report", cybertip_id=str(tip.cybertip_id))
        return True

    async def _keep(self, tip: Cybertip, working: asyncio.Task[None]) -> None:
        failing_at = asyncio.get_running_loop().time() + self._schedule.lease
        while True:
            await asyncio.sleep(self._schedule.lease / 4)
            try:
                async with transaction(self._engine) as connection:
                    await store.renew(connection, tip, seconds=self._schedule.lease)
                failing_at = asyncio.get_running_loop().time() + self._schedule.lease
            except LostLease:
                working.cancel()
                return
            except Retryable:
                # Another may take it up once the lease is over: then nothing is done here any more.
                if asyncio.get_running_loop().time() > failing_at - self._schedule.lease / 4:
                    working.cancel()
                    return

    async def _advance(self, tip: Cybertip) -> None:
        while (step := self._steps.get(tip.state)) is not None:
            try:
                after = await step(tip)
            except StepEnded as ended:
                await self._end(await self._now(tip), ended)
                return
            except (OSError, SecretError) as error:
                # The evidence store, or a key: ours to mend, nothing of it goes wrong meanwhile.
                later = Later(f"evidence cannot be read ({type(error).__name__})")
                await self._end(await self._now(tip), later)
                return
            except (Retryable, LostLease):
                raise
            except Exception as error:  # noqa: BLE001 - logged; the others do not wait for it
                _log.error(
                    "a step failed by a defect",
                    cybertip_id=str(tip.cybertip_id),
                    state=tip.state,
                    error=type(error).__name__,
                    where=_where(error),
                )
                later = Later(f"a defect of ours ({type(error).__name__}): the log says where")
                await self._end(await self._now(tip), later)
                return
            if after.failing_since is not None and after.state in _PROGRESS:
                async with transaction(self._engine) as connection:
                    after = await store.save(
                        connection, after, failing_since=None, tries=0, fault=None, code=None
                    )
            tip = after
        async with transaction(self._engine) as connection:
            await store.save(connection, tip, lease=None, leased_until=None)

    async def _now(self, tip: Cybertip) -> Cybertip:
        async with transaction(self._engine) as connection:
            found = await store.find(connection, tip.org_id, str(tip.cybertip_id))
        if found is None or found.lease != tip.lease:
            raise LostLease
        return found

    async def _end(self, tip: Cybertip, ended: StepEnded) -> None:
        now = self._clock()
        since = tip.failing_since or now
        if isinstance(ended, Later) and ended.delay is None:
            gave_up = (now - since).total_seconds() > self._schedule.patience
            if gave_up and tip.state not in _NEVER_GIVEN_UP:
                ended = NeedsPerson(str(ended), resume=tip.state)
        async with transaction(self._engine) as connection:
            match ended:
                case NeedsPerson():
                    await _attention(connection, tip, ended, now)
                case Paused():
                    await self._pause(connection, tip, ended, now)
                case Later(delay=None):
                    delay = self._schedule.delay(tip.tries)
                    await store.save(
                        connection,
                        tip,
                        tries=tip.tries + 1,
                        failing_since=since,
                        fault=str(ended),
                        due_at=now + timedelta(seconds=delay),
                        lease=None,
                        leased_until=None,
                    )
                case Later():
                    await store.save(
                        connection,
                        tip,
                        due_at=now + timedelta(seconds=ended.delay or 0),
                        lease=None,
                        leased_until=None,
                    )
        _log.info(
            "report waits",
            cybertip_id=str(tip.cybertip_id),
            org_id=tip.org_id,
            state=tip.state,
            why=str(ended),
        )

    async def _pause(
        self, connection: AsyncConnection, tip: Cybertip, ended: Paused, now: datetime
    ) -> None:
        await store.save(connection, tip, fault=str(ended), lease=None, leased_until=None)
        paused = pause_store.Pause(
            org_id=tip.org_id,
            environment=tip.environment,
            revision=self._revision(tip.org_id),
            since=now,
            asked_at=now,
            reason=str(ended),
            code=ended.code,
        )
        if await pause_store.pause(connection, paused):
            # One alarm, however many reports wait.
            _log.error("filing is paused: NCMEC refuses the credentials", org_id=tip.org_id)


def _where(error: Exception) -> str:
    # Without its text, which may quote what the report says.
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames[-8:])


async def _attention(
    connection: AsyncConnection, tip: Cybertip, ended: NeedsPerson, now: datetime
) -> None:
    await store.save(
        connection,
        tip,
        state="NEEDS_ATTENTION",
        resume_state=ended.resume,
        fault=str(ended),
        code=ended.code,
        lease=None,
        leased_until=None,
    )
    await tell(connection, tip, "NEEDS_ATTENTION", now=now, code=ended.code, fault=str(ended))
    metric.REPORTS.labels("attention", tip.environment).inc()
    _log.error(
        "a report needs a person",
        cybertip_id=str(tip.cybertip_id),
        org_id=tip.org_id,
        why=str(ended),
    )


async def tell(
    connection: AsyncConnection,
    tip: Cybertip,
    state: CybertipState,
    *,
    now: datetime,
    code: int | None = None,
    fault: str | None = None,
) -> None:
    """What became of it, through the outbox of this transaction."""
    said = CybertipProgressed(
        event_id=new_id(),
        org_id=tip.org_id,
        time=now,
        correlation_id=tip.decision_id,
        cybertip_id=str(tip.cybertip_id),
        decision_id=tip.decision_id,
        job_id=tip.job_id,
        user=_user(tip),
        state=state,
        environment="PRODUCTION" if tip.environment == "PRODUCTION" else "TEST",
        report_id=None if tip.report_id is None else str(tip.report_id),
        filed_at=tip.filed_at,
        files=tip.files,
        missing=tip.missing,
        code=code,
        fault=fault,
    )
    await _publish(connection, tip, said)


async def tell_secured(connection: AsyncConnection, tip: Cybertip, *, now: datetime) -> None:
    """Its media are held, through the outbox of this transaction."""
    said = CybertipSecured(
        event_id=new_id(),
        org_id=tip.org_id,
        time=now,
        correlation_id=tip.decision_id,
        cybertip_id=str(tip.cybertip_id),
        decision_id=tip.decision_id,
        job_id=tip.job_id,
        user=_user(tip),
        files=tip.files,
        missing=tip.missing,
    )
    await _publish(connection, tip, said)


def _user(tip: Cybertip) -> ItemRef:
    return ItemRef(tip.user_id, tip.user_type_id)


async def _publish(connection: AsyncConnection, tip: Cybertip, said: Event) -> None:
    key = item_key(tip.org_id, tip.user_type_id, tip.user_id)
    await append(connection, OUTBOX, [message_of(said, key=key)])
