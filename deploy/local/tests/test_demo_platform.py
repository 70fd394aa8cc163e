"""The demo platform: what it shows of what came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec

from coop_local.demo.page import Shown, page
from coop_local.demo.platform import Platform, VerificationKeys
from coop_runtime.secret.signing import (
    new_rsa_key,
    new_webhook_secret,
    sign_rsa_sha256,
    sign_standard_webhook,
)

HOSTILE = "<script>alert(1)</script>\"'&"


def said(**more: Any) -> dict[str, Any]:
    return {
        "item": {"id": "post-1", "typeId": "t", "typeName": "Post"},
        "action": {"id": "a", "name": "Remove"},
        "rules": [{"id": "r", "name": "Spam"}],
        "policies": [{"id": "p", "name": "Scams"}],
        "custom": {"days": 3},
        **more,
    }


def test_the_page_says_what_came_and_why() -> None:
    """Time, action, item, rules, policies, values; refused ones and repeats are marked."""
    shown = [Shown(0.0, problem="no signature"), Shown(3661.0, said(), "w-1")]
    text = page(shown, total=1, refused=1, times={"w-1": 2})
    for expected in (
        *("01:01:01", "Remove", "post-1 (Post)", "rules: Spam", "policies: Scams"),
        *("days = 3", "came 2 times", "refused: no signature"),
    ):
        assert expected in text


def test_what_a_webhook_says_is_never_markup() -> None:
    """In every place that it can fill, whatever its form."""
    hostile = said(
        item={"id": HOSTILE, "typeName": HOSTILE},
        action={"id": HOSTILE},
        rules=[{"name": HOSTILE}, HOSTILE],
        policies=[{"id": HOSTILE}],
        custom={HOSTILE: {HOSTILE: 1}},
        actorEmail=HOSTILE,
    )
    for one in (hostile, {"item": [HOSTILE], "action": HOSTILE, "custom": HOSTILE, "rules": 1}):
        text = page([Shown(0.0, one, HOSTILE)], total=1, refused=0, times={})
        assert "<script>" not in text
    assert "<script>" not in page([Shown(0.0, problem=HOSTILE)], total=0, refused=1, times={})


def test_an_empty_page_says_so() -> None:
    """Before anything came."""
    assert "Nothing came yet" in page([], total=0, refused=0, times={})


async def test_webhooks_appear_on_the_page(tmp_path: Path) -> None:
    """What verifies is shown; what does not is shown as refused, without what it said; a test
    request is shown and counts for nothing."""
    private, public = new_rsa_key()
    secret = new_webhook_secret()
    keys = tmp_path / "keys.json"
    keys.write_bytes(msgspec.json.encode(VerificationKeys([secret], [public])))
    transport = httpx.ASGITransport(app=Platform(keys))
    async with httpx.AsyncClient(transport=transport, base_url="http://platform") as client:
        for number, more in enumerate(({}, {"trial": True})):
            body = msgspec.json.encode(said(**more))
            signature = sign_standard_webhook(
                [secret], webhook_id=f"w-{number}", timestamp=_now(), body=body
            )
            headers = {
                "webhook-id": f"w-{number}",
                "webhook-timestamp": str(_now()),
                "webhook-signature": signature,
                "coop-signature": sign_rsa_sha256(private, body),
            }
            answer = await client.post("/webhooks", content=body, headers=headers)
            assert answer.status_code == 200, answer.text
        forged = msgspec.json.encode(said(item={"id": "forged"}))
        assert (await client.post("/webhooks", content=forged)).status_code == 401
        shown = await client.get("/")
        report = (await client.get("/received", params={"itemPrefix": "post"})).json()
    assert shown.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert shown.text.count("post-1") == 2
    assert "a test request" in shown.text
    assert "forged" not in shown.text
    assert "refused: " in shown.text
    assert (report["total"], len(report["deliveries"])) == (1, 1)


def _now() -> int:
    import time

    return int(time.time())
