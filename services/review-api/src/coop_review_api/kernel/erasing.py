"""What each slice does when an end user is erased: the port between the erasure and the slices.

    made_by   the items that the user made, as far as the slice knows
    of_items  a batch of them (the user as an item among them) is erased
    of_user   what is found by the user alone

Guarantees: each function works in short transactions of its own, and doing it twice is doing it
once; it answers how many rows of which kind it erased.
Must not: be given what is about child safety: that stays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from coop_contracts.erasure import ErasedUser
from coop_contracts.event import ItemRef
from coop_queues.reading import item_key

Counts = Mapping[str, int]
"""Rows that were erased, by kind (a table's name, or a place outside the database)."""

WAITING = "waiting"
"""The kind of what cannot be erased yet: the erasure comes again."""


@dataclass(frozen=True, kw_only=True)
class ErasedPart:
    """A user, and a batch of the items that they made."""

    org_id: str
    erased: ErasedUser
    items: tuple[ItemRef, ...] = ()

    @property
    def user(self) -> ItemRef:
        return self.erased.user

    @property
    def stand_in(self) -> ItemRef:
        return self.erased.stand_in

    @property
    def user_key(self) -> str:
        return item_key(self.user.type_id, self.user.id)

    @property
    def stand_in_key(self) -> str:
        return item_key(self.stand_in.type_id, self.stand_in.id)

    @property
    def keys(self) -> list[str]:
        """The items' keys, in their order."""
        return [item_key(item.type_id, item.id) for item in self.items]

    @property
    def has_user(self) -> bool:
        """Whether the user is among the items."""
        return self.user in self.items


MadeBy = Callable[[ErasedPart, ItemRef | None, int], Awaitable[list[ItemRef]]]
"""So many items of the user behind that one, in the order of type and id."""

Erase = Callable[[ErasedPart], Awaitable[Counts]]


@dataclass(frozen=True, kw_only=True)
class Eraser:
    """One slice's part. A function that it has no need of is None."""

    name: str
    made_by: MadeBy | None = None
    of_items: Erase | None = None
    of_user: Erase | None = None
