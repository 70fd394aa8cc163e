"""What is left of an end user who was erased, where something has to stay.

    their id ──HMAC-SHA256 under the organisation's key──▶ `erased-…`, the same for the same user
    an item of theirs ──▶ its ids, and nothing that it said

Guarantees: pure; two facts about one person still belong together; without the organisation's key
nobody finds out whose they were.
Must not: be asked what may stay; each owner of data decides that.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from coop_contracts.event import ItemRef, SubmittedItem

PREFIX: Final = "erased-"

_DIGITS = 32
_NOTHING = Raw(b"{}")


class ErasedUser(Struct, frozen=True, kw_only=True, rename="camel"):
    """An end user of whom nothing that came until `until` (UTC) is kept, and who stands in for
    them. What comes later is new, and is kept."""

    user: ItemRef
    stand_in: ItemRef
    until: datetime


def stand_in_of(key: bytes, org_id: str, user: ItemRef) -> ItemRef:
    """Who stands in for a user, under the organisation's `key`."""
    parts = (org_id, user.type_id, user.id)
    message = "".join(f"{len(part)}:{part}" for part in parts).encode()
    digest = hmac.new(key, message, hashlib.sha256).hexdigest()
    return ItemRef(id=PREFIX + digest[:_DIGITS], type_id=user.type_id)


def named_instead(ref: ItemRef, erased: ErasedUser) -> ItemRef:
    """The reference as it may stay."""
    return erased.stand_in if ref == erased.user else ref


def emptied(item: SubmittedItem, erased: ErasedUser) -> SubmittedItem:
    """The item without what it said."""
    named = named_instead(ItemRef(item.id, item.type_id), erased)
    return msgspec.structs.replace(
        item,
        id=named.id,
        data=_NOTHING,
        creator=None if item.creator is None else named_instead(item.creator, erased),
        erased=True,
    )


def renamed(value: Any, erased: ErasedUser) -> Any:
    """JSON data in which each reference to the user (`id` and `typeId`) names who stands in."""
    if isinstance(value, list | tuple):
        return [renamed(one, erased) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: renamed(one, erased) for name, one in value.items()}
    if found.get("id") == erased.user.id and found.get("typeId") == erased.user.type_id:
        found["id"] = erased.stand_in.id
    return found
