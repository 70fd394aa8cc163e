"""The tables of backtests and retroactions.

Guarantees: this is what migrations 0004 and 0038 make.
Must not: contain behaviour. A retroaction is two rows of `backtests`: its preview, and once people
have confirmed it the run that acts.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)
_ZERO = text("0")

retroactions = Table(
    "retroactions",
    metadata,
    Column("retroaction_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column("rate", Double, nullable=False),  # submissions a second
    Column("preview_id", Text, nullable=False),
    Column("run_id", Text, nullable=True),  # null: not confirmed
    Column("created_by", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("confirmed_by", Text, nullable=True),
    Column("confirmed_at", _TIME, nullable=True),
    Column("cancelled_at", _TIME, nullable=True),
    Index(None, "org_id", "retroaction_id"),
)

backtests = Table(
    "backtests",
    metadata,
    Column("backtest_id", Text, primary_key=True),
    Column("org_id", Text, ForeignKey("review.orgs.org_id"), nullable=False),
    Column(
        "retroaction_id",
        Text,
        ForeignKey("review.retroactions.retroaction_id", ondelete="CASCADE"),
        nullable=True,
        index=True,
    ),
    Column("rule_id", Text, nullable=False),
    Column("rule_revision", BigInteger, nullable=True),  # null: it was not saved
    Column("rule", Text, nullable=False),  # the JSON of the document
    Column("start_time", _TIME, nullable=False),
    Column("end_time", _TIME, nullable=False),
    Column("values_of", Text, nullable=False),
    Column("acts", Boolean, nullable=False),
    Column("rate", Double, nullable=True),
    Column("state", Text, nullable=False),
    Column("cancel_requested_at", _TIME, nullable=True),
    Column("created_by", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    Column("progress", Double, nullable=False, server_default=_ZERO),
    Column("scanned", BigInteger, nullable=False, server_default=_ZERO),
    Column("evaluated", BigInteger, nullable=False, server_default=_ZERO),
    Column("passed", BigInteger, nullable=False, server_default=_ZERO),
    Column("unknown", BigInteger, nullable=False, server_default=_ZERO),
    Column("newly_passing", BigInteger, nullable=False, server_default=_ZERO),
    Column("no_longer_passing", BigInteger, nullable=False, server_default=_ZERO),
    Column("acted", BigInteger, nullable=False, server_default=_ZERO),
    Column("skipped", BigInteger, nullable=False, server_default=_ZERO),
    Column("unavailable", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("data_from", _TIME, nullable=True),
    Column("error", Text, nullable=True),
    CheckConstraint("values_of IN ('RECORDED', 'TODAY')", name="values"),
    CheckConstraint(
        "state IN ('REQUESTED', 'RUNNING', 'COMPLETE', 'CANCELLED', 'FAILED')", name="state"
    ),
    Index(None, "org_id", "backtest_id"),
)

backtest_samples = Table(
    "backtest_samples",
    metadata,
    Column(
        "backtest_id",
        Text,
        ForeignKey("review.backtests.backtest_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("rank", Uuid(as_uuid=False), primary_key=True),  # MD5 of the submission id
    Column("submission_id", Text, nullable=False),
    Column("item_type_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("time", _TIME, nullable=False),
    Column("passed", Boolean, nullable=True),  # null: it could not be decided
    Column("live", Boolean, nullable=True),  # null: not known
    Column("conditions", Text, nullable=False),  # the JSON of a list of ConditionResult
)

backtest_labels = Table(
    "backtest_labels",
    metadata,
    Column(
        "backtest_id",
        Text,
        ForeignKey("review.backtests.backtest_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("position", Integer, primary_key=True),  # among the request's labelled items
    Column("item_type_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    Column("acted", Boolean, nullable=False),
    Column("decided_at", _TIME, nullable=False),
    # What the rule says, as `BacktestProgressed.judged` has it.
    Column("said", Text, nullable=False, server_default=text("'-'")),
    CheckConstraint("said IN ('P', 'F', 'U', '-')", name="said"),
)
