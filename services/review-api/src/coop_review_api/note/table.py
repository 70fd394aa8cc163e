"""The table of notes.

Guarantees: a note that was deleted leaves who and when, and none of its words.
Must not: say whom a note is about but by its key (`coop_queues.reading.item_key`).
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Table, Text, Uuid

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

user_notes = Table(
    "user_notes",
    metadata,
    Column("note_id", Text, primary_key=True),  # UUIDv7: in the order they were written
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("user_key", Uuid(as_uuid=False), nullable=False),
    Column("author_id", Text, ForeignKey("review.users.user_id"), nullable=False),
    Column("body", Text, nullable=True),  # null: deleted
    Column("created_at", _TIME, nullable=False),
    Column("edited_at", _TIME, nullable=True),
    Column("deleted_at", _TIME, nullable=True),
    Column("deleted_by", Text, nullable=True),
    CheckConstraint("(body IS NULL) = (deleted_at IS NOT NULL)", name="deleted"),
    Index(None, "org_id", "user_key", "created_at", "note_id"),
)
