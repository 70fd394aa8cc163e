"""Items of the past as the product keeps them, of the same shapes as those of the story."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from coop_contracts.config import ItemType
from coop_contracts.event import ItemRef, ItemSubmitted, SubmittedItem
from coop_contracts.ids import repeatable_id
from coop_local.demo.past.plan import DAYS, PastItem
from coop_local.demo.story.content import Person


class PastItems:
    """Of the organisation `org_id` with the item types `types`, by name, at `revision`."""

    def __init__(
        self, *, org_id: str, types: Mapping[str, ItemType], revision: int, media_url: str
    ) -> None:
        self._org_id = org_id
        self._types = types
        self._revision = revision
        self._media_url = media_url

    def person(self, key: str) -> ItemRef:
        """Somebody's account."""
        return ItemRef(key, self._types["Profile"].id)

    def profile(self, person: Person, end: datetime) -> ItemSubmitted:
        """An account as its owner left it, at the beginning of the month."""
        data = {
            "name": person.name,
            "handle": person.handle,
            "bio": person.bio,
            "language": person.language,
            "followers": person.followers,
            "avatar": f"{self._media_url}/avatar/{person.key}.jpg",
            "joined_at": (end - timedelta(days=person.joined)).isoformat(),
            "address": person.ip,
        }
        made = end - timedelta(days=min(person.joined, DAYS))
        return self._submitted(self._item(person.key, "Profile", data, None), made)

    def submitted(self, item: PastItem) -> ItemSubmitted:
        """The item as it came."""
        data: dict[str, Any] = {
            "text": item.text,
            "author": msgspec.to_builtins(self.person(item.author)),
            "created_at": item.made.isoformat(),
        }
        if item.type == "Listing":
            data |= {"title": item.title, "price": item.price, "currency": "EUR"}
        if item.pictures:
            data["images"] = [f"{self._media_url}/picture/{one}.jpg" for one in item.pictures]
        kept = self._item(item.id, item.type, data, self.person(item.author))
        return self._submitted(kept, item.made)

    def _item(
        self, key: str, type_name: str, data: dict[str, Any], creator: ItemRef | None
    ) -> SubmittedItem:
        kind = self._types[type_name]
        return SubmittedItem(
            id=key,
            type_id=kind.id,
            type_version=kind.version,
            data=msgspec.Raw(msgspec.json.encode(data)),
            creator=creator,
            submission_id=self._submission_id(key),
        )

    def _submission_id(self, key: str) -> str:
        return repeatable_id(org_id=self._org_id, idempotency_key=key, position=0)

    def _submitted(self, item: SubmittedItem, made: datetime) -> ItemSubmitted:
        submission_id = self._submission_id(item.id)
        return ItemSubmitted(
            event_id=submission_id,
            org_id=self._org_id,
            time=made,
            correlation_id=submission_id,
            submission_id=submission_id,
            item=item,
            request_id=submission_id,
            config_revision=self._revision,
        )
