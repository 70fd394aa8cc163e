"""The revisions of the schema `review`, in order; the role `migrate` runs them.

A released revision is never edited.
"""

from __future__ import annotations

from coop_runtime.database.migration import migrate


def run(url: str) -> None:
    """Brings the schema of the database at `url` (its owner's) to this code's revision."""
    migrate(url, script_location="coop_review_api:migrations", schema="review")
