"""The table of drafts.

Guarantees: one draft a job and reviewer, bytes of JSON as they came in: jsonb refuses the escape
`\\u0000`, and nothing here looks inside.
Must not: keep a draft past `expires_at`.
"""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text, Uuid

from coop_review_api.schema import metadata

_TIME = DateTime(timezone=True)

job_drafts = Table(
    "job_drafts",
    metadata,
    Column("job_id", Uuid(as_uuid=False), primary_key=True),
    Column(
        "reviewer_id",
        Text,
        ForeignKey("review.users.user_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("org_id", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("saved_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False, index=True),
    Index(None, "reviewer_id", "saved_at"),
)
