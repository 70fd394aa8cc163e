"""The tables of erasures.

    erasures         what was asked for, and how far it is
    erasure_users    one row a user: their id until it is done, then who stands in alone
    erasure_items    what a user made and is not erased yet: the list that is worked off
    erasure_keys     one row an organisation: the key under which its users get their stand-ins

Guarantees: progress is written in the transaction of the step that made it.
Must not: keep a user's id once they are erased.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)
_NONE_YET = text("0")
_EMPTY = text("'{}'::jsonb")

erasures = Table(
    "erasures",
    metadata,
    Column("erasure_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("state", Text, nullable=False, server_default=text("'RUNNING'")),
    Column("reason", Text, nullable=True),
    Column("requested_by", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),  # what came until then goes
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False, server_default=_NONE_YET),
    Column("attempts", Integer, nullable=False, server_default=_NONE_YET),  # since the last step
    Column("due_at", _TIME, nullable=False),
    Column("error", Text, nullable=True),  # of the last attempt, if it failed
    Column("finished_at", _TIME, nullable=True),
    CheckConstraint("state IN ('RUNNING', 'COMPLETE')", name="state"),
    CheckConstraint("(state = 'COMPLETE') = (finished_at IS NOT NULL)", name="finished"),
    Index(None, "org_id", "erasure_id"),
    Index("erasures_due_ix", "due_at", postgresql_where=text("state = 'RUNNING'")),
)

erasure_users = Table(
    "erasure_users",
    metadata,
    Column(
        "erasure_id",
        Text,
        ForeignKey("review.erasures.erasure_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("position", Integer, primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("type_id", Text, nullable=False),
    Column("user_id", Text, nullable=True),  # null: erased
    Column("stand_in", Text, nullable=False),
    Column("step", Text, nullable=False, server_default=text("'COLLECTING'")),
    Column("round", Integer, nullable=False, server_default=_NONE_YET),
    Column("due_at", _TIME, nullable=False),
    Column("counts", JSONB, nullable=False, server_default=_EMPTY),  # rows erased, by kind
    Column("waiting", Integer, nullable=False, server_default=_NONE_YET),  # of this round
    Column("grave", Integer, nullable=False, server_default=_NONE_YET),  # items that stay
    CheckConstraint("step IN ('COLLECTING', 'ERASING', 'DONE')", name="step"),
    CheckConstraint("(step = 'DONE') = (user_id IS NULL)", name="erased"),
)

erasure_items = Table(
    "erasure_items",
    metadata,
    Column("erasure_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("item_type_id", Text, primary_key=True),
    Column("item_id", Text, primary_key=True),
    Column("org_id", Text, nullable=False),
    ForeignKeyConstraint(
        ["erasure_id", "position"],
        ["review.erasure_users.erasure_id", "review.erasure_users.position"],
        ondelete="CASCADE",
    ),
)

erasure_keys = Table(
    "erasure_keys",
    metadata,
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), primary_key=True),
    Column("secret", Text, nullable=False),  # ciphertext
    Column("created_at", _TIME, nullable=False),
)
