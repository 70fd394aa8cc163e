"""A reporter's reports count no longer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text

from coop_queues.table import entries
from coop_runtime.database.engine import transaction

from .automation_world import Killed, World

pytestmark = pytest.mark.engines


@pytest.fixture
async def world(context: Any, admin: Any, sign_in: Any, org: Any, kit: Any) -> World:
    return await World.make(context, admin, sign_in, org, kit)


async def test_a_reporters_reports_count_no_longer(world: World) -> None:
    """Their reports are gone from every pending job and kept as marked rows; a job with no other
    cause is closed and says why; a replay of a report places nothing."""
    only = await world.place("post-1", reporter="liar")
    both = await world.place("post-2", reporter="liar")
    assert await world.place("post-2", reporter="liar") == both
    assert await world.place("post-2", reporter="honest") == both
    other = await world.place("post-3", reporter="honest")
    csam = await world.place("post-4", reporter="liar", csam=True)
    body = {"reporter": {"id": "liar", "typeId": world.user}, "reason": "brigading"}
    assert (await world.moderator.call("POST", "/v1/report-invalidations", body)).status_code == 403
    answer = await world.admin.call("POST", "/v1/report-invalidations", body)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert done.pop("id")
    assert done == {
        "state": "COMPLETE",
        "jobsScanned": 2,
        "jobsScrubbed": 2,
        "jobsClosed": 1,
        "jobsHeld": 0,
        "reportsRemoved": 3,
    }
    states = await world.states()
    assert states == {only: "CLOSED", both: "PENDING", other: "PENDING", csam: "PENDING"}
    job = (await world.admin.call("GET", f"/v1/jobs/{both}")).json()
    assert (job["reportCount"], job["entryCount"], job["revision"]) == (1, 1, 4)
    assert [e["report"]["reporter"]["id"] for e in job["payload"]["entries"]] == ["honest"]
    (made,) = await world.automatic()
    assert made.components[0].close_reason == "REPORTS_INVALIDATED"
    assert "brigading" in str(made.reason)
    async with transaction(world.context.engine) as connection:
        marked = await connection.execute(
            select(entries.c.invalidated_by, entries.c.invalidation_reason).where(
                entries.c.org_id == world.org_id, entries.c.invalidated_at.is_not(None)
            )
        )
        assert [tuple(row) for row in marked] == [(world.admin.user_id, "brigading")] * 3
    again = (await world.admin.call("POST", "/v1/report-invalidations", body)).json()
    assert (again["reportsRemoved"], again["jobsClosed"]) == (0, 0)


async def test_many_reports_are_invalidated_by_the_relay(world: World) -> None:
    """What is too much for a request goes on by itself, killed in between or not."""
    world.batches_of(2)
    job_ids = [await world.place(f"post-{number}", reporter="liar") for number in range(15)]
    body = {"reporter": {"id": "liar", "typeId": world.user}}
    answer = await world.admin.call("POST", "/v1/report-invalidations", body)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["state"], answer.json()["jobsClosed"]) == ("RUNNING", 10)

    def die() -> None:
        raise Killed

    with pytest.raises(Killed):
        await world.worker(committing=die).advance(answer.json()["id"])
    await asyncio.gather(world.settle(), world.settle())
    await world.settle()
    shown = (await world.admin.call("GET", f"/v1/automations/{answer.json()['id']}")).json()
    assert (shown["state"], shown["closed"], shown["removed"]) == ("COMPLETE", 15, 15)
    assert len(await world.automatic()) == len(job_ids)


async def test_reports_on_one_job_are_invalidated_by_who_holds_it(world: World) -> None:
    """The holder may; for a job that somebody else holds, without other cause, it is 409; child
    safety is left to people."""
    job = await world.place("post-1", reporter="liar")
    claim = (await world.moderator.call("POST", f"/v1/queues/{world.queue}/claims")).json()
    assert claim["job"]["id"] == job
    body = {"reporter": {"id": "liar", "typeId": world.user}, "jobId": job}
    answer = await world.admin.call("POST", "/v1/report-invalidations", body)
    assert answer.status_code == 409, answer.text
    header = {"X-Lease-Token": claim["lease"]["token"]}
    await world.moderator.call("DELETE", f"/v1/jobs/{job}/lease", headers=header)
    claim = (await world.admin.call("POST", f"/v1/queues/{world.queue}/claims")).json()
    answer = await world.admin.call("POST", "/v1/report-invalidations", body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["jobsClosed"], answer.json()["id"]) == (1, None)
    decide = {"leaseToken": claim["lease"]["token"], "components": [{"type": "IGNORE"}]}
    late = await world.admin.call("POST", f"/v1/jobs/{job}/decisions", decide)
    assert late.status_code == 409
    csam = await world.place("post-2", reporter="liar", csam=True)
    answer = await world.admin.call("POST", "/v1/report-invalidations", {**body, "jobId": csam})
    assert answer.status_code == 409
    long = {**body, "reason": "x" * 501}
    assert (await world.admin.call("POST", "/v1/report-invalidations", long)).status_code == 422


async def test_reports_that_moved_along_are_invalidated_where_they_are(world: World) -> None:
    """A job that was moved is found by the reports it brought with it."""
    job = await world.place("post-1", reporter="liar")
    decided = await world.decide(job, [{"type": "MOVE", "queueId": world.other}])
    body = {"reporter": {"id": "liar", "typeId": world.user}}
    done = (await world.admin.call("POST", "/v1/report-invalidations", body)).json()
    assert (done["jobsClosed"], done["reportsRemoved"]) == (1, 1)
    assert (await world.states())[decided["movedTo"]] == "CLOSED"


async def test_what_merges_while_reports_are_invalidated_is_counted(world: World) -> None:
    """Reports that arrive at the same moment are either removed or counted, never both."""
    await world.place("post-1", reporter="honest")
    body = {"reporter": {"id": "liar", "typeId": world.user}}
    await asyncio.gather(
        *(world.place("post-1", reporter="liar") for _ in range(8)),
        *(world.admin.call("POST", "/v1/report-invalidations", body) for _ in range(3)),
    )
    done = (await world.admin.call("POST", "/v1/report-invalidations", body)).json()
    assert done["state"] == "COMPLETE"
    async with transaction(world.context.engine) as connection:
        row = (
            await connection.execute(
                text(
                    "SELECT j.report_count, count(e.*) FROM queues.jobs j JOIN queues.entries e"
                    " USING (job_id) WHERE j.org_id = :org AND e.invalidated_at IS NULL"
                    " GROUP BY j.report_count"
                ),
                {"org": world.org_id},
            )
        ).one()
    assert tuple(row) == (1, 1)
