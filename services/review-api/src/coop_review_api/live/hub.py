"""Who listens, and what each of them is told.

    join ──▶ first snapshot ──▶ what changed since ──▶ … ──▶ end: left, session, lifetime, slow,
                                                             stopped, fault

Guarantees: the database (and Redis, for who has what open) is asked once for all listeners of a
process, at most once in `every` seconds, and no more than a tenth of the time where the answer is
slow; a listener is told of the newest state, never of a backlog, so that a slow one holds no
memory; it ends when its session does, when the person's role or permissions change, or after its
lifetime (the page connects again, and is looked at anew); listeners are bounded in number, of a
process and of a person.
Must not: know HTTP; `live.route` does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.permission import Permission
from coop_review_api.kernel import metric
from coop_review_api.kernel.access import may_know
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import TooManyAttempts, Unavailable
from coop_review_api.kernel.live_limit import LiveLimits
from coop_review_api.kernel.principal import Principal
from coop_review_api.kernel.session_limit import SessionLimits
from coop_review_api.live.event import (
    BuildEvent,
    CommentsEvent,
    ConfigEvent,
    HeldJob,
    JobPresence,
    JobsEvent,
    NotificationsEvent,
    PresenceEvent,
    QueuesEvent,
    QueueState,
    SessionEvent,
    TasksEvent,
)
from coop_review_api.live.presence import Presence
from coop_review_api.live.snapshot import Organisation, Snapshot, Watched, take_snapshot
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_SHARE = 10  # of the time that the question may take

End = Literal["left", "session", "lifetime", "slow", "stopped", "fault"]
Message = tuple[str, bytes]
"""The event's name, its data as JSON."""

_encoder = msgspec.json.Encoder()
_log = logger("coop.review_api.live")


@dataclass(frozen=True, kw_only=True)
class Here:
    """Which jobs people have open, by person; and who has one open, by job."""

    jobs: Mapping[str, frozenset[str]]
    people: Mapping[str, tuple[str, ...]]


