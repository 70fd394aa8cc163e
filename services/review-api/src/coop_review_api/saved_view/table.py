"""The table of shared views."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Table, Text

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

shared_views = Table(
    "shared_views",
    metadata,
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), primary_key=True),
    Column("view_id", Text, primary_key=True),
    Column("page", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),  # JSON, as the page wrote it
    Column("revision", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    Index(None, "org_id", "page", "view_id"),
)
