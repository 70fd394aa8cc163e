"""The tables of the configuration log, of the organisations whose it is, and of the places that
their location banks name.

Guarantees: `config_log` is append-only by trigger; `config_current` is the newest row of each
document, kept by `log` in the transaction of the change. `places` is a cache: what is in it can be
asked for again.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

NAMED_KINDS = (
    "item-type",
    "policy",
    "action",
    "rule",
    "routing-rule",
    "queue",
    "text-bank",
    "location-bank",
    "hash-bank",
    "role",
    "identity-provider",
)
"""Kinds whose names are unique within an organisation."""

orgs = Table(
    "orgs",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("head_revision", BigInteger, nullable=False, server_default=text("0")),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    # By which people name it when they sign in; null: by its id.
    Column("slug", Text, nullable=True),
    Index("orgs_slug_key", "slug", unique=True),
)

config_log = Table(
    "config_log",
    metadata,
    Column("log_id", BigInteger, Identity(always=True), primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("document", JSONB, nullable=True),  # null: deleted
    Column("author", Text, nullable=False),
    Column("time", _TIME, nullable=False),
    UniqueConstraint("org_id", "revision"),
    Index(None, "org_id", "kind", "id", "revision"),
)

config_current = Table(
    "config_current",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("document", JSONB, nullable=True),  # null: deleted
    Column("author", Text, nullable=False),
    Column("time", _TIME, nullable=False),
    ForeignKeyConstraint(
        ["org_id", "revision"], ["review.config_log.org_id", "review.config_log.revision"]
    ),
    Index(
        "config_current_name_key",
        "org_id",
        "kind",
        text("(document ->> 'name')"),
        unique=True,
        postgresql_where=text(
            "document IS NOT NULL AND kind IN ("
            + ", ".join(f"'{kind}'" for kind in NAMED_KINDS)
            + ")"
        ),
    ),
    Index(
        "config_current_identity_provider_key",
        "id",
        unique=True,
        postgresql_where=text("kind = 'identity-provider'"),
    ),
)

places = Table(
    "places",
    metadata,
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), primary_key=True),
    Column("place_id", Text, primary_key=True),
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("area", JSONB, nullable=True),  # null: not known
    Column("resolved_at", _TIME, nullable=True),
    Column("problem", Text, nullable=False, server_default=text("''")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", _TIME, nullable=False),
    Index("places_due_at_ix", "due_at"),
)
