"""An item investigated in one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from coop_contracts.call import ROOT
from coop_contracts.event import ActionRequested, ItemRef, RuleRef
from coop_contracts.ids import new_id
from coop_contracts.permission import Permission, Role

from ..world.evaluation import Evaluated

pytestmark = pytest.mark.engines

Send = Callable[..., Awaitable[None]]
ROOM = {"id": "room", "typeId": "topic"}


def path(types: dict[str, str], item_id: str) -> str:
    return f"/v1/items/{types['message']}/{item_id}/investigation"


async def look(person: Any, types: dict[str, str], item_id: str) -> dict[str, Any]:
    answer = await person.call("GET", path(types, item_id))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tells(dispatcher: Any, org: Any, item: dict[str, str]) -> None:
    """The dispatcher knows of one delivery and two strikes."""
    root = f"{ROOT}/{org.org_id}"
    strikes = {"total": 2, "nextExpiryAt": "2026-05-01T00:00:00Z", "items": [], "nextCursor": None}
    delivery = {
        "executionId": "e1",
        "kind": "ACTION",
        "actionId": "a",
        "item": item,
        "state": "DELIVERED",
        "attempts": 1,
        "createdAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:01Z",
        "nextAttemptAt": None,
        "waitsFor": None,
        "lastStatus": 200,
        "lastError": None,
        "endpointId": "1",
        "endpoint": "https://x.example",
    }
    page = {"items": [delivery], "nextCursor": None}
    dispatcher.answers[f"{root}/strikes"] = httpx.Response(200, json=strikes)
    dispatcher.answers[f"{root}/deliveries"] = httpx.Response(200, json=page)


async def test_all_in_one_answer(
    admin: Any, types: dict[str, str], send: Send, place: Any, dispatcher: Any, org: Any, kit: Any
) -> None:
    """The item, who made it, what was decided, and what is beside it."""
    message, member = types["message"], types["member"]
    await send("ann", text="Ann", type_id=member, ago=timedelta(days=1))
    for number in range(14):
        said = f"2026-01-01T00:00:{number:02}.000Z"
        await send(f"m{number}", text=f"word {number}", thread=ROOM, said=said)
    await send("m7", text="edited", thread=ROOM, said="2026-01-01T00:00:07.000Z")
    parent = {"id": "m7", "typeId": message}
    for number in range(6):
        await send(f"c{number}", text="re", parent=parent, said=f"2026-01-02T00:00:0{number}.000Z")
    queue = await admin.make("/v1/queues", {"name": "Q", "openToEveryone": True})
    await place(queue["id"], message, "m7")
    action = (await admin.make("/v1/actions", kit.action(message)))["id"]
    policy = (await admin.make("/v1/policies", {"name": "Spam"}))["id"]
    part = {"type": "CUSTOM_ACTION", "actionIds": [action], "policyIds": [policy]}
    decision_id = await admin.decide(queue["id"], [part])
    tells(dispatcher, org, {"id": "m7", "typeId": message})
    found = await look(admin, types, "m7")
    assert found["item"]["data"]["text"] == "edited"
    assert found["listing"]["preview"] == "edited"
    assert found["counts"] == {"versions": 2, "openJobs": 0, "reports": 1}
    author = found["author"]
    assert author["ref"] == {"id": "ann", "typeId": member}
    assert (author["displayName"], author["strikes"]) == ("Ann", 2)
    assert author["profile"]["data"] == {"text": "Ann"}
    assert [job["state"] for job in found["jobs"]] == ["CLOSED"]
    assert [entry["id"] for entry in found["log"]] == [decision_id]
    assert found["log"][0]["actor"]["id"] == admin.user_id
    assert found["logCursor"] is None
    assert [one["executionId"] for one in found["deliveries"]] == ["e1"]
    related = found["related"]
    # One of the five before it is its own earlier version, which is not shown.
    assert [one["id"] for one in related["thread"]] == [f"m{n}" for n in range(3, 13)]
    assert [one["id"] for one in related["children"]] == [f"c{n}" for n in range(5)]
    assert len(related["byAuthor"]) == 5
    assert "m7" not in {one["id"] for one in related["byAuthor"]}
    assert found["missing"] == []


async def test_what_cannot_be_had_is_named(
    admin: Any, types: dict[str, str], send: Send, dispatcher: Any, org: Any
) -> None:
    """With the dispatcher away everything else is there."""
    await send("m", text="x")
    root = f"{ROOT}/{org.org_id}"
    for path_ in (f"{root}/strikes", f"{root}/deliveries"):
        dispatcher.answers[path_] = httpx.ConnectError("away")
    found = await look(admin, types, "m")
    assert found["missing"] == ["strikes", "deliveries"]
    assert (found["deliveries"], found["author"]["strikes"]) == (None, None)
    assert found["author"]["profile"] is None
    assert found["item"]["id"] == "m"


async def test_the_log_goes_on_where_it_ended(
    admin: Any, context: Any, types: dict[str, str], send: Send, org: Any, kit: Any
) -> None:
    """Thirty entries, and a cursor of the decision log for the rest."""
    await send("m", text="x")
    world = Evaluated(admin, context, org.org_id, kit)
    for _ in range(33):
        await world.request(
            ActionRequested(
                event_id=new_id(),
                org_id=org.org_id,
                time=context.clock(),
                correlation_id="c",
                execution_id=new_id(),
                action_id="remove",
                item=ItemRef("m", types["message"]),
                source="RULE_EXECUTION",
                config_revision=1,
                rules=(RuleRef("r", "R", 1),),
            )
        )
    found = await look(admin, types, "m")
    assert len(found["log"]) == 30
    rest = await admin.call(
        "GET",
        f"/v1/decision-log?itemTypeId={types['message']}&itemId=m&cursor={found['logCursor']}",
    )
    assert rest.status_code == 200, rest.text
    more = rest.json()["items"]
    assert len(more) == 3
    assert not {one["id"] for one in more} & {one["id"] for one in found["log"]}


async def test_an_analyst_reads_what_was_done(
    admin: Any, sign_in: Any, types: dict[str, str], send: Send, place: Any
) -> None:
    """Who investigates without reviewing finds an item's jobs and decisions, of every queue that
    they know of; not the log of all, nor jobs in general; a moderator, whose queue it is not,
    finds nothing of it."""
    message = types["message"]
    await send("m", text="x")
    queue = await admin.make("/v1/queues", {"name": "Closed", "reviewerIds": [admin.user_id]})
    await place(queue["id"], message, "m")
    await admin.decide(queue["id"], [{"type": "IGNORE"}])
    await place(queue["id"], message, "m")
    for role in (Role.ANALYST, Role.RULES_MANAGER):
        person = await sign_in(role)
        found = await look(person, types, "m")
        assert sorted(job["state"] for job in found["jobs"]) == ["CLOSED", "PENDING"]
        assert [entry["kind"] for entry in found["log"]] == ["DECISION"]
        jobs = await person.call("GET", f"/v1/items/{message}/m/jobs")
        assert len(jobs.json()["items"]) == 2
        for refused in ("/v1/decision-log", "/v1/jobs"):
            assert (await person.call("GET", refused)).status_code == 403
    moderator = await sign_in(Role.MODERATOR)
    found = await look(moderator, types, "m")
    assert (found["jobs"], found["log"]) == ([], [])


async def test_what_is_grave(
    sign_in: Any, admin: Any, types: dict[str, str], send: Send, place: Any
) -> None:
    """An item about child safety is not there without the permission, nor is one beside another."""
    await send("grave", text="bad", thread=ROOM, said="2026-01-01T00:00:01.000Z")
    await send("m", text="x", thread=ROOM, said="2026-01-01T00:00:02.000Z")
    queue = await admin.make("/v1/queues", {"name": "Child safety", "openToEveryone": True})
    await place(queue["id"], types["message"], "grave", csam=True)
    allowed = [p for p in Permission if p is not Permission.VIEW_CHILD_SAFETY_DATA]
    role = await admin.make("/v1/roles", {"name": "Most", "permissions": allowed})
    other, viewer = await sign_in(role["id"]), await sign_in(Role.ADMIN)
    assert (await other.call("GET", path(types, "grave"))).status_code == 404
    assert "grave" not in (await other.call("GET", path(types, "m"))).text
    seen = await look(viewer, types, "grave")
    assert seen["jobs"][0]["csam"]
    assert seen["author"]["isGrave"], "no picture of theirs is shown by itself"
    assert not (await look(viewer, types, "m"))["author"]["isGrave"]
    assert "grave" in (await viewer.call("GET", path(types, "m"))).text
