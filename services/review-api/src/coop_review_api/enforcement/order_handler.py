"""The edge of the log for orders of the platform: batches in, effects into the outbox.

Guarantees: a batch is one transaction, committed before its offsets; a batch that comes twice asks
for the same executions again, which are carried out once.
Must not: decide what follows; `platform_order` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.event import ActionOrdered
from coop_contracts.ids import item_key
from coop_review_api.configuration.catalogue import load_catalogue
from coop_review_api.directory.person import emails_of
from coop_review_api.enforcement.platform_order import KINDS, Knowledge, effect_of
from coop_review_api.kernel.schema import outbox
from coop_review_api.projection.history import latest_items
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import Message, Received, message_of


class OrderHandler:
    """Handles batches of ActionOrdered."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, batch: Sequence[Received[ActionOrdered]]) -> None:
        """Raises `Retryable` without a database."""
        async with transaction(self._engine) as connection:
            messages: list[Message] = []
            orders = [received.event for received in batch]
            known = {
                org_id: await _known(connection, org_id, orders)
                for org_id in dict.fromkeys(order.org_id for order in orders)
            }
            for received in batch:
                effect = effect_of(received.event, known[received.event.org_id])
                key = item_key(effect.org_id, effect.item.type_id, effect.item.id)
                parent = received.headers.get("traceparent", b"").decode("latin-1")
                messages.append(message_of(effect, key=key, traceparent=parent or None))
            await append(connection, outbox, messages)


async def _known(
    connection: AsyncConnection, org_id: str, orders: Sequence[ActionOrdered]
) -> Knowledge:
    own = [order for order in orders if order.org_id == org_id]
    items = await latest_items(connection, org_id, {order.item for order in own})
    creators = {item.creator for item in items.values() if item.creator is not None}
    return Knowledge(
        catalogue=await load_catalogue(connection, org_id, KINDS),
        items=await latest_items(connection, org_id, creators) | items,
        addresses=await emails_of(
            connection, org_id, {order.actor_id for order in own if order.actor_id is not None}
        ),
    )
