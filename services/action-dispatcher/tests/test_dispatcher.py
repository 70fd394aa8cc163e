"""The dispatcher against a real database and a platform of every temper."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from prometheus_client import REGISTRY
from standardwebhooks import Webhook

from coop_action_dispatcher.slot import Slots
from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import ActionDelivered

pytestmark = pytest.mark.engines


async def test_both_signatures_verify(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """The platform verifies the RSA signature, and Standard Webhooks with either secret."""
    keys = configuration.put_keys()
    configuration.put_action(platform.url)
    async with start() as dispatcher:
        (execution_id,) = await request_action(dispatcher)
        assert await ended() == [("DELIVERED", 1, 200, None)]
    (hit,) = platform.hits
    public = serialization.load_pem_public_key(keys.rsa_public.encode())
    signature = base64.b64decode(hit.headers["coop-signature"])
    assert isinstance(public, RSAPublicKey)
    public.verify(signature, hit.body, padding.PKCS1v15(), hashes.SHA256())
    for secret in (keys.secret, keys.old_secret):
        Webhook(secret).verify(hit.body, hit.headers)
    assert hit.headers["webhook-id"] == execution_id
    assert len(hit.headers["webhook-signature"].split(" ")) == 2
    assert hit.headers["content-type"] == "application/json"
    assert hit.headers["authorization"] == "Bearer platform-secret-token"
    assert hit.path == "/hook?token=url-secret"
    assert json.loads(hit.body)["item"] == {"id": "post-1", "typeId": "t-1", "typeName": "Post"}


async def test_the_end_is_told_on_the_log(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any, rows: Any
) -> None:
    """Each end is one ActionDelivered in the outbox, keyed by the item."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    async with start() as dispatcher:
        (execution_id,) = await request_action(dispatcher)
        await ended()
    ((topic, key, value),) = await rows("SELECT topic, key, value FROM dispatch.outbox")
    event = msgspec.json.decode(value, type=ActionDelivered)
    assert (topic, key) == ("coop.action-results.v1", b"org-1/t-1/post-1")
    assert (event.execution_id, event.state, event.attempts) == (execution_id, "DELIVERED", 1)
    assert (event.correlation_id, event.status) == ("submission-1", 200)


