"""One decision on many jobs: alike ones are found, each is decided once, and all taken back."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, text

from coop_contracts.event import ItemRef, RuleRef, SubmittedItem
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import JobEntry, Placement, Routing
from coop_review_api.review.desk import Desk
from coop_review_api.review.job_group import words_of
from coop_review_api.review.table import decisions
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

IGNORE = [{"type": "IGNORE"}]
NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass
class Lane:
    queue: str
    post: str
    admin: Any
    anna: Any
    bert: Any
    place: Any
    context: Any
    org_id: str

    async def fill(self, count: int) -> list[str]:
        return [await self.place(self.queue, self.post) for _ in range(count)]

    async def put(self, data: Any, *, author: str = "a1", rule: str | None = None) -> str:
        """A job of an item with these data, as a rule asked for it."""
        now = self.context.clock()
        placement = Placement(
            org_id=self.org_id,
            queue_id=self.queue,
            item=SubmittedItem(
                id=str(uuid.uuid4()),
                type_id=self.post,
                type_version="2026-01-01T00:00:00.000000Z",
                data=msgspec.Raw(json.dumps(data).encode()),
                creator=ItemRef(id=author, type_id="user"),
            ),
            entry=JobEntry(
                entry_id=str(uuid.uuid4()),
                source="REPORT",
                at=now,
                routing=Routing(how="DEFAULT", config_revision=1),
                rules=(RuleRef(id=rule, name=f"Rule {rule}", revision=1),) if rule else (),
            ),
        )
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    async def groups(self, by: str, person: Any = None) -> Any:
        path = f"/v1/job-groups?queueId={self.queue}&by={by}"
        answer = await (person or self.anna).call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def decide(self, person: Any, jobs: list[str], **more: Any) -> Any:
        body = {"id": str(uuid.uuid4()), "jobIds": jobs, "components": IGNORE, **more}
        return await person.call("POST", "/v1/batch-decisions", body)

    async def decided(self) -> int:
        query = select(func.count()).where(
            decisions.c.org_id == self.org_id, decisions.c.undone_at.is_(None)
        )
        async with transaction(self.context.engine) as connection:
            return int(await connection.scalar(query) or 0)


@pytest.fixture
async def lane(admin: Any, sign_in: Any, org: Any, kit: Any, place: Any, context: Any) -> Lane:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    made = (await admin.make("/v1/queues", {"name": "Lane", "openToEveryone": True}))["id"]
    settings = await admin.call("PUT", "/v1/settings", {"name": "Acme", "undoWindow": 60})
    assert settings.status_code == 200, settings.text
    anna, bert = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    return Lane(made, post, admin, anna, bert, place, context, org.org_id)


def states(answer: Any) -> list[tuple[str, str | None]]:
    assert answer.status_code in (200, 202), answer.text
    return [(one["state"], one["reason"]) for one in answer.json()["jobs"]]


async def test_like_jobs_are_found(lane: Lane, sign_in: Any, kit: Any) -> None:
    """By author, by rule, by medium and by near-same text; what is held, kept or about child safety
    is in no group, and nothing of a queue that is closed to me."""
    picture = {"url": "https://a.example/p.png"}
    one = await lane.put({"text": "Buy NOW!! https://x.example/1", "p": picture}, rule="r1")
    two = await lane.put({"text": "now buy 22"}, author="a2", rule="r1")
    three = await lane.put({"text": "else", "p": picture})
    await lane.put({"text": "alone"}, author="a3", rule="r2")
    grave = await lane.place(lane.queue, lane.post, csam=True)
    expected = {
        "TEXT": [one, two],
        "RULE": [one, two],
        "HASH": [one, three],
        "AUTHOR": [one, three],
    }
    labels = {"RULE": "Rule r1", "HASH": picture["url"], "AUTHOR": "a1"}
    for by, jobs in expected.items():
        found = await lane.groups(by)
        assert [group["sampleJobIds"] for group in found["groups"]] == [jobs], by
        assert found["groups"][0]["count"] == 2
        assert labels.get(by) in (None, found["groups"][0]["label"])
        assert (found["examined"], found["more"]) == (4, False)
        assert grave not in str(await lane.groups(by, lane.admin))
    await lane.bert.call("POST", f"/v1/jobs/{one}/claims")
    assert (await lane.groups("TEXT"))["groups"] == []
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    path = f"/v1/job-groups?queueId={lane.queue}&by=TEXT"
    assert (await stranger.call("GET", path)).status_code == 404


async def test_each_job_says_what_became_of_it(lane: Lane) -> None:
    """Decided; held by somebody else; closed before; refused with where and why; about child
    safety; not there."""
    jobs = await lane.fill(3)
    await lane.bert.call("POST", f"/v1/jobs/{jobs[1]}/claims")
    claim = (await lane.anna.call("POST", f"/v1/jobs/{jobs[2]}/claims")).json()
    body = {"leaseToken": claim["lease"]["token"], "components": IGNORE}
    await lane.anna.call("POST", f"/v1/jobs/{jobs[2]}/decisions", {**body, "reason": "before"})
    grave = await lane.place(lane.queue, lane.post, csam=True)
    answer = await lane.decide(lane.anna, [*jobs, NOBODY, grave])
    assert answer.status_code == 202, answer.text
    assert states(answer) == [
        ("DECIDED", None),
        ("HELD", "held"),
        ("CLOSED", "already-closed"),
        ("REFUSED", "not-found"),
        ("REFUSED", "not-found"),
    ]
    viewer = await lane.decide(lane.admin, [grave])
    assert states(viewer) == [("REFUSED", "child-safety")]
    [job_id] = await lane.fill(1)
    unknown = [{"type": "CUSTOM_ACTION", "actionIds": ["nothing"]}]
    refused = await lane.decide(lane.anna, [job_id], components=unknown)
    assert states(refused) == [("REFUSED", "invalid")]
    assert refused.json()["jobs"][0]["errors"][0]["pointer"].startswith("/components/0")
    assert (await lane.bert.call("POST", f"/v1/jobs/{job_id}/claims")).status_code == 200


async def test_a_batch_is_decided_once(lane: Lane, kit: Any) -> None:
    """Sent twice at once, and again after its marks were lost: each job has one decision, and the
    answers are the same. The id with other jobs is refused; another person has no such batch."""
    jobs = await lane.fill(6)
    batch_id = str(uuid.uuid4())
    first, second = await asyncio.gather(
        *(lane.decide(lane.anna, jobs, id=batch_id) for _ in range(2))
    )
    assert (first.status_code, second.status_code) == (202, 202)
    whole = (await lane.anna.call("GET", f"/v1/batch-decisions/{batch_id}")).json()
    assert [one["state"] for one in whole["jobs"]] == ["DECIDED"] * 6
    assert await lane.decided() == 6
    async with transaction(lane.context.engine) as connection:
        await connection.execute(
            text(
                "UPDATE review.batch_jobs SET state = 'WAITING', decision_id = NULL"
                " WHERE batch_id = :batch AND position > 2"
            ),
            {"batch": batch_id},
        )
    again = (await lane.decide(lane.anna, jobs, id=batch_id)).json()
    assert again["jobs"] == whole["jobs"]
    assert await lane.decided() == 6
    other = await lane.decide(lane.anna, jobs[:2], id=batch_id)
    assert other.status_code == 409
    assert (await lane.bert.call("GET", f"/v1/batch-decisions/{batch_id}")).status_code == 404
    twice = await lane.decide(lane.anna, [jobs[0], jobs[0]])
    assert kit.pointers(twice) == ["/jobIds"]


async def test_one_undo_for_all(lane: Lane) -> None:
    """Within the window all of it is taken back, and the jobs wait again; twice is once."""
    jobs = await lane.fill(3)
    made = (await lane.decide(lane.anna, jobs)).json()
    path = f"/v1/batch-decisions/{made['id']}/undo"
    assert (await lane.bert.call("POST", path)).status_code == 404
    assert states(await lane.anna.call("POST", path)) == [("UNDONE", None)] * 3
    assert states(await lane.anna.call("POST", path)) == [("UNDONE", None)] * 3
    assert await lane.decided() == 0
    counts = (await lane.anna.call("GET", f"/v1/queues/{lane.queue}/counts")).json()
    assert counts["pending"] == 3


def test_what_makes_texts_near_the_same() -> None:
    """The words, whatever their order, case, width, signs, digits, links and repetition."""
    assert words_of("Ｂuy now!!! 50% https://a.example") == words_of("now, NOW buy 70%")
    assert words_of("buy later") != words_of("buy now")
    assert words_of("123 !!!") == frozenset()
