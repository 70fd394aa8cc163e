"""The queue store against a plain model in memory, step by step, as hypothesis likes it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import Policy, Queue, QueueOrder, QueueWeights
from coop_queues import keeping
from coop_queues.error import AlreadyClosed, HeldByOther, LeaseLost, NotKept, TooManyClaims
from coop_queues.job import OrderChange, Placement
from coop_queues.order import _keys
from coop_queues.rerank import promote, rerank
from coop_queues.store import (
    Claims,
    OrderIndex,
    Ranking,
    assigned,
    close,
    extend,
    held,
    keep,
    move,
    pending_page,
    place_many,
    release,
    release_all,
    reopen,
    requeue,
    skip,
    unkeep,
)
from coop_runtime.database.engine import engine_of, service_url, transaction

from .conftest import PASSWORDS, START, report
from .plain_store import CLOCKS, SEVERITIES, WEIGHTS, PlainJob, PlainStore

pytestmark = pytest.mark.engines

QUEUES = ("q1", "q2")
AT_MOST = 3
_PENALTIES = ("NONE", "LOW", "MEDIUM", "HIGH", "SEVERE")
_POLICIES = tuple(
    Policy(
        id=name,
        name=name,
        penalty=_PENALTIES[severity],  # type: ignore[arg-type]
        review_within_minutes=CLOCKS.get(name),
    )
    for name, severity in SEVERITIES.items()
)
_TABLES = ("jobs", "entries", "generations", "claims", "skips", "keepings")

queue_names = st.sampled_from(QUEUES)
reviewers = st.sampled_from(["anna", "bert"])
causes = st.lists(
    st.tuples(
        st.integers(0, 60),  # the entry
        st.sampled_from(["i0", "i1", "i2", "i3"]),
        queue_names,
        st.integers(0, 200),  # the minute
        st.sampled_from(["u0", "u1", "u2"]),
        st.sets(st.sampled_from(sorted(SEVERITIES)), max_size=2),
    ),
    min_size=1,
    max_size=4,
)


@dataclass
class World:
    """Real engines, and a loop to talk to them."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    engine: AsyncEngine
    order: OrderIndex
    claims: Claims


@pytest.fixture
def world(queues_admin_url: str, redis_url: str) -> Iterator[World]:
    with asyncio.Runner() as runner:
        url = service_url(queues_admin_url, "coop_queues", PASSWORDS["coop_queues"])
        engine = engine_of(url, pool_size=3, application_name="test")
        order = OrderIndex.of(redis_url, timeout=20)
        claims = Claims(engine, order)
        yield World(runner.run, engine, order, claims)

        async def end() -> None:
            await claims.close()
            await order.close()
            await engine.dispose()

        runner.run(end())


