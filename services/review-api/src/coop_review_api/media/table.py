"""The tables of media: what is known of one, what of it lies in the store, who saw it unveiled.

Guarantees: no address and no byte of a medium is in them. A medium is that of an item: the same
picture in two items is two rows, so that one goes with its item.
Must not: say what was decided about it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)
_UUID = Uuid(as_uuid=False)

media_facts = Table(
    "media_facts",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("item_key", _UUID, primary_key=True),
    Column("value_key", Text, primary_key=True),  # of its address (`media_value.reference`)
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("retry_at", _TIME, nullable=True),
    Column("kind", Text, nullable=True),
    Column("media_type", Text, nullable=True),
    Column("width", BigInteger, nullable=True),
    Column("height", BigInteger, nullable=True),
    Column("duration", Float, nullable=True),  # seconds
    Column("is_moving", Boolean, nullable=True),
    Column("has_sound", Boolean, nullable=True),
    Column("flashes", Text, nullable=True),  # YES, NO or UNKNOWN; null: it was not looked at
    Column("flashes_at", Float, nullable=True),  # seconds
    Column("bytes", BigInteger, nullable=True),
    Column("md5", Text, nullable=True),
    Column("sha256", Text, nullable=True),
    Column("fetched_at", _TIME, nullable=False),
    Column("changed_at", _TIME, nullable=True),  # when its host first sent something else
    Index(None, "fetched_at"),
)

media_matches = Table(
    "media_matches",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("item_key", _UUID, primary_key=True),
    Column("value_key", Text, primary_key=True),
    Column("bank_id", Text, primary_key=True),
    Column("algorithm", Text, primary_key=True),
    Column("distance", Integer, nullable=True),  # bits; null: not told
    Column("matched_at", _TIME, nullable=False),
    Index(None, "matched_at"),
)

media_derivatives = Table(
    "media_derivatives",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("item_key", _UUID, primary_key=True),
    Column("value_key", Text, primary_key=True),
    Column("form", Text, primary_key=True),  # what was made: part, veil, colours, width
    Column("media_type", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("used_at", _TIME, nullable=False),
    Index(None, "used_at"),
)

media_reveals = Table(
    "media_reveals",
    metadata,
    Column("reveal_id", Text, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("reference", Text, nullable=False),  # a hash of the reference
    Column("stage", Text, nullable=False),
    Column("job_id", Text, nullable=True),  # null: an investigation
    Column("item_key", _UUID, nullable=False),
    Column("value_key", Text, nullable=False),
    Column("is_graphic", Boolean, nullable=False),
    Column("is_grave", Boolean, nullable=False),
    Column("revealed_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("seconds", Float, nullable=False),  # for which it was seen, as far as is known
    Column("veiled_at", _TIME, nullable=True),
    Index(None, "user_id", "revealed_at"),
    Index(None, "org_id", "revealed_at"),
    Index(None, "revealed_at"),
    Index("media_reveals_looks_ix", "job_id", "revealed_at", postgresql_where=text("is_grave")),
)
