"""Claims as people work: a job by its id, the next one with a decision, one ahead, what was undone,
and stepping away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from coop_contracts.permission import Role
from coop_review_api.review.desk import Desk
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

IGNORE = [{"type": "IGNORE"}]
NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass
class Shift:
    """Two people at one queue, whose decisions can be undone for a while."""

    queue: str
    post: str
    admin: Any
    anna: Any
    bert: Any
    place: Any
    engine: Any

    async def fill(self, count: int) -> list[str]:
        return [await self.place(self.queue, self.post) for _ in range(count)]

    async def take(self, person: Any, job_id: str) -> Any:
        return await person.call("POST", f"/v1/jobs/{job_id}/claims")

    async def taken(self, person: Any, job_id: str) -> Any:
        answer = await self.take(person, job_id)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def next(self, person: Any, **body: Any) -> Any:
        return await person.call("POST", "/v1/claims", body)

    async def decide(self, person: Any, claim: Any, **more: Any) -> Any:
        body = {"leaseToken": claim["lease"]["token"], "components": IGNORE, **more}
        return await person.call("POST", f"/v1/jobs/{claim['job']['id']}/decisions", body)

    async def change(self, **fields: Any) -> None:
        body = {"name": "Shift", "openToEveryone": True, **fields}
        answer = await self.admin.call("PUT", f"/v1/queues/{self.queue}", body)
        assert answer.status_code == 200, answer.text

    async def lapse(self, job_id: str) -> None:
        """The lease runs out."""
        statement = text(
            "UPDATE queues.jobs SET lease_expires_at = now() - interval '1 s'"
            " WHERE job_id = CAST(:job AS uuid)"
        )
        async with transaction(self.engine) as connection:
            await connection.execute(statement, {"job": job_id})

    async def claims(self, job_id: str) -> list[Any]:
        """How the claims of a job ended."""
        statement = text(
            "SELECT outcome FROM queues.claims WHERE job_id = CAST(:job AS uuid) ORDER BY number"
        )
        async with transaction(self.engine) as connection:
            return list(await connection.scalars(statement, {"job": job_id}))


@pytest.fixture
async def shift(admin: Any, sign_in: Any, org: Any, kit: Any, place: Any, engine: Any) -> Shift:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    made = (await admin.make("/v1/queues", {"name": "Shift", "openToEveryone": True}))["id"]
    settings = await admin.call("PUT", "/v1/settings", {"name": "Acme", "undoWindow": 60})
    assert settings.status_code == 200, settings.text
    anna, bert = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    return Shift(made, post, admin, anna, bert, place, engine)


async def test_of_two_who_take_a_job_one_has_it(shift: Shift) -> None:
    """The other is told who has it, with the name, and until when; for who has it, it is theirs
    again with the same lease."""
    [job_id] = await shift.fill(1)
    answers = await asyncio.gather(shift.take(shift.anna, job_id), shift.take(shift.bert, job_id))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    has, lacks = (shift.anna, shift.bert)
    if answers[0].status_code == 409:
        has, lacks = lacks, has
    claim = next(answer for answer in answers if answer.status_code == 200).json()
    assert claim["job"]["id"] == job_id
    assert claim["lease"]["openedAt"] is not None
    refused = (await shift.take(lacks, job_id)).json()
    assert refused["type"] == "/problems/held"
    assert refused["by"] == {
        "id": has.user_id,
        "name": "MODERATOR",
        "initials": "M",
        "active": True,
    }
    assert refused["expiresAt"] == claim["lease"]["expiresAt"]
    again = await shift.taken(has, job_id)
    assert again["lease"]["token"] == claim["lease"]["token"]
    assert (await shift.decide(has, again)).status_code == 201
    closed = await shift.take(lacks, job_id)
    assert (closed.status_code, closed.json()["type"]) == (409, "/problems/already-closed")


async def test_what_one_may_not_see_cannot_be_taken(
    shift: Shift, sign_in: Any, kit: Any, place: Any
) -> None:
    """A job that is not there, one of a queue that is closed to me, one about child safety, and
    another organisation's look the same; a paused queue hands nothing out."""
    private = {"name": "Private", "reviewerIds": [shift.admin.user_id]}
    closed = (await shift.admin.make("/v1/queues", private))["id"]
    hidden = await place(closed, shift.post)
    grave = await place(shift.queue, shift.post, csam=True)
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    [job_id] = await shift.fill(1)
    for person, wanted in (
        (shift.anna, NOBODY),
        (shift.anna, "nothing"),
        (shift.anna, hidden),
        (shift.anna, grave),
        (stranger, job_id),
    ):
        answer = await shift.take(person, wanted)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert (await shift.take(shift.admin, hidden)).status_code == 200
    await shift.change(isPaused=True)
    paused = await shift.take(shift.anna, job_id)
    assert (paused.status_code, paused.json()["type"]) == (409, "/problems/queue-paused")


