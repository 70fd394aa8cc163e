"""Answers are kept for a little while, and never take more room than they may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from coop_signals.cache import PREFIX, AnswerCache
from coop_signals.calls import digest
from coop_signals.error import InputRefused
from coop_signals.provider import ProviderQuestion

from .signals_server import Hit, Internet, answer, status
from .signals_world import ORG, OTHER, Clock, World

TEXT = "OPEN_AI_VIOLENCE_TEXT_MODEL"


def cache(clock: Clock, *, entries: int = 100, size: int = 100_000) -> AnswerCache:
    return AnswerCache(ttl=30, max_entries=entries, max_bytes=size, clock=clock)


async def test_an_answer_is_kept_for_its_time(world: World, internet: Internet) -> None:
    """Within 30 s the same question is no call; after that it is one again."""
    for _ in range(3):
        assert (await world.value(TEXT, "words")).score == 0.7
    assert len(internet.hits) == 1
    world.clock.now += 30.1
    await world.value(TEXT, "words")
    assert len(internet.hits) == 2


async def test_organisations_share_no_answers(world: World, internet: Internet) -> None:
    """The same text of two organisations is two calls, each with its own key."""
    await world.value(TEXT, "words")
    await world.value(TEXT, "words", org_id=OTHER)
    keys = [hit.headers["authorization"] for hit in internet.hits]
    assert len(set(keys)) == 2


async def test_failures_are_not_kept(world: World, internet: Internet) -> None:
    """What may get better by itself is asked again."""
    internet.behave["/v1"] = status(500)
    assert (await world.value(TEXT, "words", seconds=0.5)).error is not None
    internet.behave.clear()
    assert (await world.value(TEXT, "words")).score == 0.7


async def test_no_cache_where_the_operator_wants_none(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """Zero seconds keep nothing."""
    world = make_world(signal_cache_seconds=0)
    await world.value(TEXT, "words")
    await world.value(TEXT, "words")
    assert len(internet.hits) == 2


def test_keys_tell_questions_apart_and_nothing_else() -> None:
    """Organisation, provider, family, content and argument each change the key; no content is in
    it."""
    base = (ORG, "P", ProviderQuestion("text", "words", "a"))
    others = [
        (OTHER, "P", ProviderQuestion("text", "words", "a")),
        (ORG, "Q", ProviderQuestion("text", "words", "a")),
        (ORG, "P", ProviderQuestion("image", "words", "a")),
        (ORG, "P", ProviderQuestion("text", "words", "b")),
        (ORG, "P", ProviderQuestion("text", "words")),
        (ORG, "P", ProviderQuestion("text", "wordsa", "")),
    ]
    keys = {digest(*asked) for asked in [base, *others]}
    assert len(keys) == 7
    assert digest(*base) == digest(*base)
    assert all("words" not in key and len(key) == 32 for key in keys)
    one, two = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert digest(ORG, "P", ProviderQuestion("x", one)) == digest(
        ORG, "P", ProviderQuestion("x", two)
    )


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 400), st.integers(0, 20)), max_size=60)
)
def test_it_is_bounded_and_gives_what_was_put(steps: list[tuple[int, int, int]]) -> None:
    """After any sequence: at most so many entries, and an answer is the last one put, or gone."""
    clock = Clock()
    kept = cache(clock, entries=5, size=2000)
    last: dict[str, tuple[float, object]] = {}
    for key, size, wait in steps:
        clock.now += wait
        kept.put(str(key), [key, size], size=size)
        last[str(key)] = (clock.now, [key, size])
        assert len(kept) <= 5
        for name, (moment, answer_) in last.items():
            found = kept.get(name)
            assert found is AnswerCache.MISSING or found == answer_
            assert found is AnswerCache.MISSING or clock.now < moment + 30
    clock.now += 31
    assert all(kept.get(name) is AnswerCache.MISSING for name in last)
    assert len(kept) == 0


def test_the_least_recently_used_goes_first() -> None:
    """What is asked for stays."""
    kept = cache(Clock(), entries=2)
    kept.put("a", 1, size=1)
    kept.put("b", 2, size=1)
    kept.get("a")
    kept.put("c", 3, size=1)
    assert kept.get("a") == 1
    assert kept.get("b") is AnswerCache.MISSING


def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    """It would only drive the others out."""
    kept = cache(Clock(), size=1000)
    kept.put("a", 1, size=10)
    kept.put("b", 2, size=2000)
    assert kept.get("a") == 1
    assert kept.get("b") is AnswerCache.MISSING


def test_a_refusal_is_kept_for_less_time() -> None:
    """Five seconds, not thirty."""
    clock = Clock()
    kept = cache(clock)
    kept.put("a", InputRefused("no"), size=0)
    clock.now += 4.9
    assert isinstance(kept.get("a"), InputRefused)
    clock.now += 0.2
    assert kept.get("a") is AnswerCache.MISSING


@pytest.mark.engines
async def test_processes_share_answers_through_redis(
    make_world: Callable[..., World], internet: Internet, redis_url: str
) -> None:
    """A second process finds the first one's answer; it expires, and holds no content."""
    async with Redis.from_url(redis_url) as redis:
        first = make_world(redis=redis, signal_cache_redis=True)
        second = make_world(redis=redis, signal_cache_redis=True)
        internet.scores["violence"] = 0.123
        assert (await first.value(TEXT, "words for redis")).score == 0.123
        assert (await second.value(TEXT, "words for redis")).score == 0.123
        assert len(internet.hits) == 1
        key = PREFIX + digest(
            ORG, "OPEN_AI_MODERATION", ProviderQuestion("text", "words for redis")
        )
        assert 0 < await redis.pttl(key) <= 30_000
        kept = await redis.get(key)
        assert isinstance(kept, bytes)
        assert b"words" not in kept
        await redis.set(key, b"not json")
        third = make_world(redis=redis, signal_cache_redis=True)
        assert (await third.value(TEXT, "words for redis")).score == 0.123
        assert len(internet.hits) == 2
        await redis.delete(key)


async def test_redis_away_costs_no_score(
    make_world: Callable[..., World], internet: Internet
) -> None:
    """A cache that is not there, or does not answer, is gone without."""
    gate = asyncio.Event()

    async def slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        writer.close()

    silent = await asyncio.start_server(slow, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    for url in ("redis://127.0.0.1:9/0", f"redis://127.0.0.1:{port}/0"):
        redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
        world = make_world(redis=redis, signal_cache_redis=True)
        values = await world.values(TEXT, *[f"{url} {number}" for number in range(20)])
        assert {value.score for value in values} == {0.7}
        await redis.aclose()
    gate.set()
    silent.close()
    await silent.wait_closed()


async def test_a_shape_of_an_older_version_in_the_cache_is_no_score(
    world: World, internet: Internet
) -> None:
    """What a cached answer lacks is said, not guessed."""

    async def partial(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        await answer(writer, {"results": [{"category_scores": {"hate": 0.2}}]})

    internet.behave["/v1"] = partial
    assert (await world.value("OPEN_AI_HATE_TEXT_MODEL", "words")).score == 0.2
    value = await world.value(TEXT, "words")
    assert value.error == "OpenAI gave no score for violence"
