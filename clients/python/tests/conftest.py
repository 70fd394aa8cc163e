"""The vectors, and requests that verify now."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coop_client import Keys, Verifier

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8")
)
NOW = float(VECTORS["now"])

_ids = itertools.count()


def verifier_of(case: dict[str, Any]) -> Verifier:
    """The usual keys and limits, but for what the case says."""
    keys = Keys(
        webhook_secrets=case.get("secrets", VECTORS["secrets"]),
        public_keys=case.get("publicKeys", VECTORS["publicKeys"]),
    )
    more = {"max_body": case["maxBody"]} if "maxBody" in case else {}
    now = float(case.get("now", NOW))
    return Verifier(keys, unstamped=case.get("unstamped", False), now=lambda: now, **more)


def body_of(case: dict[str, Any]) -> bytes:
    return str(case["body"]).encode("latin-1")


@pytest.fixture
def verifier() -> Verifier:
    """Knows secrets alone, so that a test can sign."""
    return Verifier(Keys(webhook_secrets=VECTORS["secrets"]), now=lambda: NOW)


@pytest.fixture
def signed() -> Callable[..., tuple[dict[str, str], bytes]]:
    """Headers and body of a webhook with that content; each has an id of its own unless given."""

    def make(told: Any, *, webhook_id: str | None = None) -> tuple[dict[str, str], bytes]:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        name = webhook_id or f"id-{next(_ids)}"
        secret = base64.b64decode(VECTORS["secrets"][0].removeprefix("whsec_"))
        content = b"%s.%d.%s" % (name.encode(), int(NOW), body)
        digest = hmac.digest(secret, content, hashlib.sha256)
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(int(NOW)),
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }
        return headers, body

    return make
