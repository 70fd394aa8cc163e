"""Items of the history on this API's wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from coop_review_api.history.port import FoundItem
from coop_review_api.http.body import Model
from coop_review_api.http.item_ref import ItemRefView
from coop_review_api.media_value.view import MediaValueView


class ItemVersionView(Model):
    """An item as it was accepted at `submittedAt`; `saidAt` is when it says it was made.
    `submissionId` is that of the submission, report or appeal that brought it; `media` are those in
    its data."""

    id: str
    type_id: str
    type_version: str
    data: dict[str, Any]
    creator: ItemRefView | None
    submission_id: str
    submitted_at: datetime
    said_at: datetime
    source: Literal["ITEM", "REPORT", "APPEAL"]
    media: list[MediaValueView]


class ItemVersionPage(Model):
    """A page may hold fewer than asked for, and still have a next one."""

    items: list[ItemVersionView]
    next_cursor: str | None = None


def view_of(found: FoundItem, media: list[MediaValueView]) -> ItemVersionView:
    """`media`: the references to those in its data."""
    item = found.item
    creator = item.creator
    return ItemVersionView(
        id=item.id,
        type_id=item.type_id,
        type_version=item.type_version,
        data=msgspec.json.decode(item.data),
        creator=None if creator is None else ItemRefView(id=creator.id, type_id=creator.type_id),
        submission_id=found.submission_id,
        submitted_at=found.time,
        said_at=found.said_at,
        source=found.source,
        media=media,
    )
