"""What the queue store promises, as a model in memory without a clock, a lock or a database."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from coop_contracts.config import QueueOrder

LONGEST_WAIT = 72 * 60  # minutes
CLOCKS = {"law": 30, "slow": 90}  # minutes
SEVERITIES = {"law": 4, "slow": 2, "mild": 1}
WEIGHTS = (7, 11, 13)  # minutes for a further report, a further reporter, a step of severity


@dataclass
class PlainQueue:
    order: QueueOrder = QueueOrder.OLDEST_FIRST
    target: int | None = None
    revision: int = 1
    paused: bool = False


@dataclass
class PlainJob:
    """`first` is in minutes. `late`: it was seen to be past its deadline. `ahead`: its holder has
    not begun."""

    job_id: str
    queue: str
    item: str
    first: int
    entries: set[str] = field(default_factory=set)
    reporters: set[str] = field(default_factory=set)
    policies: set[str] = field(default_factory=set)
    revision: int = 1
    pending: bool = True
    went_on: bool = False
    late: bool = False
    holder: str | None = None
    token: str | None = None
    ahead: bool = False
    kept_as: str | None = None
    kept_for: str | None = None
    skipped_by: set[str] = field(default_factory=set)

    @property
    def severity(self) -> int:
        return max((SEVERITIES[policy] for policy in self.policies), default=0)

    def deadline(self, queue: PlainQueue) -> int | None:
        promises = [CLOCKS[policy] for policy in self.policies if policy in CLOCKS]
        promises += [] if queue.target is None else [queue.target]
        return self.first + min(promises) if promises else None

    def due(self, queue: PlainQueue) -> int:
        promised = self.deadline(queue)
        return self.first + LONGEST_WAIT if promised is None else promised

    def turn(self, queue: PlainQueue) -> tuple[object, ...]:
        """Sorts the jobs of one queue."""
        if self.late or queue.order is QueueOrder.EARLIEST_DEADLINE:
            key: tuple[int, ...] = (0, self.due(queue))
        elif queue.order is QueueOrder.MOST_REPORTS:
            key = (1, -len(self.entries), self.first)
        elif queue.order is QueueOrder.WEIGHTED:
            report, reporter, step = WEIGHTS
            ahead = report * (len(self.entries) - 1) + reporter * (len(self.reporters) - 1)
            key = (1, self.first - ahead - step * self.severity)
        else:
            key = (1, self.first)
        return (*key, self.job_id)

    def is_for(self, reviewer: str) -> bool:
        """Whether they may be given it, as far as it is kept for somebody."""
        return self.kept_as is None or (self.kept_as, self.kept_for) == ("ASSIGNED", reviewer)

    def look(self, queue: PlainQueue, now: int) -> None:
        """Its turn is computed now."""
        overdue = self.due(queue) <= now
        self.late = overdue and queue.order is not QueueOrder.EARLIEST_DEADLINE


class PlainStore:
    """Queues, jobs by id in the order they came, and every entry's job."""

    def __init__(self, queues: Iterable[str]) -> None:
        self.queues = {name: PlainQueue() for name in queues}
        self.jobs: dict[str, PlainJob] = {}
        self.entries: dict[str, str] = {}
        self.now = 0
        self._numbers = itertools.count()

    def pending(self, queue: str) -> list[PlainJob]:
        """In their order."""
        found = [job for job in self.jobs.values() if job.pending and job.queue == queue]
        return sorted(found, key=lambda job: job.turn(self.queues[queue]))

    def slot(self, queue: str, item: str) -> PlainJob | None:
        return next((job for job in self.pending(queue) if job.item == item), None)

    def free(self, queue: str, reviewer: str) -> list[PlainJob]:
        """What this reviewer may be given, first things first."""
        return [
            job
            for job in self.pending(queue)
            if job.holder is None and reviewer not in job.skipped_by and job.is_for(reviewer)
        ]

    def assigned(self, queue: str, reviewer: str) -> list[PlainJob]:
        """What of that was handed to this reviewer."""
        return [job for job in self.free(queue, reviewer) if job.kept_as == "ASSIGNED"]

    def held(self, reviewer: str | None = None) -> list[PlainJob]:
        return [
            job
            for job in self.jobs.values()
            if job.holder is not None and reviewer in (None, job.holder)
        ]

    def hold(self, job: PlainJob, holder: str, token: str, *, ahead: bool = False) -> None:
        job.holder, job.token, job.ahead = holder, token, ahead

    def free_again(self, job: PlainJob) -> None:
        job.holder, job.token, job.ahead = None, None, False

    def kept(self) -> list[PlainJob]:
        return [job for job in self.jobs.values() if job.pending and job.kept_as is not None]

    def join(
        self,
        job_id: str,
        queue: str,
        item: str,
        first: int,
        *,
        entries: set[str],
        reporters: set[str],
        policies: set[str],
    ) -> PlainJob:
        """Entries come to a slot: under `job_id` where nothing is pending there."""
        job = self.slot(queue, item)
        if job is None:
            job = self.jobs[job_id] = PlainJob(job_id, queue, item, first)
        else:
            job.revision += 1
        job.first = min(job.first, first)
        job.entries |= entries
        job.reporters |= reporters
        job.policies |= policies
        job.look(self.queues[queue], self.now)
        return job

    def close(self, job: PlainJob) -> None:
        job.pending = False
        job.kept_as = job.kept_for = None
        self.free_again(job)

    def go_on(self, job: PlainJob, job_id: str, queue: str) -> PlainJob:
        """A closed job goes on as another one."""
        job.went_on = True
        return self.join(
            job_id,
            queue,
            job.item,
            job.first,
            entries=job.entries,
            reporters=job.reporters,
            policies=job.policies,
        )
