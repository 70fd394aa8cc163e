"""Who reviews in a queue, who knows of it, and what a document says of that."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from coop_contracts.config import Kind, Queue
from coop_contracts.permission import Role
from coop_review_api.configuration.log import lock
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


async def works(person: Any, queue_id: str) -> bool:
    """Whether the person is given jobs of the queue (204: nothing waits)."""
    answer = await person.call("POST", f"/v1/queues/{queue_id}/claims")
    assert answer.status_code in (200, 204, 403, 404), answer.text
    return bool(answer.status_code in (200, 204))


async def test_a_new_queue_is_nobodys_but_its_editors(admin: Any, sign_in: Any) -> None:
    """Whoever is not named, in person or by role, does not know of it; who edits queues does."""
    moderator, lead = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR_MANAGER)
    queue = await admin.make("/v1/queues", {"name": "New"})
    assert queue["openToEveryone"] is False
    assert (queue["reviewerIds"], queue["reviewerRoles"]) == ([], [])
    assert not await works(moderator, queue["id"])
    assert await works(lead, queue["id"])
    assert "New" not in (await moderator.call("GET", "/v1/queues")).text
    counts = (await moderator.call("GET", "/v1/queue-counts")).json()["items"]
    assert queue["id"] not in [one["queueId"] for one in counts]


@pytest.mark.parametrize(
    ("names", "named", "other"),
    [
        ({"reviewerIds": True}, True, False),
        ({"reviewerRoles": ["CHILD_SAFETY_MODERATOR"]}, True, False),
        ({"openToEveryone": True}, True, True),
        ({"reviewerIds": True, "openToEveryone": True}, True, True),
    ],
)
async def test_a_queue_is_given_by_person_role_or_to_everyone(
    admin: Any, sign_in: Any, names: Any, named: bool, other: bool
) -> None:
    """Each by itself opens it to those whom it means, and to no other."""
    one, another = await sign_in(Role.CHILD_SAFETY_MODERATOR), await sign_in(Role.MODERATOR)
    body = {"name": "Given", **names}
    if "reviewerIds" in names:
        body["reviewerIds"] = [one.user_id]
    queue = await admin.make("/v1/queues", body)
    assert (await works(one, queue["id"]), await works(another, queue["id"])) == (named, other)
    analyst = await sign_in(Role.ANALYST)
    assert not await works(analyst, queue["id"])


async def test_a_queue_from_before_says_that_it_is_open(
    admin: Any, sign_in: Any, org: Any, context: Any
) -> None:
    """A document without the field that names nobody stays open, and says so; one that names
    somebody stays closed. Sent again without the field nothing changes; naming somebody closes."""
    moderator = await sign_in(Role.MODERATOR)
    async with transaction(context.engine) as connection:
        configuration = await lock(connection, org.org_id, author="test", clock=context.clock)
        for name, ids in (("old-open", ()), ("old-closed", (admin.user_id,))):
            document = Queue(id=name, name=name, reviewer_ids=ids)
            await configuration.save(Kind.QUEUE, document)
    async with transaction(context.engine) as connection:
        await connection.exec_driver_sql(
            "UPDATE review.config_current SET document = document - 'openToEveryone'"
            " WHERE id LIKE 'old-%%' AND org_id = %s",
            (org.org_id,),
        )
    shown = (await admin.call("GET", "/v1/queues/old-open")).json()
    assert shown["openToEveryone"] is True
    assert (await admin.call("GET", "/v1/queues/old-closed")).json()["openToEveryone"] is False
    assert await works(moderator, "old-open")
    assert not await works(moderator, "old-closed")
    again = await admin.call("PUT", "/v1/queues/old-open", {"name": "old-open"})
    assert again.json()["openToEveryone"] is True
    body = {"name": "old-open", "reviewerIds": [admin.user_id]}
    closed = await admin.call("PUT", "/v1/queues/old-open", body)
    assert closed.json()["openToEveryone"] is False
    assert not await works(moderator, "old-open")


def test_an_old_document_is_read_as_it_was_meant() -> None:
    """What nobody said is worked out of the document, once; what was said stays."""
    old = msgspec.json.decode(b'{"id": "q", "name": "Q"}', type=Queue)
    assert old.open_to_everyone is True
    closed = msgspec.structs.replace(old, open_to_everyone=False)
    assert msgspec.json.decode(msgspec.json.encode(closed), type=Queue).open_to_everyone is False


async def test_the_first_queues_say_that_they_are_open(admin: Any) -> None:
    """Of a new organisation: somebody has to be able to begin, and sees that it is so."""
    queues = (await admin.call("GET", "/v1/queues")).json()["items"]
    assert [queue["openToEveryone"] for queue in queues] == [True, True]


async def test_a_role_that_a_queue_names_stays(admin: Any, kit: Any) -> None:
    """It is not deleted, an unknown one is refused at its place, none is named twice."""
    role = await admin.make("/v1/roles", {"name": "Night shift", "permissions": ["VIEW_MRT"]})
    queue = await admin.make("/v1/queues", {"name": "Night", "reviewerRoles": [role["id"]]})
    answer = await admin.call("DELETE", f"/v1/roles/{role['id']}")
    assert answer.status_code == 409, answer.text
    wrong = {"name": "Wrong", "reviewerRoles": ["MODERATOR", "nobody"]}
    answer = await admin.call("POST", "/v1/queues", wrong)
    assert kit.pointers(answer) == ["/reviewerRoles/1"]
    twice = {"name": "Wrong", "reviewerRoles": ["MODERATOR", "MODERATOR"]}
    answer = await admin.call("POST", "/v1/queues", twice)
    assert kit.pointers(answer) == ["/reviewerRoles/1"]
    body = {"name": "Night"}
    assert (await admin.call("PUT", f"/v1/queues/{queue['id']}", body)).status_code == 200
    assert (await admin.call("DELETE", f"/v1/roles/{role['id']}")).status_code == 204


@pytest.mark.parametrize("role", [Role.RULES_MANAGER, Role.ANALYST])
async def test_who_reads_metrics_sees_queues_and_no_job(
    admin: Any, sign_in: Any, kit: Any, place: Any, role: Role
) -> None:
    """All queues and how much waits, closed ones too; nothing of what waits there."""
    onlooker, moderator = await sign_in(role), await sign_in(Role.MODERATOR)
    post = await admin.make("/v1/item-types", kit.item_type())
    queue = await admin.make("/v1/queues", {"name": "Closed"})
    job_id = await place(queue["id"], post["id"], "an-item-that-waits")
    listed = (await onlooker.call("GET", "/v1/queues")).json()["items"]
    assert queue["id"] in [one["id"] for one in listed]
    assert (await onlooker.call("GET", f"/v1/queues/{queue['id']}")).status_code == 200
    counts = (await onlooker.call("GET", "/v1/queue-counts")).json()["items"]
    assert {one["queueId"]: one["pending"] for one in counts}[queue["id"]] == 1
    one = await onlooker.call("GET", f"/v1/queues/{queue['id']}/counts")
    assert one.json()["pending"] == 1
    assert (await moderator.call("GET", f"/v1/queues/{queue['id']}/counts")).status_code == 404
    for path in (
        "/v1/jobs",
        f"/v1/jobs/{job_id}",
        f"/v1/jobs/{job_id}/comments",
        f"/v1/jobs/{job_id}/history",
        "/v1/decision-log",
        f"/v1/queues/{queue['id']}/contents",
    ):
        assert (await onlooker.call("GET", path)).status_code == 403, path
    # They investigate: that an item waits somewhere is told to who asks for that item.
    of_item = await onlooker.call("GET", f"/v1/items/{post['id']}/an-item-that-waits/jobs")
    assert [one["id"] for one in of_item.json()["items"]] == [job_id]
    assert "payload" not in of_item.text
    for path in (f"/v1/queues/{queue['id']}/claims", "/v1/claims"):
        assert (await onlooker.call("POST", path, {})).status_code == 403, path


async def test_banks_and_policies_are_not_everybodys(admin: Any, sign_in: Any) -> None:
    """By the defaults an analyst writes no bank and a moderator no policy; a role of the
    organisation's own does what its document says."""
    bank = {"name": "B", "type": "STRING", "strings": ["a"]}
    policy = {"name": "P"}
    for role, path, body, status in (
        (Role.ANALYST, "/v1/text-banks", bank, 403),
        (Role.RULES_MANAGER, "/v1/text-banks", bank, 201),
        (Role.MODERATOR, "/v1/policies", policy, 403),
        (Role.CHILD_SAFETY_MODERATOR, "/v1/policies", policy, 403),
        (Role.RULES_MANAGER, "/v1/policies", policy, 201),
    ):
        person = await sign_in(role)
        answer = await person.call("POST", path, body)
        assert answer.status_code == status, (role, path, answer.text)
    permissions = ["MUTATE_LIVE_RULES", "MANAGE_POLICIES"]
    own = await admin.make("/v1/roles", {"name": "Own", "permissions": permissions})
    person = await sign_in(own["id"])
    assert (await person.call("POST", "/v1/text-banks", {**bank, "name": "C"})).status_code == 201
    assert (await person.call("POST", "/v1/policies", {"name": "Q"})).status_code == 201
