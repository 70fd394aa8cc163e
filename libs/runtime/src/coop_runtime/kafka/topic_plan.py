"""The topics that a broker should have, what it has, and the way from one to the other.

Guarantees: nothing is deleted, and no partition is taken away; a plan that was carried out leaves
an empty one; what cannot be mended here (a replication factor, too many partitions) is told. Keys
find their partitions by the number of these: adding some parts an item's past from its future, so
that is done only when asked for.
Must not: know a service.

Names and meanings: Kafka's topic configuration.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
)
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewPartitions, NewTopic

from coop_contracts.topic import DEAD_LETTER_CONFIG, DEAD_LETTER_SUFFIX, all_topics
from coop_runtime.kafka.config import admin_config
from coop_runtime.process.settings import KafkaSettings

_SECONDS = 15.0  # for one answer
_VISIBLE_SECONDS = 60.0
_SILENT = logging.getLogger("coop_runtime.topic_plan.librdkafka")
_SILENT.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class WantedTopic:
    """One topic as it should be; `config` in Kafka's names."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class FoundTopic:
    """One topic as it is: the smallest number of replicas of its partitions, and those of its
    settings that are its own."""

    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass
class TopicPlan:
    """What is to be done, in words that name the topic. `create` and so on are carried out,
    `drift` is told only."""

    create: list[WantedTopic] = field(default_factory=list)
    grow: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Partitions, from and to."""
    configure: dict[str, dict[str, tuple[str | None, str]]] = field(default_factory=dict)
    """Settings, from and to."""
    drift: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.create or self.grow or self.configure)

    def lines(self) -> Iterator[str]:
        """One for each step."""
        for topic in self.create:
            yield f"create {topic.name}: {_count(topic)}"
        for name, (old, new) in self.grow.items():
            yield f"add partitions to {name}: {old} → {new}"
        for name, changes in self.configure.items():
            for setting, (before, after) in changes.items():
                yield f"set {setting} of {name}: {before or 'the default'} → {after}"


def _count(topic: WantedTopic) -> str:
    return f"{topic.partitions} partitions, replication {topic.replication}"


def wanted_topics(*, replication: int = 1, min_isr: int | None = None) -> list[WantedTopic]:
    """Those of the contracts, each with its dead-letter topic. With fewer than `min_isr` replicas
    in step a record is not accepted."""
    more = {} if min_isr is None else {"min.insync.replicas": str(min_isr)}
    return [
        wanted
        for topic in all_topics()
        for wanted in (
            WantedTopic(topic.topic, topic.partitions, replication, topic.broker_config() | more),
            WantedTopic(
                topic.topic + DEAD_LETTER_SUFFIX, 1, replication, DEAD_LETTER_CONFIG | more
            ),
        )
    ]


def plan(
    wanted: Sequence[WantedTopic], found: Mapping[str, FoundTopic], *, add_partitions: bool
) -> TopicPlan:
    """The way from `found` to `wanted`."""
    made = TopicPlan()
    for topic in wanted:
        there = found.get(topic.name)
        if there is None:
            made.create.append(topic)
            continue
        if there.partitions < topic.partitions:
            if add_partitions:
                made.grow[topic.name] = (there.partitions, topic.partitions)
            else:
                made.drift.append(
                    f"{topic.name} has {there.partitions} partitions, not {topic.partitions}:"
                    " --add-partitions adds them; what is under way of one item may then be"
                    " handled out of order"
                )
        elif there.partitions > topic.partitions:
            made.drift.append(
                f"{topic.name} has {there.partitions} partitions, more than {topic.partitions}"
            )
        if there.replication != topic.replication:
            made.drift.append(
                f"{topic.name} has replication {there.replication}, not {topic.replication}:"
                " kafka-reassign-partitions changes it"
            )
        changes = {
            name: (there.config.get(name), value)
            for name, value in topic.config.items()
            if there.config.get(name) != value
        }
        if changes:
            made.configure[topic.name] = changes
    return made


class TopicAdmin:
    """One connection. Raises KafkaException when the broker refuses, or does not answer in time."""

    def __init__(self, settings: KafkaSettings, *, timeout: float = _SECONDS) -> None:
        """`timeout`: seconds for one answer."""
        self._seconds = timeout
        self._client = AdminClient(admin_config(settings, "coop-topics") | {"logger": _SILENT})

    def names(self) -> set[str]:
        """Of all topics that exist."""
        return set(self._client.list_topics(timeout=self._seconds).topics)

    def found(self, names: Sequence[str]) -> dict[str, FoundTopic]:
        """Those of `names` that exist."""
        topics = self._client.list_topics(timeout=self._seconds).topics
        there = [name for name in names if name in topics]
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in there]
        asked: dict[Any, Future[Any]] = (
            self._client.describe_configs(resources, request_timeout=self._seconds)
            if resources
            else {}
        )
        own = {
            resource.name: {
                name: entry.value
                for name, entry in future.result(self._seconds).items()
                if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
            }
            for resource, future in asked.items()
        }
        return {
            name: FoundTopic(
                len(topics[name].partitions),
                min((len(one.replicas) for one in topics[name].partitions.values()), default=0),
                own[name],
            )
            for name in there
        }

    def apply(self, made: TopicPlan) -> None:
        """Carry a plan out, and wait until it is to be seen. Twice at once is harmless."""
        if made.create:
            self._create(made.create)
        if made.grow:
            partitions = [NewPartitions(name, new) for name, (_, new) in made.grow.items()]
            for future in self._client.create_partitions(partitions).values():
                future.result(self._seconds)
        if made.configure:
            resources = [
                ConfigResource(
                    ResourceType.TOPIC,
                    name,
                    incremental_configs=[
                        ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
                        for setting, (_, value) in changes.items()
                    ],
                )
                for name, changes in made.configure.items()
            ]
            for future in self._client.incremental_alter_configs(resources).values():
                future.result(self._seconds)
        self._await_visible(made)

    def _create(self, wanted: Sequence[WantedTopic]) -> None:
        new = [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions,
                replication_factor=topic.replication,
                config=dict(topic.config),
            )
            for topic in wanted
        ]
        pending = self._client.create_topics(
            new, operation_timeout=self._seconds, request_timeout=self._seconds
        )
        for future in pending.values():
            try:
                future.result(self._seconds)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise

    def _await_visible(self, made: TopicPlan) -> None:
        """What was changed reaches the broker's own metadata a moment later."""
        # Each once: librdkafka cannot read the answer about one that was asked about twice.
        changed = dict.fromkeys([*(one.name for one in made.create), *made.grow, *made.configure])
        names = list(changed)
        deadline = time.monotonic() + _VISIBLE_SECONDS
        while late := self._late(made, names):
            if time.monotonic() > deadline:
                what = f"changed, but not to be seen: {', '.join(sorted(late))}"
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, what))
            time.sleep(0.05)

    def _late(self, made: TopicPlan, names: Sequence[str]) -> set[str]:
        if not names:
            return set()
        seen = self._client.list_topics(timeout=self._seconds).topics
        late = {name for name in names if name not in seen or not seen[name].partitions}
        if late or not (made.grow or made.configure):
            return late
        found = self.found(names)
        late = {name for name, (_, new) in made.grow.items() if found[name].partitions != new}
        late |= {
            name
            for name, changes in made.configure.items()
            if any(found[name].config.get(one) != value for one, (_, value) in changes.items())
        }
        return late
