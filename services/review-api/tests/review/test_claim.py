"""Claims and drafts through the API: paused queues, what one holds, what survives a lost lease."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from coop_contracts.permission import Role
from coop_queues.store import Ranking
from coop_review_api.review.desk import Desk
from coop_review_api.review.table import decisions, job_drafts
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

IGNORE = [{"type": "IGNORE"}]


@dataclass
class Queue:
    """A queue with an item type to report."""

    id: str
    post: str
    admin: Any
    moderator: Any
    place: Any

    async def fill(self, count: int) -> list[str]:
        return [await self.place(self.id, self.post) for _ in range(count)]

    async def claim(self, person: Any) -> Any:
        return await person.call("POST", f"/v1/queues/{self.id}/claims")


@pytest.fixture
async def queue(admin: Any, sign_in: Any, org: Any, kit: Any, place: Any) -> Queue:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    made = (await admin.make("/v1/queues", {"name": "Claims", "openToEveryone": True}))["id"]
    return Queue(made, post, admin, await sign_in(Role.MODERATOR), place)


async def lose(engine: Any, job_id: str) -> None:
    """The lease runs out."""
    async with transaction(engine) as connection:
        await connection.execute(
            text(
                "UPDATE queues.jobs SET lease_expires_at = now() - interval '1 s'"
                " WHERE job_id = CAST(:job AS uuid)"
            ),
            {"job": job_id},
        )


async def change(queue: Queue, **fields: Any) -> None:
    path = f"/v1/queues/{queue.id}"
    answer = await queue.admin.call("PUT", path, {"name": "Claims", **fields})
    assert answer.status_code == 200, answer.text


async def test_a_paused_queue_hands_out_nothing(queue: Queue) -> None:
    """409 with a type of its own while it is paused; what is held goes on and is decided."""
    first, second = await queue.fill(2)
    held = (await queue.claim(queue.moderator)).json()
    assert held["job"]["id"] == first
    await change(queue, isPaused=True)
    refused = await queue.claim(queue.admin)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/queue-paused")
    token = {"leaseToken": held["lease"]["token"]}
    extended = await queue.moderator.call("POST", f"/v1/jobs/{first}/lease/extend", token)
    assert extended.status_code == 200
    body = {**token, "components": IGNORE}
    decided = await queue.moderator.call("POST", f"/v1/jobs/{first}/decisions", body)
    assert decided.status_code == 201, decided.text
    await change(queue, isPaused=False)
    assert (await queue.claim(queue.admin)).json()["job"]["id"] == second


async def test_the_next_job_of_all_my_queues(queue: Queue, sign_in: Any) -> None:
    """What is due first comes first, whatever its queue; a closed queue gives nothing, a paused one
    is left out; queues that are named are alone asked."""

    async def make(**fields: Any) -> str:
        body = {"openToEveryone": "reviewerIds" not in fields, **fields}
        return str((await queue.admin.make("/v1/queues", body))["id"])

    async def next_job(*queue_ids: str) -> Any:
        body = {"queueIds": list(queue_ids)} if queue_ids else {}
        return await queue.moderator.call("POST", "/v1/claims", body)

    urgent = await make(name="Urgent", targetMinutes=60)
    private = await make(name="Private", reviewerIds=[queue.admin.user_id])
    (plain,) = await queue.fill(1)
    soon = await queue.place(urgent, queue.post, ranking=Ranking(target=60))
    await queue.place(private, queue.post)
    assert (await next_job()).json()["job"]["id"] == soon
    assert (await next_job(urgent)).status_code == 204
    assert (await next_job(private)).status_code == 404
    assert (await next_job(urgent, queue.id)).json()["job"]["id"] == plain
    await queue.fill(1)
    await change(queue, isPaused=True)
    assert (await next_job()).status_code == 204
    assert (await next_job(queue.id)).json()["type"] == "/problems/queue-paused"


async def test_nobody_hoards_jobs(queue: Queue, context: Any) -> None:
    """A sixth job is refused by name until one is given back; another person gets it."""
    jobs = await queue.fill(7)
    held = [(await queue.claim(queue.moderator)).json() for _ in range(context.part(Desk).at_most)]
    refused = await queue.claim(queue.moderator)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-claims")
    assert (await queue.claim(queue.admin)).json()["job"]["id"] == jobs[5]
    released = await queue.moderator.call(
        "DELETE",
        f"/v1/jobs/{jobs[0]}/lease",
        headers={"X-Lease-Token": held[0]["lease"]["token"]},
    )
    assert released.status_code == 204
    assert (await queue.claim(queue.moderator)).status_code == 200


async def test_a_reloaded_page_finds_its_leases(queue: Queue) -> None:
    """My claims, with their tokens, are mine alone, and good for going on."""
    await queue.fill(2)
    held = (await queue.claim(queue.moderator)).json()
    await queue.claim(queue.admin)
    mine = (await queue.moderator.call("GET", "/v1/claims")).json()["items"]
    assert [(one["job"]["id"], one["lease"]) for one in mine] == [
        (held["job"]["id"], held["lease"])
    ]
    body = {"leaseToken": mine[0]["lease"]["token"], "components": IGNORE}
    path = f"/v1/jobs/{held['job']['id']}/decisions"
    assert (await queue.moderator.call("POST", path, body)).status_code == 201
    assert (await queue.moderator.call("GET", "/v1/claims")).json() == {"items": []}


async def test_a_job_that_grows_under_review_is_announced(
    queue: Queue, place: Any, engine: Any
) -> None:
    """The heartbeat tells the new revision; the decision records what its reviewer saw."""
    job_id = await place(queue.id, queue.post, "post-1")
    held = (await queue.claim(queue.moderator)).json()
    assert (held["job"]["revision"], held["job"]["reporterCount"]) == (1, 1)
    await place(queue.id, queue.post, "post-1", reporter="reporter-2")
    token = {"leaseToken": held["lease"]["token"]}
    beat = (await queue.moderator.call("POST", f"/v1/jobs/{job_id}/lease/extend", token)).json()
    assert (beat["revision"], beat["reportCount"]) == (2, 2)
    fresh = (await queue.moderator.call("GET", f"/v1/jobs/{job_id}")).json()
    assert (fresh["revision"], fresh["reporterCount"], len(fresh["payload"]["entries"])) == (
        2,
        2,
        2,
    )
    body = {**token, "components": IGNORE, "revision": 1}
    answer = await queue.moderator.call("POST", f"/v1/jobs/{job_id}/decisions", body)
    assert answer.status_code == 201, answer.text
    async with transaction(engine) as connection:
        query = select(decisions.c.seen_revision).where(decisions.c.job_id == job_id)
        assert await connection.scalar(query) == 1


async def test_skipping_can_be_forbidden(queue: Queue) -> None:
    """With the setting only who edits queues may skip; the job stays with its holder."""
    await queue.fill(2)
    body = {"name": "Acme", "hideSkipButtonForNonAdmins": True}
    answer = await queue.admin.call("PUT", "/v1/settings", body)
    assert answer.status_code == 200, answer.text
    for person, expected in ((queue.moderator, 403), (queue.admin, 204)):
        held = (await queue.claim(person)).json()
        body = {"leaseToken": held["lease"]["token"]}
        answer = await person.call("POST", f"/v1/jobs/{held['job']['id']}/skip", body)
        assert answer.status_code == expected, answer.text
    assert len((await queue.moderator.call("GET", "/v1/claims")).json()["items"]) == 1


async def test_a_draft_is_kept_and_changed(queue: Queue, engine: Any) -> None:
    """It is its reviewer's alone, at most 64 KB, and lasts seven days from the last change."""
    [job_id] = await queue.fill(1)
    path = f"/v1/jobs/{job_id}/draft"
    assert (await queue.moderator.call("GET", path)).status_code == 404
    for note in ("first", "second"):
        content: dict[str, object] = {"note": note, "components": [], "scroll": 3.5}
        kept = await queue.moderator.call("PUT", path, {"content": content})
        assert kept.status_code == 200, kept.text
    found = (await queue.moderator.call("GET", path)).json()
    assert found["content"] == content
    assert (await queue.admin.call("GET", path)).status_code == 404
    large = await queue.moderator.call("PUT", path, {"content": {"note": "x" * 66_000}})
    assert large.status_code == 422
    times = [datetime.fromisoformat(found[name]) for name in ("savedAt", "expiresAt")]
    assert times[1] - times[0] == timedelta(days=7)
    async with transaction(engine) as connection:
        past = update(job_drafts).where(job_drafts.c.job_id == job_id)
        await connection.execute(past.values(expires_at=times[0]))
    assert (await queue.moderator.call("GET", path)).status_code == 404


