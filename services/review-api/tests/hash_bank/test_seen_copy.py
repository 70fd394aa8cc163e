"""Copies of a hash among what was seen: a preview, and jobs about those that were confirmed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select

from coop_contracts.event import ItemSubmitted, ReviewRequested
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_review_api.kernel.schema import outbox
from coop_review_api.projection.handler import Projection
from coop_runtime.database.partition import Partitions
from coop_runtime.kafka.message import Received

from ..media.media_world import MediaWorld
from .conftest import audited

pytestmark = pytest.mark.engines

PDQ, MD5 = "ab" * 32, "cd" * 16
SEEN_AT = "2026-03-01T11:00:00Z"


@dataclass
class Seen:
    """hma-bridge, which has seen one medium of each of these items."""

    type_id: str
    items: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    breaks_at: int | None = None

    def count(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        found = {"media": len(self.items), "items": len(set(self.items))}
        return httpx.Response(200, json=found)

    def find(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        self.asked.append(asked)
        begin = int(asked.get("after") or 0)
        if self.breaks_at is not None and begin >= self.breaks_at:
            raise httpx.ConnectError("away")
        end = begin + min(asked.get("limit", 50), 2)
        copies = [self.copy(item_id) for item_id in self.items[begin:end]]
        more = str(end) if end < len(self.items) else None
        return httpx.Response(200, json={"copies": copies, "next": more})

    def copy(self, item_id: str) -> dict[str, Any]:
        return {
            "item": {"id": item_id, "typeId": self.type_id},
            "submissionId": f"s-{item_id}",
            "field": "photo",
            "kind": "IMAGE",
            "distance": 4,
            "identical": False,
            "seenAt": SEEN_AT,
        }


@pytest.fixture
def seen(bridge: Any, org: Any, world: MediaWorld) -> Seen:
    found = Seen(world.type_id, ["a", "b", "a", "c", "d"])
    path = f"/internal/v1/orgs/{org.org_id}/seen-media/copies"
    bridge.answers |= {path: found.find, f"{path}/count": found.count}
    return found


async def previewed(person: Any, bank_id: str, **more: Any) -> dict[str, Any]:
    answer = await person.call("POST", f"/v1/hash-banks/{bank_id}/copies", {"hash": PDQ, **more})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def order_of(shown: dict[str, Any], world: MediaWorld, **more: Any) -> dict[str, Any]:
    span = {name: shown[name] for name in ("since", "until", "items")}
    return {"hash": PDQ, "queueId": world.queue_id, **span, **more}


async def queue(person: Any, bank_id: str, order: dict[str, Any]) -> Any:
    return await person.call("POST", f"/v1/hash-banks/{bank_id}/copies/jobs", order)


async def requested(engine: Any, world: MediaWorld) -> list[ReviewRequested]:
    """Of the world's organisation, in their order."""
    query = select(outbox.c.value).where(outbox.c.topic == ReviewRequested.topic)
    async with engine.connect() as connection:
        values = await connection.scalars(query.order_by(outbox.c.id))
        events = [msgspec.json.decode(value, type=ReviewRequested) for value in values]
    return [event for event in events if event.org_id == world.org_id]


async def test_a_preview_says_what_there_is(
    admin: Any, seen: Seen, bank_id: str, engine: Any, world: MediaWorld
) -> None:
    """How many media of how many items, which, how near and when, page by page, of the last thirty
    days unless somebody says; by PDQ or by MD5. Nothing happens."""
    shown = await previewed(admin, bank_id)
    assert (shown["media"], shown["items"]) == (5, 4)
    assert shown["copies"][0] == seen.copy("a")
    until = datetime.fromisoformat(shown["until"])
    assert until - datetime.fromisoformat(shown["since"]) == timedelta(days=30)
    assert [one.get("pdq") for one in seen.asked] == [PDQ, PDQ]
    ids = [one["item"]["id"] for one in shown["copies"]]
    path, cursor = f"/v1/hash-banks/{bank_id}/copies", shown["nextCursor"]
    while cursor:
        answer = await admin.call("POST", f"{path}?cursor={cursor}", {"hash": PDQ})
        ids += [one["item"]["id"] for one in answer.json()["copies"]]
        cursor = answer.json()["nextCursor"]
    assert ids == seen.items
    await previewed(admin, bank_id, hash=MD5.upper(), within=3)
    assert (seen.asked[-1]["md5"], seen.asked[-1]["within"]) == (MD5, 3)
    assert await requested(engine, world) == []
    assert await audited(engine, world.org_id) == []


