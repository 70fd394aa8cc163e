"""The rate limit: exact while Redis is there, bounded while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from coop_ingest.app import connect_redis, rates_of
from coop_ingest.rate_limit import GRANT_SCRIPT, LEASE_LIFE, LocalBucket, Rate, RateLimiter
from coop_ingest.refusal import Refusal
from coop_ingest.settings import Settings


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def taken(limiter: RateLimiter, attempts: int, org: str = "org") -> int:
    """How many of that many requests pass."""
    passed = 0
    for _ in range(attempts):
        try:
            await limiter.take(org)
        except Refusal:
            continue
        passed += 1
    return passed


@given(
    st.integers(1, 100_000),
    st.integers(1, 1000),
    st.lists(st.tuples(st.floats(0, 10), st.integers(1, 500)), max_size=30),
)
def test_never_more_than_rate_times_time_plus_burst(
    per_second: int, burst: int, asks: list[tuple[float, int]]
) -> None:
    """However tokens are asked for, no more are granted than the rate allows; none is starved."""
    bucket = LocalBucket()
    rate = Rate(per_second, burst)
    now = total = 0.0
    for pause, wanted in asks:
        now += pause
        grant = bucket.grant(rate, wanted, now)
        assert 0 <= grant.tokens <= wanted
        total += grant.tokens
        assert total <= now * per_second + burst + 1e-3 * burst
        if not grant.tokens:
            assert 0 < grant.retry_after <= burst / per_second + 1e-6
            later = now + grant.retry_after + 1e-6
            assert LocalBucket.grant(bucket, rate, 1, later).tokens == 1
            total += 1
            now = later


@pytest.fixture
async def away() -> AsyncIterator[Redis]:
    redis = connect_redis(Settings(redis="redis://127.0.0.1:1/0"))
    yield redis
    await redis.aclose()


async def test_without_redis_each_process_limits_by_itself(away: Redis) -> None:
    """Redis away: requests pass up to rate and burst, then are refused; nothing fails."""
    clock = Clock()
    limiter = RateLimiter(away, lambda _org: Rate(10, 20), now=clock)
    assert await taken(limiter, 50) == 20
    clock.seconds += 0.5
    assert await taken(limiter, 50) == 5


async def test_a_refusal_says_when_to_come_back(away: Redis) -> None:
    """Retry-After is a whole number of seconds, at least one, after which a token is there."""
    clock = Clock()
    limiter = RateLimiter(away, lambda _org: Rate(1, 1), now=clock)
    await limiter.take("org")
    with pytest.raises(Refusal) as caught:
        await limiter.take("org")
    assert caught.value.retry_after == 1
    clock.seconds += caught.value.retry_after
    await limiter.take("org")


async def test_organisations_do_not_share(away: Redis) -> None:
    """One organisation's flood costs another nothing."""
    limiter = RateLimiter(away, lambda _org: Rate(5, 5), now=Clock())
    assert await taken(limiter, 100, "a") == 5
    assert await taken(limiter, 5, "b") == 5


async def test_many_waiters_share_one_lease(away: Redis) -> None:
    """Concurrent requests take exactly the tokens there are."""
    limiter = RateLimiter(away, lambda _org: Rate(1000, 100), now=Clock())
    results = await asyncio.gather(*(taken(limiter, 1) for _ in range(500)))
    assert sum(results) == 100


def test_an_organisations_own_rate_wins(ingest: Any) -> None:
    """The settings document's rate replaces the operator's default, the burst follows."""
    settings = Settings(ingest_requests_per_second=100, ingest_burst=3)
    assert rates_of(ingest.table, settings)("org1") == Rate(100, 300)


@pytest.mark.engines
class TestRedis:
    """The same on a real server."""

    @pytest.fixture
    async def redis(self, redis_url: str) -> AsyncIterator[Redis]:
        redis = connect_redis(Settings(redis=redis_url))
        await redis.flushdb()
        yield redis
        await redis.aclose()

    async def test_processes_share_one_limit(self, redis: Redis) -> None:
        """Two processes together get the rate and the burst, not twice that."""
        # A token takes an hour: real time does not disturb the count.
        rate = Rate(1, 3600)
        limiters = [RateLimiter(redis, lambda _org: rate, now=Clock()) for _ in range(2)]
        script = redis.register_script(GRANT_SCRIPT)
        assert await script(keys=["ingest:rate:org", "none"], args=[1_000_000, 3600, 3590]) == [
            3590,
            0,
            0,
        ]
        passed = sum([await taken(limiter, 20) for limiter in limiters])
        assert 10 <= passed <= 12

    async def test_a_lease_saves_round_trips_and_stays_within_the_limit(self, redis: Redis) -> None:
        """A thousand requests at a high rate need few round trips, and never exceed the grants."""
        calls = 0
        limiter = RateLimiter(redis, lambda _org: Rate(10_000, 900), now=Clock())
        grant = limiter._script

        async def counted(**arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            return await grant(**arguments)

        limiter._script = counted
        passed = await taken(limiter, 900)
        assert passed == 900
        assert calls <= 4

    async def test_an_unused_lease_ends(self, redis: Redis) -> None:
        """Tokens that a quiet process did not use are not saved up for a later burst."""
        clock = Clock()
        limiter = RateLimiter(redis, lambda _org: Rate(1000, 1000), now=clock)
        await limiter.take("org")
        assert limiter.try_take("org")
        clock.seconds += LEASE_LIFE
        assert not limiter.try_take("org")

    async def test_the_script_equals_the_local_algorithm(self, redis: Redis) -> None:
        """Redis and the process grant alike: all of the burst, then nothing but a time to wait."""
        script = redis.register_script(GRANT_SCRIPT)
        bucket = LocalBucket()
        rate = Rate(1, 3600)
        for wanted in (1, 1000, 2000, 5000, 1):
            tokens, micros, _ = await script(
                keys=["ingest:rate:x", "none"], args=[1e6, 3600, wanted]
            )
            grant = bucket.grant(rate, wanted, 0.0)
            assert abs(tokens - grant.tokens) <= 1
            assert (micros > 0) == (tokens == 0)
            assert 0 <= micros <= 1_000_000

    async def test_the_state_is_forgotten(self, redis: Redis) -> None:
        """An organisation that stops sending leaves nothing behind in Redis."""
        limiter = RateLimiter(redis, lambda _org: Rate(1000, 100), now=Clock())
        await limiter.take("org")
        assert 0 < await redis.pttl("ingest:rate:org") < 2000
