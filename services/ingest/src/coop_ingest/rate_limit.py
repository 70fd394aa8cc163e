"""How many requests an organisation may send.

The generic cell rate algorithm (GCRA; ITU-T I.371, "virtual scheduling") in one Redis script: an
organisation's state is one number, the theoretical arrival time.

Guarantees: a process leases tokens for `LEASE_SECONDS` of the rate at a time, so that the hot route
does not wait for Redis on each request. Tokens are granted before they are used: all processes
together never use more than rate × time + burst. What is late is at most one lease a process, for
`LEASE_LIFE`; what a quiet process does not use of a lease is lost to the others.
While Redis is away each process limits by itself with the same algorithm and the whole rate (fail
open, bounded): refusing all content because a cache is down would be the worse fault.
Must not: count anything but requests.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from coop_ingest import metric
from coop_ingest.refusal import rate_limited
from coop_runtime.process.log import logger
from coop_runtime.redis.crowd import crowd_key

LEASE_SECONDS: Final = 0.05
LEASE_LIFE: Final = 1.0
_REDIS_PAUSE: Final = 1.0  # seconds until Redis is asked again after it failed

_log = logger(__name__)

# KEYS[1] the organisation, KEYS[2] whether its items wait; ARGV: microseconds a token, burst in
# tokens, tokens wanted.
# Returns tokens granted, microseconds until one more when none was, and 1 if items wait.
GRANT_SCRIPT: Final = """
local crowded = redis.call('EXISTS', KEYS[2])
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local room = burst * interval - (arrival - now)
local granted = math.min(wanted, math.floor(room / interval + 1e-9))
if granted < 1 then
  return {0, math.ceil(interval - room), crowded}
end
arrival = math.ceil(arrival + granted * interval)
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX',
  math.ceil((arrival - now) / 1000) + 1000)
return {granted, 0, crowded}
"""


class Rate(NamedTuple):
    """Tokens a second, and how many may be taken at once."""

    per_second: int
    burst: int


class Grant(NamedTuple):
    """`retry_after` (seconds) says when one token will be there, if none was granted; `crowded`
    whether the organisation's items wait to be evaluated."""

    tokens: int
    retry_after: float
    crowded: bool = False


class LocalBucket:
    """The same algorithm in this process; `arrival` in seconds of its clock."""

    __slots__ = ("arrival",)

    def __init__(self) -> None:
        self.arrival = -math.inf

    def grant(self, rate: Rate, wanted: int, now: float) -> Grant:
        """Up to `wanted` tokens."""
        interval = 1 / rate.per_second
        arrival = max(self.arrival, now)
        room = rate.burst * interval - (arrival - now)
        # The tolerance keeps rounding from costing a token that is due.
        granted = min(wanted, math.floor(room / interval + 1e-9))
        if granted < 1:
            return Grant(0, interval - room)
        self.arrival = arrival + granted * interval
        return Grant(granted, 0)


class _Lease:
    __slots__ = ("crowded", "denied_until", "expires", "renewal", "tokens")

    def __init__(self) -> None:
        self.crowded = False
        self.tokens = 0
        self.expires = 0.0
        self.denied_until = 0.0
        self.renewal: asyncio.Task[None] | None = None


class RateLimiter:
    """`rate_of` gives an organisation's rate; `now` a monotonic clock in seconds."""

    def __init__(
        self,
        redis: Redis,
        rate_of: Callable[[str], Rate],
        *,
        now: Callable[[], float],
    ) -> None:
        self._redis = redis
        self._script: Callable[..., Awaitable[Any]] = redis.register_script(GRANT_SCRIPT)
        self._rate_of = rate_of
        self._now = now
        self._leases: dict[str, _Lease] = {}
        self._local: dict[str, LocalBucket] = {}
        self._redis_back_at = 0.0

    def try_take(self, org_id: str) -> bool:
        """Take a token of the lease at hand; False when `take` must be asked."""
        lease = self._leases.get(org_id)
        if lease is None or lease.tokens < 1 or self._now() >= lease.expires:
            return False
        lease.tokens -= 1
        return True

    def crowded(self, org_id: str) -> bool:
        """Whether more items of the organisation wait to be evaluated than should; as of its lease
        at hand."""
        lease = self._leases.get(org_id)
        return lease is not None and lease.crowded

    async def take(self, org_id: str) -> None:
        """Take a token, leasing more where needed. Raises Refusal (429)."""
        lease = self._leases.setdefault(org_id, _Lease())
        while not self.try_take(org_id):
            now = self._now()
            if now < lease.denied_until:
                raise rate_limited(lease.denied_until - now)
            if lease.renewal is None:
                lease.renewal = asyncio.create_task(self._renew(org_id, lease))
            # All who wait share one round trip; one who leaves does not end it for the others.
            await asyncio.shield(lease.renewal)

    async def _renew(self, org_id: str, lease: _Lease) -> None:
        try:
            rate = self._rate_of(org_id)
            grant = await self._grant(org_id, rate, max(1, int(rate.per_second * LEASE_SECONDS)))
            now = self._now()
            lease.tokens = grant.tokens
            lease.crowded = grant.crowded
            lease.expires = now + LEASE_LIFE
            lease.denied_until = 0.0 if grant.tokens else now + grant.retry_after
        finally:
            lease.renewal = None

    async def _grant(self, org_id: str, rate: Rate, wanted: int) -> Grant:
        if self._now() >= self._redis_back_at:
            try:
                tokens, micros, crowded = await self._script(
                    keys=[f"ingest:rate:{org_id}", crowd_key(org_id)],
                    args=[1_000_000 / rate.per_second, rate.burst, wanted],
                )
            except (RedisError, OSError) as error:
                self._redis_back_at = self._now() + _REDIS_PAUSE
                _log.warning("redis is away: limiting rates in this process", error=str(error))
            else:
                metric.RATE_LEASES.labels("redis").inc()
                return Grant(int(tokens), int(micros) / 1_000_000, bool(crowded))
        metric.RATE_LEASES.labels("local").inc()
        bucket = self._local.setdefault(org_id, LocalBucket())
        return bucket.grant(rate, wanted, self._now())
