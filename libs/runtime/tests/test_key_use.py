"""The last use of API keys, on a real Redis."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from coop_runtime.redis.key_use import KeyUse, last_used

pytestmark = pytest.mark.engines

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


async def test_the_last_use_is_shown(redis_url: str) -> None:
    """The newest use of each key is what is shown; a key that was not used is left out."""
    org_id = uuid.uuid4().hex
    use = KeyUse()
    async with Redis.from_url(redis_url) as redis:
        use.note(org_id, "a", NOW)
        use.note(org_id, "a", NOW + timedelta(seconds=1))
        use.note(org_id, "b", NOW)
        await use.write(redis)
        await use.write(redis)
        found = await last_used(redis, org_id, ["a", "b", "c"])
        assert found == {"a": NOW + timedelta(seconds=1), "b": NOW}
        assert await last_used(redis, org_id, []) == {}


async def test_an_outage_delays_and_loses_nothing(redis_url: str) -> None:
    """What could not be written is written when Redis is back; meanwhile nothing is known."""
    org_id = uuid.uuid4().hex
    use = KeyUse()
    use.note(org_id, "a", NOW)
    away = Redis.from_url("redis://127.0.0.1:1", retry=Retry(NoBackoff(), 0))
    with pytest.raises((RedisError, OSError)):
        await use.write(away)
    assert await last_used(away, org_id, ["a"]) == {}
    await away.aclose()
    async with Redis.from_url(redis_url) as redis:
        await use.write(redis)
        assert await last_used(redis, org_id, ["a"]) == {"a": NOW}
