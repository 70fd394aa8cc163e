"""Everything at once, against the invariants that hold whatever the order of things."""

from __future__ import annotations

import asyncio
import random

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_queues.error import LeaseLost
from coop_queues.job import OrderChange
from coop_queues.store import (
    Claims,
    OrderIndex,
    Ranking,
    close,
    extend,
    move,
    place_many,
    release,
    reopen,
    requeue,
    skip,
)
from coop_runtime.database.engine import transaction

from .conftest import report

pytestmark = pytest.mark.engines

PLAIN = Ranking()

QUEUES = ("q1", "q2", "q3")

INVARIANTS = {
    "an entry that is in no job": """
        SELECT entry_id FROM queues.entries e WHERE org_id = :org
           AND NOT EXISTS (SELECT 1 FROM queues.jobs j WHERE j.job_id = e.job_id)""",
    "a job whose count is not that of its entries": """
        SELECT job_id FROM queues.jobs j WHERE org_id = :org AND entry_count <> (
            SELECT count(*) FROM queues.entries e
             WHERE e.job_id = j.job_id OR e.job_id = ANY(j.moved_from))""",
    "a generation that is not one more than the jobs closed in its slot": """
        SELECT g.item_key FROM queues.generations g WHERE org_id = :org AND generation <> 1 + (
            SELECT count(*) FROM queues.jobs j
             WHERE j.org_id = g.org_id AND j.queue_id = g.queue_id AND j.kind = g.kind
               AND j.item_key = g.item_key AND j.state = 'CLOSED')""",
    "an entry that ended nowhere, or twice": """
        SELECT e.entry_id FROM queues.entries e WHERE e.org_id = :org AND 1 <> (
            SELECT count(*) FROM queues.jobs j
             WHERE (j.job_id = e.job_id OR e.job_id = ANY(j.moved_from)) AND j.moved_to IS NULL)""",
    "a closed job that is still leased": """
        SELECT job_id FROM queues.jobs WHERE org_id = :org
           AND state = 'CLOSED' AND lease_token IS NOT NULL""",
}


class Worker:
    """Does random things as router and reviewer, and follows the rules of both."""

    def __init__(
        self, engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str, seed: int
    ) -> None:
        self.engine, self.order, self.claims, self.org = engine, order, claims, org
        self.random = random.Random(seed)
        self.name = f"reviewer-{seed}"
        self.decided: list[str] = []
        self.placed: set[str] = set()

    async def run(self, steps: int) -> None:
        for _ in range(steps):
            await self.random.choices((self.place, self.review, self.undo), (8, 11, 1))[0]()

    async def undo(self) -> None:
        if not self.decided:
            return
        async with transaction(self.engine) as connection:
            reopened = await reopen(
                connection, self.org, self.random.choice(self.decided), ranking=PLAIN
            )
        if reopened is not None:
            await self.tell(list(reopened.changes))

    async def place(self) -> None:
        numbers = [self.random.randrange(400) for _ in range(self.random.randint(1, 8))]
        batch = [
            report(
                self.org,
                f"i{number % 7}",
                entry_id=f"e{number}",
                queue=QUEUES[number % 3],
                minute=number,
            )
            for number in numbers
        ]
        async with transaction(self.engine) as connection:
            answers = await place_many(connection, batch)
        self.placed.update(f"e{number}" for number in numbers)
        await self.tell([change for answer in answers for change in answer.changes])

    async def tell(self, changes: list[OrderChange]) -> None:
        # One in four processes dies between the commit and Redis.
        if self.random.random() < 0.75:
            await self.order.apply(changes)

    async def review(self) -> None:
        queues = self.random.sample(QUEUES, self.random.randint(1, 3))
        claim = await self.claims.claim(self.org, queues, self.name, lease_seconds=30)
        if claim is None:
            return
        job_id, token, here = (
            claim.job.summary.job_id,
            claim.lease_token,
            claim.job.summary.queue_id,
        )
        elsewhere = self.random.choice([queue for queue in QUEUES if queue != here])
        async with transaction(self.engine) as connection:
            # Held: nobody else can do anything to it.
            assert (
                await requeue(
                    connection, self.org, job_id, to_queue=elsewhere, by="x", ranking=PLAIN
                )
                is None
            )
            with pytest.raises(LeaseLost):
                await release(connection, self.org, job_id, "f" * 32)
        async with transaction(self.engine) as connection:
            match self.random.choice(("close", "close", "move", "skip", "release", "die")):
                case "close":
                    changes = (
                        await close(
                            connection, self.org, job_id, token, by=self.name, reason="DECIDED"
                        )
                    ).changes
                    self.decided.append(job_id)
                case "move":
                    moved = await move(
                        connection,
                        self.org,
                        job_id,
                        token,
                        to_queue=elsewhere,
                        by=self.name,
                        ranking=PLAIN,
                    )
                    changes = moved.changes
                case "skip":
                    changes = (
                        await skip(connection, self.org, job_id, token, hide_seconds=0.05)
                    ).changes
                case "release":
                    changes = (await release(connection, self.org, job_id, token)).changes
                case _:
                    changes = (
                        await extend(connection, self.org, job_id, token, seconds=0.05)
                    ).changes
        await self.tell(list(changes))


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_at_once_the_rows_agree(
    engine: AsyncEngine, order: OrderIndex, claims: Claims, org: str, seed: int
) -> None:
    """Twelve workers place, claim, close, reopen, move, skip, release and die at random: each entry
    is in exactly one living line of jobs, each job was decided once, counts and generations
    agree."""
    workers = [Worker(engine, order, claims, org, 100 * seed + n) for n in range(12)]
    await asyncio.gather(*(worker.run(25) for worker in workers))
    decided = [job_id for worker in workers for job_id in worker.decided]
    placed = set().union(*(worker.placed for worker in workers))
    async with transaction(engine) as connection:
        for broken, query in INVARIANTS.items():
            found = (await connection.scalars(text(query), {"org": org})).all()
            assert not found, f"{broken}: {found[:5]}"
        entries = await connection.scalars(
            text("SELECT entry_id FROM queues.entries WHERE org_id = :org"), {"org": org}
        )
        assert set(entries) == placed
    assert decided
    assert len(decided) == len(set(decided))
