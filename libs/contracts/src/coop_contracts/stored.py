"""Every kind of data that is stored: one YAML file a place in `retention/`, and the topics.

Guarantees: each kind says what it holds, whether an end user's data can be in it, how long it is
kept, what ends it, and what the erasure of an end user does to it. What has no end says why.
Must not: end anything itself. `tests/contract/test_retention.py` holds it against the migrated
database, the topics, and the keys that the code names.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Any, Final, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

from coop_contracts.topic import DEAD_LETTER_SUFFIX, all_topics

PLACES: Final = ("review", "queues", "dispatch", "hashes", "ncmec", "redis", "files")
"""Where data lies, beside the topics: five schemas of PostgreSQL, Redis, and folders."""

Erased = Literal["NOTHING", "GOES", "EMPTIED", "PSEUDONYM", "EXPIRES", "STAYS"]
"""What the erasure of an end user does to what there is of them. NOTHING: nothing of an end user is
in it. GOES: the row or key is deleted. EMPTIED: it stays without what it said. PSEUDONYM: their id
is replaced. EXPIRES: it goes by itself, within what it is kept. STAYS: `note` says why."""


class StoredKind(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One kind of data. `name` is a table, a pattern of keys (`*` is any text) or a folder.

    `about` is whose data it can hold; `kept` how long, as people say it, with `setting` where that
    can be changed; `by` is what ends it (`module:Name`, or a name of the engine's), None where
    nothing does: then `note` says why.
    """

    name: str
    what: str
    about: Literal["NOBODY", "STAFF", "END_USER"]
    kept: str
    setting: str | None = None
    by: Annotated[str, Meta(min_length=1)] | None = None
    erased: Erased = "NOTHING"
    note: str | None = None


@cache
def stored_in(place: str) -> tuple[StoredKind, ...]:
    """The kinds of one place, by name."""
    entry = resources.files("coop_contracts").joinpath("retention", f"{place}.yaml")
    raw: Any = yaml.safe_load(entry.read_text(encoding="utf-8"))
    kinds = msgspec.convert(raw, tuple[StoredKind, ...])
    return tuple(sorted(kinds, key=lambda kind: kind.name))


@cache
def topics_stored() -> tuple[StoredKind, ...]:
    """The topics as kinds of data, from their catalogue; dead letters are kept as the topic is."""
    found = []
    for topic in all_topics():
        compacted = topic.retention == "compacted"
        found.append(
            StoredKind(
                name=topic.topic,
                what=f"{topic.description.strip().splitlines()[0].rstrip('.')}, and"
                f" `{DEAD_LETTER_SUFFIX}`",
                about="STAFF" if compacted else "END_USER",
                kept="the latest of each document" if compacted else f"{topic.retention[:-1]} days",
                setting=None,
                by="Kafka",
                erased="NOTHING" if compacted else "EXPIRES",
            )
        )
    return tuple(found)


def days_of_topics() -> int:
    """After how many days no topic has an event of today any more: its retention, and the day of
    the segment that it lies in (`Topic.broker_config`)."""
    return 1 + max(int(one.retention[:-1]) for one in all_topics() if one.retention != "compacted")
