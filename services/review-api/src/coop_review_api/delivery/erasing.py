"""The erasure of an end user from deliveries and strikes: the dispatcher does it, when asked."""

from __future__ import annotations

from coop_contracts.dispatch import ERASE_USER, EraseUser
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.kernel.erasing import WAITING, Counts, ErasedPart, Eraser


def eraser(dispatch: Dispatch) -> Eraser:
    """The dispatcher's part. What is on its way is counted as waiting."""

    async def erase(part: ErasedPart) -> Counts:
        asked = EraseUser(erased=part.erased, items=part.items)
        told = await dispatch.ask(part.org_id, ERASE_USER, asked)
        return {
            "webhooks": told.requests,
            "answers to webhooks": told.attempts,
            "strikes": told.strikes,
            WAITING: told.waiting,
        }

    return Eraser(name="deliveries", of_items=erase, of_user=erase)
