"""The tables that the projector writes: evaluations, the submissions they were made of, actions
that were requested, outcomes.

Guarantees: rows are only inserted, each under a key of what it says, so that what is said twice is
one row: an evaluation is that of a submission and lane. What an action is counted as is the one
thing that changes later. Every table is partitioned by time (of the
submission; of the outcome for deliveries), so that what is too old goes with its partition.
Must not: be written by anyone but the projector. Partitions are named after their first hour or
day, `<table>_p20260102` or `<table>_p2026010203` (UTC); the runtime's `partition` makes and drops
them. Events are kept as the text that was on the log: jsonb refuses U+0000, which a matched value
may have.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    column,
    text,
)

from coop_review_api.kernel.schema import metadata
from coop_review_api.kernel.words import joined, vector_of

_TIME = DateTime(timezone=True)
_BY_TIME: dict[str, Any] = {"postgresql_partition_by": "RANGE (time)"}


def _submissions(name: str, *more: Index) -> Table:
    return Table(
        name,
        metadata,
        Column("org_id", Text, primary_key=True),
        Column("submission_id", Text, primary_key=True),
        Column("time", _TIME, primary_key=True),
        Column("item_type_id", Text, nullable=False),
        Column("item_id", Text, nullable=False),
        Column("config_revision", BigInteger, nullable=False),
        Column("item", Text, nullable=False),  # the JSON of a SubmittedItem
        # Of the item's creator, or of the item itself where it has none: a user is one.
        Column("owner_key", Uuid(as_uuid=False), nullable=True),
        Index(None, "org_id", "owner_key", "time"),
        *more,
        **_BY_TIME,
    )


recent_submissions = _submissions("recent_submissions", Index(None, "org_id", "item_id", "time"))
"""Every submission of the last hours, by hour: whether it will be asked for is not known yet."""

submissions = _submissions("submissions")
"""The submissions whose evaluation was recorded, by day."""

submission_windows = Table(
    "submission_windows",
    metadata,
    Column("start", _TIME, primary_key=True),
    Column("written_at", _TIME, nullable=False),
)
"""When a partition of `recent_submissions` was last written to, to the minute."""

evaluations = Table(
    "evaluations",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("submission_id", Text, primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("time", _TIME, primary_key=True),
    Column("evaluated_at", _TIME, nullable=False),
    Column("item_key", Uuid(as_uuid=False), nullable=False),  # of `coop_queues.reading`
    Column("item_type_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("config_revision", BigInteger, nullable=False),
    Column("matched", Boolean, nullable=False),
    Column("sampled", Boolean, nullable=False),
    Column("event", Text, nullable=False),  # the JSON of a RulesEvaluated
    Index(None, "org_id", "item_key", "time"),
    **_BY_TIME,
)

counted_evaluations = Table(
    "counted_evaluations",
    metadata,
    Column("evaluation", Uuid(as_uuid=False), primary_key=True),  # of submission and lane
    Column("time", _TIME, primary_key=True),
    **_BY_TIME,
)
"""Every evaluation that was counted, recorded or not, by day, for as long as it may come again."""

evaluation_windows = Table(
    "evaluation_windows",
    metadata,
    Column("start", _TIME, primary_key=True),
    Column("written_at", _TIME, nullable=False),
)
"""When a partition of `counted_evaluations` was last written to, to the minute."""

evaluation_rules = Table(
    "evaluation_rules",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("time", _TIME, primary_key=True),
    Column("submission_id", Text, primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("rule_revision", BigInteger, nullable=False),
    Column("passed", Boolean, nullable=True),  # null: it could not be decided
    **_BY_TIME,
)

executions = Table(
    "executions",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("execution_id", Text, primary_key=True),
    Column("time", _TIME, primary_key=True),
    Column("action_id", Text, nullable=False),
    Column("submission_id", Text, nullable=False),
    Column("lane", Text, nullable=False),
    **_BY_TIME,
)

requested_actions = Table(
    "requested_actions",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("execution_id", Text, primary_key=True),
    Column("time", _TIME, primary_key=True),
    Column("action_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("item_key", Uuid(as_uuid=False), nullable=False),  # of `coop_queues.reading`
    Column("item_type_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("creator_type_id", Text, nullable=True),
    Column("creator_id", Text, nullable=True),
    Column("creator_key", Uuid(as_uuid=False), nullable=True),
    Column("actor_id", Text, nullable=True),
    Column("policy_ids", ARRAY(Text), nullable=False),
    Column("rule_ids", ARRAY(Text), nullable=False),
    Column("note", Text, nullable=True),
    Column("cause_id", Text, nullable=True),
    Column("bulk_id", Text, nullable=True),
    Column("reverses", Text, nullable=True),
    # Whether a reversal of it was asked for; null as false.
    Column("taken_back", Boolean, nullable=True),
    # Whether it is in the tallies: not once it was taken back; null: nobody has counted it yet.
    Column("counted", Boolean, nullable=True),
    Column("grave", Boolean, nullable=True),  # as what it is counted
    Index(None, "org_id", "time", "execution_id"),
    Index(None, "org_id", "item_key", "time"),
    Index(
        "requested_actions_creator_ix",
        "org_id",
        "creator_key",
        "time",
        postgresql_where=text("creator_key IS NOT NULL"),
    ),
    Index(
        "requested_actions_reverses_ix",
        "org_id",
        "reverses",
        postgresql_where=text("reverses IS NOT NULL"),
    ),
    Index(
        "requested_actions_words_ix",
        vector_of(joined(column("note")), column("org_id")),
        postgresql_using="gin",
        postgresql_where=text("note IS NOT NULL"),
    ),
    Index("requested_actions_rules_ix", "rule_ids", postgresql_using="gin"),
    **_BY_TIME,
)
"""Every action that was asked for, whoever asked: rules, people, bulk actions, the platform."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("execution_id", Text, primary_key=True),
    Column("time", _TIME, primary_key=True),
    Column("action_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("status", Integer, nullable=True),  # of HTTP
    Column("error", Text, nullable=True),
    **_BY_TIME,
)
"""How executions ended: of several outcomes of one (it was sent again) the newest counts."""

DAILY = (
    evaluations,
    evaluation_rules,
    executions,
    requested_actions,
    deliveries,
    submissions,
)
"""Kept for the retention."""
