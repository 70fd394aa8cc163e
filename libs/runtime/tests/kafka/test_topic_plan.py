"""Topics as they should be: what is planned, and what a broker has afterwards."""

from __future__ import annotations

import uuid

import pytest

from coop_runtime.kafka.topic_plan import (
    FoundTopic,
    TopicAdmin,
    WantedTopic,
    plan,
    wanted_topics,
)
from coop_runtime.process.settings import RuntimeSettings

from .conftest import create_topic

TOPIC = WantedTopic("t", 6, 3, {"retention.ms": "1000"})


def test_what_is_as_it_should_be_is_left() -> None:
    """No step, no word."""
    found = {"t": FoundTopic(6, 3, {"retention.ms": "1000", "somebody.elses": "1"})}
    made = plan([TOPIC], found, add_partitions=True)
    assert not made
    assert not made.drift
    assert list(made.lines()) == []


def test_each_difference_has_a_step_or_a_word() -> None:
    """A missing topic, a setting, partitions if asked for; the rest is told."""
    assert list(plan([TOPIC], {}, add_partitions=False).lines()) == [
        "create t: 6 partitions, replication 3"
    ]
    few = {"t": FoundTopic(4, 1, {})}
    made = plan([TOPIC], few, add_partitions=False)
    assert list(made.lines()) == ["set retention.ms of t: the default → 1000"]
    assert [line.split(",")[0] for line in made.drift] == [
        "t has 4 partitions",
        "t has replication 1",
    ]
    made = plan([TOPIC], few, add_partitions=True)
    assert made.grow == {"t": (4, 6)}
    many = {"t": FoundTopic(12, 3, {"retention.ms": "1000"})}
    made = plan([TOPIC], many, add_partitions=True)
    assert not made
    assert made.drift == ["t has 12 partitions, more than 6"]


def test_every_topic_has_its_dead_letters() -> None:
    """Both with the copies and the least that must have a record."""
    wanted = {topic.name: topic for topic in wanted_topics(replication=3, min_isr=2)}
    assert wanted["coop.items.v1"].replication == wanted["coop.items.v1.dlq"].replication == 3
    assert all(topic.config["min.insync.replicas"] == "2" for topic in wanted.values())
    assert sum(name.endswith(".dlq") for name in wanted) * 2 == len(wanted)


@pytest.mark.engines
def test_a_plan_that_was_carried_out_leaves_nothing(
    settings: RuntimeSettings, kafka_bootstrap: str, broker_idempotence: bool
) -> None:
    """On a real broker: made, grown, set; and then there is nothing to do, also for the second of
    two who began at once."""
    if not broker_idempotence:
        pytest.skip("the stand-in broker neither grows nor sets a topic")
    name = f"test.{uuid.uuid4().hex[:12]}"
    create_topic(kafka_bootstrap, f"{name}.old", 2, {"retention.ms": "5", "segment.ms": "9000"})
    wanted = [
        WantedTopic(f"{name}.new", 3, 1, {"retention.ms": "1000", "min.insync.replicas": "1"}),
        WantedTopic(f"{name}.old", 4, 1, {"retention.ms": "1000"}),
    ]
    names = [topic.name for topic in wanted]
    admin = TopicAdmin(settings)
    first = plan(wanted, admin.found(names), add_partitions=True)
    assert len(list(first.lines())) == 3
    admin.apply(first)
    admin.apply(plan(wanted[:1], {}, add_partitions=True))
    found = admin.found(names)
    assert not plan(wanted, found, add_partitions=True)
    assert found[f"{name}.new"] == FoundTopic(
        3, 1, {"retention.ms": "1000", "min.insync.replicas": "1"}
    )
    assert found[f"{name}.old"] == FoundTopic(4, 1, {"retention.ms": "1000", "segment.ms": "9000"})
