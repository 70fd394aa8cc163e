"""What other slices read of comments by joining with them: never what they say."""

from __future__ import annotations

from coop_review_api.comment.table import comments
from coop_review_api.kernel.relation import Relation

COMMENTS = Relation(
    comments, "comment_id", "org_id", "item_key", "job_id", "created_at", "edited_at"
)
