"""The tables of the item history: versions by day, those that are kept, and why they are.

Guarantees: rows are only inserted and deleted; a version is that of an item and a submission, so
that what comes twice is one row. The primary key is the way by item and by an id alone; each other
way to find a version has one index, and columns that are null where the item has no such thing.
Must not: be written by anyone but the role `history`.

`item_versions` is partitioned by the day (UTC) on which the item was accepted, and a day is dropped
whole (the runtime's `partition`); what outlives its day is moved to `kept_items` first. Items are
the text that was on the log: jsonb refuses U+0000, which a text may have.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Index, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import TSVECTOR

from coop_review_api.kernel.schema import metadata
from coop_runtime.database.partition import DAY, Partitioned

_TIME = DateTime(timezone=True)
_WAYS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "author": (("org_id", "author_key", "time", "type_id"), None),
    "media": (("org_id", "author_key", "time"), "has_media"),
    "thread": (("org_id", "thread_key", "said_at", "item_id"), "thread_key IS NOT NULL"),
    "parent": (("org_id", "parent_key", "said_at", "item_id"), "parent_key IS NOT NULL"),
    "address": (("org_id", "address", "time"), "address IS NOT NULL"),
}


def _versions(name: str, *more: Any, **options: Any) -> Table:
    return Table(
        name,
        metadata,
        Column("org_id", Text, primary_key=True),
        Column("item_id", Text, primary_key=True),
        Column("type_id", Text, primary_key=True),
        Column("time", _TIME, primary_key=True),  # when ingest accepted it
        Column("submission_id", Text, primary_key=True),  # of an item, a report or an appeal
        Column("source", Text, nullable=False),
        Column("is_user", Boolean, nullable=False),
        Column("has_media", Boolean, nullable=False),
        # Keys are those of `coop_queues.reading`. The author of a user is the user.
        Column("author_key", Uuid(as_uuid=False), nullable=False),
        Column("thread_key", Uuid(as_uuid=False), nullable=True),
        Column("parent_key", Uuid(as_uuid=False), nullable=True),
        Column("said_at", _TIME, nullable=False),  # as the item says; else when it was accepted
        Column("address", Text, nullable=True),
        Column("item", Text, nullable=False),  # the JSON of a SubmittedItem
        *more,
        *(
            Index(
                f"{name}_{way}_ix",
                *columns,
                postgresql_where=None if condition is None else text(condition),
            )
            for way, (columns, condition) in _WAYS.items()
        ),
        **options,
    )


item_versions = _versions(
    "item_versions",
    Column("words", TSVECTOR, nullable=True),  # with one for the organisation, see `reader`
    Index("item_versions_words_ix", "words", postgresql_using="gin"),
    postgresql_partition_by="RANGE (time)",
)
"""Every version of every item, for the organisation's retention."""

kept_items = _versions("kept_items")
"""What outlives the retention: profiles as they are now, and what something was done about."""

item_marks = Table(
    "item_marks",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("item_id", Text, primary_key=True),
    Column("type_id", Text, primary_key=True),
    Column("reason", Text, nullable=False),  # the first one: REPORTED, ACTIONED or DECIDED
    # When something was last done, to the day.
    Column("marked_at", _TIME, nullable=False, server_default=func.now()),
    Index(None, "org_id", "marked_at"),
)
"""The items that something was done about."""

VERSIONS = Partitioned(item_versions, DAY)
