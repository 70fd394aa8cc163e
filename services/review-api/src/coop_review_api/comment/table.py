"""The table of comments.

Guarantees: a comment belongs to an item (`item_key` of `coop_queues.reading`), so that every job of
it shows it; `job_id` is the one it was written on, which says whether it is about child safety.
Must not: keep what was deleted.
"""

from __future__ import annotations

from sqlalchemy import ARRAY, Column, DateTime, ForeignKey, Index, Table, Text, Uuid

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

comments = Table(
    "comments",
    metadata,
    Column("comment_id", Text, primary_key=True),  # UUIDv7: in the order they were written
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("item_key", Uuid(as_uuid=False), nullable=False),
    Column("job_id", Uuid(as_uuid=False), nullable=False),
    Column("author_id", Text, ForeignKey("review.users.user_id"), nullable=False),
    Column("body", Text, nullable=False),
    Column("mentions", ARRAY(Text), nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("edited_at", _TIME, nullable=True),
    Index(None, "org_id", "item_key", "comment_id"),
    Index(None, "org_id", "created_at"),
)
