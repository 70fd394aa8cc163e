"""The tables of queues that people like, or removed.

Guarantees: a removed queue's row stays, so that a job that arrives there late goes on as well.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    Table,
    Text,
    text,
)

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

_NONE_YET = text("0")

removed_queues = Table(
    "removed_queues",
    metadata,
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), primary_key=True),
    Column("queue_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_appeals_queue", Boolean, nullable=False),
    Column("move_to", Text, nullable=True),  # null: the default queue
    Column("removed_by", Text, nullable=False),
    Column("removed_at", _TIME, nullable=False),
    Column("moved", Integer, nullable=False, server_default=_NONE_YET),
    Column("due_at", _TIME, nullable=False, index=True),
)

queue_favourites = Table(
    "queue_favourites",
    metadata,
    Column(
        "user_id", Text, ForeignKey("review.users.user_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("queue_id", Text, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
)
