"""Orders of the platform (`POST /actions/`), carried out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select

from coop_contracts.event import (
    ActionOrdered,
    ActionRequested,
    ItemRef,
    ItemSubmitted,
    ReviewRequested,
    SubmittedItem,
)
from coop_contracts.ids import new_id
from coop_review_api.enforcement import bulk_store
from coop_review_api.enforcement.order_handler import OrderHandler
from coop_review_api.kernel.schema import outbox
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import Partitions
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

pytestmark = pytest.mark.engines

TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def received(event: Any) -> Received[Any]:
    return Received(event, b"", event.topic, 0, 0, {"traceparent": TRACE}, -1)


class Floor:
    """An organisation with posts and users, whose orders are carried out."""

    def __init__(self, org: Any, engine: Any, clock: Any) -> None:
        self.org_id, self.built_in = org.org_id, org.action_ids
        self.post = self.user = self.remove = ""
        self._engine, self._clock = engine, clock
        self._projection = Projection(
            engine, Partitions(engine), clock=clock, retention=timedelta(days=30)
        )

    async def submit(self, item_id: str, author: str | None = None, **more: Any) -> None:
        """The item is on the log, and the projector has seen it."""
        submission = new_id()
        item = SubmittedItem(
            id=item_id,
            type_id=more.pop("type_id", self.post),
            type_version="v",
            data=msgspec.Raw(b'{"text":"%s"}' % more.pop("text", "hi").encode()),
            creator=None if author is None else ItemRef(author, self.user),
            submission_id=submission,
        )
        event = ItemSubmitted(
            event_id=new_id(),
            org_id=more.pop("org_id", self.org_id),
            time=self._clock(),
            correlation_id=submission,
            submission_id=submission,
            item=item,
            request_id="r",
            config_revision=1,
        )
        await self._projection.submitted([received(event)])
        self._clock.forward(seconds=1)

    def order(self, action_id: str, item: str = "p1", **more: Any) -> ActionOrdered:
        type_id = more.pop("type_id", self.post)
        return ActionOrdered(
            event_id=new_id(),
            org_id=self.org_id,
            time=self._clock(),
            correlation_id=new_id(),
            execution_id=new_id(),
            action_id=action_id,
            item=ItemRef(item, type_id),
            config_revision=9,
            **more,
        )

    async def carry_out(self, *orders: ActionOrdered) -> list[Any]:
        """What left for the broker, in order."""
        async with transaction(self._engine) as connection:
            await connection.execute(delete(outbox))
        await OrderHandler(self._engine)([received(order) for order in orders])
        kinds = {kind.topic: kind for kind in (ActionRequested, ReviewRequested)}
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(select(outbox).order_by(outbox.c.id))).all()
        assert all(["traceparent", TRACE.decode()] in row.headers for row in rows)
        return [msgspec.json.decode(row.value, type=kinds[row.topic]) for row in rows]


@pytest.fixture
async def floor(admin: Any, org: Any, kit: Any, engine: Any, clock: Any) -> Floor:
    made = Floor(org, engine, clock)
    made.post = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    person = kit.item_type(
        "Person", kind="USER", fields=[{"name": "name", "type": "STRING"}], fieldRoles={}
    )
    made.user = (await admin.make("/v1/item-types", person))["id"]
    made.remove = (await admin.make("/v1/actions", kit.action(made.post)))["id"]
    return made


async def test_an_order_becomes_a_request_with_creator_and_actor(floor: Floor, admin: Any) -> None:
    """Whose the item is, by its last submission, and the address of whoever asked."""
    await floor.submit("p1", "u1")
    await floor.submit("p1", "u2")
    await floor.submit("p2", "u9")
    order = floor.order(
        floor.remove,
        actor_id=admin.user_id,
        note="seen",
        policy_ids=("spam",),
        parameters={"days": 7},
    )
    (request,) = await floor.carry_out(order)
    assert isinstance(request, ActionRequested)
    assert request.creator == ItemRef("u2", floor.user)
    assert (request.actor_id, request.actor_email) == (admin.user_id, admin.email)
    assert (request.execution_id, request.config_revision) == (order.execution_id, 9)
    assert (request.cause_id, request.causation_id) == (order.correlation_id, order.event_id)
    assert (request.source, request.actor_note, request.policy_ids, request.parameters) == (
        "POST_ACTIONS",
        "seen",
        ("spam",),
        {"days": 7},
    )


async def test_what_is_not_known_is_left_out(floor: Floor, admin: Any) -> None:
    """An item that nobody sent, an actor who is none of ours, an action deleted since: asked for
    all the same, in the order in which they came."""
    await floor.submit("p3", "u1", org_id="another")
    orders = [
        floor.order(floor.remove, "p3", actor_id="bot-7"),
        floor.order("gone", "p4"),
        floor.order(floor.remove, "o'brien\"\\{}"),
    ]
    requests = await floor.carry_out(*orders)
    assert [one.execution_id for one in requests] == [one.execution_id for one in orders]
    assert {(one.creator, one.actor_email) for one in requests} == {(None, None)}
    assert requests[0].actor_id == "bot-7"


async def test_an_enqueued_item_comes_with_what_is_known_of_it(floor: Floor) -> None:
    """Content as it was last submitted; a user who was never submitted by the id alone."""
    await floor.submit("p1", "u1", text="old")
    await floor.submit("p1", "u1", text="new")
    enqueue = floor.built_in["ENQUEUE_TO_MRT"]
    content, user = await floor.carry_out(
        floor.order(enqueue, note="look"), floor.order(enqueue, "u7", type_id=floor.user)
    )
    assert isinstance(content, ReviewRequested)
    assert msgspec.json.decode(content.item.data) == {"text": "new"}
    assert content.item.creator == ItemRef("u1", floor.user)
    assert (content.job_kind, content.source, content.note) == ("DEFAULT", "POST_ACTIONS", "look")
    assert (user.item.id, user.item.schema_variant, bytes(user.item.data)) == (
        "u7",
        "partial",
        b"{}",
    )


@pytest.mark.parametrize(
    ("action", "kind"), [("ENQUEUE_AUTHOR_TO_MRT", "DEFAULT"), ("ENQUEUE_TO_NCMEC", "NCMEC")]
)
async def test_an_action_on_contents_author_is_about_the_author(
    floor: Floor, action: str, kind: str
) -> None:
    """As they were last submitted, with the content beside them."""
    await floor.submit("u1", type_id=floor.user, text="me")
    await floor.submit("p1", "u1")
    await floor.submit("p2", "u2")
    known, bare = await floor.carry_out(
        floor.order(floor.built_in[action]), floor.order(floor.built_in[action], "p2")
    )
    assert (known.job_kind, bare.job_kind) == (kind, kind)
    assert (known.item.id, known.item.type_id) == ("u1", floor.user)
    assert msgspec.json.decode(known.item.data) == {"text": "me"}
    assert [item.id for item in known.related_items] == ["p1"]
    assert (bare.item.id, bytes(bare.item.data)) == ("u2", b"{}")


async def test_two_large_items_fit_into_one_event(floor: Floor) -> None:
    """Of an author whose data does not fit beside the content's, the id is told."""
    await floor.submit("u1", type_id=floor.user, text="x" * 600_000)
    await floor.submit("p1", "u1", text="y" * 600_000)
    (review,) = await floor.carry_out(floor.order(floor.built_in["ENQUEUE_AUTHOR_TO_MRT"]))
    assert (review.item.id, bytes(review.item.data)) == ("u1", b"{}")
    assert len(bytes(review.related_items[0].data)) > 600_000