class Machine(RuleBasedStateMachine):
    """Does to the store and to the model the same, and compares."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.org = f"org-{uuid.uuid4().hex}"
        self.plain = PlainStore(QUEUES)
        # Queues of which Redis was not told everything: it may offer in another order.
        self.blind: set[str] = set()

    def teardown(self) -> None:
        async def delete() -> None:
            async with transaction(self.world.engine) as connection:
                for table in _TABLES:
                    statement = f"DELETE FROM queues.{table} WHERE org_id = :org"
                    await connection.execute(text(statement), {"org": self.org})
            await self.forget()

        self.world.run(delete())

    async def forget(self) -> None:
        for queue in QUEUES:
            await self.world.order._client.delete(*_keys(self.org, queue))

    @property
    def now(self) -> datetime:
        return START + timedelta(minutes=self.plain.now)

    def ranking(self, name: str) -> Ranking:
        queue = self.plain.queues[name]
        report_, reporter, step = WEIGHTS
        document = Queue(
            id=name,
            name=name,
            order=queue.order,
            target_minutes=queue.target,
            weights=QueueWeights(report=report_, reporter=reporter, severity=step),
        )
        return Ranking.of(document, _POLICIES, revision=queue.revision)

    def do(
        self, step: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any, **more: Any
    ) -> Any:
        """One step in a transaction of its own."""

        async def run() -> Any:
            async with transaction(self.world.engine) as connection:
                return await step(connection, *arguments, **more)

        return self.world.run(run())

    def tell(self, changes: Sequence[OrderChange], *, told: bool) -> None:
        """Without `told` the process was killed between its commit and Redis."""
        if told:
            self.world.run(self.world.order.tell(changes))
        else:
            self.blind |= {change.queue_id for change in changes}

    @rule(batch=causes, told=st.booleans())
    def place(self, batch: list[tuple[Any, ...]], told: bool) -> None:
        answers = self.do(
            place_many,
            [self.placement(*cause) for cause in batch],
            now=self.now,
        )
        seen: dict[tuple[str, str], PlainJob] = {}
        grown: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
        for cause, answer in zip(batch, answers, strict=True):
            entry, item, queue = f"e{cause[0]}", cause[1], cause[2]
            if entry in self.plain.entries:
                assert answer.repeated
                assert answer.job_id == self.plain.entries[entry]
                continue
            pending = self.plain.slot(queue, item)
            first = pending is None and (queue, item) not in grown
            assert (answer.created, answer.merged) == (first, not first)
            assert pending is None or answer.job_id == pending.job_id
            self.plain.entries[entry] = answer.job_id
            grown.setdefault((queue, item), []).append((*cause, answer.job_id))
        for (queue, item), causes_ in grown.items():
            # What comes in one batch is one step of the job.
            seen[queue, item] = self.plain.join(
                causes_[0][-1],
                queue,
                item,
                min(cause[3] for cause in causes_),
                entries={f"e{cause[0]}" for cause in causes_},
                reporters={cause[4] for cause in causes_},
                policies=set().union(*(cause[5] for cause in causes_)),
            )
        self.tell([change for answer in answers for change in answer.changes], told=told)

    def placement(
        self, entry: int, item: str, queue: str, minute: int, who: str, policies: set[str]
    ) -> Placement:
        return report(
            self.org,
            item,
            entry_id=f"e{entry}",
            queue=queue,
            minute=minute,
            reporter=who,
            policies=tuple(sorted(policies)),
            ranking=self.ranking(queue),
        )

    @rule(names=st.sets(queue_names, min_size=1), reviewer=reviewers, ahead=st.booleans())
    def claim(self, names: set[str], reviewer: str, ahead: bool) -> None:
        # Who asks leaves paused queues out; leases in them go on.
        asked = sorted(name for name in names if not self.plain.queues[name].paused)
        free = {name: self.plain.free(name, reviewer) for name in asked}
        full = len(self.plain.held(reviewer)) >= AT_MOST
        full |= ahead and any(job.ahead for job in self.plain.held(reviewer))
        blind = self.blind.intersection(asked)
        first = self.do(assigned, self.org, asked, reviewer_id=reviewer)
        handed = [job for name in asked for job in self.plain.assigned(name, reviewer)]
        assert set(first) == {job.job_id for job in handed}
        claim = None
        try:
            claim = self.world.run(self.claimed(asked, reviewer, ahead=ahead, first=first))
        except TooManyClaims:
            assert full
            assert any(free.values()) or blind
            return
        if claim is None:
            assert not any(free.values())
            return
        assert not full
        summary = claim.job.summary
        job = self.plain.jobs[summary.job_id]
        assert summary.unopened == ahead
        if first:
            assert job.job_id == first[0], "what was handed to one comes first"
            self.plain.hold(job, reviewer, claim.lease_token, ahead=ahead)
            return
        heads = [
            (jobs[0].due(self.plain.queues[n]), jobs[0].job_id, n)
            for n, jobs in free.items()
            if jobs
        ]
        assert job.queue == min(heads)[2], "between queues, what is due first"
        allowed = free[job.queue] if blind else free[job.queue][:1]
        assert job in allowed
        assert (summary.queue_id, summary.item.id) == (job.queue, job.item)
        assert {entry.entry_id for entry in claim.job.entries} == job.entries
        self.plain.hold(job, reviewer, claim.lease_token, ahead=ahead)

    async def claimed(
        self, names: Sequence[str], reviewer: str, *, ahead: bool, first: Sequence[str]
    ) -> Any:
        claim = await self.world.claims.claim(
            self.org, names, reviewer, at_most=AT_MOST, ahead=ahead, first=first
        )
        await self.world.claims.builder.idle()
        return claim

    @precondition(lambda self: self.plain.jobs)
    @rule(number=st.integers(0, 99), reviewer=reviewers)
    def choose(self, number: int, reviewer: str) -> None:
        """A job is claimed by its id: skipped before, or held by oneself, all the same."""
        job = list(self.plain.jobs.values())[number % len(self.plain.jobs)]
        call = self.world.claims.claim_job(self.org, job.job_id, reviewer, at_most=AT_MOST)
        mine = job.holder == reviewer
        open_to = {("HELD", None), ("HELD", reviewer)}
        if not mine and len(self.plain.held(reviewer)) >= AT_MOST:
            with pytest.raises(TooManyClaims):
                self.world.run(call)
        elif not job.pending:
            with pytest.raises(AlreadyClosed):
                self.world.run(call)
        elif job.holder not in (None, reviewer):
            with pytest.raises(HeldByOther) as refusal:
                self.world.run(call)
            assert refusal.value.holder == job.holder
        elif not (mine or job.is_for(reviewer) or (job.kept_as, job.kept_for) in open_to):
            with pytest.raises(HeldByOther) as refusal:
                self.world.run(call)
            assert refusal.value.holder == job.kept_for
        else:
            claim = self.world.run(call)
            assert not mine or claim.lease_token == job.token
            assert not claim.job.summary.unopened
            if job.kept_as == "HELD" and not mine:
                job.kept_as = job.kept_for = None
            self.plain.hold(job, reviewer, claim.lease_token)

    @precondition(lambda self: self.plain.jobs)
    @rule(
        number=st.integers(0, 99),
        kept_as=st.sampled_from(["ASSIGNED", "HELD"]),
        who=reviewers | st.none(),
        told=st.booleans(),
    )
    def keep(self, number: int, kept_as: str, who: str | None, told: bool) -> None:
        """Handed to somebody, or kept while an answer is awaited, whatever it was kept for."""
        job = list(self.plain.jobs.values())[number % len(self.plain.jobs)]
        if kept_as == "ASSIGNED" and who is None:
            return
        more = {"kept_as": kept_as, "person_id": who, "seconds": 3600, "by": "lead"}
        if not job.pending:
            with pytest.raises(AlreadyClosed):
                self.do(keep, self.org, job.job_id, **more)
        elif job.holder not in (None, who):
            with pytest.raises(HeldByOther):
                self.do(keep, self.org, job.job_id, **more)
        else:
            kept = self.do(keep, self.org, job.job_id, **more)
            job.kept_as, job.kept_for = kept_as, who
            self.tell(kept.changes, told=told)

    @precondition(lambda self: self.plain.kept())
    @rule(number=st.integers(0, 99), told=st.booleans(), late=st.booleans())
    def keep_no_longer(self, number: int, told: bool, late: bool) -> None:
        """It is taken back, or its time runs out (and Redis learns of that by itself, or late)."""
        jobs = self.plain.kept()
        job = jobs[number % len(jobs)]
        with pytest.raises(NotKept):
            self.do(unkeep, self.org, job.job_id, by="x", outcome="LEFT", person_id="nobody")
        if late:
            self.do(self.run_out, job.job_id)
            assert self.do(keeping.expire) == 1
            self.blind.add(job.queue)  # until its own time there runs out
        else:
            freed = self.do(unkeep, self.org, job.job_id, by="lead", outcome="TAKEN_BACK")
            self.tell(freed.changes, told=told)
        job.kept_as = job.kept_for = None

    async def run_out(self, connection: AsyncConnection, job_id: str) -> None:
        for table, column in (("jobs", "kept_until"), ("keepings", "until")):
            await connection.execute(
                text(
                    f"UPDATE queues.{table} SET {column} = now() - interval '1 s'"
                    " WHERE job_id = CAST(:job AS uuid)"
                ),
                {"job": job_id},
            )

    @rule(reviewer=reviewers, told=st.booleans())
    def step_away(self, reviewer: str, told: bool) -> None:
        """Everything that one holds is given back, and hidden from nobody."""
        freed = self.do(release_all, self.org, reviewer)
        held_jobs = self.plain.held(reviewer)
        assert {one.summary.job_id for one in freed} == {job.job_id for job in held_jobs}
        for job in held_jobs:
            self.plain.free_again(job)
        self.tell([change for one in freed for change in one.changes], told=told)

    def a_held_job(self, number: int) -> PlainJob:
        jobs = self.plain.held()
        return jobs[number % len(jobs)]

    @precondition(lambda self: self.plain.held())
    @rule(number=st.integers(0, 99), told=st.booleans(), step=st.sampled_from([release, skip]))
    def give_back(self, number: int, told: bool, step: Callable[..., Any]) -> None:
        job = self.a_held_job(number)
        freed = self.do(step, self.org, job.job_id, job.token)
        if step is skip:
            job.skipped_by.add(str(job.holder))
        self.plain.free_again(job)
        self.tell(freed.changes, told=told)

    @precondition(lambda self: self.plain.held())
    @rule(number=st.integers(0, 99))
    def extend(self, number: int) -> None:
        job = self.a_held_job(number)
        extended = self.do(extend, self.org, job.job_id, job.token, seconds=600)
        assert (extended.revision, extended.report_count) == (job.revision, len(job.entries))
        job.ahead = False
        self.tell(extended.changes, told=True)

    @precondition(lambda self: self.plain.held())
    @rule(number=st.integers(0, 99), told=st.booleans())
    def expire(self, number: int, told: bool) -> None:
        """The reviewer went away, and time passed."""
        job = self.a_held_job(number)
        lapsed = self.do(extend, self.org, job.job_id, job.token, seconds=0)
        with pytest.raises(LeaseLost):
            self.do(release, self.org, job.job_id, job.token)
        self.plain.free_again(job)
        self.tell(lapsed.changes, told=told)

    @precondition(lambda self: self.plain.held())
    @rule(number=st.integers(0, 99), told=st.booleans())
    def decide(self, number: int, told: bool) -> None:
        job = self.a_held_job(number)
        more = {"by": job.holder, "reason": "DECIDED"}
        token = job.token
        with pytest.raises(LeaseLost):
            self.do(close, self.org, job.job_id, "f" * 32, **more)
        closed = self.do(close, self.org, job.job_id, token, **more)
        assert closed.summary.revision == job.revision
        self.plain.close(job)
        with pytest.raises(AlreadyClosed):
            self.do(close, self.org, job.job_id, token, **more)
        self.tell(closed.changes, told=told)

    @precondition(lambda self: self.plain.held())
    @rule(number=st.integers(0, 99), told=st.booleans())
    def move(self, number: int, told: bool) -> None:
        job = self.a_held_job(number)
        to = QUEUES[QUEUES.index(job.queue) - 1]
        more = {"to_queue": to, "by": "x", "ranking": self.ranking(to), "now": self.now}
        assert self.do(requeue, self.org, job.job_id, **more) is None
        moved = self.do(move, self.org, job.job_id, job.token, **more)
        self.moved(job, to, moved, told=told)

    @rule(queue=queue_names, number=st.integers(0, 99), told=st.booleans())
    def requeue(self, queue: str, number: int, told: bool) -> None:
        jobs = [
            job for job in self.plain.pending(queue) if job.holder is None and job.kept_as is None
        ]
        if jobs:
            job, to = jobs[number % len(jobs)], QUEUES[QUEUES.index(queue) - 1]
            more = {"to_queue": to, "by": "x", "ranking": self.ranking(to), "now": self.now}
            self.moved(job, to, self.do(requeue, self.org, job.job_id, **more), told=told)

    def moved(self, job: PlainJob, to: str, moved: Any, *, told: bool) -> None:
        assert moved.merged == (self.plain.slot(to, job.item) is not None)
        self.plain.close(job)
        assert self.plain.go_on(job, moved.job_id, to).job_id == moved.job_id
        self.tell(moved.changes, told=told)

    @precondition(lambda self: any(not job.pending for job in self.plain.jobs.values()))
    @rule(number=st.integers(0, 99), told=st.booleans())
    def reopen(self, number: int, told: bool) -> None:
        jobs = [job for job in self.plain.jobs.values() if not job.pending]
        job = jobs[number % len(jobs)]
        reopened = self.do(
            reopen, self.org, job.job_id, ranking=self.ranking(job.queue), now=self.now
        )
        if job.went_on:
            assert reopened is None
            return
        assert reopened.merged == (self.plain.slot(job.queue, job.item) is not None)
        assert self.plain.go_on(job, reopened.job_id, job.queue).job_id == reopened.job_id
        self.tell(reopened.changes, told=told)

    @rule()
    def skips_end(self) -> None:
        statement = "UPDATE queues.skips SET until = now() - interval '1 s' WHERE org_id = :org"

        async def end(connection: Any) -> None:
            await connection.execute(text(statement), {"org": self.org})

        self.do(end)
        for job in self.plain.jobs.values():
            for reviewer in job.skipped_by:
                call = self.world.order.call(
                    self.org, job.queue, "hide", job.job_id, 0, reviewer_id=reviewer
                )
                self.world.run(call)
            job.skipped_by.clear()

    @rule(minutes=st.integers(1, 60))
    def time_passes(self, minutes: int) -> None:
        """And the router looks what became overdue."""
        self.plain.now += minutes
        self.tell(self.do(promote, now=self.now), told=True)
        for name, queue in self.plain.queues.items():
            for job in self.plain.pending(name):
                if not job.late:
                    job.look(queue, self.plain.now)

    @rule(
        name=queue_names,
        order=st.sampled_from(QueueOrder),
        minutes=st.none() | st.sampled_from([20, 120]),
    )
    def reconfigure(self, name: str, order: QueueOrder, minutes: int | None) -> None:
        queue = self.plain.queues[name]
        queue.order, queue.target, queue.revision = order, minutes, queue.revision + 1
        jobs = self.plain.pending(name)
        ids = [job.job_id for job in jobs]
        changes = self.do(rerank, self.org, name, ids, self.ranking(name), now=self.now)
        if changes:
            for job in jobs:
                job.look(queue, self.plain.now)
        self.tell(changes, told=True)

    @rule(name=queue_names)
    def pause_or_resume(self, name: str) -> None:
        queue = self.plain.queues[name]
        queue.paused = not queue.paused

    @rule()
    def redis_is_flushed(self) -> None:
        async def flush() -> None:
            await self.forget()
            for queue in QUEUES:
                self.world.claims.builder.start(self.org, queue)
            await self.world.claims.builder.idle()

        self.world.run(flush())
        self.blind.clear()

    @invariant()
    def the_rows_are_the_model(self) -> None:
        """What waits, in which order, with which numbers and deadlines; and who holds what."""
        pages, leases, unopened = self.do(self.rows)
        for name, queue in self.plain.queues.items():
            expected = [
                (
                    job.job_id,
                    job.revision,
                    len(job.entries),
                    len(job.reporters),
                    job.severity,
                    _time(job.deadline(queue)),
                    (job.kept_as, job.kept_for),
                )
                for job in self.plain.pending(name)
            ]
            assert pages[name] == expected
        assert leases == {job.token for job in self.plain.held()}
        assert unopened == {job.token for job in self.plain.held() if job.ahead}

    async def rows(self, connection: AsyncConnection) -> tuple[dict[str, Any], set[str], set[str]]:
        """What the store says of its pending jobs, by queue; the tokens of all leases, and of those
        that were not begun."""
        pages = {name: await pending_page(connection, self.org, name) for name in QUEUES}
        leases = [await held(connection, self.org, reviewer) for reviewer in ("anna", "bert")]
        shown = {
            name: [
                (
                    job.job_id,
                    job.revision,
                    job.report_count,
                    job.reporter_count,
                    job.severity,
                    job.deadline,
                    (job.kept_as, job.kept_for),
                )
                for job in page.jobs
            ]
            for name, page in pages.items()
        }
        every = [one for some in leases for one in some]
        unopened = {one.lease_token for one in every if one.summary.unopened}
        return shown, {one.lease_token for one in every}, unopened


def _time(minute: int | None) -> datetime | None:
    return None if minute is None else START + timedelta(minutes=minute)


def test_the_store_does_as_the_model(world: World) -> None:
    """Whatever is placed, merged, claimed, extended, given back, lost, moved, decided, reopened,
    reordered or paused, told to Redis or not: rows, order and leases are those of the model."""
    machine = type("WithWorld", (Machine,), {"world": world})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
