"""The topics, as data: one YAML file each in `topics/`, read into `Topic`.

Every topic has a dead-letter topic `<name>.dlq` of one partition.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta, Struct

from coop_contracts.event import EVENT_TYPES, Event

DEAD_LETTER_SUFFIX = ".dlq"

_DAY_MS = 24 * 60 * 60 * 1000

DEAD_LETTER_CONFIG = {"retention.ms": str(30 * _DAY_MS), "segment.ms": str(_DAY_MS)}
"""The settings of a dead-letter topic in Kafka's names."""


class Topic(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One topic: who owns it, what its key is, who writes and who reads. `retention` is `compacted`
    or a number of days such as `30d`."""

    topic: Annotated[str, Meta(pattern=r"^coop\.[a-z-]+\.v[0-9]+$")]
    event: str
    owner: str
    key: str
    partitions: Annotated[int, Meta(ge=1)]
    retention: Annotated[str, Meta(pattern=r"^(compacted|[0-9]+d)$")]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    description: str

    @property
    def event_type(self) -> type[Event]:
        """The struct on this topic."""
        return next(t for t in EVENT_TYPES if t.__struct_config__.tag == self.event)

    def broker_config(self) -> dict[str, str]:
        """The topic's settings in Kafka's names."""
        if self.retention == "compacted":
            # Small segments and an eager cleaner keep a restart's reading short.
            return {
                "cleanup.policy": "compact",
                "min.cleanable.dirty.ratio": "0.1",
                "segment.ms": str(6 * 60 * 60 * 1000),
            }
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(int(self.retention[:-1]) * _DAY_MS),
            # A segment goes when its newest record is too old: by itself it would hold its oldest
            # for a week more, wherever there is not much traffic.
            "segment.ms": str(_DAY_MS),
        }


@cache
def all_topics() -> tuple[Topic, ...]:
    """Every topic, by name."""
    found = []
    for entry in resources.files("coop_contracts").joinpath("topics").iterdir():
        if entry.name.endswith(".yaml"):
            raw: Any = yaml.safe_load(entry.read_text(encoding="utf-8"))
            found.append(msgspec.convert(raw, Topic))
    return tuple(sorted(found, key=lambda topic: topic.topic))
