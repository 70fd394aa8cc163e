"""The erasure of an end user from the media that were seen: hma-bridge does it, when asked."""

from __future__ import annotations

from coop_contracts.hash_bank import FORGET_MEDIA, ForgetMedia
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser


def eraser(bridge: HashBridge) -> Eraser:
    """hma-bridge's part. Hashes that people put into banks are of no user, and stay."""

    async def erase(part: ErasedPart) -> Counts:
        asked = ForgetMedia(items=part.items, until=part.erased.until)
        told = await bridge.ask(part.org_id, FORGET_MEDIA, asked)
        return {"seen media": told.media}

    return Eraser(name="seen media", of_items=erase)
