"""What a platform may know of its item, as ingest asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from coop_contracts.event import ActionRequested, ItemRef, RuleRef
from coop_contracts.ids import new_id
from coop_contracts.lookup import ItemRecord
from coop_review_api.history.reader import ItemReader
from coop_review_api.investigation.platform_route import lookups
from coop_review_api.investigation.retention import horizon_of
from coop_runtime.process.error import Retryable

from ..world.evaluation import Evaluated

pytestmark = pytest.mark.engines

Send = Callable[..., Awaitable[None]]
TOKEN = "the secret of both"


@pytest.fixture
async def ingest(context: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Asks as ingest does."""
    reader = ItemReader(context.engine, horizon_of(context.clock), clock=context.clock)
    app = lookups(context.engine, reader, clock=context.clock, token=TOKEN)
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://lookup",
        headers=headers,
    ) as client:
        yield client


@pytest.fixture
def ask(ingest: httpx.AsyncClient, org: Any, types: dict[str, str]) -> Any:
    async def asked(item_id: str, **more: Any) -> httpx.Response:
        org_id = more.pop("org_id", org.org_id)
        parameters = {"typeId": types["message"], "itemId": item_id, **more}
        return await ingest.get(f"/internal/v1/orgs/{org_id}/item", params=parameters)

    return asked


def record(answer: httpx.Response) -> ItemRecord:
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=ItemRecord)


def requested(org: Any, types: dict[str, str], item_id: str, clock: Any, **more: Any) -> Any:
    return ActionRequested(
        event_id=new_id(),
        org_id=org.org_id,
        time=clock(),
        correlation_id="c",
        **{
            "execution_id": new_id(),
            "action_id": "remove",
            "item": ItemRef(item_id, types["message"]),
            "source": "RULE_EXECUTION",
            "config_revision": 1,
            "rules": (RuleRef("secret-rule", "Secret rule", 1),),
            "policy_ids": ("spam",),
            **more,
        },
    )


async def test_what_was_sent_last(ask: Any, send: Send, types: dict[str, str]) -> None:
    """The newest version's data and author; nothing was done about it yet."""
    await send("a/b ü", text="first")
    await send("a/b ü", text="second")
    found = record(await ask("a/b ü"))
    assert (found.id, found.type_id) == ("a/b ü", types["message"])
    assert msgspec.json.decode(found.data) == {"text": "second"}
    assert found.creator == ItemRef("ann", types["member"])
    assert (found.decisions, found.actions) == ((), ())


async def test_actions_and_what_became_of_their_webhooks(
    ask: Any,
    send: Send,
    admin: Any,
    context: Any,
    clock: Any,
    org: Any,
    types: dict[str, str],
    kit: Any,
) -> None:
    """Each action with its newest outcome, newest first; one that was reversed says so; rules and
    people are not named."""
    await send("m", text="x")
    world = Evaluated(admin, context, org.org_id, kit)
    first = requested(org, types, "m", context.clock, actor_id="person-7")
    await world.request(first)
    await world.deliver(first.execution_id, state="DEAD", attempts=3, status=500)
    clock.forward(seconds=1)
    await world.deliver(first.execution_id, state="DELIVERED", attempts=4, status=200)
    second = requested(org, types, "m", context.clock, action_id="warn")
    await world.request(second)
    undone = requested(org, types, "m", context.clock, reverses=second.execution_id)
    await world.request(undone)
    await world.request(requested(org, types, "other", context.clock))
    answer = await ask("m")
    found = record(answer)
    assert {one.id for one in found.actions} == {first.execution_id, second.execution_id}
    by_id = {one.id: one for one in found.actions}
    told = by_id[first.execution_id]
    assert (told.action_id, told.policy_ids, told.reversed) == ("remove", ("spam",), False)
    assert told.delivery is not None
    assert (told.delivery.state, told.delivery.attempts) == ("DELIVERED", 4)
    assert by_id[second.execution_id].delivery is None
    assert by_id[second.execution_id].reversed
    assert "secret-rule" not in answer.text
    assert "person-7" not in answer.text


