"""The part of every slice, in the order in which a batch of items goes through them: what finds its
rows by the jobs of an item comes before the jobs are renamed.

A new place where an end user's data can be adds its eraser here.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

import coop_review_api.automation.erasing
import coop_review_api.backtest.erasing
import coop_review_api.comment.erasing
import coop_review_api.delivery.erasing
import coop_review_api.enforcement.erasing
import coop_review_api.export.erasing
import coop_review_api.hash_bank.erasing
import coop_review_api.history.erasing
import coop_review_api.media.erasing
import coop_review_api.note.erasing
import coop_review_api.notification.erasing
import coop_review_api.projection.erasing
import coop_review_api.quality.erasing
import coop_review_api.review.erasing
from coop_media.store import DerivativeStore
from coop_queues.store import OrderIndex
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.kernel.erasing import Eraser


def erasers(
    engine: AsyncEngine,
    order: OrderIndex,
    *,
    dispatch: Dispatch,
    bridge: HashBridge,
    derivatives: DerivativeStore,
) -> tuple[Eraser, ...]:
    """All of them."""
    return (
        coop_review_api.quality.erasing.eraser(engine),
        coop_review_api.comment.erasing.eraser(engine),
        coop_review_api.export.erasing.eraser(engine),
        coop_review_api.media.erasing.eraser(engine, derivatives),
        coop_review_api.backtest.erasing.eraser(engine),
        coop_review_api.automation.erasing.eraser(engine),
        coop_review_api.enforcement.erasing.eraser(engine),
        coop_review_api.projection.erasing.eraser(engine),
        coop_review_api.history.erasing.eraser(engine),
        coop_review_api.note.erasing.eraser(engine),
        coop_review_api.notification.erasing.eraser(engine),
        coop_review_api.review.erasing.eraser(engine, order),
        coop_review_api.delivery.erasing.eraser(dispatch),
        coop_review_api.hash_bank.erasing.eraser(bridge),
    )
