"""The table of what is carried out by itself.

Guarantees: an automation has one row, whoever asks for it again (its id is made of its cause).
Must not: hold items. Progress is written in the transaction of the batch that made it.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
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

automations = Table(
    "automations",
    metadata,
    Column("automation_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'RUNNING'")),
    Column("queue_id", Text, nullable=True),
    Column("order", JSONB, nullable=False),  # of its kind: `clearing`, `emptying`, `invalidation`
    Column("cause_id", Text, nullable=True),  # the decision that it follows from
    Column("position", Text, nullable=True),  # the last job, or entry, of the last batch
    Column("scanned", Integer, nullable=False, server_default=_NONE_YET),
    Column("scrubbed", Integer, nullable=False, server_default=_NONE_YET),
    Column("closed", Integer, nullable=False, server_default=_NONE_YET),
    Column("removed", Integer, nullable=False, server_default=_NONE_YET),
    Column("held", Integer, nullable=False, server_default=_NONE_YET),
    Column("created_by", Text, nullable=True),  # null: the settings of a queue
    Column("created_at", _TIME, nullable=False),
    Column("due_at", _TIME, nullable=False),
    Column("ends_at", _TIME, nullable=False),  # jobs that are held longer are left to their holders
    Column("finished_at", _TIME, nullable=True),
    Column("error", Text, nullable=True),  # of the last batch, if it failed
    CheckConstraint("kind IN ('CLEAR_REPORTS', 'EMPTY_QUEUE', 'INVALIDATE_REPORTS')", name="kind"),
    CheckConstraint("state IN ('RUNNING', 'COMPLETE', 'CANCELLED', 'FAILED')", name="state"),
    Index("automations_due_ix", "due_at", postgresql_where=text("state = 'RUNNING'")),
    Index(None, "org_id", "created_at"),
    Index("automations_cause_ix", "cause_id", postgresql_where=text("cause_id IS NOT NULL")),
)