async def test_skipped_or_full(shift: Shift, context: Any) -> None:
    """What I skipped I can ask for; a sixth job I cannot."""
    jobs = await shift.fill(context.part(Desk).at_most + 1)
    claim = await shift.taken(shift.anna, jobs[0])
    token = {"leaseToken": claim["lease"]["token"]}
    skipped = await shift.anna.call("POST", f"/v1/jobs/{jobs[0]}/skip", token)
    assert skipped.status_code == 204
    for job_id in jobs[:-1]:
        await shift.taken(shift.anna, job_id)
    full = await shift.take(shift.anna, jobs[-1])
    assert (full.status_code, full.json()["type"]) == (409, "/problems/too-many-claims")


async def test_a_decision_and_the_next_job_in_one(shift: Shift, place: Any) -> None:
    """The answer has both; sent again, after a lost answer, it has the same job, and no further one
    is claimed. Where nothing waits, or the queue is paused, the decision is made all the same."""
    jobs = await shift.fill(3)
    claim = await shift.taken(shift.anna, jobs[0])
    first = await shift.decide(shift.anna, claim, next={"queueIds": [shift.queue]})
    assert first.status_code == 201, first.text
    both = first.json()
    assert both["decision"]["jobId"] == jobs[0]
    assert both["next"]["job"]["id"] == jobs[1]
    assert both["nextRefused"] is None
    again = (await shift.decide(shift.anna, claim, next={"queueIds": [shift.queue]})).json()
    assert again["decision"]["id"] == both["decision"]["id"]
    assert again["next"]["lease"]["token"] == both["next"]["lease"]["token"]
    assert len((await shift.anna.call("GET", "/v1/claims")).json()["items"]) == 1
    await shift.change(isPaused=True)
    wanted = {"queueIds": [shift.queue]}
    paused = (await shift.decide(shift.anna, both["next"], next=wanted)).json()
    assert (paused["next"], paused["nextRefused"]) == (None, "queue-paused")
    await shift.change(isPaused=False)
    last = await shift.taken(shift.anna, jobs[2])
    nothing = (await shift.decide(shift.anna, last, next={})).json()
    assert (nothing["next"], nothing["nextRefused"]) == (None, None)
    other = await place(shift.queue, shift.post)
    claim = await shift.taken(shift.anna, other)
    gone = (await shift.decide(shift.anna, claim, next={"queueIds": ["gone"]})).json()
    assert gone["decision"]["jobId"] == other
    assert (gone["next"], gone["nextRefused"]) == (None, "not-found")


async def test_killed_between_a_decision_and_the_next_job(shift: Shift) -> None:
    """The decision is there and nothing was claimed: the same request again goes on from there."""
    jobs = await shift.fill(2)
    claim = await shift.taken(shift.anna, jobs[0])
    assert (await shift.decide(shift.anna, claim)).status_code == 201
    again = (await shift.decide(shift.anna, claim, next={})).json()
    assert again["next"]["job"]["id"] == jobs[1]


async def test_a_refused_decision_claims_nothing(shift: Shift) -> None:
    """Without the lease there is neither a decision nor a next job; the draft is kept."""
    jobs = await shift.fill(2)
    claim = await shift.taken(shift.anna, jobs[0])
    await shift.lapse(jobs[0])
    await shift.taken(shift.bert, jobs[0])
    refused = await shift.decide(shift.anna, claim, next={})
    assert (refused.status_code, refused.json()["draftKept"]) == (409, True)
    assert (await shift.anna.call("GET", "/v1/claims")).json()["items"] == []


async def test_many_decide_and_go_on_while_others_claim(shift: Shift, sign_in: Any) -> None:
    """Everybody gets another job, and none is held twice."""
    people = [await sign_in(Role.MODERATOR) for _ in range(4)]
    await shift.fill(16)
    held = [(await shift.next(person)).json() for person in people[:2]]
    answers = await asyncio.gather(
        *(
            shift.decide(person, claim, next={})
            for person, claim in zip(people, held, strict=False)
        ),
        *(shift.next(person) for person in people[2:] for _ in range(3)),
    )
    bodies = [answer.json() for answer in answers]
    claimed = [body["next"]["job"]["id"] for body in bodies[:2]]
    claimed += [body["job"]["id"] for body in bodies[2:]]
    assert len(set(claimed)) == len(claimed) == 8


