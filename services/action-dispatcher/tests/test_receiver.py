"""Receivers of every temper, one test each: what is sent, what is recorded, what is never done.

The slow, dead and flapping ones among others are in test_endpoint; keys and signatures in
test_dispatcher and test_signature.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import Any

import pytest

from coop_action_dispatcher.breaker import BreakerLimits

pytestmark = pytest.mark.engines


async def test_honest(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any, rows: Any
) -> None:
    """Takes each webhook once; the attempt's time, status, latency and answer are on record."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    async with start() as dispatcher:
        ids = await request_action(dispatcher, *[f"i{n}" for n in range(30)])
        assert await ended() == [("DELIVERED", 1, 200, None)] * 30
    assert sorted(platform.ids()) == sorted(ids)
    attempts = await rows("SELECT number, status, latency_ms, response FROM dispatch.attempts")
    assert {(number, status, response) for number, status, _, response in attempts} == {
        (1, 200, "ok")
    }
    assert all(latency > 0 for _, _, latency, _ in attempts)


async def test_slow(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """Answers late, in time: one attempt each, many at once."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    under_way = most = 0

    async def ponder(_hit: Any, writer: Any) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.3)
        under_way -= 1
        await answer(writer)

    platform.behave = ponder
    async with start() as dispatcher:
        await request_action(dispatcher, *[f"i{n}" for n in range(16)])
        assert await ended() == [("DELIVERED", 1, 200, None)] * 16
    assert 1 < most <= 16


async def test_dead(start: Any, request_action: Any, configuration: Any, ended: Any) -> None:
    """Nobody listens: every attempt of the schedule fails, and then the delivery is dead."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration.put_keys()
    configuration.put_action(f"http://127.0.0.1:{port}/hook")
    async with start((0.01, 0.01)) as dispatcher:
        await request_action(dispatcher)
        ((state, attempts, status, error),) = await ended()
    assert (state, attempts, status) == ("DEAD", 3, None)
    assert "gave up after 3 attempts" in error


async def test_flapping(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """Refuses each webhook once or twice: taken in the end, with one id, in the item's order."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    taken: list[str] = []

    async def flap(hit: Any, writer: Any) -> None:
        tries = platform.ids().count(hit.webhook_id)
        if tries <= 1 + len(taken) % 2:
            await answer(writer, 502)
        else:
            taken.append(hit.webhook_id)
            await answer(writer)

    platform.behave = flap
    async with start() as dispatcher:
        ids = [(await request_action(dispatcher, "a"))[0] for _ in range(6)]
        found = await ended()
    assert {state for state, *_ in found} == {"DELIVERED"}
    assert taken == ids


async def test_lying(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any, rows: Any
) -> None:
    """Says 200 and drops the connection at once: it has taken the webhook; that is the record."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def lie(_hit: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\npromis")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    platform.behave = lie
    async with start() as dispatcher:
        await request_action(dispatcher, "a", "b", "c")
        assert await ended() == [("DELIVERED", 1, 200, None)] * 3
    assert len(platform.hits) == 3
    responses = {response for (response,) in await rows("SELECT response FROM dispatch.attempts")}
    assert responses <= {"promis", None}


async def test_lying_about_a_kept_connection(
    start: Any, request_action: Any, configuration: Any, platform: Any, answer: Any, ended: Any
) -> None:
    """Promises to keep the connection and closes it: the next webhook goes on a new one, and its
    attempt does not count as failed."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def close_after(_hit: Any, writer: Any) -> None:
        await answer(writer)
        writer.close()

    platform.behave = close_after
    async with start() as dispatcher:
        for n in range(5):
            await request_action(dispatcher, f"i{n}")
            await ended()
        assert await ended() == [("DELIVERED", 1, 200, None)] * 5
    assert platform.connections >= 5


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirecting(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    make_platform: Any,
    answer: Any,
    ended: Any,
    status: int,
) -> None:
    """Points elsewhere: a failure like any other; nothing reaches the other place."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    elsewhere = await make_platform()

    async def redirect(_hit: Any, writer: Any) -> None:
        await answer(writer, status, Location=elsewhere.url)

    platform.behave = redirect
    async with start((0.01,)) as dispatcher:
        await request_action(dispatcher)
        ((state, attempts, last_status, error),) = await ended()
    assert (state, attempts, last_status) == ("DEAD", 2, status)
    assert "redirects are not followed" in error
    assert elsewhere.hits == []


async def test_sending_a_gigabyte_without_a_length(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any, rows: Any
) -> None:
    """Answers without end, announced or chunked: 64 KB are read, 2 KB kept, the rest is left."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    sent = 0

    async def flood(_hit: Any, writer: Any) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while sent < 1 << 30:
                writer.write(b"10000\r\n" + b"y" * 65536 + b"\r\n")
                sent += 65536
                await writer.drain()
        writer.close()

    platform.behave = flood
    async with start() as dispatcher:
        await request_action(dispatcher)
        assert await ended() == [("DELIVERED", 1, 200, None)]
    ((response,),) = await rows("SELECT response FROM dispatch.attempts")
    assert response == "y" * 2048
    assert sent < 64 << 20


async def test_sending_a_head_without_end(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """Header after header: the attempt fails at a bound, long before its deadline."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def babble(_hit: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(ConnectionError):
            for n in range(100_000):
                writer.write(b"X-%d: %s\r\n" % (n, b"z" * 1000))
                await writer.drain()

    platform.behave = babble
    began = time.monotonic()
    async with start((0.01,), deadline=60) as dispatcher:
        await request_action(dispatcher)
        ((state, attempts, status, _),) = await ended(30)
    assert (state, attempts, status) == ("DEAD", 2, None)
    assert time.monotonic() - began < 50


async def test_resetting_half_way(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> None:
    """Resets while the request is read, or within the status line: failures, tried again."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def reset(_hit: Any, writer: Any) -> None:
        if len(platform.hits) % 2:
            writer.write(b"HTTP/1.1 2")
            await writer.drain()
        writer.transport.abort()

    platform.behave = reset
    async with start((0.01,) * 3) as dispatcher:
        await request_action(dispatcher)
        ((state, attempts, status, _),) = await ended()
    assert (state, attempts, status) == ("DEAD", 4, None)
    assert len(set(platform.ids())) == 1


async def test_dripping(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any, rows: Any
) -> None:
    """A byte now and then keeps nobody waiting beyond the deadline; a status that came counts."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def drip(_hit: Any, writer: Any) -> None:
        first = len(platform.hits) == 1
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
        if not first:
            writer.write(head)
        with contextlib.suppress(ConnectionError):
            for byte in head * 100:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.2)

    platform.behave = drip
    async with start(
        (0.01,), deadline=1.0, breaker=BreakerLimits(failures=100, share=2.0)
    ) as dispatcher:
        await request_action(dispatcher)
        assert await ended(30) == [("DELIVERED", 2, 200, None)]
    errors = [e for (e,) in await rows("SELECT error FROM dispatch.attempts ORDER BY number")]
    assert errors == ["no answer within 1 s", None]
