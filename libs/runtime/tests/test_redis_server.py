"""Which kinds of Redis a process starts on, with real servers of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from coop_local.valkey import Valkey
from coop_runtime.process.settings import RuntimeSettings
from coop_runtime.redis.server import UnsupportedRedis, require_one_server


@pytest.mark.engines
async def test_one_server_is_what_is_expected(redis_url: str) -> None:
    """A process that uses Redis starts on it."""
    await require_one_server(redis_url)


@pytest.mark.engines
@pytest.mark.parametrize(
    ("arguments", "mode"),
    [
        (("--cluster-enabled", "yes", "--appendonly", "no"), "cluster"),
        (("--sentinel",), "sentinel"),
    ],
)
async def test_other_kinds_are_refused_by_the_name_of_the_setting(
    arguments: tuple[str, ...], mode: str, tmp_path: Path
) -> None:
    """With what it is, and what is expected; where a start without it would fail now and then."""
    server = Valkey(tmp_path / "valkey", arguments=arguments)
    server.start()
    try:
        with pytest.raises(UnsupportedRedis, match=f"COOP_REDIS.*'{mode}'.*one server"):
            await require_one_server(server.url)
    finally:
        server.stop()


async def test_an_outage_stops_nobody() -> None:
    """Nobody answers: what is in Redis can be done without, or is waited for."""
    await require_one_server("redis://127.0.0.1:1/0")


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://a.example:26379/0",
        "redis://a.example:6379,b.example:6379/0",
        "a.example:6379",
        "http://a.example",
    ],
)
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    """When settings are read, before anything is started."""
    with pytest.raises(ValidationError, match="neither Sentinel nor Cluster"):
        RuntimeSettings(internal_port=0, redis=url)


@pytest.mark.parametrize(
    "url", ["redis://:a,b@h:1/0", "rediss://u:p@h:1/0?ssl_cert_reqs=none", "unix:///run/redis.sock"]
)
def test_addresses_of_one_server_are_taken(url: str) -> None:
    """With a password, TLS and its options, and as a socket."""
    assert RuntimeSettings(internal_port=0, redis=url).redis == url
