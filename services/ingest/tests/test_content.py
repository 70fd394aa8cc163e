"""`POST /content/`: the older form of an item, and the answer that a request may wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from coop_contracts.config import Action, Kind
from coop_contracts.event import ItemRef
from coop_ingest.app import connect_redis
from coop_ingest.settings import Settings
from coop_runtime.redis.verdict import Verdict, encode_verdicts, verdict_channel

from .conftest import KEYS, USER_TYPE

CONTENT = {"contentType": "Post", "contentId": "p1", "content": {"text": "hello", "likes": "3"}}
_SECONDS = 20.0


def verdict(ingest: Any, place: int = -1, **said: Any) -> Verdict:
    """What the rules say of an item that was published."""
    event = ingest.broker.events[place]
    return Verdict(submission_id=event.submission_id, **{"decided": ("FAST",), **said})


async def published(ingest: Any, count: int = 1) -> None:
    async with asyncio.timeout(_SECONDS):
        while len(ingest.broker.messages) < count:  # noqa: ASYNC110 - it says nothing by itself
            await asyncio.sleep(0.005)


def waiting(ingest: Any, **more: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(ingest.post("/content/", {**CONTENT, "sync": True}, **more))


def pointers(response: Any) -> list[str | None]:
    return [error.get("pointer") for error in response.json()["errors"]]


@pytest.mark.parametrize("path", ["/content/", "/content", "/Content"])
async def test_content_is_an_item(ingest: Any, path: str) -> None:
    """202 and an empty body; the item is one like any other, its type found by name, its data
    coerced; nobody waits for it."""
    response = await ingest.post(f"{path}?includeDerivedField=eyJ9", CONTENT)
    assert (response.status_code, response.content) == (202, b"")
    (message,) = ingest.broker.messages
    (event,) = ingest.broker.events
    assert (message.topic, message.key) == ("coop.items.v1", b"org1/post/p1")
    assert msgspec.json.decode(event.item.data) == {"text": "hello", "likes": 3}
    assert event.item.submission_id == event.submission_id == event.correlation_id
    assert event.request_id.startswith("post-content:")
    assert event.reply_to is None
    assert b"replyTo" not in message.value
    assert event.item.creator is None


async def test_the_author_is_of_the_default_user_type(ingest: Any) -> None:
    """`userId` is a user of the default type; without such a type, and without `userId`, the data
    say who it is."""
    author = {"author": {"id": "u1", "typeId": "user"}, "text": "x"}
    await ingest.post("/content/", {**CONTENT, "userId": "u9", "content": author})
    default = msgspec.structs.replace(USER_TYPE, is_default_user_type=True)
    ingest.configure(Kind.ITEM_TYPE, default, "user")
    await ingest.post("/content/", {**CONTENT, "userId": "u9", "content": author})
    await ingest.post("/content/", {**CONTENT, "content": author})
    creators = [event.item.creator for event in ingest.broker.events]
    assert creators == [ItemRef("u1", "user"), ItemRef("u9", "user"), ItemRef("u1", "user")]


async def test_every_fault_names_its_field(ingest: Any) -> None:
    """A wrong body is refused with the pointer of each fault, and nothing is published."""
    cases = [
        ({**CONTENT, "contentType": "post"}, ["/contentType"]),
        ({**CONTENT, "contentType": "Nothing", "contentId": ""}, ["/contentId", "/contentType"]),
        ({**CONTENT, "contentId": "x" * 513}, ["/contentId"]),
        ({**CONTENT, "content": {"likes": "x"}}, ["/content/text", "/content/likes"]),
        ({**CONTENT, "userId": ""}, ["/userId"]),
        ({**CONTENT, "content": "text"}, ["/content"]),
        ({**CONTENT, "sync": "yes"}, ["/sync"]),
        ({}, ["/contentType", "/contentId", "/content"]),
    ]
    for body, expected in cases:
        response = await ingest.post("/content/", body)
        assert response.status_code == 400, body
        assert sorted(map(str, pointers(response))) == sorted(expected), body
    assert (await ingest.post("/content/", CONTENT, key=None)).status_code == 401
    assert (await ingest.post("/content/", CONTENT, key=KEYS["org2"])).status_code == 400
    assert ingest.broker.messages == []


async def test_too_large(make_ingest: Callable[..., Any]) -> None:
    """Content above the limit of an item is 413."""
    ingest = make_ingest(ingest_max_item=2048)
    response = await ingest.post("/content/", {**CONTENT, "content": {"text": "x" * 3000}})
    assert response.status_code == 413
    assert ingest.broker.messages == []


async def test_the_broker_away_is_503_and_nobody_waits(ingest: Any) -> None:
    """Not acknowledged: 503 as for any item, at once, and the place is free again."""
    ingest.broker.fails = True
    response = await waiting(ingest)
    assert response.status_code == 503
    assert "kept" not in response.json()["errors"][0]["detail"]
    assert ingest.verdicts.waiting == 0


async def test_sync_answers_what_the_rules_said(ingest: Any) -> None:
    """200 with the actions that the rules asked for, by id and name; a deleted action's name is its
    id; the address that the event carries is this process's."""
    ingest.configure(Kind.ACTION, Action(id="warn", name="Warn them"), "warn")
    asked = waiting(ingest)
    await published(ingest)
    assert ingest.broker.events[0].reply_to == ingest.verdicts.address
    told = verdict(ingest, action_ids=("warn", "delete", "gone"))
    ingest.verdicts.take(encode_verdicts([told, told]))
    response = await asked
    assert response.status_code == 200
    assert response.json() == {
        "actionsTriggered": [
            {"id": "warn", "name": "Warn them"},
            {"id": "delete", "name": "Delete"},
            {"id": "gone", "name": "gone"},
        ],
        "derivedFields": {},
    }
    assert ingest.verdicts.waiting == 0


