"""Everything at once: whatever happens, each caller has its values in time and nothing is left."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import pytest
from prometheus_client import REGISTRY

from .signals_server import (
    MP4,
    PNG,
    Behave,
    Hit,
    Internet,
    body,
    drip,
    flood,
    hang,
    reset,
    status,
)
from .signals_world import INTEGRATIONS, ORG, OTHER, SECRET, World, eventually

TEXT = "OPEN_AI_VIOLENCE_TEXT_MODEL"
GOOGLE = "GOOGLE_CONTENT_SAFETY_API_IMAGE"
WHISPER = "OPEN_AI_WHISPER_TRANSCRIPTION"
ZENTROPI = "ZENTROPI_LABELER"
SLACK = 10.0


def _metric(name: str) -> float:
    samples = [sample for family in REGISTRY.collect() for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name)


@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_leaves_nothing_behind(world: World, internet: Internet, seed: int) -> None:
    """Random faults, deadlines, cancellations and changes of accounts: every value has a score or
    an error by its deadline; when it is over all is as
    before: scores come, and no call, memory or task is held."""
    chance = random.Random(seed)
    internet.media |= {"/a.png": (PNG, "image/png"), "/clip": (MP4, "video/mp4")}
    faults: list[Behave] = [
        status(500),
        status(429, retry_after="1"),
        status(429),
        status(401),
        status(400),
        status(302),
        body(b"garbage"),
        hang,
        reset,
        drip,
        flood,
    ]

    async def weather(hit: Hit, writer: asyncio.StreamWriter) -> None:
        if chance.random() < 0.5:
            await internet._documented(hit, writer)
        else:
            await chance.choice(faults)(hit, writer)

    internet.behave["/"] = weather
    told: list[Any] = []
    tasks_before = len(asyncio.all_tasks())

    async def ask(number: int) -> None:
        seconds = chance.choice([0.05, 0.3, 1, 2])
        signal = chance.choice([TEXT, GOOGLE, WHISPER, ZENTROPI])
        path = "/a.png" if signal == GOOGLE else "/clip"
        inputs: list[object] = [
            f"private-words {chance.randrange(60)}"
            if signal in (TEXT, ZENTROPI)
            else {"url": f"{internet.url}{path}?{chance.randrange(60)}"}
            for _ in range(chance.choice([1, 1, 1, 5]))
        ]
        began = time.monotonic()
        values = await world.values(
            signal,
            *inputs,
            org_id=chance.choice([ORG, OTHER]),
            seconds=seconds,
            subcategory="v",
        )
        assert time.monotonic() - began < seconds + SLACK
        assert [value.position for value in values] == list(range(len(inputs)))
        assert all((value.score is None) != (value.error is None) for value in values)
        told.extend(values)

    async def change() -> None:
        for _ in range(40):
            await asyncio.sleep(0.02)
            world.set_up(ORG, chance.choice(INTEGRATIONS), {"apiKey": SECRET}, enabled=True)
            world.clock.now += 0.5

    tasks = [asyncio.create_task(ask(number)) for number in range(250)]
    changing = asyncio.create_task(change())
    for task in chance.sample(tasks, 60):
        await asyncio.sleep(0.005)
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await changing
    kinds = {type(result) for result in results}
    assert kinds <= {type(None), asyncio.CancelledError}
    assert SECRET not in repr(told)
    assert "private-words" not in repr(told)

    internet.behave.clear()
    world.clock.now += 61
    for org_id in (ORG, OTHER):
        assert (await world.value(TEXT, "calm", org_id=org_id)).score == 0.7
    await eventually(lambda: _metric("coop_signal_calls_under_way") == 0)
    await eventually(lambda: _metric("coop_signal_download_bytes") == 0)
    await internet.stop()
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks_before)