async def test_what_is_confirmed_is_queued_once(
    admin: Any, seen: Seen, bank_id: str, engine: Any, world: MediaWorld
) -> None:
    """Each item is asked for in the named queue, however many of its media are copies; again is the
    same again; who did it, and what for, is in the audit log."""
    policy = (await admin.make("/v1/policies", {"name": "Removal"}))["id"]
    shown = await previewed(admin, bank_id)
    order = order_of(shown, world, policyIds=[policy], note="of May")
    for times in (1, 2):
        answer = await queue(admin, bank_id, order)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"items": 4}
        events = await requested(engine, world)
        assert [one.item.id for one in events] == ["a", "b", "c", "d"] * times
    assert len({one.entry_id for one in events}) == 4
    one = events[0]
    assert (one.queue_id, one.policy_ids, one.note) == (world.queue_id, (policy,), "of May")
    assert (one.source, one.actor_id, one.job_kind) == ("BULK_ACTION", admin.user_id, "DEFAULT")
    assert one.item.type_id == world.type_id
    rows = await audited(engine, world.org_id)
    assert [action for action, _ in rows] == ["hash-bank.copies-queued"] * 2
    assert (rows[0][1]["hash"], rows[0][1]["items"]) == (PDQ, 4)
    assert "note" not in rows[0][1]


async def test_another_queue_or_notice_is_another_order(
    admin: Any, seen: Seen, bank_id: str, engine: Any, world: MediaWorld
) -> None:
    """A notice's clock runs from when somebody asked, not from when it was looked up."""
    seen.items = ["a"]
    now = world.context.clock()
    noticed = [(now - timedelta(hours=hours)).isoformat() for hours in (5, 2)]
    order = order_of(await previewed(admin, bank_id), world)
    for more in ({}, {"noticedAt": noticed[0]}, {"noticedAt": noticed[1]}):
        assert (await queue(admin, bank_id, order | more)).status_code == 200
    events = await requested(engine, world)
    assert len({one.entry_id for one in events}) == 3
    assert [one.time.isoformat() for one in events[1:]] == noticed


async def test_what_is_for_ncmec_is_about_the_author(
    admin: Any, seen: Seen, bank_id: str, engine: Any, world: MediaWorld, sign_in: Any
) -> None:
    """In the queue whose jobs become reports it is a matter of child safety: of the author, as far
    as that is known, with the item beside. Who may not see such material queues nothing there."""
    seen.items = ["a", "b"]
    settings = (await admin.call("GET", "/v1/settings")).json()
    changed = {"name": settings["name"], "ncmecQueueId": world.queue_id}
    answer = await admin.call("PUT", "/v1/settings", changed)
    assert answer.status_code == 200, answer.text
    await submitted(engine, world, "a")
    manager = await sign_in(Role.RULES_MANAGER)
    order = order_of(await previewed(admin, bank_id), world)
    refused = await queue(manager, bank_id, order)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/queueId"]
    assert (await queue(admin, bank_id, order)).json() == {"items": 2}
    known, unknown = await requested(engine, world)
    assert {known.job_kind, unknown.job_kind} == {"NCMEC"}
    assert (known.item.id, known.item.type_id) == ("author", "user")
    assert [one.id for one in known.related_items] == ["a"]
    assert (unknown.item.id, unknown.related_items) == ("b", ())


async def submitted(engine: Any, world: MediaWorld, item_id: str) -> None:
    """The item is on the log, and the projector has seen it."""
    clock, submission = world.context.clock, new_id()
    event = ItemSubmitted(
        event_id=new_id(),
        org_id=world.org_id,
        time=clock(),
        correlation_id=submission,
        submission_id=submission,
        item=world.item(item_id),
        request_id="r",
        config_revision=1,
    )
    projection = Projection(engine, Partitions(engine), clock=clock, retention=timedelta(days=30))
    await projection.submitted([Received(event, b"", event.topic, 0, 0, {}, -1)])


