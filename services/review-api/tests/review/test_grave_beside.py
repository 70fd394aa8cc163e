"""Grave items inside of what is about something else: jobs, decisions, automations, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from coop_contracts.event import ItemRef, RequestedExecution, SubmittedItem
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import JobEntry, Placement, Routing
from coop_review_api.export.store import ExportLimits
from coop_review_api.export.worker import Exporter
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction

from ..world.evaluation import Evaluated

pytestmark = pytest.mark.engines

GRAVE = "grave-item-77aa"


@dataclass
class World:
    """A queue of plain jobs, and who reviews there with the permission and without."""

    admin: Any
    moderator: Any
    context: Any
    org_id: str
    post: str
    queue: str
    action: str

    def item(self, item_id: str) -> SubmittedItem:
        return SubmittedItem(
            id=item_id,
            type_id=self.post,
            type_version="v",
            data=msgspec.Raw(b'{"text": "hello"}'),
            creator=ItemRef(id="author", type_id="user"),
        )

    async def place(self, item_id: str, *, csam: bool = False, **more: Any) -> str:
        entry = JobEntry(
            entry_id=new_id(),
            source=more.pop("source", "REPORT"),
            at=self.context.clock(),
            routing=Routing(how="DEFAULT", config_revision=1),
            csam=csam,
            reported_in_thread=more.pop("in_thread", ()),
            correlation_id=more.pop("submission", None),
        )
        placement = Placement(
            org_id=self.org_id,
            queue_id=self.queue,
            item=self.item(item_id),
            entry=entry,
            **more,
        )
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    async def claim(self, person: Any) -> Any:
        answer = await person.call("POST", f"/v1/queues/{self.queue}/claims")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def decide(self, person: Any, *components: Any) -> str:
        claimed = await self.claim(person)
        body = {"leaseToken": claimed["lease"]["token"], "components": components}
        path = f"/v1/jobs/{claimed['job']['id']}/decisions"
        return str((await person.make(path, body))["id"])


@pytest.fixture
async def world(admin: Any, sign_in: Any, kit: Any, context: Any, org: Any) -> World:
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    queue = await admin.make("/v1/queues", {"name": "Plain", "openToEveryone": True})
    return World(
        admin=admin,
        moderator=await sign_in(Role.MODERATOR),
        context=context,
        org_id=org.org_id,
        post=post,
        queue=queue["id"],
        action=(await admin.make("/v1/actions", kit.action(post)))["id"],
    )


async def test_a_plain_job_is_shown_without_the_grave_item_beside_it(world: World) -> None:
    """When it is claimed, when it is looked at; what else came with it stays. With the permission
    it is whole, and the look leaves a row."""
    more: dict[str, Any] = {
        "thread_items": (world.item(GRAVE), world.item("harmless-1")),
        "additional_items": (world.item(GRAVE), world.item("harmless-2")),
        "in_thread": (ItemRef(id=GRAVE, type_id=world.post),),
    }
    job = await world.place("plain-item", **more)
    assert GRAVE in (await world.moderator.call("GET", f"/v1/jobs/{job}")).text
    await world.place(GRAVE, csam=True)
    claimed = await world.claim(world.moderator)
    looked = (await world.moderator.call("GET", f"/v1/jobs/{job}")).json()
    for shown in (claimed["job"], looked):
        assert shown["id"] == job
        assert GRAVE not in str(shown)
        payload = shown["payload"]
        assert [one["id"] for one in payload["threadItems"]] == ["harmless-1"]
        assert [one["id"] for one in payload["additionalItems"]] == ["harmless-2"]
    whole = await world.admin.call("GET", f"/v1/jobs/{job}")
    assert GRAVE in whole.text
    rows = await world.admin.call("GET", f"/v1/audit-log?action=child-safety.viewed&targetId={job}")
    assert len(rows.json()["items"]) == 1


async def test_a_decision_names_no_grave_item_that_it_acted_on(world: World) -> None:
    """In the log, by itself, and in a file."""
    await world.place("plain-item")
    related = {
        "type": "RELATED_ACTION",
        "actionIds": [world.action],
        "items": [{"id": GRAVE, "typeId": world.post}, {"id": "harmless", "typeId": world.post}],
    }
    decision = await world.decide(world.moderator, {"type": "IGNORE"}, related)
    await world.place(GRAVE, csam=True)
    made = await world.moderator.call("POST", "/v1/decision-log/exports", {"format": "JSONL"})
    exporter = Exporter(world.context.engine, clock=world.context.clock, limits=ExportLimits())
    while await exporter.step():
        pass
    for path in (
        "/v1/decision-log",
        f"/v1/decisions/{decision}",
        f"/v1/decision-log/exports/{made.json()['id']}/download",
    ):
        answer = await world.moderator.call("GET", path)
        assert answer.status_code == 200, answer.text
        assert decision in answer.text, path
        assert GRAVE not in answer.text, path
        assert path.endswith("download") or "harmless" in answer.text
    for path in ("/v1/decision-log", f"/v1/decisions/{decision}"):
        assert GRAVE in (await world.admin.call("GET", path)).text


async def test_what_clears_the_jobs_of_a_grave_user_is_not_shown(
    world: World, sign_in: Any
) -> None:
    """An automation that follows from a decision on something that is grave by now."""
    body = {
        "name": "Plain",
        "openToEveryone": True,
        "clearReportsDisposition": "IGNORE",
        "clearReportsTriggerActionIds": [world.action],
    }
    await world.admin.call("PUT", f"/v1/queues/{world.queue}", body)
    permissions = ["VIEW_MRT", "EDIT_MRT_QUEUES", "MANAGE_ORG"]
    role = await world.admin.make("/v1/roles", {"name": "Lead", "permissions": permissions})
    lead = await sign_in(role["id"])
    await world.place(GRAVE)
    acted = {"type": "CUSTOM_ACTION", "actionIds": [world.action]}
    await world.decide(world.moderator, acted)
    (automation,) = (await lead.call("GET", "/v1/automations")).json()["items"]
    await world.place(GRAVE, csam=True)
    assert (await lead.call("GET", "/v1/automations")).json()["items"] == []
    path = f"/v1/automations/{automation['id']}"
    assert (await lead.call("GET", path)).status_code == 404
    assert (await world.admin.call("GET", path)).status_code == 200


async def test_a_file_from_before_is_closed(world: World) -> None:
    """What was written of an item before it became grave is handed out to those alone who may see
    it."""
    await world.place(GRAVE)
    await world.decide(world.moderator, {"type": "IGNORE"})
    files = {}
    for person in (world.moderator, world.admin):
        made = await person.call("POST", "/v1/decision-log/exports", {"format": "CSV"})
        files[person.user_id] = f"/v1/decision-log/exports/{made.json()['id']}/download"
    exporter = Exporter(world.context.engine, clock=world.context.clock, limits=ExportLimits())
    while await exporter.step():
        pass
    for person in (world.moderator, world.admin):
        assert GRAVE in (await person.call("GET", files[person.user_id])).text
    await world.place(GRAVE, csam=True)
    refused = await world.moderator.call("GET", files[world.moderator.user_id])
    assert refused.status_code == 403
    assert GRAVE not in refused.text
    assert GRAVE in (await world.admin.call("GET", files[world.admin.user_id])).text


async def test_who_edits_queues_meets_it_nowhere(world: World, sign_in: Any) -> None:
    """Neither how many such jobs a queue has, when it is to be removed, nor a decision of somebody
    else's to take back; one's own is taken back as ever."""
    permissions = ["VIEW_MRT", "VIEW_MRT_DATA", "EDIT_MRT_QUEUES"]
    role = await world.admin.make("/v1/roles", {"name": "Lead", "permissions": permissions})
    lead = await sign_in(role["id"])
    settings = {"name": "Acme", "undoWindow": 60}
    await world.admin.call("PUT", "/v1/settings", settings)
    await world.place(GRAVE)
    decision = await world.decide(world.moderator, {"type": "IGNORE"})
    await world.place(GRAVE, csam=True)
    undo = f"/v1/decisions/{decision}/undo"
    assert (await lead.call("POST", undo)).status_code == 404
    assert (await world.moderator.call("POST", undo)).status_code == 200
    refused = await lead.call("DELETE", f"/v1/queues/{world.queue}")
    assert refused.status_code == 409, refused.text
    assert refused.json()["detail"].startswith("jobs are in this queue: say")
    await world.place("plain-item")
    refused = await lead.call("DELETE", f"/v1/queues/{world.queue}")
    assert refused.json()["detail"].startswith("1 jobs are in this queue, 0 of them")


async def test_a_plain_job_says_no_reason_that_is_grave(world: World, kit: Any) -> None:
    """A rule sent an author for what they wrote: why, is for those who may see what they wrote."""
    evaluated = Evaluated(world.admin, world.context, world.org_id, kit)
    await world.admin.make("/v1/rules", kit.rule(world.post, status="LIVE"))
    submission = await evaluated.submit(world.post, {"text": "spam"}, item_id=GRAVE)
    execution = RequestedExecution(execution_id=new_id(), action_id="enqueue-author")
    await evaluated.evaluate(submission, executions=(execution,))
    sent: dict[str, Any] = {"source": "RULE_EXECUTION", "submission": submission}
    job = await world.place("the-author", **sent, additional_items=(world.item(GRAVE),))

    async def reasons(person: Any) -> list[str]:
        answer = await person.call("GET", f"/v1/jobs/{job}")
        assert answer.status_code == 200, answer.text
        return [one["submissionId"] for one in answer.json()["reasons"]]

    assert await reasons(world.moderator) == [submission]
    await world.place(GRAVE, csam=True)
    assert await reasons(world.moderator) == []
    assert await reasons(world.admin) == [submission]
