"""Carries over what was decided and said in Coop, and what waits there.

    decisions ─▶ closed jobs under Coop's ids, decided    marked as Coop's, asking for nothing
    waiting   ─▶ pending jobs in their queues             one an item and queue, as ever
    comments  ─▶ comments on these jobs

Guarantees: what is here already stays as it is, so it can be broken off and run again; of what is
not carried over it is told how many they are, which, and why; a decision has no executions, so that
nothing goes to the platform, counts as a strike or can be taken back; what was decided in Coop does
not come in as waiting.
Must not: hold more than a page of Coop's rows; carry content in a finding.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Policy, Queue
from coop_queues import store
from coop_queues.job import JobKind, Placement
from coop_queues.ranking import Ranking
from coop_queues.reading import entries, jobs
from coop_review_api.comment.past import PastComment, keep_comments
from coop_review_api.configuration.catalogue import Catalogue, load_catalogue
from coop_review_api.directory.person import emails_of
from coop_review_api.moving.coop_job_id import guid_of
from coop_review_api.moving.history_reader import HistoryReader, HistorySnapshot
from coop_review_api.moving.past_decision import PastDecision, decision_of
from coop_review_api.moving.review_job import CoopNames, ReviewJob, UnreadableJob, job_of
from coop_review_api.moving.source import Row
from coop_review_api.moving.tally import HistoryTally
from coop_review_api.moving.waiting import Waiting, WaitingJob
from coop_review_api.review.past import keep_decisions, known_among

Step = Callable[[AsyncConnection], Awaitable[None]]
Run = Callable[[Step], Awaitable[None]]
"""Carries a step out: in a transaction of its own, or in that of a plan."""

_WAITED: Final = "It waited in this queue in Coop."
_GONE: Final = "It waited in Coop in a queue that is not here."
_OTHER_CLASS: Final = "It waited in Coop in a queue of the other class."


@dataclass(kw_only=True)
class HistoryMover:
    """One run for one organisation. With `past`, decisions and comments; with `waiting`, the jobs
    that wait there, and the comments on them."""

    org_id: str
    reader: HistoryReader
    named: CoopNames
    past: bool
    waiting: Waiting | None = None
    tell: Callable[[str], None] = lambda _: None
    tally: HistoryTally = field(default_factory=HistoryTally)

    async def carry(self, run: Run) -> None:
        """All of it. Raises `SourceError`, `Retryable`."""
        if self.waiting is not None:
            async for page in self.waiting.pages():
                await self._waiting(run, page)
        async with self.reader.snapshot() as there:
            if self.past:
                await self._decisions(run, there)
            await self._comments(run, there)

    async def _decisions(self, run: Run, there: HistorySnapshot) -> None:
        older = await there.older()
        self.tally.count("decision", "REFUSED", older)
        if older:
            reason = "they are older than Coop itself reads, or than --since"
            self.tally.tell("CANNOT", "decision", reason, None, older)
        seen = 0
        async for page in there.decisions():
            readable = list(self._readable(page))
            await run(partial(self._keep, page=readable))
            seen += len(page)
            self.tell(f"{seen} decisions")

    def _readable(self, page: Sequence[Row]) -> Iterator[PastDecision]:
        for row in page:
            try:
                yield decision_of(row, self.org_id, self.named)
            except UnreadableJob as error:
                self.tally.count("decision", "REFUSED")
                self.tally.tell("CANNOT", "decision", str(error), row["id"])

    async def _keep(self, connection: AsyncConnection, page: Sequence[PastDecision]) -> None:
        ids = [one.decision_id for one in page]
        known = await known_among(connection, self.org_id, ids)
        reviewers = {one.reviewer_id for one in page if one.reviewer_id}
        people = await emails_of(connection, self.org_id, reviewers)
        new = []
        for one in page:
            gone = bool(one.reviewer_id) and one.reviewer_id not in people
            if gone:
                reason = "who decided is not here: a note says who it was"
                self.tally.tell("DIFFERS", "decision", reason, one.decision_id)
            for said in one.differs:
                self.tally.tell("DIFFERS", "decision", said, one.decision_id)
            if one.decision_id not in known:
                note = f"Decided in Coop by {one.reviewer_id}, who is not here." if gone else None
                reviewer = None if gone else one.reviewer_id or None
                new.append((one.job, {**one.row, "reviewer_id": reviewer, "note": note}))
        kept = await keep_decisions(connection, new)
        self.tally.count("decision", "SAME", len(known))
        self.tally.count("decision", "CREATE", len(kept))
        lost = {str(row["decision_id"]) for _, row in new} - kept
        self._refuse("decision", "its id is another organisation's here", lost)
        await self._decided_since(connection, ids)

    async def _decided_since(self, connection: AsyncConnection, ids: Sequence[str]) -> None:
        """Jobs that came here while they waited, and wait here still."""
        waits = await connection.scalars(
            select(entries.c.entry_id)
            .join(jobs, jobs.c.job_id == entries.c.job_id)
            .where(
                entries.c.org_id == self.org_id,
                entries.c.entry_id.in_([_waiting_entry(one) for one in ids]),
                jobs.c.state == "PENDING",
            )
        )
        for entry_id in waits:
            reason = "was decided in Coop after its job came here, where it waits still"
            guid = entry_id.removeprefix(_waiting_entry(""))
            self.tally.tell("DIFFERS", "decision", reason, guid)

    async def _waiting(self, run: Run, page: Sequence[WaitingJob]) -> None:
        found: list[tuple[WaitingJob, ReviewJob]] = []
        for one in page:
            try:
                found.append((one, self._job(one)))
            except UnreadableJob as error:
                self._refuse("job", str(error), [one.at])
        decided = await self.reader.decided([job.guid for _, job in found])
        for guid in sorted(decided):
            reason = "is decided in Coop already: it comes with --history"
            self.tally.tell("DIFFERS", "job", reason, guid)
        waits = [(one, job) for one, job in found if job.guid not in decided]
        await run(partial(self._place, waits=waits))
        self.tell(f"{len(waits)} jobs that wait")

    def _job(self, one: WaitingJob) -> ReviewJob:
        job = job_of(one.job, self.named)
        if one.job.get("orgId", self.org_id) != self.org_id:
            raise UnreadableJob("is another organisation's")
        if job.item.type_id not in self.named.versions:
            raise UnreadableJob("its item is of a type that Coop has no more")
        return job

    async def _place(
        self, connection: AsyncConnection, waits: Sequence[tuple[WaitingJob, ReviewJob]]
    ) -> None:
        catalogue = await load_catalogue(connection, self.org_id, [Kind.QUEUE, Kind.POLICY])
        placements: list[Placement] = []
        guids: list[str] = []
        for one, job in waits:
            queue, note = _queue_for(catalogue, one.queue_id, job.kind)
            if queue is None:
                self._refuse("job", "there is no queue for it", [job.guid])
                continue
            if note != _WAITED:
                self.tally.tell("DIFFERS", "job", note, job.guid)
            for said in dict.fromkeys(job.differs):
                self.tally.tell("DIFFERS", "job", said, job.guid)
            of_job = job.placements(
                self.org_id,
                queue.id,
                prefix=_waiting_entry(job.guid),
                note=note,
                ranking=_ranking(catalogue, queue),
                waits=True,
            )
            placements += of_job
            guids += [job.guid] * len(of_job)
        placed = await store.place_many(connection, placements)
        repeated: dict[str, set[bool]] = {}
        for guid, what in zip(guids, placed, strict=True):
            repeated.setdefault(guid, set()).add(what.repeated)
        for how in repeated.values():
            self.tally.count(
                "job", "CHANGE" if len(how) > 1 else "SAME" if True in how else "CREATE"
            )

    async def _comments(self, run: Run, there: HistorySnapshot) -> None:
        async for page in there.comments():
            await run(partial(self._say, page=page))

    async def _say(self, connection: AsyncConnection, page: Sequence[Row]) -> None:
        guids = {row["id"]: guid_of(row["job_id"] or "") for row in page}
        job_ids = await self._jobs_of(connection, {one for one in guids.values() if one})
        people = await emails_of(connection, self.org_id, {row["author_id"] for row in page})
        past = []
        for row in page:
            job_id = job_ids.get(guids[row["id"]] or "")
            if job_id is None:
                self._refuse("comment", "its job neither was decided nor waits here", [row["id"]])
            elif row["author_id"] not in people:
                self._refuse("comment", "who wrote it is not here", [row["id"]])
            else:
                past.append(
                    PastComment(
                        past_id=row["id"],
                        job_id=job_id,
                        author_id=row["author_id"],
                        body=row["comment_text"] or "",
                        created_at=row["created_at"],
                    )
                )
        kept = await keep_comments(connection, self.org_id, past)
        self.tally.count("comment", "CREATE", len(kept))
        self.tally.count("comment", "SAME", len(past) - len(kept))

    async def _jobs_of(self, connection: AsyncConnection, guids: set[str]) -> dict[str, str]:
        """The jobs here, by Coop's guid: those that waited, and those that were decided."""
        waited = select(entries.c.entry_id, entries.c.job_id).where(
            entries.c.org_id == self.org_id,
            entries.c.entry_id.in_([_waiting_entry(one) for one in guids]),
        )
        decided = select(jobs.c.job_id).where(
            jobs.c.org_id == self.org_id, jobs.c.job_id.in_(guids)
        )
        found = {
            row.entry_id.removeprefix(_waiting_entry("")): str(row.job_id)
            for row in await connection.execute(waited)
        }
        return found | {str(one): str(one) for one in await connection.scalars(decided)}

    def _refuse(self, kind: str, reason: str, ids: Iterable[str]) -> None:
        for one in ids:
            self.tally.count(kind, "REFUSED")
            self.tally.tell("CANNOT", kind, reason, one)


def _waiting_entry(guid: str) -> str:
    return f"coop/{guid}"


def _queue_for(catalogue: Catalogue, queue_id: str, kind: JobKind) -> tuple[Queue | None, str]:
    """Its own; where that is gone, or of the other class, the default of its class; and why."""
    queues = catalogue.all(Kind.QUEUE, Queue)
    appeals = kind is JobKind.APPEAL
    own = queues.get(queue_id)
    if own is not None and own.is_appeals_queue == appeals:
        return own, _WAITED
    others = (one for one in queues.values() if one.is_appeals_queue == appeals)
    note = _GONE if own is None else _OTHER_CLASS
    return next((one for one in others if one.is_default_queue), None), note


def _ranking(catalogue: Catalogue, queue: Queue) -> Ranking:
    return Ranking.of(
        queue, catalogue.all(Kind.POLICY, Policy).values(), revision=catalogue.revision
    )
