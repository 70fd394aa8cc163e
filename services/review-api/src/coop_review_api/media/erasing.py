"""The erasure of an end user from media: derivatives of their items' pictures go, and what is known
of them. Who of the organisation's people saw one stays, under a hash.

Must not: decode or fetch anything; the relay does this, which can do neither.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_media.store import DerivativeStore
from coop_review_api.kernel.erasing import Counts, ErasedPart, Eraser
from coop_review_api.media import store
from coop_review_api.media.match import forget_matches
from coop_review_api.media.table import media_derivatives, media_facts, media_matches
from coop_runtime.database.engine import transaction


def eraser(engine: AsyncEngine, derivatives: DerivativeStore) -> Eraser:
    """The part of media. Bytes go before their rows, so that none lies there unknown."""

    async def of_items(part: ErasedPart) -> Counts:
        async with transaction(engine) as connection:
            facts = await store.forget_facts(connection, part.org_id, part.keys)
            matches = await forget_matches(connection, part.org_id, part.keys)
            kept = await store.of_items(connection, part.org_id, part.keys)
        if kept:
            await derivatives.delete([one.name for one in kept])
            async with transaction(engine) as connection:
                await store.forget(connection, kept)
        return {
            media_facts.name: facts,
            media_matches.name: matches,
            media_derivatives.name: len(kept),
        }

    return Eraser(name="media", of_items=of_items)
