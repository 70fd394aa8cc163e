"""Whether somebody may have the platform asked about an item.

Guarantees: an item that is about child safety looks as if it were not there to who may not see
that, and leaves an audit row for who may; so does, to who may not read what was decided, one that
no pending job of theirs is about.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_queues import store as queues
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_review_api.review.desk import visible_queues


async def type_of(
    connection: AsyncConnection, principal: Principal, item: ItemRef, *, now: datetime
) -> ItemType:
    """The type of an item that this person may ask about. Raises `NotFound`."""
    wanted = [(Kind.ITEM_TYPE, item.type_id)]
    catalogue = await load_documents(connection, principal.org_id, wanted)
    item_type = catalogue.get(Kind.ITEM_TYPE, ItemType, item.type_id)
    if item_type is None:
        raise NotFound(f"no item type {item.type_id}")
    if not principal.may(Permission.VIEW_MRT_DATA):
        # Who reads no history asks of what they review, and of nothing else.
        pending = await queues.jobs_of_item(connection, principal.org_id, item)
        is_open = await visible_queues(connection, principal)
        if not any(job.queue_id in is_open for job in pending):
            raise NotFound(f"no item {item.id:.60}")
    await child_safety.require(connection, principal, ("item", item.id), items=[item], now=now)
    return item_type