async def test_retries_carry_the_same_bytes_and_id(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """After 500, 500, 200 the delivery is done; id and body never changed, the timestamp may."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def flap(_hit: Any, writer: Any) -> None:
        await answer(writer, 200 if len(platform.hits) == 3 else 500)

    platform.behave = flap
    async with start() as dispatcher:
        await request_action(dispatcher)
        configuration.put_action(platform.url, name="Renamed meanwhile")
        assert await ended() == [("DELIVERED", 3, 200, None)]
    assert len(set(platform.ids())) == 1
    assert len({hit.body for hit in platform.hits}) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
async def test_a_failing_endpoint_ends_dead(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    answer: Any,
    ended: Any,
    rows: Any,
    status: int,
) -> None:
    """Redirects are not followed, refusals are tried again; after the last attempt it is dead."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def refuse(_hit: Any, writer: Any) -> None:
        await answer(writer, status, b"no\0pe", Location=platform.url)

    platform.behave = refuse
    async with start(delays=(0.01, 0.01)) as dispatcher:
        await request_action(dispatcher)
        ((state, attempts, last, error),) = await ended()
    assert (state, attempts, last, len(platform.hits)) == ("DEAD", 3, status, 3)
    assert "gave up after 3 attempts" in error
    kept = await rows("SELECT number, status, response FROM dispatch.attempts ORDER BY number")
    assert [tuple(row) for row in kept] == [(n, status, "no\ufffdpe") for n in (1, 2, 3)]


async def test_410_ends_at_once(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """An endpoint that is gone is not asked twice."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def gone(_hit: Any, writer: Any) -> None:
        await answer(writer, 410)

    platform.behave = gone
    async with start() as dispatcher:
        await request_action(dispatcher)
        assert await ended() == [("DEAD", 1, 410, "HTTP 410: the endpoint is gone")]


async def test_retry_after_is_honoured(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """An endpoint that asks for a second's rest gets it."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def busy(_hit: Any, writer: Any) -> None:
        if len(platform.hits) == 1:
            await answer(writer, 429, Retry_After="1")
        else:
            await answer(writer)

    platform.behave = busy
    async with start() as dispatcher:
        await request_action(dispatcher)
        assert await ended() == [("DELIVERED", 2, 200, None)]
    assert platform.hits[1].at - platform.hits[0].at >= 1.0


async def test_an_endless_answer_is_left(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any, rows: Any
) -> None:
    """Of an answer of 1 GB 64 KB are read and 2 KB kept; its 200 counts."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    sent = 0

    async def flood(_hit: Any, writer: Any) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while sent < 1 << 30:
                writer.write(b"x" * 65536)
                sent += 65536
                await writer.drain()
        writer.close()

    platform.behave = flood
    async with start() as dispatcher:
        await request_action(dispatcher)
        assert await ended() == [("DELIVERED", 1, 200, None)]
    ((response,),) = await rows("SELECT response FROM dispatch.attempts")
    assert response == "x" * 2048
    assert sent < 64 << 20


async def test_a_compressed_answer_is_not_unpacked(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """A platform that compresses although nobody asked has taken the webhook all the same."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def squeeze(_hit: Any, writer: Any) -> None:
        await answer(writer, 200, b"\x1f\x8b\x00", Content_Encoding="gzip")

    platform.behave = squeeze
    async with start() as dispatcher:
        await request_action(dispatcher)
        assert await ended() == [("DELIVERED", 1, 200, None)]


async def test_resets_are_tried_again(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """A connection cut before the answer is a failure; one cut after a 200's head is a success."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def cut(_hit: Any, writer: Any) -> None:
        if len(platform.hits) == 1:
            writer.transport.abort()
        elif len(platform.hits) == 2:
            writer.write(b"HTTP/1.1 20")
            await writer.drain()
            writer.transport.abort()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            await writer.drain()
            writer.transport.abort()

    platform.behave = cut
    async with start() as dispatcher:
        await request_action(dispatcher)
        assert await ended() == [("DELIVERED", 3, 200, None)]


async def test_a_silent_endpoint_costs_its_deadline(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """An endpoint that never answers is left after the timeout."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def silent(_hit: Any, _writer: Any) -> None:
        await asyncio.Event().wait()

    platform.behave = silent
    async with start(delays=(0.01,), deadline=0.2) as dispatcher:
        await request_action(dispatcher)
        ((state, attempts, status, error),) = await ended()
    assert (state, attempts, status) == ("DEAD", 2, None)
    assert error.startswith("no answer within 0.2 s")


async def test_a_slow_endpoint_delays_only_itself(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    make_platform: Any,
    eventually: Any,
    rows: Any,
) -> None:
    """While a slow endpoint holds all its slots, another's deliveries pass."""
    slow = await make_platform()
    configuration.put_keys()
    configuration.put_action(platform.url)
    configuration.put_action(slow.url, action_id="slow")
    opened = asyncio.Event()

    async def wait(_hit: Any, _writer: Any) -> None:
        await opened.wait()

    slow.behave = wait
    async with start(slots=Slots(total=16, per_endpoint=4)) as dispatcher:
        await request_action(dispatcher, *[f"s{n}" for n in range(40)], action_id="slow")
        await request_action(dispatcher, *[f"f{n}" for n in range(40)])
        await eventually(lambda: len(set(platform.ids())) == 40)
        assert len(slow.hits) == 4


async def test_more_than_there_are_slots_all_arrive(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """What found no slot is sent as slots become free, each once."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    async with start(slots=Slots(total=4, per_endpoint=4)) as dispatcher:
        ids = await request_action(dispatcher, *[f"i{n}" for n in range(100)])
        await ended()
    assert sorted(platform.ids()) == sorted(ids)


async def test_a_suspended_organisations_deliveries_wait(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    ended: Any,
    rows: Any,
    eventually: Any,
) -> None:
    """While an organisation is suspended nothing of it leaves and no attempt is used up; afterwards
    all of it leaves, in order, also what was taken on meanwhile."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    suspended = OrgSettings(id="settings", name="", suspended_at=datetime.now(UTC))
    configuration.put(Kind.SETTINGS, suspended)

    def passes() -> float:
        return REGISTRY.get_sample_value("coop_delivery_pass_seconds_count") or 0.0

    async with start() as dispatcher:
        ids = await request_action(dispatcher, *(["a"] * 3), "b", "c")
        before = passes()
        await eventually(lambda: passes() >= before + 2)  # it looked for what it may take
        assert platform.ids() == []
        found = await rows("SELECT DISTINCT state, attempts, lease_owner FROM dispatch.deliveries")
        assert [tuple(row) for row in found] == [("PENDING", 0, None)]
        configuration.put(Kind.SETTINGS, OrgSettings(id="settings", name=""))
        await ended()
    assert sorted(platform.ids()) == sorted(ids)
    assert [one for one in platform.ids() if one in ids[:3]] == ids[:3]


async def test_order_per_item_holds_under_failures(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """With every second attempt failing, each item's webhooks arrive in the order requested."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    taken: list[str] = []

    async def flap(hit: Any, writer: Any) -> None:
        ok = platform.ids().count(hit.webhook_id) > hash(hit.webhook_id) % 3
        if ok:
            taken.append(hit.webhook_id)
        await answer(writer, 200 if ok else 500)

    platform.behave = flap
    requested: dict[str, list[str]] = {"a": [], "b": [], "c": []}
    async with start() as dispatcher:
        for _ in range(6):
            for item in requested:
                requested[item] += await request_action(dispatcher, item)
        await ended()
    for ids in requested.values():
        assert [webhook_id for webhook_id in taken if webhook_id in ids] == ids


async def test_a_dead_delivery_lets_the_next_pass(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """An item is not blocked for ever by a delivery that was given up."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    configuration.put_action(None, action_id="nowhere")
    async with start() as dispatcher:
        await request_action(dispatcher, action_id="nowhere")
        await request_action(dispatcher)
        found = await ended()
    assert found == [
        ("DEAD", 0, None, "the action has no callback URL"),
        ("DELIVERED", 1, 200, None),
    ]


async def test_without_keys_nothing_is_sent_until_they_come(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    ended: Any,
    eventually: Any,
    rows: Any,
) -> None:
    """No keys: nothing leaves and no attempt is used up; with keys it leaves at once."""
    configuration.put_action(platform.url)
    async with start() as dispatcher:
        await request_action(dispatcher)

        async def held() -> bool:
            found = await rows("SELECT held, last_error FROM dispatch.deliveries")
            return bool(found[0][0] and "no active RSA key" in found[0][1])

        await eventually(held)
        assert platform.hits == []
        configuration.put_keys()
        assert await ended(within=3) == [("DELIVERED", 1, 200, None)]


@pytest.mark.parametrize("broken", ["retired", "foreign", "garbage"])
async def test_unusable_keys_send_nothing(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    eventually: Any,
    rows: Any,
    broken: str,
) -> None:
    """A revoked key, one of another organisation or one that does not decode signs nothing."""
    configuration.put_action(platform.url)
    keys = configuration.put_keys()
    rsa = keys.documents[0]
    if broken == "retired":
        bad = msgspec.structs.replace(rsa, status="RETIRING")
    elif broken == "foreign":
        sealed = configuration.vault.encrypt("pem", context="org-2/webhook-key/rsa-1")
        bad = msgspec.structs.replace(rsa, secret=sealed)
    else:
        sealed = configuration.vault.encrypt("not a pem", context="org-1/webhook-key/rsa-1")
        bad = msgspec.structs.replace(rsa, secret=sealed)
    configuration.put(Kind.WEBHOOK_KEY, bad)
    async with start() as dispatcher:
        await request_action(dispatcher)

        async def held() -> bool:
            found = await rows("SELECT held, attempts FROM dispatch.deliveries")
            return tuple(found[0]) == (True, 0)

        await eventually(held)
    assert platform.hits == []


async def test_the_newest_active_key_signs(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """After a rotation the new RSA key signs."""
    keys = configuration.put_keys()
    configuration.put_action(platform.url)
    from coop_runtime.secret.signing import new_rsa_key

    private, public_pem = new_rsa_key()
    newer = configuration.key("rsa-2", "RSA_SHA256", private, datetime.now(UTC) + timedelta(days=1))
    configuration.put(Kind.WEBHOOK_KEY, newer)
    configuration.put(
        Kind.WEBHOOK_KEY, msgspec.structs.replace(keys.documents[0], status="RETIRING")
    )
    async with start() as dispatcher:
        await request_action(dispatcher)
        await ended()
    (hit,) = platform.hits
    public = serialization.load_pem_public_key(public_pem.encode())
    signature = base64.b64decode(hit.headers["coop-signature"])
    assert isinstance(public, RSAPublicKey)
    public.verify(signature, hit.body, padding.PKCS1v15(), hashes.SHA256())


async def test_a_request_ahead_of_the_configuration_waits(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    ended: Any,
    eventually: Any,
    rows: Any,
) -> None:
    """An action that has not arrived yet is not taken for deleted; when it arrives it is sent."""
    configuration.put_keys()
    async with start() as dispatcher:
        await request_action(dispatcher, config_revision=configuration.revision + 1)

        async def held() -> bool:
            return bool((await rows("SELECT held FROM dispatch.deliveries"))[0][0])

        await eventually(held)
        configuration.put_action(platform.url)
        assert await ended(within=3) == [("DELIVERED", 1, 200, None)]


async def test_a_private_address_is_refused(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """Without the operator's leave nothing is sent to loopback, and the reason is told."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    async with start(delays=(3600,), allow=()) as dispatcher:
        await request_action(dispatcher)
        ((state, attempts, status, error),) = await ended()
    assert (state, attempts, status) == ("DEAD", 1, None)
    assert "egress guard" in error
    assert platform.hits == []


async def test_a_graceful_stop_finishes_what_is_under_way(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, rows: Any
) -> None:
    """A stop waits for the answer and records it, and leaves no lease behind."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    arrived = asyncio.Event()

    async def ponder(_hit: Any, writer: Any) -> None:
        arrived.set()
        await asyncio.sleep(0.3)
        await answer(writer)

    platform.behave = ponder
    async with start() as dispatcher:
        await request_action(dispatcher)
        await asyncio.wait_for(arrived.wait(), 5)
    found = await rows("SELECT state, lease_owner FROM dispatch.deliveries")
    assert [tuple(row) for row in found] == [("DELIVERED", None)]
    assert await rows("SELECT 1 FROM dispatch.owners") == []


async def test_a_database_that_drops_its_connections_loses_nothing(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    answer: Any,
    ended: Any,
    postgres_admin_url: str,
) -> None:
    """Cut off from the database while sending, the result is recorded once it is back."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def cut(_hit: Any, writer: Any) -> None:
        async with await psycopg.AsyncConnection.connect(postgres_admin_url) as admin:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'coop_dispatch'"
            )
        await answer(writer)

    platform.behave = cut
    async with start() as dispatcher:
        ids = await request_action(dispatcher, "a", "b", "c")
        assert await ended() == [("DELIVERED", 1, 200, None)] * 3
    assert sorted(platform.ids()) == sorted(ids)


async def test_connections_are_used_again(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """Deliveries one after another share a connection."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    async with start() as dispatcher:
        for n in range(5):
            await request_action(dispatcher, f"i{n}")
            await ended()
    assert (len(platform.hits), platform.connections) == (5, 1)


async def test_secrets_stay_out_of_logs_and_rows(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    answer: Any,
    ended: Any,
    rows: Any,
    capsys: Any,
) -> None:
    """Neither keys nor the action's headers nor its URL's query appear in a log or a row."""
    keys = configuration.put_keys()
    configuration.put_action(platform.url)

    async def fail(_hit: Any, writer: Any) -> None:
        await answer(writer, 500)

    platform.behave = fail
    async with start(delays=(0.01,)) as dispatcher:
        await request_action(dispatcher)
        await ended()
    out, err = capsys.readouterr()
    stored = str(await rows("SELECT d::text FROM dispatch.deliveries d"))
    stored += str(await rows("SELECT a::text FROM dispatch.attempts a"))
    assert "delivery is dead" in out + err
    for secret in ("platform-secret-token", "url-secret", keys.secret, "PRIVATE KEY"):
        assert secret not in out + err + stored
