"""What the items in the log's entries are called: users by their display name.

Guarantees: the history is asked for those alone whose type has a name, as many as it answers for at
once, the first ones first; who may not see
child safety is told no name of it; without the history there are no names, and nothing else is
missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import ItemType, Kind
from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.history.known_item import name_of
from coop_review_api.history.port import ItemFinder
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_log = logger("coop.review_api.decision_log")


async def names_of(
    engine: AsyncEngine, finder: ItemFinder, principal: Principal, refs: Sequence[ItemRef]
) -> Mapping[ItemRef, str]:
    """The names of these, as far as they are known and may be told."""
    if not refs:
        return {}
    org_id = principal.org_id
    async with transaction(engine) as connection:
        found = await load_documents(
            connection, org_id, {(Kind.ITEM_TYPE, one.type_id) for one in refs}
        )
        types = found.all(Kind.ITEM_TYPE, ItemType)
        wanted = [one for one in refs if _has_name(types.get(one.type_id))]
        if wanted and not principal.may(Permission.VIEW_CHILD_SAFETY_DATA):
            grave = await child_safety.grave_among(connection, org_id, wanted)
            wanted = [one for one in wanted if one not in grave]
    try:
        known = await finder.latest_of(org_id, wanted)
    except Retryable as error:
        _log.warning("the history is missing in the decision log", reason=str(error))
        return {}
    named = ((ref, name_of(one.item, types)) for ref, one in known.items())
    return {ref: name for ref, name in named if name is not None}


def _has_name(item_type: ItemType | None) -> bool:
    return item_type is not None and item_type.field_roles.display_name is not None
