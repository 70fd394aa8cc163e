"""Whatever a provider does, a value or an error is there by the deadline, and others go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from coop_signals import metric
from coop_signals.channel import ATTEMPTS
from coop_signals.openai import OpenAiModeration
from coop_signals.provider import CallLimits

from .signals_server import Behave, Hit, Internet, answer, drip, flood, hang, reset, status
from .signals_world import ORG, OTHER, PATIENCE, SECRET, World, eventually

TEXT = "OPEN_AI_VIOLENCE_TEXT_MODEL"
HATE = "OPEN_AI_HATE_TEXT_MODEL"
ZENTROPI = "ZENTROPI_LABELER"
SLACK = 5.0
"""Seconds that a busy machine may take to notice a deadline."""


def moderation(*, timeout: float) -> dict[str, CallLimits]:
    """OpenAI's moderation with another time for one attempt."""
    return {OpenAiModeration.id: replace(OpenAiModeration.limits, timeout=timeout)}


def failing(times: int, behave: Behave) -> tuple[Behave, list[float]]:
    """Misbehaves a number of times, then answers; and when each request came."""
    moments: list[float] = []

    async def judge(hit: Hit, writer: asyncio.StreamWriter) -> None:
        moments.append(time.monotonic())
        if len(moments) <= times:
            await behave(hit, writer)
        else:
            await answer(writer, Internet(scores={"violence": 0.7}).moderation("text"))

    return judge, moments


@pytest.mark.parametrize("behave", [status(500), status(503), reset, status(408)])
async def test_a_passing_failure_is_tried_again(
    world: World, internet: Internet, behave: Behave
) -> None:
    """Two failures and a success within the deadline are a score, with pauses between."""
    internet.behave["/v1"], moments = failing(2, behave)
    assert (await world.value(TEXT, "words")).score == 0.7
    assert len(moments) == 3
    assert moments[1] - moments[0] >= 0.1
    assert moments[2] - moments[1] >= 0.2


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (status(500), "OpenAI answers 500"),
        (reset, "cannot be reached"),
        (status(301, location="http://example.com/"), "redirects (301)"),
        (flood, "too long an answer"),
        (hang, "in time"),
        (drip, "in time"),
    ],
)
async def test_the_deadline_holds(
    world: World, internet: Internet, behave: Behave, reason: str
) -> None:
    """A provider of any temper costs no more than the deadline, and the error says what it was."""
    internet.behave["/v1"] = behave
    began = time.monotonic()
    value = await world.value(TEXT, "words", seconds=1.0)
    assert time.monotonic() - began < 1.0 + SLACK
    assert value.score is None
    assert value.error is not None
    assert reason in value.error


async def test_attempts_are_limited(world: World, internet: Internet) -> None:
    """A long deadline is no reason to call a failing provider without end."""
    internet.behave["/v1"] = status(500)
    await world.value(TEXT, "words", seconds=60)
    assert len(internet.hits) == ATTEMPTS