async def test_lanes_that_wait_are_awaited_as_long_as_there_is_time(
    make_ingest: Callable[..., Any],
) -> None:
    """Where a lane is deferred, its verdict is awaited, in whichever order they come; at the
    deadline the answer says which are undecided."""
    ingest = make_ingest(ingest_sync_timeout=5)
    asked = waiting(ingest)
    await published(ingest)
    # The lane's own verdict may overtake the first.
    ingest.verdicts.take(
        encode_verdicts([verdict(ingest, decided=("SLOW",), action_ids=("delete",))])
    )
    await asyncio.sleep(0.02)
    assert not asked.done()
    ingest.verdicts.take(encode_verdicts([verdict(ingest, deferred=("SLOW",))]))
    assert (await asked).json()["actionsTriggered"] == [{"id": "delete", "name": "Delete"}]

    hurried = make_ingest(ingest_sync_timeout=0.2)
    asked = waiting(hurried)
    await published(hurried)
    told = verdict(hurried, deferred=("SLOW", "MEDIA"), action_ids=("delete",))
    hurried.verdicts.take(encode_verdicts([told]))
    response = await asked
    assert response.status_code == 200
    assert response.json() == {
        "actionsTriggered": [{"id": "delete", "name": "Delete"}],
        "derivedFields": {},
        "undecided": ["MEDIA", "SLOW"],
    }


async def test_no_answer_in_time_is_503_and_the_item_is_kept(
    make_ingest: Callable[..., Any],
) -> None:
    """503 with Retry-After, saying that the item is kept; it was published, once. What comes later,
    or is about others, disturbs nobody."""
    ingest = make_ingest(ingest_sync_timeout=0.1)
    asked = waiting(ingest)
    await published(ingest)
    ingest.verdicts.take(b"not a verdict")
    ingest.verdicts.take(encode_verdicts([Verdict(submission_id="other", decided=("FAST",))]))
    response = await asked
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    (error,) = response.json()["errors"]
    assert error["type"] == ["/errors/service-unavailable"]
    assert "The item is kept" in error["detail"]
    assert len(ingest.broker.messages) == 1
    ingest.verdicts.take(encode_verdicts([verdict(ingest)]))