async def test_decisions_name_nobody(
    ask: Any, send: Send, admin: Any, types: dict[str, str], place: Any, kit: Any
) -> None:
    """What a review came to, without who reported, who decided, and what they wrote."""
    await send("m", text="x")
    action = (await admin.make("/v1/actions", kit.action(types["message"])))["id"]
    policy = (await admin.make("/v1/policies", {"name": "Spam"}))["id"]
    queue = await admin.make("/v1/queues", {"name": "Q", "openToEveryone": True})
    await place(queue["id"], types["message"], "m", reporter="reporter-9")
    part = {"type": "CUSTOM_ACTION", "actionIds": [action], "policyIds": [policy]}
    decision_id = await admin.decide(queue["id"], [part])
    answer = await ask("m")
    (decision,) = record(answer).decisions
    assert decision.id == decision_id
    assert decision.kinds == ("CUSTOM_ACTION",)
    assert (decision.action_ids, decision.policy_ids) == ((action,), (policy,))
    assert not decision.automatic
    for hidden in ("reporter-9", admin.user_id, admin.email, queue["id"]):
        assert hidden not in answer.text


async def test_a_decision_that_can_be_undone_has_not_been_made(
    ask: Any, send: Send, admin: Any, types: dict[str, str], place: Any, clock: Any
) -> None:
    """Within the undo window the platform has not heard of it, and does not here either."""
    await send("m", text="x")
    saved = await admin.call("PUT", "/v1/settings", {"name": "Acme", "undoWindow": 60})
    assert saved.status_code == 200, saved.text
    queue = await admin.make("/v1/queues", {"name": "Q", "openToEveryone": True})
    await place(queue["id"], types["message"], "m")
    await admin.decide(queue["id"], [{"type": "IGNORE"}])
    assert record(await ask("m")).decisions == ()
    clock.forward(seconds=61)
    assert len(record(await ask("m")).decisions) == 1


async def test_of_what_is_grave_its_own_data_alone(
    ask: Any, send: Send, admin: Any, types: dict[str, str], place: Any
) -> None:
    """A platform is told what it sent, also of child-abuse material; not that it was judged so."""
    await send("m", text="x")
    queue = await admin.make("/v1/queues", {"name": "Child safety", "openToEveryone": True})
    await place(queue["id"], types["message"], "m", csam=True)
    await admin.decide(queue["id"], [{"type": "IGNORE"}])
    found = record(await ask("m"))
    assert msgspec.json.decode(found.data) == {"text": "x"}
    assert found.decisions == ()


async def test_another_organisations_items_are_not_there(
    ask: Any, send: Send, kit: Any, types: dict[str, str]
) -> None:
    """404 for the same type and id asked for by another organisation, and for what nobody has."""
    await send("m", text="x")
    other = await kit.make_org()
    assert (await ask("m", org_id=other.org_id)).status_code == 404
    assert (await ask("m", org_id="nobody")).status_code == 404
    assert (await ask("n")).status_code == 404
    assert (await ask("m", typeId=types["member"])).status_code == 404
    assert (await ask("m\0")).status_code == 404


async def test_the_gate(ingest: httpx.AsyncClient, ask: Any, org: Any) -> None:
    """Without the secret nothing is answered, whatever is asked; a question that is none is 422."""
    for shown in ("", "Bearer wrong", TOKEN, f"Basic {TOKEN}"):
        answer = await ingest.get("/anything", headers={"authorization": shown})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    path = f"/internal/v1/orgs/{org.org_id}/item"
    for query in ("", "?typeId=a", "?typeId=a&itemId=", "?typeId=a&itemId=b&c=d"):
        assert (await ingest.get(path + query)).status_code == 422, query
    assert (await ingest.get(path + "?typeId=a&itemId=b&itemId=c")).status_code == 422
    assert (await ask("x" * 513)).status_code == 422


async def test_the_database_away_is_503(
    ingest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said as a problem, with Retry-After."""

    async def latest(*_: Any) -> Any:
        raise Retryable("away")

    monkeypatch.setattr(ItemReader, "latest", latest)
    answer = await ingest.get("/internal/v1/orgs/o/item?typeId=a&itemId=b")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["title"] == "Service Unavailable"
