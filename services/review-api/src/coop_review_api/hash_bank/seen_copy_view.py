"""Copies of media on the wire.

Must not: show where a medium lies.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from coop_contracts.hash_bank import RADIUS, SeenCopy
from coop_review_api.configuration.document_model import Id
from coop_review_api.hash_bank.seen_copy import MAX_ITEMS
from coop_review_api.http.body import Body, Model
from coop_review_api.http.item_ref import ItemRefView

Digits = Annotated[str, Field(pattern="^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{32})$")]
Bits = Annotated[int, Field(ge=0, le=RADIUS)]


class CopiesBody(Body):
    """Copies of what: a PDQ (64 hexadecimal digits), of which a copy may be `within` so many bits,
    or an MD5 (32), of the same file. Of the time from `since` (30 days ago) to before `until` (now)
    as far as it is remembered what was seen."""

    hash: Digits
    within: Bits = RADIUS
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class CopyView(Model):
    """A medium that was seen: of which item, in which field, when it was submitted. `distance` is
    in bits; `identical`: it is the same file."""

    item: ItemRefView
    submission_id: str
    field: str
    kind: Literal["IMAGE", "VIDEO", "AUDIO"]
    distance: int
    identical: bool
    seen_at: datetime

    @classmethod
    def of(cls, copy: SeenCopy) -> CopyView:
        """Of what the bridge says."""
        return cls(
            item=ItemRefView(id=copy.item.id, type_id=copy.item.type_id),
            submission_id=copy.submission_id,
            field=copy.field,
            kind=copy.kind,
            distance=copy.distance,
            identical=copy.identical,
            seen_at=copy.seen_at,
        )


class CopiesView(Model):
    """How many media of how many items there are from `since` to before `until`, and a page of
    them, the newest first. What is about child safety is counted, and shown with the permission
    alone."""

    media: int
    items: int
    since: datetime
    until: datetime
    copies: list[CopyView]
    next_cursor: str | None = None


class QueuedCopiesBody(Body):
    """What was previewed, with the preview's own `since`, `until` and number of `items`, for a
    queue. `noticedAt`: when somebody asked for the removal; the clocks of queue and policies run
    from then."""

    hash: Digits
    within: Bits = RADIUS
    since: AwareDatetime
    until: AwareDatetime
    items: Annotated[int, Field(ge=1, le=MAX_ITEMS)]
    queue_id: Id
    policy_ids: Annotated[list[Id], Field(max_length=50)] = Field(default_factory=list)
    note: Annotated[str, Field(max_length=5000)] | None = None
    noticed_at: AwareDatetime | None = None


class QueuedCopiesView(Model):
    """How many items are in the queue, or on their way to it: those of before among them."""

    items: int
