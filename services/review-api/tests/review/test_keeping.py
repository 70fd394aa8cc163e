"""Jobs that are given to a person, or held while an answer is awaited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from coop_contracts.permission import Role
from coop_queues.store import Ranker, Ranking
from coop_review_api.review.desk import Desk
from coop_review_api.review.keeping_keeper import KeepingKeeper
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

IGNORE = [{"type": "IGNORE"}]


@dataclass
class Team:
    """A lead and two moderators at one queue."""

    queue: str
    post: str
    admin: Any
    lead: Any
    anna: Any
    bert: Any
    place: Any
    engine: Any
    order: Any

    async def fill(self, count: int) -> list[str]:
        return [await self.place(self.queue, self.post) for _ in range(count)]

    async def assign(self, job_id: str, to: Any, by: Any = None, **more: Any) -> Any:
        body = {"personId": to.user_id, **more}
        return await (by or self.lead).call("POST", f"/v1/jobs/{job_id}/assignment", body)

    async def hold(self, job_id: str, by: Any, **more: Any) -> Any:
        body = {"reason": "asked the author", **more}
        return await by.call("POST", f"/v1/jobs/{job_id}/hold", body)

    async def next(self, person: Any) -> str | None:
        answer = await person.call("POST", "/v1/claims", {})
        return None if answer.status_code == 204 else str(answer.json()["job"]["id"])

    async def take(self, person: Any, job_id: str) -> Any:
        return await person.call("POST", f"/v1/jobs/{job_id}/claims")

    async def away(self, person: Any) -> None:
        assert (await person.call("DELETE", "/v1/claims")).status_code == 200

    async def keepings(self, job_id: str) -> Any:
        return (await self.lead.call("GET", f"/v1/jobs/{job_id}/keepings")).json()["items"]

    async def run_out(self, job_id: str) -> None:
        """The time for which the job is kept is over."""
        async with transaction(self.engine) as connection:
            for table, column in (("jobs", "kept_until"), ("keepings", "until")):
                await connection.execute(
                    text(
                        f"UPDATE queues.{table} SET {column} = now() - interval '1 s'"
                        " WHERE job_id = CAST(:job AS uuid)"
                    ),
                    {"job": job_id},
                )


class NoRankings:
    """Configuration that never changes."""

    changes = 0

    def of(self, org_id: str, queue_id: str) -> Ranking:
        del org_id, queue_id
        return Ranking()


@pytest.fixture
async def team(
    admin: Any, sign_in: Any, org: Any, kit: Any, place: Any, engine: Any, context: Any
) -> Team:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    made = (await admin.make("/v1/queues", {"name": "Team", "openToEveryone": True}))["id"]
    lead = await sign_in(Role.MODERATOR_MANAGER)
    anna, bert = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    order = context.part(Desk).order
    return Team(made, post, admin, lead, anna, bert, place, engine, order)


async def test_an_assigned_job_is_its_person_s_alone(team: Team) -> None:
    """They are told, and are handed it before what is older; nobody else is handed it, or can claim
    it by its id; it stays theirs until it is decided."""
    jobs = await team.fill(3)
    answer = await team.assign(jobs[2], team.anna, note="you know her")
    assert answer.status_code == 200, answer.text
    kept = answer.json()["kept"]
    assert (kept["keptAs"], kept["person"]["id"]) == ("ASSIGNED", team.anna.user_id)
    [told] = (await team.anna.call("GET", "/v1/notifications")).json()["items"]
    assert told["kind"] == "JOB_ASSIGNED"
    assert (told["data"]["jobId"], told["data"]["byId"]) == (jobs[2], team.lead.user_id)
    assert "you know her" not in str(told)
    held = await team.take(team.bert, jobs[2])
    assert (held.status_code, held.json()["type"]) == (409, "/problems/held")
    assert held.json()["by"]["id"] == team.anna.user_id
    assert [await team.next(team.bert) for _ in range(3)] == [jobs[0], jobs[1], None]
    assert await team.next(team.anna) == jobs[2]
    await team.away(team.anna)
    assert await team.next(team.bert) is None
    mine = await team.anna.call("GET", f"/v1/jobs?keptForId={team.anna.user_id}")
    assert [job["id"] for job in mine.json()["items"]] == [jobs[2]]
    claim = (await team.take(team.anna, jobs[2])).json()
    body = {"leaseToken": claim["lease"]["token"], "components": IGNORE}
    made = await team.anna.call("POST", f"/v1/jobs/{jobs[2]}/decisions", body)
    assert made.status_code == 201, made.text
    [one] = await team.keepings(jobs[2])
    assert (one["outcome"], one["reason"]) == ("CLOSED", "you know her")
    assert one["endedBy"] == team.anna.user_id
    assert one["keptByPerson"]["id"] == team.lead.user_id


async def test_who_may_assign_to_whom(team: Team, sign_in: Any, kit: Any) -> None:
    """Who edits queues, to whoever may see the job; not longer than the organisation allows; not
    what somebody else holds."""
    [job_id] = await team.fill(1)
    assert (await team.assign(job_id, team.bert, by=team.anna)).status_code == 403
    analyst = await sign_in(Role.ANALYST)
    stranger = await sign_in(Role.MODERATOR, (await kit.make_org()).org_id)
    for nobody in (analyst, stranger):
        assert kit.pointers(await team.assign(job_id, nobody)) == ["/personId"]
    assert kit.pointers(await team.assign(job_id, team.anna, hours=73)) == ["/hours"]
    past = "2020-01-01T00:00:00Z"
    assert kit.pointers(await team.assign(job_id, team.anna, until=past)) == ["/until"]
    await team.take(team.bert, job_id)
    held = await team.assign(job_id, team.anna)
    assert (held.status_code, held.json()["by"]["id"]) == (409, team.bert.user_id)
    assert (await team.assign(job_id, team.bert)).status_code == 200


async def test_taking_back(team: Team) -> None:
    """By a lead, or by whom it was given to; then the job is at its place, and there is nothing
    left to take back."""
    jobs = await team.fill(2)
    path = f"/v1/jobs/{jobs[0]}/assignment"
    await team.assign(jobs[0], team.anna)
    assert (await team.bert.call("DELETE", path)).status_code == 403
    assert (await team.anna.call("DELETE", path)).status_code == 204
    assert (await team.lead.call("DELETE", path)).status_code == 409
    assert await team.next(team.bert) == jobs[0]
    await team.away(team.bert)
    await team.assign(jobs[0], team.anna)
    await team.assign(jobs[0], team.bert)
    assert (await team.lead.call("DELETE", path)).status_code == 204
    assert [one["outcome"] for one in await team.keepings(jobs[0])] == [
        "TAKEN_BACK",
        "REPLACED",
        "TAKEN_BACK",
    ]


async def test_a_job_is_held_while_an_answer_is_awaited(team: Team) -> None:
    """By who has it, under the lease, which ends with it, the draft staying. Nobody is handed it,
    whom it is for neither; they claim it by its id when the answer is there."""
    [job_id] = await team.fill(1)
    claim = (await team.take(team.anna, job_id)).json()
    await team.anna.call("PUT", f"/v1/jobs/{job_id}/draft", {"content": {"note": "half"}})
    token = {"leaseToken": claim["lease"]["token"]}
    assert (await team.hold(job_id, team.bert)).status_code == 403
    held = await team.hold(job_id, team.anna, **token, hours=4, **{"for": team.anna.user_id})
    assert held.status_code == 200, held.text
    shown = held.json()
    assert shown["lease"] is None
    assert shown["kept"]["keptAs"] == "HELD"
    until = datetime.fromisoformat(shown["kept"]["until"])
    assert timedelta(hours=3.9) < until - datetime.now(until.tzinfo) < timedelta(hours=4.1)
    assert [await team.next(one) for one in (team.anna, team.bert, team.lead)] == [None] * 3
    assert (await team.take(team.bert, job_id)).status_code == 409
    again = await team.take(team.anna, job_id)
    assert again.status_code == 200, again.text
    draft = await team.anna.call("GET", f"/v1/jobs/{job_id}/draft")
    assert draft.json()["content"] == {"note": "half"}
    [one] = await team.keepings(job_id)
    assert (one["outcome"], one["reason"]) == ("CLAIMED", "asked the author")


async def test_a_hold_for_nobody_is_for_who_has_the_answer(team: Team) -> None:
    """Anybody who may see it claims it by its id; nobody is handed it before."""
    [job_id] = await team.fill(1)
    assert (await team.hold(job_id, team.lead)).status_code == 200
    assert await team.next(team.bert) is None
    assert (await team.take(team.bert, job_id)).status_code == 200
    assert (await team.lead.call("DELETE", f"/v1/jobs/{job_id}/hold")).status_code == 409


@pytest.mark.parametrize("redis_lost", [False, True])
async def test_when_its_time_is_over_it_is_back_at_its_place(
    team: Team, redis: Any, context: Any, redis_lost: bool
) -> None:
    """Also when Redis was lost and filled again meanwhile, and nobody looked after the books: the
    rows say so. The deadline is what it was."""
    jobs = await team.fill(3)
    before = (await team.lead.call("GET", f"/v1/jobs/{jobs[0]}")).json()["deadline"]
    await team.hold(jobs[0], team.lead)
    if redis_lost:
        keys = [key async for key in redis.scan_iter(f"coop:queue:*{team.queue}*")]
        assert keys
        await redis.delete(*keys)
        assert await team.next(team.bert) == jobs[1]
        await context.part(Desk).claims.builder.idle()
    assert await team.next(team.bert) == jobs[2 if redis_lost else 1]
    await team.away(team.bert)
    await team.run_out(jobs[0])
    ranker = Ranker(team.engine, team.order, NoRankings())
    await ranker.once()
    [one] = await team.keepings(jobs[0])
    assert one["outcome"] == "EXPIRED"
    shown = (await team.lead.call("GET", f"/v1/jobs/{jobs[0]}")).json()
    assert (shown["kept"], shown["deadline"]) == (None, before)
    assert (await team.take(team.bert, jobs[0])).status_code == 200


async def test_a_hold_that_ran_out_while_nothing_was_running(team: Team, redis: Any) -> None:
    """A process that starts with an empty Redis hands the job out in its turn."""
    jobs = await team.fill(2)
    await team.hold(jobs[0], team.lead)
    await team.run_out(jobs[0])
    keys = [key async for key in redis.scan_iter(f"coop:queue:*{team.queue}*")]
    await redis.delete(*keys)
    assert await team.next(team.bert) == jobs[0]


@pytest.mark.parametrize("how", ["disabled", "another role", "closed queue"])
async def test_whoever_may_not_any_more_keeps_nothing(team: Team, how: str) -> None:
    """What was given to them is everybody's again, after the next round, and it says why."""
    jobs = await team.fill(2)
    await team.assign(jobs[0], team.anna)
    await team.assign(jobs[1], team.bert)
    keeper = KeepingKeeper(team.engine, team.order)
    await keeper.keep()
    assert (await team.keepings(jobs[0]))[0]["endedAt"] is None
    path = f"/v1/users/{team.anna.user_id}"
    if how == "disabled":
        answer = await team.admin.call("POST", f"{path}/disable")
    elif how == "another role":
        answer = await team.admin.call("PATCH", path, {"role": "ANALYST"})
    else:
        body = {"name": "Team", "openToEveryone": False, "reviewerIds": [team.bert.user_id]}
        answer = await team.admin.call("PUT", f"/v1/queues/{team.queue}", body)
    assert answer.status_code in (200, 204), answer.text
    await keeper.keep()
    [one] = await team.keepings(jobs[0])
    assert (one["outcome"], one["endedBy"]) == ("LEFT", None)
    assert (await team.keepings(jobs[1]))[0]["endedAt"] is None
    await team.take(team.bert, jobs[1])
    assert await team.next(team.bert) == jobs[0]
