"""Signatures as others verify them, rotation, and what happens when signing is impossible."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY
from standardwebhooks import Webhook, WebhookVerificationError

from coop_contracts.config import Kind
from coop_runtime.secret.signing import new_rsa_key, new_webhook_secret

pytestmark = pytest.mark.engines

_VERIFY = Path(__file__).with_name("verify_signature.mjs")
NODE = shutil.which("node")


def verified_by_node(public_pem: str, signature: str, body: bytes) -> bool:
    """What Web Crypto says of a `Coop-Signature`."""
    assert NODE is not None
    given = {"publicKey": public_pem, "signature": signature, "body": body.decode("latin-1")}
    done = subprocess.run(
        [NODE, str(_VERIFY)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return bool(json.loads(done.stdout)["valid"])


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
async def test_web_crypto_verifies_the_coop_signature(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """A platform written for Node, with Web Crypto alone, accepts ours and no altered body."""
    keys = configuration.put_keys()
    configuration.put_action(platform.url, callback_url_body={"note": "Grüße, 世界 🌍"})
    async with start() as dispatcher:
        await request_action(dispatcher)
        await ended()
    (hit,) = platform.hits
    signature = hit.headers["coop-signature"]
    assert verified_by_node(keys.rsa_public, signature, hit.body)
    assert not verified_by_node(keys.rsa_public, signature, hit.body + b" ")
    assert not verified_by_node(new_rsa_key()[1], signature, hit.body)


async def test_during_a_rotation_either_secret_verifies(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """While keys overlap, old receivers and new ones both accept; afterwards only the new do."""
    keys = configuration.put_keys()
    configuration.put_action(platform.url)
    newest = new_webhook_secret()
    later = datetime.now(UTC) + timedelta(minutes=1)
    async with start() as dispatcher:
        await request_action(dispatcher, "before")
        await ended()
        configuration.put(
            Kind.WEBHOOK_KEY, configuration.key("std-3", "STANDARD_WEBHOOKS", newest, later)
        )
        configuration.put(
            Kind.WEBHOOK_KEY, msgspec.structs.replace(keys.documents[1], status="RETIRING")
        )
        await request_action(dispatcher, "during")
        await ended()
        for document in keys.documents[1:]:
            configuration.put(Kind.WEBHOOK_KEY, msgspec.structs.replace(document, status="REVOKED"))
        await request_action(dispatcher, "after")
        await ended()
    before, during, after = platform.hits
    for hit, accepted, refused in (
        (before, [keys.secret, keys.old_secret], [newest]),
        (during, [newest, keys.secret, keys.old_secret], []),
        (after, [newest], [keys.secret, keys.old_secret]),
    ):
        for secret in accepted:
            Webhook(secret).verify(hit.body, hit.headers)
        for secret in refused:
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(hit.body, hit.headers)


async def test_each_attempt_is_signed_for_its_own_time(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """A retry has the same id and body, a time of its own, and verifies at that time."""
    keys = configuration.put_keys()
    configuration.put_action(platform.url)

    async def refuse_once(_hit: Any, writer: Any) -> None:
        await answer(writer, 500 if len(platform.hits) == 1 else 200)

    platform.behave = refuse_once
    async with start((1.1,)) as dispatcher:
        await request_action(dispatcher)
        await ended()
    first, second = platform.hits
    assert first.webhook_id == second.webhook_id
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    for hit in platform.hits:
        Webhook(keys.secret).verify(hit.body, hit.headers)


async def test_what_cannot_be_signed_is_not_sent_and_is_an_alarm(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    eventually: Any,
    rows: Any,
    capsys: Any,
) -> None:
    """Without a usable key: nothing leaves, the metric counts, the log says so at level error."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    configuration.remove(Kind.WEBHOOK_KEY, "std-2")

    def counted() -> float:
        return REGISTRY.get_sample_value("coop_deliveries_held_total", {"cause": "signing"}) or 0.0

    before = counted()
    async with start() as dispatcher:
        await request_action(dispatcher, "a", "b")

        async def held() -> bool:
            found = await rows("SELECT held, attempts FROM dispatch.deliveries")
            return [tuple(row) for row in found] == [(True, 0)] * 2

        await eventually(held)
    assert platform.connections == 0
    assert counted() >= before + 2
    out, err = capsys.readouterr()
    assert "delivery held back: nothing was sent" in out + err
    assert "no active Standard Webhooks secret" in out + err
