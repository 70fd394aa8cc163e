"""Whoever's items wait to be evaluated is asked to slow down; others, and people's reports, are
not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from coop_runtime.redis.crowd import crowd_key

from .conftest import KEYS

pytestmark = pytest.mark.engines

ITEM = {"id": "p1", "typeId": "post", "data": {"text": "x"}}
REPORT = {
    "reporter": {"kind": "user", "typeId": "user", "id": "u1"},
    "reportedAt": "2026-01-01T00:00:00Z",
    "reportedItem": ITEM,
}


async def test_a_long_line_refuses_items_alone(
    make_ingest: Callable[..., Any], redis_url: str
) -> None:
    """With a long line of org1: its items are 429 with Retry-After and nothing of them is kept, its
    reports are accepted, and so are the items of org2; once the line is short, all is as before."""
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    await redis.set(crowd_key("org1"), 1)
    ingest = make_ingest(redis=redis_url)
    refused = await ingest.items(ITEM)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert "its rules" in refused.json()["errors"][0]["detail"]
    assert ingest.broker.messages == []
    assert (await ingest.post("/report", REPORT)).status_code == 201
    other = {"id": "u", "typeId": "other-user", "data": {}}
    assert (await ingest.items(other, key=KEYS["org2"])).status_code == 202
    await redis.delete(crowd_key("org1"))
    later = make_ingest(redis=redis_url)
    assert (await later.items(ITEM)).status_code == 202
    await redis.aclose()
