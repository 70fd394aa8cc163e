"""Callbacks: decisions without an action, told to where the settings say, as any delivery."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from standardwebhooks import Webhook

from coop_action_dispatcher import metric
from coop_action_dispatcher.handler import RequestHandler, new_delivery
from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import CallbackRequested, ItemRef, encode
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison

pytestmark = pytest.mark.engines

ORG = "org-1"
APPEAL = {
    "appealId": "appeal-1",
    "item": {"id": "post-1", "typeId": "t-1"},
    "appealedBy": {"id": "user-1", "typeId": "t-u"},
    "appealDecision": "ACCEPT",
}
IGNORED = b'{"id":"post-1","typeId":"t-1","data":{"text":"nul \\u0000","n":1e2}}'


def made(callback: Any = "APPEAL_DECISION", **fields: Any) -> CallbackRequested:
    body = IGNORED if callback == "IGNORE" else json.dumps(APPEAL).encode()
    values: dict[str, Any] = {
        "event_id": str(uuid.uuid4()),
        "org_id": ORG,
        "time": datetime.now(UTC),
        "correlation_id": "report-1",
        "callback_id": str(uuid.uuid4()),
        "callback": callback,
        "item": ItemRef("post-1", "t-1"),
        "decision_id": "decision-1",
        "config_revision": 1,
        "body": msgspec.Raw(body),
    }
    return CallbackRequested(**{**values, **fields})


@pytest.fixture
def put_settings(configuration: Any) -> Callable[..., None]:
    """Changes the settings of the organisation."""

    def put(**fields: Any) -> None:
        configuration.put(Kind.SETTINGS, OrgSettings(id="settings", name="Acme", **fields))

    return put


def headers_of(configuration: Any, **headers: str) -> str:
    sealed: str = configuration.vault.encrypt(
        json.dumps(headers), context=f"{ORG}/{Kind.SETTINGS}/settings"
    )
    return sealed


async def test_an_appeal_decision_is_a_signed_webhook(
    start: Any, configuration: Any, put_settings: Any, platform: Any, ended: Any, rows: Any
) -> None:
    """Body with the organisation's `custom`, its headers, both signatures; the callback id is the
    webhook id, and the log's action results hear nothing of it."""
    keys = configuration.put_keys()
    put_settings(
        appeal_callback_url=platform.url,
        appeal_callback_headers=headers_of(configuration, Authorization="Bearer appeals"),
        appeal_callback_body={"team": "trust"},
        ignore_callback_url="http://127.0.0.1:1/never",
    )
    callback = made()
    async with start() as dispatcher:
        await dispatcher.accept([new_delivery(callback, configuration.table)])
        assert await ended() == [("DELIVERED", 1, 200, None)]
    (hit,) = platform.hits
    assert json.loads(hit.body) == {**APPEAL, "custom": {"team": "trust"}}
    assert hit.headers["webhook-id"] == callback.callback_id
    assert hit.headers["authorization"] == "Bearer appeals"
    public = serialization.load_pem_public_key(keys.rsa_public.encode())
    signature = base64.b64decode(hit.headers["coop-signature"])
    assert isinstance(public, RSAPublicKey)
    public.verify(signature, hit.body, padding.PKCS1v15(), hashes.SHA256())
    Webhook(keys.secret).verify(hit.body, hit.headers)
    assert await rows("SELECT topic FROM dispatch.outbox") == []


async def test_an_ignored_item_is_told_as_it_came(
    start: Any, configuration: Any, put_settings: Any, platform: Any, ended: Any
) -> None:
    """The body of an IGNORE is byte for byte what was asked for, under its own headers."""
    configuration.put_keys()
    put_settings(
        ignore_callback_url=platform.url,
        ignore_callback_headers=headers_of(configuration, X_Key="ignored"),
        appeal_callback_body={"team": "trust"},
    )
    async with start() as dispatcher:
        await dispatcher.accept([new_delivery(made("IGNORE"), configuration.table)])
        assert await ended() == [("DELIVERED", 1, 200, None)]
    (hit,) = platform.hits
    assert hit.body == IGNORED
    assert hit.headers["x_key"] == "ignored"