class Listener:
    """One page that is told. `wait`, then `news`, until `end` is set."""

    def __init__(self, principal: Principal, ends_at: float) -> None:
        self.principal = principal
        self.ends_at = ends_at  # of the monotonic clock
        self.end: End | None = None
        self._latest: dict[str, bytes] = {}
        self._told: dict[str, bytes] = {}
        self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Until there is something to tell, or it is over."""
        await self._changed.wait()
        self._changed.clear()

    def news(self) -> list[Message]:
        """What changed since this was asked before, as it is now."""
        changed = [
            (name, data) for name, data in self._latest.items() if self._told.get(name) != data
        ]
        self._told.update(changed)
        return changed

    def finish(self, reason: End) -> None:
        """It is over; the first reason counts."""
        if self.end is None:
            self.end = reason
        self._changed.set()

    def show(self, snapshot: Snapshot, here: Here, *, build: str) -> None:
        """The state of this moment, or its end."""
        if not self._goes_on(snapshot):
            self.finish("session")
            return
        self._latest = {
            name: _encoder.encode(value)
            for name, value in self._view(snapshot, here, build).items()
        }
        if self._latest != self._told:
            self._changed.set()

    def _goes_on(self, snapshot: Snapshot) -> bool:
        principal = self.principal
        session = snapshot.sessions.get(principal.session_id)
        organisation = snapshot.organisations.get(principal.org_id)
        return (
            session is not None
            and organisation is not None
            and principal.expires_at > snapshot.at
            and session.last_seen_at > snapshot.at - organisation.idle
            and session.role == principal.role
            and organisation.roles.get(session.role, frozenset()) == principal.permissions
        )

    def _view(self, snapshot: Snapshot, here: Here, build: str) -> dict[str, Struct]:
        principal = self.principal
        user_id, org_id = principal.user_id, principal.org_id
        organisation = snapshot.organisations[org_id]
        seen_at = snapshot.sessions[principal.session_id].last_seen_at
        view: dict[str, Struct] = {
            "session": SessionEvent(
                expires_at=principal.expires_at, idle_expires_at=seen_at + organisation.idle
            ),
            "config": ConfigEvent(revision=organisation.revision),
            "build": BuildEvent(id=build),
            "notifications": NotificationsEvent(unread=snapshot.unread.get(user_id, 0)),
            "tasks": TasksEvent(items=snapshot.tasks.get(user_id, ())),
        }
        if principal.may(Permission.VIEW_MRT) or principal.may(Permission.VIEW_INSIGHTS):
            view["queues"] = QueuesEvent(items=tuple(self._queues(snapshot)))
        if principal.may(Permission.VIEW_MRT):
            held = self._held(snapshot)
            opened = here.jobs.get(user_id, frozenset())
            about = sorted({one.job_id for one in held} | opened)
            comments = tuple(snapshot.comments[one] for one in about if one in snapshot.comments)
            view["jobs"] = JobsEvent(items=held)
            view["comments"] = CommentsEvent(items=comments)
            view["presence"] = PresenceEvent(items=self._others(snapshot, here, sorted(opened)))
        return view

    def _held(self, snapshot: Snapshot) -> tuple[HeldJob, ...]:
        held = snapshot.held.get(self.principal.user_id, ())
        return tuple(one for one in held if self._sees_grave or one.job_id not in snapshot.grave)

    def _others(
        self, snapshot: Snapshot, here: Here, opened: Sequence[str]
    ) -> tuple[JobPresence, ...]:
        """Who else has these jobs open."""
        found = []
        for job_id in opened:
            people = tuple(
                snapshot.names[one]
                for one in here.people.get(job_id, ())
                if one != self.principal.user_id and one in snapshot.names
            )
            if people:
                found.append(JobPresence(job_id=job_id, people=people))
        return tuple(found)

    @property
    def _sees_grave(self) -> bool:
        return self.principal.may(Permission.VIEW_CHILD_SAFETY_DATA)

    def _queues(self, snapshot: Snapshot) -> list[QueueState]:
        org_id = self.principal.org_id
        counted = snapshot.queues if self._sees_grave else snapshot.harmless
        waiting = counted.get(org_id, {})
        return [
            waiting.get(queue_id) or QueueState(queue_id=queue_id)
            for queue_id, queue in snapshot.organisations[org_id].queues.items()
            if may_know(self.principal, queue)
        ]


class Hub:
    """All listeners of a process; it asks the database while there are any."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        session_limits: SessionLimits,
        limits: LiveLimits,
        clock: Clock,
        presence: Presence,
        build: str,
    ) -> None:
        self.limits = limits
        self._presence = presence
        self._build = build
        self._engine = engine
        self._session_limits = session_limits
        self._clock = clock
        self._listeners: set[Listener] = set()
        self._known: dict[str, Organisation] = {}
        self._asking: asyncio.Task[None] | None = None
        self._stopped = False

    @contextmanager
    def listening(self, principal: Principal) -> Iterator[Listener]:
        """A listener for as long as the block runs. Raises `Unavailable`, `TooManyAttempts`."""
        limits = self.limits
        if self._stopped or len(self._listeners) >= limits.streams:
            raise Unavailable("too many pages are listening", retry_after=30)
        own = sum(one.principal.user_id == principal.user_id for one in self._listeners)
        if own >= limits.per_person:
            raise TooManyAttempts(
                f"you are listening on {limits.per_person} pages already", retry_after=30
            )
        listener = Listener(principal, time.monotonic() + limits.lifetime)
        self._listeners.add(listener)
        metric.LIVE_STREAMS.inc()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="live")
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            metric.LIVE_STREAMS.dec()
            metric.LIVE_ENDED.labels(listener.end or "left").inc()

    def stop(self) -> None:
        """The process stops: every listener ends, none is added."""
        self._stopped = True
        if self._asking is not None:
            self._asking.cancel()
        for listener in self._listeners:
            listener.finish("stopped")

    async def _ask(self) -> None:
        """While somebody listens."""
        every = self.limits.every
        try:
            while self._listeners and not self._stopped:
                began = time.monotonic()
                try:
                    await self._show()
                except Retryable as error:
                    _log.warning("listeners wait for the database", error=str(error))
                    await asyncio.sleep(self.limits.after_outage)
                    continue
                took = time.monotonic() - began
                metric.LIVE_POLL.observe(took)
                await asyncio.sleep(max(every - took, took * (_SHARE - 1)))
        except Exception:  # noqa: BLE001 - a task of nobody's: its fault is told here, and ends all
            _log.exception("listeners can no longer be told")
            for listener in self._listeners:
                listener.finish("fault")

    async def _show(self) -> None:
        listeners = list(self._listeners)
        people = [listener.principal for listener in listeners]
        here = await self._here({one.user_id for one in people})
        watched = Watched(
            org_ids={one.org_id for one in people},
            user_ids={one.user_id for one in people},
            session_ids={one.session_id for one in people},
            job_ids={job_id for opened in here.jobs.values() for job_id in opened},
            names_of={one for those in here.people.values() for one in those},
        )
        async with transaction(self._engine) as connection:
            snapshot = await take_snapshot(
                connection,
                watched,
                self._known,
                limits=self._session_limits,
                now=self._clock(),
            )
        self._known = dict(snapshot.organisations)
        now = time.monotonic()
        for listener in listeners:
            if now >= listener.ends_at:
                listener.finish("lifetime")
                # Whatever became of its block: one that is over takes nobody's room.
                self._listeners.discard(listener)
            else:
                listener.show(snapshot, here, build=self._build)

    async def _here(self, user_ids: Collection[str]) -> Here:
        jobs = await self._presence.of(user_ids)
        opened = {job_id for of_person in jobs.values() for job_id in of_person}
        return Here(jobs=jobs, people=await self._presence.at(opened))
