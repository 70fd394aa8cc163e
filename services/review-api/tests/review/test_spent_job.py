"""What closed jobs say ends when its organisation wants it to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from coop_review_api.configuration.fading import FadingKeeper
from coop_review_api.quality.needed import needed_jobs
from coop_review_api.review.spent_job import SpentJobs

from ..world.clock import Clock

pytestmark = pytest.mark.engines


@dataclass
class Spent:
    """An organisation whose decided jobs a test lets grow old."""

    admin: Any
    queue: str
    post: str
    place: Any
    engine: Any
    clock: Clock
    admin_url: str

    async def decided(self, **more: Any) -> str:
        """A job that the administrator decided just now."""
        job_id: str = await self.place(self.queue, self.post, **more)
        claim = (await self.admin.call("POST", f"/v1/jobs/{job_id}/claims")).json()
        body = {"leaseToken": claim["lease"]["token"], "components": [{"type": "IGNORE"}]}
        await self.admin.make(f"/v1/jobs/{job_id}/decisions", body)
        return job_id

    async def keep(self, *, batch: int = 2) -> int:
        spent = (SpentJobs(needed=needed_jobs, clock=self.clock),)
        keeper = FadingKeeper(
            self.engine, spent, setting="closedJobDays", clock=self.clock, batch=batch
        )
        return await keeper.keep()

    def closed(self, job_id: str, ago: timedelta) -> None:
        """As if it had closed so long ago."""
        self.write(
            "UPDATE queues.jobs SET closed_at = %s WHERE job_id = %s", self.clock() - ago, job_id
        )

    def write(self, query: str, *values: Any) -> None:
        with psycopg.connect(self.admin_url) as connection:
            connection.execute(query.encode(), values)

    def rows(self, job_id: str) -> bytes:
        """All that the queue store has of the job."""
        with psycopg.connect(self.admin_url) as connection:
            found = [
                connection.execute(query, (job_id,)).fetchall()
                for query in (
                    b"SELECT body FROM queues.entries WHERE job_id = %s",
                    b"SELECT body FROM queues.job_items WHERE job_id = %s",
                    b"SELECT convert_to(k::text, 'UTF8') FROM queues.keepings k WHERE job_id = %s",
                )
            ]
        assert all(found)
        return b"".join(bytes(row[0]) for rows in found for row in rows)

    async def said(self, job_id: str) -> Any:
        """The data of the job's item, as a reviewer is shown it."""
        shown = (await self.admin.call("GET", f"/v1/jobs/{job_id}")).json()
        return shown["payload"]["item"]["data"]

    async def days(self, days: int | None) -> None:
        body = {"name": "Acme"} | ({} if days is None else {"closedJobDays": days})
        assert (await self.admin.call("PUT", "/v1/settings", body)).status_code == 200


@pytest.fixture
async def spent(
    admin: Any, org: Any, kit: Any, place: Any, engine: Any, review_admin_url: str
) -> Spent:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    return Spent(admin, org.default_queue_id, post, place, engine, Clock(), review_admin_url)


DAY = timedelta(days=1)
SECOND = timedelta(seconds=30)


async def test_what_old_jobs_say_goes_and_young_ones_stay(spent: Spent) -> None:
    """Jobs that closed before the organisation's days are empty, all of them, batch by batch; one
    that closed a moment later, and one that waits, say everything. What became of the job stays,
    and a second round finds nothing."""
    old = [await spent.decided() for _ in range(5)]
    young, waiting = await spent.decided(), await spent.place(spent.queue, spent.post)
    for job_id in old:
        spent.closed(job_id, 10 * DAY + SECOND)
    spent.closed(young, 10 * DAY - SECOND)
    before = (await spent.admin.call("GET", f"/v1/jobs/{old[0]}")).json()
    assert before["payload"]["item"]["data"]
    assert await spent.keep() == 0  # no days are named: for ever
    await spent.days(10)
    assert await spent.keep() == 5
    assert [await spent.said(job_id) for job_id in old] == [{}] * 5
    assert await spent.said(young)
    assert await spent.said(waiting)
    after = (await spent.admin.call("GET", f"/v1/jobs/{old[0]}")).json()
    del before["payload"], after["payload"]
    assert {**after, "entries": None} == {**before, "entries": None}
    assert await spent.keep() == 0


async def test_nothing_that_was_said_is_left_in_the_rows(spent: Spent) -> None:
    """Neither the item's words, nor the reason of a report, nor notes, nor why the job was kept,
    are in the queue store afterwards."""
    job_id = await spent.decided(note="marker of a note")
    spent.closed(job_id, 3 * DAY)
    spent.write(
        "INSERT INTO queues.keepings (job_id, number, org_id, queue_id, kept_as, reason, kept_by,"
        " since, until, ended_at, outcome) SELECT job_id, 1, org_id, queue_id, 'HELD',"
        " 'marker of a hold', 'x', now(), now(), now(), 'EXPIRED' FROM queues.jobs"
        " WHERE job_id = %s",
        job_id,
    )
    words = (b"marker", b"buy now", b"spam")
    assert [word for word in words if word in spent.rows(job_id)] == list(words)
    await spent.days(2)
    assert await spent.keep() == 1
    assert [word for word in words if word in spent.rows(job_id)] == []
    assert b"reporter-1" in spent.rows(job_id)


async def test_child_safety_and_what_is_still_judged_stay(spent: Spent) -> None:
    """A job about child safety is never emptied; one that is a golden item, when it is retired."""
    grave, golden = await spent.decided(), await spent.decided()
    for job_id in (grave, golden):
        spent.closed(job_id, 30 * DAY)
    spent.write(
        "INSERT INTO queues.grave_items (org_id, item_key, since)"
        " SELECT org_id, item_key, now() FROM queues.jobs WHERE job_id = %s",
        grave,
    )
    spent.write(
        "INSERT INTO review.golden_items (golden_id, org_id, decision_id, job_id, queue_id, csam,"
        " components, expected, not_for, created_by) SELECT job_id, org_id, decision_id, job_id,"
        " queue_id, false, '[]', '[]', '{}', 'x' FROM review.decisions WHERE job_id = %s",
        golden,
    )
    await spent.days(7)
    assert await spent.keep(batch=1) == 0
    spent.write("UPDATE review.golden_items SET retired_at = now() WHERE job_id = %s", golden)
    assert await spent.keep(batch=1) == 1
    assert await spent.said(golden) == {}
    with psycopg.connect(spent.admin_url) as connection:
        row = connection.execute(
            "SELECT emptied_at FROM queues.jobs WHERE job_id = %s", (grave,)
        ).fetchone()
    assert row == (None,)
