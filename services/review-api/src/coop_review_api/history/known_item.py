"""An item as it is known: by the history, or by the job that carried it.

Guarantees: what an item's type does not say of it, or the item does not have, is None; nothing that
a platform sent makes this fail.
Must not: do I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from coop_contracts.config import ItemType
from coop_contracts.event import ItemRef, SubmittedItem
from coop_review_api.history.port import FoundItem
from coop_review_api.history.version import moment_in

Carrier = Literal["HISTORY", "JOB"]

_LONGEST: Final = 200  # characters of a name

_data = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class KnownItem:
    """An item with when it was sent and when it says that it was made; None: nobody knows."""

    item: SubmittedItem
    submitted_at: datetime | None
    said_at: datetime | None
    carrier: Carrier
    submission_id: str = ""
    """What brought it, where the history has it."""

    @property
    def ref(self) -> ItemRef:
        return ref_of(self.item)


def ref_of(item: SubmittedItem) -> ItemRef:
    return ItemRef(id=item.id, type_id=item.type_id)


def of_history(found: FoundItem) -> KnownItem:
    return KnownItem(
        item=found.item,
        submitted_at=found.time,
        said_at=found.said_at,
        carrier="HISTORY",
        submission_id=found.submission_id,
    )


def of_job(
    item: SubmittedItem, types: Mapping[str, ItemType], *, otherwise: datetime | None = None
) -> KnownItem:
    """`types` are the item types as they are now; `otherwise` is when it was made, where it does
    not say."""
    item_type = types.get(item.type_id)
    field = None if item_type is None else item_type.field_roles.created_at
    said_at = None if field is None else moment_in(_data.decode(item.data), field)
    return KnownItem(item=item, submitted_at=None, said_at=said_at or otherwise, carrier="JOB")


def field_of(item: SubmittedItem, types: Mapping[str, ItemType], role: str) -> Any:
    """The value of the field that has this role (an attribute of `FieldRoles`) in the item."""
    item_type = types.get(item.type_id)
    field = None if item_type is None else getattr(item_type.field_roles, role)
    return None if field is None else _data.decode(item.data).get(field)


def thread_of(item: SubmittedItem, types: Mapping[str, ItemType]) -> ItemRef | None:
    """The thread that the item is in."""
    value = field_of(item, types, "thread_id")
    if not isinstance(value, dict):
        return None
    type_id, thread_id = value.get("typeId"), value.get("id")
    if not (isinstance(type_id, str) and isinstance(thread_id, str)):
        return None
    return ItemRef(id=thread_id, type_id=type_id)


def name_of(item: SubmittedItem, types: Mapping[str, ItemType]) -> str | None:
    """What people call the item: a user by their display name."""
    value = field_of(item, types, "display_name")
    return value[:_LONGEST] if isinstance(value, str) and value else None


def own_first(groups: Iterable[Sequence[ItemRef]]) -> list[ItemRef]:
    """The first of each group, and then the others, each once: who can ask for so many only does
    without what stands beside, not without whole groups."""
    each = list(groups)
    heads = [one for group in each for one in group[:1]]
    return list(dict.fromkeys([*heads, *(one for group in each for one in group[1:])]))


def creators_of(items: Iterable[KnownItem]) -> list[ItemRef]:
    """Who made them, each once, in their order."""
    return list(dict.fromkeys(one.item.creator for one in items if one.item.creator))