async def test_what_broke_off_goes_on(
    admin: Any, seen: Seen, bank_id: str, engine: Any, world: MediaWorld
) -> None:
    """The bridge goes away between two pages: 503, and the same order again has the same items."""
    order = order_of(await previewed(admin, bank_id), world)
    seen.breaks_at = 2
    assert (await queue(admin, bank_id, order)).status_code == 503
    first = {one.entry_id for one in await requested(engine, world)}
    assert len(first) == 2
    seen.breaks_at = None
    assert (await queue(admin, bank_id, order)).json() == {"items": 4}
    entries = {one.entry_id for one in await requested(engine, world)}
    assert len(entries) == 4
    assert first < entries


async def test_only_what_was_previewed_is_queued(
    admin: Any, seen: Seen, bank_id: str, engine: Any, world: MediaWorld
) -> None:
    """Another number than the preview's is a conflict, and each fault names its field; nothing is
    queued and nothing is on record."""
    shown = await previewed(admin, bank_id)
    order = order_of(shown, world)
    assert (await queue(admin, bank_id, order | {"items": 3})).status_code == 409
    later = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    older = (world.context.clock() - timedelta(days=31)).isoformat()
    queues = (await admin.call("GET", "/v1/queues")).json()["items"]
    appeals = next(one["id"] for one in queues if one["isAppealsQueue"])
    for wrong, at in (
        ({"queueId": "nobodys"}, "/queueId"),
        ({"queueId": appeals}, "/queueId"),
        ({"policyIds": ["nobodys"]}, "/policyIds/0"),
        ({"noticedAt": later}, "/noticedAt"),
        ({"noticedAt": older}, "/noticedAt"),
        ({"until": shown["since"]}, "/since"),
        ({"hash": "ab"}, "/hash"),
        ({"within": 32}, "/within"),
        ({"items": 5001}, "/items"),
    ):
        answer = await queue(admin, bank_id, order | wrong)
        assert answer.status_code == 422, (wrong, answer.text)
        assert [one["pointer"] for one in answer.json()["errors"]] == [at], answer.text
    assert await requested(engine, world) == []
    assert await audited(engine, world.org_id) == []


async def test_what_is_grave_is_counted(
    seen: Seen, bank_id: str, engine: Any, world: MediaWorld, sign_in: Any
) -> None:
    """Who changes rules but may not see child-safety material is not told which items are of it;
    who may is, and that leaves a row. Others see no copies at all."""
    await world.place(world.item("b"), csam=True)
    manager = await sign_in(Role.RULES_MANAGER)
    seer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    shown = await previewed(manager, bank_id)
    assert [one["item"]["id"] for one in shown["copies"]] == ["a"]
    assert shown["items"] == 4
    shown = await previewed(seer, bank_id)
    assert [one["item"]["id"] for one in shown["copies"]] == ["a", "b"]
    moderator = await sign_in(Role.MODERATOR)
    path = f"/v1/hash-banks/{bank_id}/copies"
    assert (await moderator.call("POST", path, {"hash": PDQ})).status_code == 403
    order = order_of(shown, world)
    assert (await queue(moderator, bank_id, order)).status_code == 403
    assert await requested(engine, world) == []


async def test_a_bank_of_nobody_has_no_copies(
    admin: Any, seen: Seen, kit: Any, sign_in: Any, world: MediaWorld, bank_id: str
) -> None:
    """Neither one that nobody made, nor another organisation's: the bridge is not asked."""
    order = order_of(await previewed(admin, bank_id), world)
    seen.asked.clear()
    other = await kit.make_org()
    theirs = await (await sign_in(Role.ADMIN, other.org_id)).make(
        "/v1/hash-banks", {"name": "Theirs", "enabledRatio": 1}
    )
    for bank in ("nobodys", theirs["id"]):
        copies = await admin.call("POST", f"/v1/hash-banks/{bank}/copies", {"hash": PDQ})
        assert copies.status_code == 404
        assert (await queue(admin, bank, order)).status_code == 404
    assert seen.asked == []
