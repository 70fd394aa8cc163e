"""Everything that fades when an organisation's days for it are over, of all slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

import coop_review_api.comment.fading
import coop_review_api.history.fading
import coop_review_api.quality.fading
import coop_review_api.review.fading
from coop_review_api.configuration.fading import Fades, grave_among
from coop_review_api.quality.needed import needed_items
from coop_review_api.review.fading import items_in_hand


async def spares(connection: AsyncConnection, org_id: str, keys: Sequence[str]) -> frozenset[str]:
    """Items of which nothing fades: about child safety, and those that somebody still decides or
    judges."""
    grave = await grave_among(connection, org_id, keys)
    in_hand = await items_in_hand(connection, org_id, keys)
    return grave | in_hand | await needed_items(connection, org_id, keys)


FADING: Final[tuple[Fades, ...]] = (
    *coop_review_api.comment.fading.fading(spares),
    *coop_review_api.history.fading.fading(spares),
    *coop_review_api.quality.fading.fading(spares),
    *coop_review_api.review.fading.fading(spares),
)
