"""Dead letters as an administrator is told of them: counted on a real broker, and while it is
away."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from coop_contracts.permission import Role
from coop_review_api.delivery.dead_letter import DeadLetters
from coop_runtime.kafka.letter_count import LetterCount, count_letters
from coop_runtime.kafka.message import RawMessage
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.error import BrokerUnavailable
from coop_runtime.process.settings import RuntimeSettings

pytestmark = pytest.mark.engines

PATH = "/v1/dead-letters"
TOPIC = "coop.reports.v1"


class Broker:
    """Answers as a test says, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False
        self.is_asked = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> Sequence[LetterCount]:
        self.asked += 1
        self.is_asked.set()
        assert self.go_on.wait(30)
        if self.is_away:
            raise BrokerUnavailable("away")
        return [LetterCount(topic=TOPIC, letters=self.asked, waiting=1)]


@pytest.fixture
def broker(context: Any, clock: Any) -> Broker:
    made = Broker()
    context.parts[DeadLetters] = DeadLetters(made, clock=clock)
    return made


async def test_a_letter_on_the_broker_is_counted(
    context: Any, clock: Any, admin: Any, kafka_bootstrap: str, broker_idempotence: bool
) -> None:
    """What a service laid aside stands beside its topic, with who reads that."""
    settings = RuntimeSettings(
        kafka=kafka_bootstrap, kafka_idempotence=broker_idempotence, internal_port=1
    )
    context.parts[DeadLetters] = DeadLetters(
        partial(count_letters, settings, "test", seconds=30), clock=clock
    )

    async def told() -> dict[str, Any]:
        topics = (await admin.call("GET", PATH)).json()["topics"]
        found: dict[str, Any] = next(one for one in topics if one["topic"] == TOPIC)
        return found

    before = await told()
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.publish([RawMessage(f"{TOPIC}.dlq", uuid.uuid4().bytes, b"{", [])])
    await producer.stop()
    assert await told() == before, "it is asked again only after a while"
    clock.forward(seconds=11)
    after = await told()
    assert after["letters"] > before["letters"]
    assert after["waiting"] > before["waiting"]
    assert "routing" in after["readBy"]


async def test_a_broker_that_is_away_is_not_asked_by_everybody(
    broker: Broker, clock: Any, admin: Any
) -> None:
    """Where nothing was ever known it is said, with when to ask again; nobody else asks until
    then."""
    broker.is_away = True
    answers = await asyncio.gather(*(admin.call("GET", PATH) for _ in range(5)))
    assert {one.status_code for one in answers} == {503}
    assert answers[0].headers["retry-after"] == "10"
    assert broker.asked == 1
    broker.is_away = False
    clock.forward(seconds=11)
    assert (await admin.call("GET", PATH)).status_code == 200


async def test_the_last_answer_stands_while_it_is_away(
    broker: Broker, clock: Any, admin: Any
) -> None:
    """With the time that it is of."""
    first = (await admin.call("GET", PATH)).json()
    broker.is_away = True
    clock.forward(seconds=11)
    assert (await admin.call("GET", PATH)).json() == first
    broker.is_away = False
    clock.forward(seconds=11)
    again = (await admin.call("GET", PATH)).json()
    assert again["countedAt"] > first["countedAt"]
    assert again["topics"][0]["letters"] == 3


async def test_a_slow_broker_is_asked_once(broker: Broker, admin: Any) -> None:
    """Whoever asks meanwhile has the same answer, and the others' requests go on."""
    broker.go_on.clear()
    asking = [asyncio.create_task(admin.call("GET", PATH)) for _ in range(4)]
    assert await asyncio.to_thread(broker.is_asked.wait, 30)
    assert (await admin.call("GET", "/v1/session")).status_code == 200
    assert not any(one.done() for one in asking)
    broker.go_on.set()
    assert {(await one).status_code for one in asking} == {200}
    assert broker.asked == 1


async def test_who_may_see_it(sign_in: Any) -> None:
    """Those who manage the organisation: it is about the whole installation."""
    for role in Role:
        person = await sign_in(role)
        expected = 200 if role is Role.ADMIN else 403
        assert (await person.call("GET", PATH)).status_code == expected, role
