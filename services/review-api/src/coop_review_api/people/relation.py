"""What other slices read of sessions by joining with them: nothing that opens one."""

from __future__ import annotations

from coop_review_api.kernel.relation import Relation
from coop_review_api.people.table import sessions

SESSIONS = Relation(sessions, "session_id", "user_id", "last_seen_at", "expires_at")