async def test_one_job_ahead_does_not_start_the_clock(shift: Shift) -> None:
    """It is mine, one at a time; opening it begins, and the handling time is from there."""
    jobs = await shift.fill(3)
    claim = (await shift.next(shift.anna, prefetch=True)).json()
    assert (claim["job"]["id"], claim["lease"]["openedAt"]) == (jobs[0], None)
    assert claim["job"]["claimedAt"] is None
    second = await shift.next(shift.anna, prefetch=True)
    assert (second.status_code, second.json()["type"]) == (409, "/problems/too-many-claims")
    assert (await shift.take(shift.bert, jobs[0])).json()["type"] == "/problems/held"
    path = f"/v1/jobs/{jobs[0]}/lease/open"
    opened = await shift.anna.call("POST", path, {"leaseToken": claim["lease"]["token"]})
    assert opened.status_code == 200, opened.text
    view = (await shift.anna.call("GET", "/v1/claims")).json()["items"][0]
    assert view["lease"]["openedAt"] == opened.json()["openedAt"] == view["job"]["claimedAt"]
    assert datetime.fromisoformat(opened.json()["expiresAt"]) > datetime.fromisoformat(
        claim["lease"]["expiresAt"]
    )
    ahead = (await shift.next(shift.anna, prefetch=True)).json()
    made = (await shift.decide(shift.anna, view)).json()
    unopened = (await shift.decide(shift.anna, ahead)).json()
    query = select(decisions.c.claimed_at).order_by(decisions.c.decided_at)
    async with transaction(shift.engine) as connection:
        ids = [made["id"], unopened["id"]]
        times = list(await connection.scalars(query.where(decisions.c.decision_id.in_(ids))))
    assert times[0] is not None
    assert times[1] is None, "decided without being opened: no handling time"


async def test_a_job_ahead_that_is_never_opened_goes_back_silently(shift: Shift) -> None:
    """No skip, no release and no time of it is known; the next one gets the job in its turn."""
    jobs = await shift.fill(1)
    await shift.next(shift.anna, prefetch=True)
    await shift.lapse(jobs[0])
    claim = await shift.taken(shift.bert, jobs[0])
    assert await shift.claims(jobs[0]) == [None]
    log = "/v1/decision-log?kind=SKIP&kind=RELEASE"
    assert (await shift.admin.call("GET", log)).json()["items"] == []
    assert (await shift.decide(shift.bert, claim)).status_code == 201


async def test_undo_gives_the_job_back_with_its_draft(shift: Shift) -> None:
    """The job that goes on is mine before anybody is offered it, and what I had decided is its
    draft; the decision does not count."""
    [job_id] = await shift.fill(1)
    claim = await shift.taken(shift.anna, job_id)
    made = (await shift.decide(shift.anna, claim, reason="hasty", note="hm")).json()
    path = f"/v1/decisions/{made['id']}/undo"
    undone = await shift.anna.call("POST", path, {"claim": True})
    assert undone.status_code == 200, undone.text
    back = undone.json()
    assert back["claim"]["job"]["id"] == back["jobId"] != job_id
    assert (await shift.next(shift.bert)).status_code == 204
    draft = await shift.anna.call("GET", f"/v1/jobs/{back['jobId']}/draft")
    assert draft.json()["content"] == {"components": IGNORE, "reason": "hasty", "note": "hm"}
    assert (await shift.decide(shift.anna, back["claim"])).status_code == 201
    twice = await shift.anna.call("POST", path, {"claim": True})
    assert twice.status_code == 409


async def test_undo_without_a_claim_leaves_the_job_to_all(shift: Shift) -> None:
    """With an empty body, as before; the draft is there for who decided, should they get it."""
    [job_id] = await shift.fill(1)
    made = (await shift.decide(shift.anna, await shift.taken(shift.anna, job_id))).json()
    undone = (await shift.anna.call("POST", f"/v1/decisions/{made['id']}/undo")).json()
    assert undone["claim"] is None
    draft = await shift.anna.call("GET", f"/v1/jobs/{undone['jobId']}/draft")
    assert draft.json()["content"]["components"] == IGNORE
    assert (await shift.taken(shift.bert, undone["jobId"]))["job"]["id"] == undone["jobId"]


async def test_undo_after_somebody_took_what_came_meanwhile(shift: Shift, place: Any) -> None:
    """A report came after the decision, its job is held by another: the undone job joins it, and
    stays with its holder."""
    job_id = await place(shift.queue, shift.post, "post-1")
    made = (await shift.decide(shift.anna, await shift.taken(shift.anna, job_id))).json()
    newer = await place(shift.queue, shift.post, "post-1", reporter="reporter-2")
    await shift.taken(shift.bert, newer)
    path = f"/v1/decisions/{made['id']}/undo"
    undone = (await shift.anna.call("POST", path, {"claim": True})).json()
    assert undone == {"jobId": newer, "claim": None}
    held = (await shift.bert.call("GET", "/v1/claims")).json()["items"]
    assert [one["job"]["id"] for one in held] == [newer]


async def test_stepping_away(shift: Shift) -> None:
    """Everything that I hold is free at once, hidden from nobody, and my drafts are kept."""
    jobs = await shift.fill(3)
    for job_id in jobs[:2]:
        await shift.taken(shift.anna, job_id)
    await shift.next(shift.anna, prefetch=True)
    path = f"/v1/jobs/{jobs[0]}/draft"
    await shift.anna.call("PUT", path, {"content": {"note": "half"}})
    away = await shift.anna.call("DELETE", "/v1/claims")
    assert (away.status_code, away.json()) == (200, {"released": 3})
    assert (await shift.anna.call("DELETE", "/v1/claims")).json() == {"released": 0}
    assert (await shift.anna.call("GET", path)).json()["content"] == {"note": "half"}
    assert (await shift.next(shift.anna)).json()["job"]["id"] == jobs[0]
    assert await shift.claims(jobs[2]) == []
