"""Whoever decided is told that an appeal came in against it: once, and only what is theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from coop_contracts.event import AppealSubmitted, ItemRef, SubmittedItem
from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_review_api.enforcement import bulk_store
from coop_review_api.enforcement.origin import BulkOrigins
from coop_review_api.review.appeal_news import FRESH, AppealNews
from coop_review_api.review.origin import Origins
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

pytestmark = pytest.mark.engines


class Floor:
    """A queue, an action, and what hears of appeals."""

    def __init__(self, admin: Any, context: Any, org: Any, kit: Any, place: Any) -> None:
        self.admin, self.context, self.org, self.kit, self.place = admin, context, org, kit, place
        self.hear = AppealNews(context.engine, Origins(BulkOrigins()), clock=context.clock)

    async def open(self) -> Floor:
        self.post = (await self.admin.make("/v1/item-types", self.kit.item_type()))["id"]
        self.remove, self.warn = [
            (await self.admin.make("/v1/actions", self.kit.action(self.post, name=name)))["id"]
            for name in ("Remove", "Warn")
        ]
        self.queue = (
            await self.admin.make("/v1/queues", {"name": "Posts", "openToEveryone": True})
        )["id"]
        return self

    async def decide(self, person: Any, *actions: str, item: str = "post-1", **entry: Any) -> str:
        await self.place(self.queue, self.post, item, **entry)
        act = {"type": "CUSTOM_ACTION", "actionIds": list(actions)}
        decision_id: str = await person.decide(self.queue, [act])
        return decision_id

    def appeal(self, *actions: str, item: str = "post-1", **fields: Any) -> Received[Any]:
        values: dict[str, Any] = {
            "event_id": new_id(),
            "org_id": self.org.org_id,
            "time": self.context.clock() + timedelta(minutes=1),
            "correlation_id": "c",
            "appeal_id": "appeal \0 1",
            "appealed_by": ItemRef(id="ann", type_id="user"),
            "appealed_at": self.context.clock(),
            "item": SubmittedItem(
                id=item, type_id=self.post, type_version="v", data=msgspec.Raw(b"{}")
            ),
            "actions_taken": actions,
            "config_revision": 1,
            "appeal_reason": "ORIGINAL-WORDS",
        }
        event = AppealSubmitted(**{**values, **fields})
        return Received(event, b"", event.topic, 0, 0, {}, -1)


@pytest.fixture
async def floor(admin: Any, context: Any, org: Any, kit: Any, place: Any) -> Floor:
    return await Floor(admin, context, org, kit, place).open()


async def told(person: Any, kind: str = "APPEAL_OF_MY_DECISION") -> list[dict[str, Any]]:
    items = (await person.call("GET", "/v1/notifications")).json()["items"]
    return [one for one in items if one["kind"] == kind]


async def test_who_decided_is_told_once(floor: Floor, sign_in: Any) -> None:
    """Of the decision that took the appealed action last, its maker; not the one before, not who
    took another action, nobody twice, and with no word of the platform's."""
    first, second, other = [await sign_in(Role.MODERATOR) for _ in range(3)]
    await floor.decide(first, floor.remove)
    warned = await floor.decide(other, floor.warn)
    removed = await floor.decide(second, floor.remove)
    event = floor.appeal(floor.remove)
    await floor.hear([event, event])
    await floor.hear([event])
    again = floor.appeal(floor.remove)  # sent again by the platform: another event, that appeal
    await floor.hear([again])
    (note,) = await told(second)
    assert note["data"]["decisionId"] == removed
    assert note["data"]["queueName"] == "Posts"
    assert set(note["data"]) == {"decisionId", "jobId", "queueName", "decidedAt"}
    assert "ORIGINAL-WORDS" not in str(note)
    assert await told(first) == await told(other) == await told(floor.admin) == []
    await floor.hear([floor.appeal(appeal_id="2")])  # against everything
    assert [one["data"]["decisionId"] for one in await told(other)] == [warned]
    assert len(await told(second)) == 2
    await floor.hear([floor.appeal(floor.warn, item="post-2", appeal_id="3")])
    assert len(await told(other)) == 1


async def test_who_ordered_a_bulk_action_is_told(floor: Floor, sign_in: Any) -> None:
    """Of an appeal against what a bulk action did, its maker and who confirmed it; once each."""
    maker, confirmer, other = [await sign_in(Role.MODERATOR_MANAGER) for _ in range(3)]
    order = {"itemTypeId": floor.post, "actionIds": [floor.remove], "itemIds": ["post-1"]}
    bulk = (await maker.make("/v1/bulk-actions", order))["id"]
    await confirmer.call("POST", f"/v1/bulk-actions/{bulk}/confirm", {"total": 1})
    for _ in range(20):
        async with transaction(floor.context.engine) as connection:
            await bulk_store.advance(connection, batch=100, clock=floor.context.clock)
    event = floor.appeal(floor.remove)
    await floor.hear([event, event])
    await floor.hear([floor.appeal(floor.warn, appeal_id="of-another-action")])
    for person in (maker, confirmer):
        (note,) = await told(person, "APPEAL_OF_MY_BULK_ACTION")
        assert note["data"]["bulkId"] == bulk
        assert set(note["data"]) == {"bulkId", "startedAt"}
        assert await told(person) == []
    assert await told(other, "APPEAL_OF_MY_BULK_ACTION") == []


async def test_who_may_not_see_it_is_not_told(
    floor: Floor, sign_in: Any, engine: Any, kit: Any
) -> None:
    """Not of child-abuse material without the permission, be it that the item became such; not who
    may no longer read decisions, or is gone; not of appeals that lay for days."""
    guard = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    plain, external = await sign_in(Role.MODERATOR), await sign_in(Role.EXTERNAL_MODERATOR)
    await floor.decide(plain, floor.remove, item="a")
    await floor.hear([floor.appeal(floor.remove, item="a", time=floor.context.clock() - FRESH * 2)])
    assert await told(plain) == []
    await floor.decide(guard, floor.warn, item="a", csam=True)
    await floor.hear([floor.appeal(item="a", appeal_id="grave")])
    assert await told(plain) == []
    assert len(await told(guard)) == 1
    await floor.decide(external, floor.remove, item="b")
    await floor.hear([floor.appeal(item="b", appeal_id="external")])
    assert await told(external) == []
    await floor.decide(plain, floor.warn, item="b")
    elsewhere = (await kit.make_org()).org_id
    await floor.hear([floor.appeal(item="b", appeal_id="stranger", org_id=elsewhere)])
    assert await told(plain) == []  # the same ids in another organisation are others
    await floor.hear([floor.appeal(item="b", appeal_id="ours")])
    assert len(await told(plain)) == 1
    gone = await sign_in(Role.MODERATOR)
    await floor.decide(gone, floor.remove, item="c")
    async with transaction(engine) as connection:
        await connection.execute(
            text("UPDATE review.users SET status = 'DISABLED' WHERE user_id = :id"),
            {"id": gone.user_id},
        )
    await floor.hear([floor.appeal(item="c", appeal_id="gone")])
    async with transaction(engine) as connection:
        count = await connection.scalar(
            text("SELECT count(*) FROM review.notifications WHERE user_id = :id"),
            {"id": gone.user_id},
        )
    assert count == 0
