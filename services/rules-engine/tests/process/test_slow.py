"""The waiting lanes' process: killed, and with a provider that does not answer."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from coop_contracts.config import Kind
from coop_contracts.event import ActionRequested

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

_SECONDS = 60.0


async def test_the_slow_lane_survives_a_kill(
    producer: Any, process: Any, slow: Any, topics: Any, kit: Any, platform: Any, org_id: str
) -> None:
    """The slow process killed in the middle and started again: every submission has its slow
    result, and every effect one id; one in the media lane without values has its result too."""
    documents = [
        *kit.documents(),
        platform.open_ai(org_id),
        (Kind.RULE, kit.rule("r1", kit.hate(0.5), action_ids=("delete",))),
        (Kind.RULE, kit.rule("r2", kit.image("bank"), action_ids=("warn",))),
    ]
    await platform.configure(producer, org_id, *documents)
    process.start()
    slow.start()
    revision = len(documents)
    events = [
        kit.submission(
            {"text": f"{'hate' if number % 2 else 'love'} {number}"},
            number=number,
            org_id=org_id,
            time=datetime.now(UTC),
            config_revision=revision,
        )
        for number in range(400)
    ]
    awaiting = kit.submission(
        {"image": {"url": "https://cdn.example/1.jpg"}},
        number=9_999,
        org_id=org_id,
        time=datetime.now(UTC),
        awaits_media=True,
        config_revision=revision,
    )
    await platform.submit(producer, awaiting, *events)
    topics.read_until(lambda seen: len(platform.lanes(seen, "SLOW")) > 50)
    slow.end(signal.SIGKILL)
    slow.start()
    seen = topics.read_until(
        lambda seen: (
            len(platform.lanes(seen, "SLOW")) == len(platform.lanes(seen, "MEDIA")) == 401
            and len({one.execution_id for one in seen.get(ActionRequested.topic, ())}) >= 200
        )
    )
    requested = seen[ActionRequested.topic]
    assert {one.item.id for one in requested} == {f"item-{n}" for n in range(1, 400, 2)}
    assert len({one.execution_id for one in requested}) == 200
    assert platform.lanes(seen, "MEDIA")["submission-9999"].rules[0].passed is None
    assert slow.end(signal.SIGTERM) == 0


async def test_a_silent_provider_delays_nobody(
    producer: Any,
    process: Any,
    slow: Any,
    topics: Any,
    kit: Any,
    platform: Any,
    org_id: str,
    model: Any,
) -> None:
    """With a provider that never answers, results of the fast lane come at once, those of the slow
    lane by its deadline, as unknown; when it answers again, they pass again."""
    documents = [
        *kit.documents(),
        platform.open_ai(org_id),
        (Kind.RULE, kit.rule("r1", kit.hate(0.5), action_ids=("delete",))),
    ]
    await platform.configure(producer, org_id, *documents)
    process.start()
    slow.start(COOP_RULES_SLOW_DEADLINE="2")
    model.silent.set()

    def submission(number: int) -> Any:
        return kit.submission(
            {"text": f"hate {number}"},
            number=number,
            org_id=org_id,
            time=datetime.now(UTC),
            config_revision=len(documents),
        )

    await platform.submit(producer, *(submission(number) for number in range(100)))
    seen = topics.read_until(lambda seen: len(platform.lanes(seen, "SLOW")) == 100)
    fast = platform.lanes(seen, "FAST")
    for one in platform.lanes(seen, "SLOW").values():
        assert fast[one.submission_id].time < one.time
        assert one.rules[0].passed is None
        assert one.signals[0].error
    model.silent.clear()
    number = 100
    until = time.monotonic() + _SECONDS
    while not seen.get(ActionRequested.topic):
        assert time.monotonic() < until
        await platform.submit(producer, submission(number))
        seen = topics.read_until(
            lambda seen, n=number: f"submission-{n}" in platform.lanes(seen, "SLOW")
        )
        number += 1