async def test_without_a_url_it_is_recorded_and_sent_once_there_is_one(
    start: Any, configuration: Any, put_settings: Any, platform: Any, ended: Any, rows: Any
) -> None:
    """No URL: a dead row that says so, without attempt or alarm; sent again after one was set."""
    from coop_action_dispatcher.redelivery import redeliver_one

    configuration.put_keys()
    put_settings()
    callback = made()
    dead, unaddressed = metric.DEAD._value.get(), metric.UNADDRESSED._value.get()
    async with start() as dispatcher:
        await dispatcher.accept([new_delivery(callback, configuration.table)])
        ((state, attempts, status, error),) = await ended()
        assert (state, attempts, status) == ("DEAD", 0, None)
        assert error == "the settings name no callback URL for appeal decisions"
        assert metric.DEAD._value.get() == dead
        assert metric.UNADDRESSED._value.get() == unaddressed + 1
        put_settings(appeal_callback_url=platform.url)
        engine = dispatcher._leases._engine
        assert await redeliver_one(engine, ORG, callback.callback_id)
        assert await ended() == [("DELIVERED", 1, 200, None)]
    assert platform.ids() == [callback.callback_id]


async def test_a_failing_platform_is_tried_again_with_the_same_bytes(
    start: Any, configuration: Any, put_settings: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """Attempts by the schedule; id and body stay, whatever the settings say meanwhile."""
    configuration.put_keys()
    put_settings(appeal_callback_url=platform.url, appeal_callback_body={"a": 1})

    async def flap(_hit: Any, writer: Any) -> None:
        await answer(writer, 200 if len(platform.hits) == 3 else 503)

    platform.behave = flap
    async with start() as dispatcher:
        await dispatcher.accept([new_delivery(made(), configuration.table)])
        put_settings(appeal_callback_url=platform.url, appeal_callback_body={"a": 2})
        assert await ended() == [("DELIVERED", 3, 200, None)]
    assert len({hit.body for hit in platform.hits}) == 1
    assert len(set(platform.ids())) == 1


async def test_twice_is_once(
    start: Any, configuration: Any, put_settings: Any, platform: Any, ended: Any
) -> None:
    """The same callback in several batches, and twice in one, is one webhook."""
    configuration.put_keys()
    put_settings(appeal_callback_url=platform.url)
    callback = made()
    async with start() as dispatcher:
        handle = RequestHandler(dispatcher.accept, configuration.table)
        batch = [received(callback), received(callback)]
        await asyncio.gather(*(handle(batch) for _ in range(4)))
        await ended()
    assert platform.ids() == [callback.callback_id]


async def test_an_item_s_callback_waits_for_its_actions(
    start: Any,
    configuration: Any,
    put_settings: Any,
    make_request: Any,
    make_platform: Any,
    answer: Any,
    ended: Any,
) -> None:
    """One delivery of an item at a time, whether of an action or of a callback, in their order."""
    configuration.put_keys()
    actions, appeals = await make_platform(), await make_platform()
    order: list[str] = []

    async def flap(hit: Any, writer: Any) -> None:
        order.append(f"action {len(actions.hits)}")
        await answer(writer, 200 if len(actions.hits) == 2 else 500)

    async def note(hit: Any, writer: Any) -> None:
        order.append("callback")
        await answer(writer)

    actions.behave, appeals.behave = flap, note
    configuration.put_action(actions.url)
    put_settings(appeal_callback_url=appeals.url)
    async with start() as dispatcher:
        await dispatcher.accept([new_delivery(make_request(), configuration.table)])
        await dispatcher.accept([new_delivery(made(), configuration.table)])
        await ended()
    assert order == ["action 1", "action 2", "callback"]


async def test_settings_that_have_not_arrived_are_waited_for(
    start: Any, configuration: Any, put_settings: Any, platform: Any, ended: Any
) -> None:
    """A callback of a later revision than is known here is held, and sent with what that says."""
    configuration.put_keys()
    put_settings()
    revision = configuration.revision + 1
    async with start() as dispatcher:
        callback = made(config_revision=revision)
        await dispatcher.accept([new_delivery(callback, configuration.table)])
        put_settings(appeal_callback_url=platform.url)
        assert configuration.revision == revision
        assert await ended() == [("DELIVERED", 1, 200, None)]


async def test_what_waits_follows_a_changed_url(
    start: Any,
    configuration: Any,
    put_settings: Any,
    make_platform: Any,
    answer: Any,
    rows: Any,
    eventually: Any,
) -> None:
    """Callbacks behind a paused endpoint go to the new URL once the settings name one."""
    configuration.put_keys()
    gone, mended = await make_platform(), await make_platform()

    async def leave(_hit: Any, writer: Any) -> None:
        await answer(writer, 410)

    gone.behave = leave
    put_settings(appeal_callback_url=gone.url)
    async with start() as dispatcher:
        await dispatcher.accept([new_delivery(made(), configuration.table)])

        async def paused() -> Any:
            return await rows("SELECT 1 FROM dispatch.endpoints WHERE paused_at IS NOT NULL")

        await eventually(paused)
        callback = made()
        await dispatcher.accept([new_delivery(callback, configuration.table)])
        put_settings(appeal_callback_url=mended.url)
        await eventually(lambda: mended.ids() == [callback.callback_id])


async def test_the_guard_covers_callbacks(
    start: Any, configuration: Any, put_settings: Any, ended: Any
) -> None:
    """A callback URL on the inside of the network is refused, once and for all."""
    configuration.put_keys()
    put_settings(appeal_callback_url="http://169.254.169.254/latest")
    async with start((3600,), allow=()) as dispatcher:
        await dispatcher.accept([new_delivery(made(), configuration.table)])
        ((state, attempts, _, error),) = await ended()
    assert (state, attempts) == ("DEAD", 1)
    assert "egress guard" in error


async def test_deliveries_show_callbacks(
    start: Any,
    configuration: Any,
    put_settings: Any,
    platform: Any,
    ended: Any,
    make_client: Any,
    request_action: Any,
) -> None:
    """Lists and details say the kind; a callback has no action; one may ask for a kind alone."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    put_settings(appeal_callback_url=platform.url)
    callback = made()
    async with start() as dispatcher:
        await dispatcher.accept([new_delivery(callback, configuration.table)])
        await request_action(dispatcher, "post-2")
        await ended()
    async with make_client(path="/internal/v1/orgs/org-1") as client:
        both = (await client.get("/deliveries")).json()["items"]
        assert [(one["kind"], one["actionId"]) for one in both] == [
            ("ACTION", "a-1"),
            ("APPEAL_DECISION", None),
        ]
        kept = (await client.get("/deliveries", params={"kind": "APPEAL_DECISION"})).json()["items"]
        assert [one["executionId"] for one in kept] == [callback.callback_id]
        detail = (await client.get(f"/deliveries/{callback.callback_id}")).json()
        assert (detail["causeId"], detail["state"], len(detail["log"])) == (
            "decision-1",
            "DELIVERED",
            1,
        )
        assert json.loads(detail["body"]) == APPEAL
        (endpoint,) = (await client.get("/endpoints")).json()["items"]
        assert endpoint["actionIds"] == ["a-1"]


def test_an_id_that_is_none_is_poison(configuration: Any) -> None:
    """A callback that could not be made to happen once is not made to happen."""
    with pytest.raises(Poison):
        new_delivery(made(callback_id="not-an-id"), configuration.table)


def received(event: CallbackRequested) -> Received[CallbackRequested]:
    return Received(
        event=msgspec.json.decode(encode(event), type=CallbackRequested),
        key=None,
        topic=event.topic,
        partition=0,
        offset=0,
        headers={},
        timestamp_ms=-1,
    )