async def test_a_hanging_attempt_leaves_time_for_another(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """One attempt ends at the provider's own timeout, before the deadline."""
    world = make_world(limits=moderation(timeout=0.3))
    internet.behave["/v1"], moments = failing(1, hang)
    assert (await world.value(TEXT, "words")).score == 0.7
    assert len(moments) == 2


async def test_a_rate_limit_is_waited_for(world: World, internet: Internet) -> None:
    """After 429 with Retry-After the next attempt is not before that time."""
    internet.behave["/v1"], moments = failing(1, status(429, retry_after="1"))
    assert (await world.value(TEXT, "words")).score == 0.7
    assert len(moments) == 2
    assert moments[1] - moments[0] >= 0.95


async def test_a_rate_limit_is_for_all_calls(world: World, internet: Internet) -> None:
    """A pause that one call was told keeps the next one back, and then it has its score."""
    internet.behave["/v1"], moments = failing(1, status(429, retry_after="3"))
    first = await world.value(TEXT, "words", seconds=2.5)
    assert "limits the rate" in str(first.error)
    assert (await world.value(TEXT, "other words")).score == 0.7
    assert moments[1] - moments[0] >= 2.9


async def test_a_rate_limit_beyond_the_deadline_is_told_at_once(
    world: World, internet: Internet
) -> None:
    """Nobody waits for what cannot come in time, and the provider has its pause."""
    internet.behave["/v1"] = status(429, retry_after="30")
    began = time.monotonic()
    for words in ("a", "b"):
        value = await world.value(TEXT, words, seconds=PATIENCE)
        assert value.error is not None
        assert "limits the rate" in value.error
    assert time.monotonic() - began < PATIENCE
    assert len(internet.hits) == 1


async def test_the_breaker_opens_and_recovers(world: World, internet: Internet) -> None:
    """A provider that keeps failing is not called; one probe after the wait brings it back."""
    internet.behave["/v1"] = status(500)
    for number in range(3):
        await world.value(TEXT, f"words {number}", seconds=1.2)
    hits = len(internet.hits)
    began = time.monotonic()
    values = [await world.value(TEXT, f"more {number}") for number in range(20)]
    assert time.monotonic() - began < SLACK
    assert len(internet.hits) == hits
    assert {value.error for value in values} == {
        "OPEN_AI_MODERATION is left alone: OpenAI answers 500"
    }
    internet.behave.clear()
    world.clock.now += 61
    assert (await world.value(TEXT, "again")).score == 0.7
    assert (await world.value(TEXT, "and again")).score == 0.7


async def test_a_dead_provider_is_found_out_by_hurried_callers(
    world: World, internet: Internet
) -> None:
    """Deadlines shorter than the provider's timeout still open the breaker on one that hangs."""
    internet.behave["/v1"] = hang
    await asyncio.gather(*[world.value(TEXT, str(n), seconds=4) for n in range(8)])
    began = time.monotonic()
    value = await world.value(TEXT, "words")
    assert time.monotonic() - began < SLACK
    assert value.error is not None
    assert "left alone" in value.error


async def test_callers_in_a_hurry_do_not_blame_the_provider(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """Calls cut short before the provider had a fair time say nothing of it."""
    world = make_world(limits=moderation(timeout=100.0), fair_seconds=100.0)
    internet.behave["/v1"] = hang
    await asyncio.gather(*[world.value(TEXT, str(n), seconds=0.1) for n in range(10)])
    internet.behave.clear()
    assert (await world.value(TEXT, "words")).score == 0.7


async def test_refused_inputs_do_not_open_the_breaker(world: World, internet: Internet) -> None:
    """A user who sends what a provider refuses cannot switch it off for the organisation."""
    internet.behave["/v1"] = status(400)
    await world.values(TEXT, *[f"bad {number}" for number in range(40)])
    internet.behave.clear()
    assert (await world.value(TEXT, "words")).score == 0.7


async def test_one_organisation_does_not_shut_another_out(world: World, internet: Internet) -> None:
    """Slots that are full are those of one organisation."""

    async def by_org(hit: Hit, writer: asyncio.StreamWriter) -> None:
        if hit.headers["authorization"].endswith(ORG):
            await hang(hit, writer)
        await answer(writer, internet.moderation("text"))

    internet.behave["/v1"] = by_org
    blocked = [asyncio.create_task(world.value(TEXT, str(n))) for n in range(40)]
    await internet.reached(1)
    assert (await world.value(TEXT, "words", org_id=OTHER)).score == 0.7
    assert not any(task.done() for task in blocked)
    for task in blocked:
        task.cancel()
    await asyncio.gather(*blocked, return_exceptions=True)


async def test_a_breaker_is_of_one_organisation(world: World, internet: Internet) -> None:
    """One organisation's key refused, and its breaker open, another's calls go on."""

    async def by_org(hit: Hit, writer: asyncio.StreamWriter) -> None:
        if hit.headers["authorization"].endswith(ORG):
            await status(401)(hit, writer)
        else:
            await answer(writer, internet.moderation("text"))

    internet.behave["/v1"] = by_org
    for number in range(3):
        assert (await world.value(TEXT, f"words {number}")).error is not None
    assert (await world.value(TEXT, "words", org_id=OTHER)).score == 0.7


async def test_one_provider_does_not_shut_another_out(world: World, internet: Internet) -> None:
    """OpenAI dead, Zentropi answers."""
    internet.behave["/v1/moderations"] = hang
    dead = asyncio.create_task(world.value(TEXT, "words"))
    assert (await world.value(ZENTROPI, "words", subcategory="v")).score == 0.9
    assert not dead.done()
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)


async def test_concurrency_is_limited(world: World, internet: Internet) -> None:
    """However many ask, an organisation has a bounded number of calls at one provider."""
    gate = asyncio.Event()

    async def wait(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await answer(writer, internet.moderation("text"))

    internet.behave["/v1"] = wait
    tasks = [asyncio.create_task(world.value(TEXT, str(n))) for n in range(60)]
    await internet.reached(OpenAiModeration.limits.concurrency)
    gate.set()
    assert {value.score for value in await asyncio.gather(*tasks)} == {0.7}
    assert internet.most_at_once == OpenAiModeration.limits.concurrency


async def test_too_many_waiting_are_refused(world: World, internet: Internet) -> None:
    """The queue before a slow provider has an end: the rest hears so at once."""
    internet.behave["/v1"] = hang
    tasks = [asyncio.create_task(world.value(TEXT, str(n), seconds=3)) for n in range(400)]
    values = await asyncio.gather(*tasks)
    refused = [v for v in values if v.error == "OPEN_AI_MODERATION has too many calls waiting"]
    assert len(refused) == 400 - 256 - OpenAiModeration.limits.concurrency


async def test_one_call_serves_all_who_ask(world: World, internet: Internet) -> None:
    """All categories, for all rules at the same time, are one moderation call."""
    gate = asyncio.Event()

    async def wait(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await answer(writer, internet.moderation("text"))

    internet.behave["/v1"] = wait
    tasks = [asyncio.create_task(world.value(name, "words")) for name in [TEXT, HATE] * 20]
    await internet.reached(1)
    gate.set()
    assert {value.score for value in await asyncio.gather(*tasks)} == {0.7, 0.2}
    assert len(internet.hits) == 1


async def test_who_leaves_early_does_not_end_the_call(world: World, internet: Internet) -> None:
    """A shared call lives by the latest deadline; who has an earlier one hears at that time."""
    gate = asyncio.Event()

    async def wait(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await answer(writer, internet.moderation("text"))

    internet.behave["/v1"] = wait
    early = asyncio.create_task(world.value(TEXT, "words", seconds=0.3))
    await internet.reached(1)
    late = asyncio.create_task(world.value(HATE, "words"))
    left = asyncio.create_task(world.value(HATE, "words"))
    await asyncio.sleep(0)
    left.cancel()
    assert (await early).error is not None
    gate.set()
    assert (await late).score == 0.2
    assert len(internet.hits) == 1
    with pytest.raises(asyncio.CancelledError):
        await left


async def test_a_call_nobody_waits_for_ends(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """When all who asked are gone, so is the call; the next who asks begins anew."""
    world = make_world(limits=moderation(timeout=1000.0))
    internet.behave["/v1"] = hang
    task = asyncio.create_task(world.value(TEXT, "words", seconds=1000))
    await internet.reached(1)
    task.cancel()
    under_way = metric.CALLS_UNDER_WAY.labels("OPEN_AI_MODERATION")
    await eventually(lambda: under_way._value.get() == 0)
    with pytest.raises(asyncio.CancelledError):
        await task
    internet.behave.clear()
    assert (await world.value(TEXT, "words")).score == 0.7


async def test_closing_ends_what_is_under_way(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """A process that stops leaves no caller waiting."""
    world = make_world()
    internet.behave["/v1"] = hang
    task = asyncio.create_task(world.value(TEXT, "words"))
    await internet.reached(1)
    await world.providers.aclose()
    assert (await task).error == "the call to OPEN_AI_MODERATION was given up"


@pytest.mark.parametrize("code", [401, 403])
async def test_a_refused_key_is_left_alone_until_it_is_mended(
    world: World, internet: Internet, code: int
) -> None:
    """No call after the first under a key that is not taken; a new key counts at once."""
    internet.behave["/v1"] = status(code)
    for words in ("a", "b", "c"):
        value = await world.value(TEXT, words)
        assert value.error is not None
        assert f"refuses the account's key ({code})" in value.error
    assert len(internet.hits) == 1
    internet.behave.clear()
    world.set_up(ORG, "OPEN_AI", {"apiKey": "sk-new"})
    assert (await world.value(TEXT, "a")).score == 0.7


@pytest.mark.parametrize(
    ("code", "told", "reason"),
    [
        (429, {"error": {"code": "insufficient_quota"}}, "quota"),
        (400, {"error": {"details": [{"reason": "API_KEY_INVALID"}]}}, "refuses the account's key"),
    ],
)
async def test_a_refused_account_is_told_by_the_body(
    world: World, internet: Internet, code: int, told: object, reason: str
) -> None:
    """OpenAI's used-up quota and Google's wrong key come with statuses that mean other things."""

    async def refuse(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        await answer(writer, told, status=code)

    internet.behave["/v1"] = refuse
    value = await world.value(TEXT, "words")
    assert value.error is not None
    assert reason in value.error
    assert len(internet.hits) == 1


@pytest.mark.parametrize(
    "behave", [status(400), status(401), status(429), status(500), status(302), reset, drip]
)
async def test_no_error_and_no_log_line_shows_a_secret_or_content(
    world: World, internet: Internet, behave: Behave, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also where the provider repeats the key and the text in its answer."""
    internet.behave["/v1"] = behave
    told = ""
    for number in range(6):
        value = await world.value(TEXT, f"private-words {number}", seconds=0.5)
        told += repr(value)
    captured = capfd.readouterr()
    told += captured.out + captured.err
    assert SECRET not in told
    assert "private-words" not in told
    assert "error" in told


async def test_a_provider_that_cannot_be_connected_to(make_world: Callable[..., World]) -> None:
    """Nothing listens, or the name does not resolve: an error, in time."""
    for url in ("http://127.0.0.1:9", "http://name.invalid"):
        world = make_world(signal_open_ai_url=url)
        value = await world.value(TEXT, "words", seconds=1.5)
        assert value.error is not None


async def test_a_provider_address_that_is_not_allowed(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """Providers are called through the egress guard like everyone else."""
    world = make_world(allow=())
    value = await world.value(TEXT, "words")
    assert value.error == "OPEN_AI_MODERATION has an address that is not allowed"
    assert internet.hits == []
