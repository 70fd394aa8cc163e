"""What other slices read of notifications by joining with them."""

from __future__ import annotations

from coop_review_api.kernel.relation import Relation
from coop_review_api.notification.table import notifications

NOTIFICATIONS = Relation(notifications, "user_id", "org_id", "read_at")
