"""What comes late of end users who were erased: not written, or under the stand-in's name.

Guarantees: an event of before the erasure, read late or again, brings nothing back; what came after
it is as it is.
Must not: change what is there; `erasing` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import (
    ActionRequested,
    ItemRef,
    ItemSubmitted,
    RulesEvaluated,
    SubmittedItem,
)
from coop_queues.reading import item_key
from coop_review_api.kernel import tombstone
from coop_review_api.kernel.tombstone import Tombstone, UserKey


async def submissions_of_others(
    connection: AsyncConnection, events: Sequence[ItemSubmitted]
) -> list[ItemSubmitted]:
    """Without those of users who were erased afterwards."""
    keys = {event.event_id: _key(event.org_id, _owner(event.item)) for event in events}
    known = await tombstone.among(connection, keys.values())
    return [event for event in events if not _covered(known, keys[event.event_id], event.time)]


async def late_evaluations(
    connection: AsyncConnection, events: Sequence[RulesEvaluated]
) -> frozenset[str]:
    """The events' ids of those of users who were erased afterwards."""
    keys = {event.event_id: _key(event.org_id, event.creator or event.item) for event in events}
    known = await tombstone.among(connection, keys.values())
    return frozenset(
        event.event_id
        for event in events
        if _covered(known, keys[event.event_id], event.submitted_at or event.time)
    )


async def renamed(
    connection: AsyncConnection, events: Sequence[ActionRequested]
) -> list[ActionRequested]:
    """With stand-ins for users who were erased afterwards, and without what was said of them."""
    named = {
        _key(event.org_id, ref)
        for event in events
        for ref in (event.item, event.creator)
        if ref is not None
    }
    known = await tombstone.among(connection, named)
    return [_renamed(event, known) for event in events] if known else list(events)


def _renamed(event: ActionRequested, known: Mapping[UserKey, Tombstone]) -> ActionRequested:
    def named(ref: ItemRef) -> ItemRef:
        found = known.get(_key(event.org_id, ref))
        if found is None or not found.covers(event.time):
            return ref
        return ItemRef(found.stand_in, ref.type_id)

    item = named(event.item)
    creator = None if event.creator is None else named(event.creator)
    if (item, creator) == (event.item, event.creator):
        return event
    return msgspec.structs.replace(event, item=item, creator=creator, actor_note=None)


def _covered(known: Mapping[UserKey, Tombstone], key: UserKey, moment: datetime) -> bool:
    found = known.get(key)
    return found is not None and found.covers(moment)


def _owner(item: SubmittedItem) -> ItemRef:
    return item.creator or ItemRef(item.id, item.type_id)


def _key(org_id: str, ref: ItemRef) -> UserKey:
    return org_id, item_key(ref.type_id, ref.id)
