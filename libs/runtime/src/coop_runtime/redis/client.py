"""The one way to a client of Redis (or Valkey).

Guarantees: every call has a deadline, and no client tries again by itself: nothing in Redis is the
truth, and whoever asks has a way to go on without it, or a schedule of its own.
Must not: connect before the first call.
"""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


def redis_client(
    url: str, *, timeout: float, connections: int | None = None, name: str | None = None
) -> Redis:
    """At most `connections` at once; `timeout` seconds to connect, and for each answer."""
    return Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        max_connections=connections,
        client_name=name,
    )
