"""What other slices read of the configuration by joining with it."""

from __future__ import annotations

from coop_review_api.configuration.table import config_current, config_log, orgs
from coop_review_api.kernel.relation import Relation

CURRENT = Relation(config_current, "org_id", "kind", "id", "revision", "document", "author", "time")
"""The newest version of each document; a `document` of null was deleted."""

LOG = Relation(
    config_log, "log_id", "org_id", "revision", "kind", "id", "document", "author", "time"
)
"""Every change."""

ORGS = Relation(orgs, "org_id", "head_revision", "created_at", "slug")
