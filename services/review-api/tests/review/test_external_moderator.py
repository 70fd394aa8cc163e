"""External moderators review jobs: what is pending and why it is there, nothing of what was."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from coop_contracts.event import ItemRef, RequestedExecution, SubmittedItem
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import JobEntry, Placement, Routing
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

from ..world.evaluation import Evaluated

pytestmark = pytest.mark.engines


async def test_they_read_nothing_that_was_decided(
    admin: Any, sign_in: Any, kit: Any, place: Any
) -> None:
    """Neither closed jobs nor decisions, their own among them, nor history, nor what was said on
    earlier jobs of the item; a moderator reads all of it."""
    external, moderator = await sign_in(Role.EXTERNAL_MODERATOR), await sign_in(Role.MODERATOR)
    post = await admin.make("/v1/item-types", kit.item_type())
    body = {"name": "Outside", "reviewerRoles": ["EXTERNAL_MODERATOR", "MODERATOR"]}
    queue = (await admin.make("/v1/queues", body))["id"]
    closed = await place(queue, post["id"], "the-item")
    await admin.make(f"/v1/jobs/{closed}/comments", {"body": "said before"})
    claimed = (await external.call("POST", f"/v1/queues/{queue}/claims")).json()
    assert claimed["job"]["id"] == closed
    decision = {"leaseToken": claimed["lease"]["token"], "components": [{"type": "IGNORE"}]}
    made = await external.call("POST", f"/v1/jobs/{closed}/decisions", decision)
    assert made.status_code == 201, made.text
    pending = await place(queue, post["id"], "the-item")
    await external.make(f"/v1/jobs/{pending}/comments", {"body": "said now"})
    for path, refused in (
        (f"/v1/decisions/{made.json()['id']}", 403),
        ("/v1/decision-log", 403),
        (f"/v1/jobs/{pending}/history", 403),
        (f"/v1/jobs/{closed}", 404),
        (f"/v1/jobs/{closed}/comments", 404),
    ):
        assert (await external.call("GET", path)).status_code == refused, path
        assert (await moderator.call("GET", path)).status_code == 200, path
    for path in (
        "/v1/jobs",
        "/v1/jobs?state=CLOSED",
        f"/v1/items/{post['id']}/the-item/jobs",
        "/v1/users/user/author-1/jobs",
    ):
        for person, sees in ((external, False), (moderator, True)):
            found = [one["id"] for one in (await person.call("GET", path)).json()["items"]]
            assert (closed in found) == sees, path
            assert (pending in found) == (path != "/v1/jobs?state=CLOSED"), path
    comments = f"/v1/jobs/{pending}/comments"
    for person, words in ((external, ["said now"]), (moderator, ["said before", "said now"])):
        items = (await person.call("GET", comments)).json()["items"]
        assert [one["body"] for one in items] == words
    assert (await external.call("GET", f"/v1/jobs/{pending}")).json()["decisions"] == []
    partial = f"/v1/items/{post['id']}"
    assert (await external.call("GET", f"{partial}/another-item/partial")).status_code == 404
    for person, item_id in ((external, "the-item"), (moderator, "another-item")):
        answer = await person.call("GET", f"{partial}/{item_id}/partial")
        assert answer.status_code == 409, "there is no endpoint to ask"


async def test_a_job_says_why_a_rule_sent_it(
    admin: Any, sign_in: Any, kit: Any, context: Any, org: Any
) -> None:
    """Which rule, what it asked and what it found, for whoever sees the job; an explanation by
    itself is not theirs."""
    external = await sign_in(Role.EXTERNAL_MODERATOR)
    world = Evaluated(admin, context, org.org_id, kit)
    post = await admin.make("/v1/item-types", kit.item_type())
    rule = await admin.make("/v1/rules", kit.rule(post["id"], status="LIVE"))
    body = {"name": "Outside", "reviewerRoles": ["EXTERNAL_MODERATOR"]}
    queue = (await admin.make("/v1/queues", body))["id"]
    submission = await world.submit(post["id"], {"text": "buy spam"}, item_id="the-item")
    execution = RequestedExecution(execution_id=new_id(), action_id="enqueue")
    await world.evaluate(submission, executions=(execution,), sampled=True)
    entry = JobEntry(
        entry_id=f"request/{execution.execution_id}",
        source="RULE_EXECUTION",
        at=context.clock(),
        routing=Routing(how="DEFAULT", config_revision=1),
        correlation_id=submission,
    )
    item = SubmittedItem(
        id="the-item",
        type_id=post["id"],
        type_version="v",
        data=msgspec.Raw(b'{"text": "buy spam"}'),
        creator=ItemRef(id="author", type_id="user"),
    )
    placement = Placement(org_id=org.org_id, queue_id=queue, item=item, entry=entry)
    async with transaction(context.engine) as connection:
        placed = await store.place(connection, placement)
    await context.part(Desk).order.apply(placed.changes)
    claimed = (await external.call("POST", f"/v1/queues/{queue}/claims")).json()
    job = (await external.call("GET", f"/v1/jobs/{claimed['job']['id']}")).json()
    (reason,) = job["reasons"]
    assert reason["submissionId"] == submission
    (explained,) = reason["rules"]
    assert (explained["id"], explained["name"]) == (rule["id"], "Spam rule")
    assert "spam" in str(explained["conditions"])
    path = f"/v1/submissions/{submission}/explanation"
    assert (await external.call("GET", path)).status_code == 403
