"""What kind of server COOP_REDIS is.

Guarantees: a process that uses Redis does not start on a member of a cluster or on a Sentinel,
where calls would fail now and then, or all of them, and be taken for an outage for ever. A server
that does not answer, or does not tell, stops nobody: what is in Redis can be done without.
"""

from __future__ import annotations

from typing import Final

from redis.exceptions import RedisError

from coop_runtime.process.log import logger
from coop_runtime.redis.client import redis_client

_SECONDS: Final = 2.0
_ALONE: Final = "standalone"

_log = logger(__name__)


class UnsupportedRedis(Exception):
    """COOP_REDIS names a server of a kind that Coop does not speak with."""


async def require_one_server(url: str) -> None:
    """Raises UnsupportedRedis for a cluster's member or a Sentinel; for a start of a service."""
    client = redis_client(url, timeout=_SECONDS, connections=1)
    try:
        told = await client.info("server")
    except (RedisError, OSError) as error:
        _log.warning("redis does not say what it is", error=repr(error))
        return
    finally:
        await client.aclose()
    # Redis has the one name for it, Valkey the other.
    mode = told.get("redis_mode") or told.get("server_mode") or _ALONE
    if mode != _ALONE:
        raise UnsupportedRedis(
            f"COOP_REDIS is a server in the mode {mode!r}: one server, or the one address of a"
            " replicated pair, is expected; neither Cluster nor Sentinel is supported"
        )
