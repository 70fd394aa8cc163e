"""The fast lane's process: nothing lost, nothing doubled, a bad item aside."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from coop_contracts.config import Kind
from coop_contracts.event import ActionRequested, ReviewRequested, RulesEvaluated

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

_SECONDS = 60.0


async def test_kill_in_the_middle_loses_and_doubles_nothing(
    producer: Any, process: Any, topics: Any, kit: Any, platform: Any, org_id: str
) -> None:
    """Killed in the middle and started again, every submission has a result and every effect one
    id; an item that cannot be read is in the dead letters, and nothing waits for it; a stop that
    is asked for ends with 0."""
    found = kit.rule("r1", kit.contains("spam"), action_ids=("delete", "review"))
    await platform.configure(producer, org_id, *kit.documents(), (Kind.RULE, found))
    process.start()
    items = [
        kit.submission(
            {"text": "spam" if number % 3 == 0 else "hello", "likes": number},
            number=number,
            org_id=org_id,
        )
        for number in range(3000)
    ]
    items.insert(700, kit.submission(b"[]", number=99_999, org_id=org_id))
    await platform.submit(producer, *items)
    topics.read_until(lambda seen: len(seen.get(RulesEvaluated.topic, ())) > 200)
    process.end(signal.SIGKILL)
    process.start()

    def done(seen: dict[str, list[Any]]) -> bool:
        results = {one.submission_id for one in seen.get(RulesEvaluated.topic, ())}
        asked = {one.execution_id for one in seen.get(ActionRequested.topic, ())}
        reviews = {one.entry_id for one in seen.get(ReviewRequested.topic, ())}
        return (
            len(results) == 3000
            and len(asked) == len(reviews) == 1000
            and bool(seen.get(topics.dead))
        )

    seen = topics.read_until(done)
    requested = {one.item.id: one.execution_id for one in seen[ActionRequested.topic]}
    assert len(requested) == 1000
    for one in seen[ActionRequested.topic]:
        assert one.execution_id == requested[one.item.id]
    assert process.end(signal.SIGTERM) == 0


async def test_a_rule_change_acts_on_what_follows(
    producer: Any, process: Any, topics: Any, kit: Any, platform: Any, org_id: str
) -> None:
    """A rule published while the engine runs acts on items submitted right after it."""
    await platform.configure(producer, org_id, *kit.documents())
    process.start()
    await platform.submit(producer, kit.submission({"text": "spam"}, number=1, org_id=org_id))
    topics.read_until(lambda seen: len(seen.get(RulesEvaluated.topic, ())) == 1)
    rule = kit.rule("r1", kit.contains("spam"), action_ids=("delete",))
    await platform.configure(producer, org_id, (Kind.RULE, rule), first=50)
    event = kit.submission({"text": "spam"}, number=2, org_id=org_id, config_revision=50)
    await platform.submit(producer, event)
    seen = topics.read_until(lambda seen: bool(seen.get(ActionRequested.topic)))
    assert seen[ActionRequested.topic][0].config_revision >= 50
