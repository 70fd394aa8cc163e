"""Plugins at work: nothing else suffers from what they do."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from coop_signals.manifest import ConfigField
from coop_signals.plugin import (
    AccountRefused,
    Context,
    InputRefused,
    Plugin,
    Unavailable,
    load,
)

from .signals_plugin import LENGTH, MANIFEST, Entry, entry, known, length
from .signals_server import Internet
from .signals_world import ORG, SECRET, World


@pytest.mark.parametrize(
    ("output", "given", "fits"),
    [
        ("NUMBER", 1, True),
        ("NUMBER", 0.5, True),
        ("NUMBER", True, False),
        ("NUMBER", "1", False),
        ("NUMBER", None, False),
        ("NUMBER", math.nan, False),
        ("NUMBER", math.inf, False),
        ("NUMBER", 10**400, False),
        ("NUMBER", [1], False),
        ("BOOLEAN", False, True),
        ("BOOLEAN", 1, False),
        ("BOOLEAN", "false", False),
        ("ENUM", "LOW", True),
        ("ENUM", "low", False),
        ("ENUM", 0, False),
    ],
)
async def test_a_score_of_another_type_is_none(
    make_world: Callable[..., World], output: str, given: object, fits: bool
) -> None:
    """What is not of the declared type reaches no condition."""

    async def give(_value: Any, _context: Context) -> object:
        return given

    order = ("LOW", "HIGH") if output == "ENUM" else ()
    signal = msgspec.structs.replace(LENGTH, output=output, order=order)
    world = make_world(known=known(give, signals=(signal,)))
    value = await world.value("TEXT_LENGTH", "words")
    assert (value.error is None) == fits
    assert (value.score is not None) == fits
    assert fits or output in str(value.error)


class Private(Exception):
    """A plugin's own error, whose text quotes what it must not."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Private(f"{SECRET} private-words"), "LENGTHS failed (Private)"),
        (SystemExit(f"{SECRET}"), "LENGTHS failed (SystemExit)"),
        (KeyboardInterrupt(), "LENGTHS failed (KeyboardInterrupt)"),
        (asyncio.CancelledError(), "given up"),
        (Unavailable(f"the key {SECRET}\nis wrong", retry=False), "LENGTHS: the key … is wrong"),
        (InputRefused("too long"), "LENGTHS: too long"),
        (AccountRefused("no such key"), "LENGTHS: no such key"),
    ],
)
async def test_what_a_plugin_raises_is_one_missing_value(
    make_world: Callable[..., World],
    error: BaseException,
    reason: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Its thread and the process live on; neither the error nor the log quote a secret."""
    fail = True

    async def raising(value: Any, _context: Context) -> int:
        if fail:
            raise error
        return len(value)

    world = make_world(known=known(raising))
    world.set_up(ORG, "LENGTHS", {"token": SECRET})
    value = await world.value("TEXT_LENGTH", "private-words")
    assert value.error is not None
    assert reason in value.error
    captured = capfd.readouterr()
    for told in (value.error, captured.out, captured.err):
        assert SECRET not in told
        assert "private-words" not in told
    fail = False
    world.set_up(ORG, "LENGTHS", {"token": SECRET})
    assert (await world.value("TEXT_LENGTH", "four")).score == 4.0


async def test_a_slow_plugin_ends_at_its_timeout(make_world: Callable[..., World]) -> None:
    """Slow runs are given up, and after some of them the plugin is left alone."""
    ended = 0

    async def slow(_value: Any, _context: Context) -> int:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            ended += 1
        return 0

    world = make_world(known=known(slow, timeout=0.2))
    value = await world.value("TEXT_LENGTH", "words")
    assert value.error is not None
    assert "within 0.2 s" in value.error or "in time" in value.error
    value = await world.value("TEXT_LENGTH", "other words")
    assert "left alone" in str(value.error)
    assert ended >= 4


async def test_a_plugin_that_blocks_stops_itself_alone(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """A function that never awaits holds up neither the deadline nor other signals."""
    gate = threading.Event()

    async def block(_value: Any, _context: Context) -> int:
        gate.wait()
        return 1

    other = Entry(
        "z",
        Plugin(
            msgspec.structs.replace(
                MANIFEST, id="SIZES", signals=(msgspec.structs.replace(LENGTH, name="SIZE"),)
            ),
            {"SIZE": length},
        ),
    )
    world = make_world(
        known=load([entry("a", functions={"TEXT_LENGTH": block}, timeout=0.3), other])
    )
    began = time.monotonic()
    value = await world.value("TEXT_LENGTH", "words", seconds=2)
    assert time.monotonic() - began < 2 + 5
    assert value.error is not None
    assert (await world.value("SIZE", "four")).score == 4.0
    assert (await world.value("OPEN_AI_HATE_TEXT_MODEL", "words")).score == 0.2
    gate.set()


async def test_a_plugins_account_is_its_own(make_world: Callable[..., World]) -> None:
    """It is given its organisation's secrets and configuration, and its subcategory."""
    seen: list[Context] = []

    async def look(_value: Any, context: Context) -> int:
        seen.append(context)
        return 1

    fields = (
        ConfigField(key="token", label="Token", required=True, input_type="password"),
        ConfigField(key="region", label="Region"),
    )
    world = make_world(known=known(look, requires_config=True, config_fields=fields))
    value = await world.value("TEXT_LENGTH", "words")
    assert value.error == "the integration LENGTHS is not set up"
    world.set_up(ORG, "LENGTHS", {}, config={"region": "eu"})
    value = await world.value("TEXT_LENGTH", "words")
    assert value.error == "the integration LENGTHS has no token"
    world.set_up(ORG, "LENGTHS", {"token": SECRET}, config={"region": "eu"})
    assert (await world.value("TEXT_LENGTH", "words", subcategory="s")).score == 1.0
    (context,) = seen
    assert (context.org_id, context.subcategory) == (ORG, "s")
    assert context.credential == {"token": SECRET}
    assert context.config == {"region": "eu"}
    assert SECRET not in repr(context)
    world.set_up(ORG, "LENGTHS", {"token": SECRET}, enabled=False)
    assert "switched off" in str((await world.value("TEXT_LENGTH", "words")).error)


async def test_a_plugins_requests_pass_the_guard(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """Its client reaches what the operator allows and nothing inside besides."""

    async def fetch(value: Any, context: Context) -> int:
        return (await context.http.get(value)).status_code

    world = make_world(known=known(fetch))
    assert (await world.value("TEXT_LENGTH", internet.url)).score == 404
    value = await world.value("TEXT_LENGTH", "http://169.254.169.254/")
    assert value.error == "LENGTHS: an address is not allowed"


async def test_a_plugins_answers_are_kept_and_shared(make_world: Callable[..., World]) -> None:
    """The guard around providers is around plugins as well."""
    runs = 0

    async def count(value: Any, _context: Context) -> int:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        return len(value)

    world = make_world(known=known(count))
    await asyncio.gather(*[world.value("TEXT_LENGTH", "words") for _ in range(10)])
    await world.value("TEXT_LENGTH", "words")
    assert runs == 1


async def test_closing_ends_a_plugins_thread(make_world: Callable[..., World]) -> None:
    """A process that stops leaves no loop behind."""
    world = make_world(known=known(length))
    await world.value("TEXT_LENGTH", "words")
    assert any(thread.name == "plugin LENGTHS" for thread in threading.enumerate())
    await world.providers.aclose()
    assert not any(thread.name == "plugin LENGTHS" for thread in threading.enumerate())
    assert "coop_signals.plugin_thread" in sys.modules
