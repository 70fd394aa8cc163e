"""What review-api holds of one organisation.

Guarantees: every table of the schema is one that has the organisation in it, or is named here.
"""

from __future__ import annotations

from typing import Final

from coop_review_api.kernel.schema import SCHEMA
from coop_runtime.database.org_record import OUTBOX, OrgRecords

_OF_USER = "t.user_id IN (SELECT u.user_id FROM review.users AS u WHERE u.org_id = :org)"
_OF_KEY = "t.key_id IN (SELECT k.key_id FROM review.tally_keys AS k WHERE k.org_id = :org)"

LOGS: Final = ("audit_chain", "audit_anchors", "audit_log", "config_log")
"""Append-only: they go by a function of their owner, last."""

RECORDS: Final = OrgRecords(
    SCHEMA,
    conditions={
        "audit_anchors": "t.chain = :org",
        "audit_chain": "t.chain = :org",
        "backtest_labels": "t.backtest_id IN"
        " (SELECT b.backtest_id FROM review.backtests AS b WHERE b.org_id = :org)",
        "backtest_samples": "t.backtest_id IN"
        " (SELECT b.backtest_id FROM review.backtests AS b WHERE b.org_id = :org)",
        "bulk_items": "t.bulk_id IN"
        " (SELECT b.bulk_id FROM review.bulk_jobs AS b WHERE b.org_id = :org)",
        "log_export_chunks": "t.export_id IN"
        " (SELECT e.export_id FROM review.log_exports AS e WHERE e.org_id = :org)",
        "counted_evaluations": None,  # hashes, which last for days
        "evaluation_windows": None,  # days
        "login_challenges": _OF_USER,
        "login_throttle": None,  # hashes, which last for hours
        "outbox": OUTBOX,
        "password_resets": _OF_USER,
        "recovery_codes": _OF_USER,
        "second_factors": _OF_USER,
        "sessions": _OF_USER,
        "sso_assertions": None,  # hashes, which last for minutes
        "user_preferences": _OF_USER,
        "bulk_pace": None,
        "open_job_times": None,
        "submission_windows": None,  # hours
        "tallies": _OF_KEY,
        "tally_seasons": _OF_KEY,
        "tally_horizons": None,
    },
    apart=(*LOGS, "orgs"),
)

SECRET: Final = frozenset(
    {
        "erasure_keys",
        "erasure_users.user_id",
        "invitations.token_hash",
        "login_challenges",
        "mails.link",
        "outbox",
        "password_resets",
        "recovery_codes",
        "second_factors",
        "sessions",
        "sso_attempts",
        "users.password_hash",
    }
)
"""What opens something, or is on its way elsewhere: in no export."""