async def test_a_user_goes_to_ncmec_as_they_are(floor: Floor) -> None:
    """No author is looked for."""
    order = floor.order(floor.built_in["ENQUEUE_TO_NCMEC"], "u1", type_id=floor.user)
    (review,) = await floor.carry_out(order)
    assert (review.job_kind, review.item.id, review.related_items) == ("NCMEC", "u1", ())


@pytest.mark.parametrize(
    ("action", "kind"), [("ENQUEUE_AUTHOR_TO_MRT", "DEFAULT"), ("ENQUEUE_TO_NCMEC", "NCMEC")]
)
async def test_where_the_author_is_not_known_people_see_the_item(
    floor: Floor, action: str, kind: str
) -> None:
    """An order is not lost: the item itself is looked at, and the job says why. What was sent to
    NCMEC stays with those who may see such material."""
    await floor.submit("p1")
    (review,) = await floor.carry_out(floor.order(floor.built_in[action], note="bad"))
    assert (review.item.id, review.job_kind) == ("p1", kind)
    assert review.note.startswith("bad\n")
    assert "whose this item is is not known" in review.note


async def test_an_order_that_comes_twice_is_the_same_execution(floor: Floor) -> None:
    """Whoever carries it out drops the second by its id."""
    order = floor.order(floor.remove)
    once, again = await floor.carry_out(order, order)
    assert once.execution_id == again.execution_id == order.execution_id


async def test_a_bulk_action_tells_whose_the_items_are(
    floor: Floor, admin: Any, engine: Any, clock: Any
) -> None:
    """By what was last submitted of each; nothing where nobody knows."""
    await floor.submit("p1", "u1")
    await floor.submit("p2", "u2")
    body = {
        "itemTypeId": floor.post,
        "actionIds": [floor.remove],
        "itemIds": ["p1", "p2", "unknown"],
    }
    bulk = await admin.make("/v1/bulk-actions", body)
    await admin.call("POST", f"/v1/bulk-actions/{bulk['id']}/confirm", {"total": 3})
    while True:
        async with transaction(engine) as connection:
            if not await bulk_store.advance(connection, batch=100, clock=clock):
                break
    query = select(outbox.c.value).where(outbox.c.topic == ActionRequested.topic)
    async with transaction(engine) as connection:
        found = [
            msgspec.json.decode(value, type=ActionRequested)
            for value in await connection.scalars(query.order_by(outbox.c.id))
        ]
    mine = [one for one in found if one.bulk_id == bulk["id"]]
    assert [one.creator and one.creator.id for one in mine] == ["u1", "u2", None]
