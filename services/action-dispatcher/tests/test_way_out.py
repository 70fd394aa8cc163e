"""The way out is guarded: where a webhook cannot be sent, however the URL is dressed up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest

from coop_action_dispatcher.breaker import BreakerLimits

pytestmark = pytest.mark.engines


def names(**addresses: list[str]) -> Any:
    """A resolver: `a_example=["10.0.0.1"]` for `a.example`. Several lists in turn: it changes."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        found = addresses[host.replace(".", "_")]
        asked.append(host)
        return [found[min(len(asked), len(found)) - 1]]

    resolve.asked = asked  # type: ignore[attr-defined]
    return resolve


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "[fe80::1]",
        "0.0.0.0",
        "localhost",
    ],
)
async def test_no_disguise_leads_inside(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any, host: str
) -> None:
    """Private, loopback, link-local and metadata addresses, in any notation, receive nothing."""
    configuration.put_keys()
    configuration.put_action(f"http://{host}:{urlsplit(platform.url).port}/hook")
    async with start((3600,), allow=()) as dispatcher:
        await request_action(dispatcher)
        ((state, _, status, error),) = await ended()
    assert (state, status) == ("DEAD", None)
    assert "egress guard" in error or "not valid" in error
    assert platform.connections == 0


async def test_a_refusal_of_ours_is_no_outage(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    ended: Any,
    rows: Any,
) -> None:
    """What the guard refuses is dead at once, with its reason and its attempt; a later action on
    the same item is delivered; the endpoint's health is as it was."""
    configuration.put_keys()
    port = urlsplit(platform.url).port
    configuration.put_action(f"http://inside.example:{port}/hook", action_id="inside")
    configuration.put_action(platform.url, action_id="outside")
    resolver = names(inside_example=["10.0.0.1"])
    strict = BreakerLimits(failures=1)
    async with start((3600,), resolver=resolver, breaker=strict) as dispatcher:
        await request_action(dispatcher, "post-1", action_id="inside")
        (later,) = await request_action(dispatcher, "post-1", action_id="outside")
        first, second = await ended(within=5)
    assert first[:3] == ("DEAD", 1, None)
    assert "inside.example does not lead to a public address" in first[3]
    assert second[:3] == ("DELIVERED", 1, 200)
    assert platform.ids() == [later]
    assert [
        error for (error,) in await rows("SELECT error FROM dispatch.attempts WHERE error <> ''")
    ]
    assert not await rows("SELECT 1 FROM dispatch.endpoints WHERE failing_since IS NOT NULL")


async def test_a_name_whose_answer_changes_gains_nothing(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any, rows: Any
) -> None:
    """Rebinding: resolved once for each connection, and the address that was checked is the one
    that is used; when the name leads inside, nothing is sent."""
    resolver = names(evil_example=["127.0.0.2", "127.0.0.1", "127.0.0.1", "127.0.0.1"])
    configuration.put_keys()
    port = urlsplit(platform.url).port
    configuration.put_action(f"http://evil.example:{port}/hook")
    # 127.0.0.2 stands for a public address, 127.0.0.1 for an inner one.
    async with start((0.01,) * 3, allow=("127.0.0.2/32",), resolver=resolver) as dispatcher:
        await request_action(dispatcher)
        ((state, attempts, _, _),) = await ended()
    assert (state, attempts) == ("DEAD", 2)
    assert resolver.asked == ["evil.example"] * 2
    errors = [e for (e,) in await rows("SELECT error FROM dispatch.attempts ORDER BY number")]
    assert "egress guard" not in errors[0], "the allowed address was tried, and is closed"
    assert all("egress guard" in error for error in errors[1:])
    assert platform.connections == 0


async def test_a_name_with_one_inner_address_is_refused_whole(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """Every address that a name has must be allowed, not only the first."""

    async def both(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    configuration.put_keys()
    configuration.put_action(f"http://two.example:{urlsplit(platform.url).port}/hook")
    async with start((), allow=("127.0.0.2/32",), resolver=both) as dispatcher:
        await request_action(dispatcher)
        ((state, _, _, error),) = await ended()
    assert state == "DEAD"
    assert "egress guard" in error
    assert platform.connections == 0


@pytest.mark.parametrize(
    "url",
    ["http://user:pw@platform.example/", "http://platform.example:99999/", "http://a b.example/"],
)
async def test_urls_that_no_webhook_goes_to(
    start: Any, request_action: Any, configuration: Any, ended: Any, url: str
) -> None:
    """A URL with a user, or one that is none, ends the delivery with a reason and no secret."""
    configuration.put_keys()
    configuration.put_action(url)
    async with start((3600,)) as dispatcher:
        await request_action(dispatcher)
        ((state, _, status, error),) = await ended()
    assert (state, status) == ("DEAD", None)
    assert error
    assert "pw" not in error