async def test_a_deleted_draft_is_gone(queue: Queue) -> None:
    """Deleting twice is no error."""
    [job_id] = await queue.fill(1)
    path = f"/v1/jobs/{job_id}/draft"
    await queue.moderator.call("PUT", path, {"content": {"a": 1}})
    for _ in range(2):
        assert (await queue.moderator.call("DELETE", path)).status_code == 204
    assert (await queue.moderator.call("GET", path)).status_code == 404
    unknown = "/v1/jobs/00000000-0000-0000-0000-000000000000/draft"
    assert (await queue.moderator.call("PUT", unknown, {"content": {}})).status_code == 404


async def test_a_refused_decision_is_not_lost(queue: Queue, engine: Any) -> None:
    """When the lease ran out, and when somebody else decided, the 409 says that the draft is kept;
    it is there, and gone once the job is decided."""
    [job_id] = await queue.fill(1)
    held = (await queue.claim(queue.moderator)).json()
    await lose(engine, job_id)
    path = f"/v1/jobs/{job_id}"
    body = {
        "leaseToken": held["lease"]["token"],
        "components": IGNORE,
        "reason": "long thought about",
    }
    refused = await queue.moderator.call("POST", f"{path}/decisions", body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/lease-lost")
    assert refused.json()["draftKept"] is True
    found = (await queue.moderator.call("GET", f"{path}/draft")).json()
    assert found["content"] == {
        "components": IGNORE,
        "reason": "long thought about",
        "note": None,
    }
    held = (await queue.claim(queue.admin)).json()
    mine = {"leaseToken": held["lease"]["token"], "components": IGNORE}
    await queue.admin.call("PUT", f"{path}/draft", {"content": {"a": 1}})
    assert (await queue.admin.call("POST", f"{path}/decisions", mine)).status_code == 201
    assert (await queue.admin.call("GET", f"{path}/draft")).status_code == 404
    refused = await queue.moderator.call("POST", f"{path}/decisions", {**body, "reason": "again"})
    assert refused.status_code == 409
    assert refused.json()["draftKept"] is True
    found = (await queue.moderator.call("GET", f"{path}/draft")).json()
    assert found["content"]["reason"] == "again"
    assert refused.json()["type"] == "/problems/already-closed"


async def test_who_never_held_the_job_has_no_draft_of_it(queue: Queue) -> None:
    """A decision of somebody who did not have the job is refused, and nothing is kept."""
    [job_id] = await queue.fill(1)
    held = (await queue.claim(queue.admin)).json()
    path = f"/v1/jobs/{job_id}"
    body = {"leaseToken": held["lease"]["token"], "components": IGNORE}
    refused = await queue.moderator.call("POST", f"{path}/decisions", body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/lease-lost")
    assert "draftKept" not in refused.json()
    assert (await queue.moderator.call("GET", f"{path}/draft")).status_code == 404
    assert (await queue.admin.call("POST", f"{path}/decisions", body)).status_code == 201
    refused = await queue.moderator.call("POST", f"{path}/decisions", body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/already-closed")
    assert "draftKept" not in refused.json()
