"""What people wrote about items, when it is no longer kept."""

from __future__ import annotations

from coop_review_api.comment.table import comments
from coop_review_api.configuration.fading import Fades, Fading, Spares


def fading(spares: Spares) -> tuple[Fades, ...]:
    """Comments."""
    return (
        Fading(
            table=comments,
            column=comments.c.created_at,
            key=lambda row: str(row.item_key),
            spares=spares,
        ),
    )