async def test_those_who_wait_are_bounded(make_ingest: Callable[..., Any]) -> None:
    """An organisation has two thirds of the places, and one that comes then finds room; who finds
    none is 429, and nothing of it is kept; without `sync` it is accepted."""
    ingest = make_ingest(ingest_sync_waiting=6, ingest_sync_timeout=5)
    ingest.configure(Kind.ITEM_TYPE, msgspec.structs.replace(USER_TYPE, id="u"), "u", "org2")
    asked = [waiting(ingest) for _ in range(4)]
    await published(ingest, 4)
    refused = await waiting(ingest)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert "nothing of this was kept" in refused.json()["errors"][0]["detail"]
    assert len(ingest.broker.messages) == 4
    assert (await ingest.post("/content/", CONTENT)).status_code == 202
    other = {"contentType": "User", "contentId": "u1", "content": {}, "sync": True}
    theirs = asyncio.create_task(ingest.post("/content/", other, key=KEYS["org2"]))
    await published(ingest, 6)
    for place in (0, 1, 2, 3, 5):
        ingest.verdicts.take(encode_verdicts([verdict(ingest, place)]))
    for request in (*asked, theirs):
        assert (await request).status_code == 200
    assert ingest.verdicts.waiting == 0


async def listens(ingest: Any, redis: Redis) -> bool:
    ((_, count),) = await redis.pubsub_numsub(verdict_channel(ingest.verdicts.address))
    return bool(count)


@pytest.fixture
async def heard(
    make_ingest: Callable[..., Any], redis_url: str
) -> AsyncIterator[tuple[Any, Redis]]:
    """An ingest that listens, and the Redis it listens to."""
    ingest = make_ingest(redis=redis_url, ingest_sync_timeout=10)
    listener = connect_redis(Settings(redis=redis_url))
    task = asyncio.create_task(ingest.verdicts.run(listener))
    redis = Redis.from_url(redis_url)
    async with asyncio.timeout(_SECONDS):
        while not await listens(ingest, redis):  # noqa: ASYNC110 - in Redis
            await asyncio.sleep(0.01)
    yield ingest, redis
    task.cancel()
    await asyncio.wait([task])
    await listener.aclose()
    await redis.aclose()


@pytest.mark.engines
async def test_verdicts_come_by_redis(heard: tuple[Any, Redis]) -> None:
    """What is published at the process's address ends the wait; at another's, nothing."""
    ingest, redis = heard
    asked = waiting(ingest)
    await published(ingest)
    message = encode_verdicts([verdict(ingest, action_ids=("delete",))])
    assert await redis.publish(verdict_channel("another"), message) == 0
    assert await redis.publish(verdict_channel(ingest.verdicts.address), message) == 1
    assert (await asked).json()["actionsTriggered"] == [{"id": "delete", "name": "Delete"}]


@pytest.mark.engines
async def test_the_connection_is_made_again(heard: tuple[Any, Redis]) -> None:
    """After Redis closed the connection, the process listens again by itself."""
    ingest, redis = heard
    channel = verdict_channel(ingest.verdicts.address)
    for client in await redis.client_list(_type="pubsub"):
        await redis.client_kill_filter(_id=client["id"])
    asked = waiting(ingest)
    await published(ingest)
    message = encode_verdicts([verdict(ingest)])
    # Redis may count a connection that nobody reads any more, so one that was received is no proof.
    while not asked.done():
        await redis.publish(channel, message)
        await asyncio.sleep(0.05)
    assert (await asked).status_code == 200


@pytest.mark.engines
async def test_an_idempotency_key_asks_again(
    make_ingest: Callable[..., Any], redis_url: str
) -> None:
    """After 503 the same request under its Idempotency-Key is the same submission, so that nothing
    is done twice; once it was answered, the answer is given again without a submission."""
    redis = Redis.from_url(redis_url)
    await redis.flushdb()
    await redis.aclose()
    ingest = make_ingest(redis=redis_url, ingest_sync_timeout=0.3)
    headers = {"idempotency-key": "k1"}
    assert (await waiting(ingest, headers=headers)).status_code == 503
    asked = waiting(ingest, headers=headers)
    await published(ingest, 2)
    first, second = ingest.broker.events
    assert first.submission_id == second.submission_id
    ingest.verdicts.take(encode_verdicts([verdict(ingest, action_ids=("delete",))]))
    answer = await asked
    assert answer.status_code == 200
    again = await waiting(ingest, headers=headers)
    assert again.json() == answer.json()
    assert len(ingest.broker.messages) == 2
