"""What ingest asks of review-api for platforms: each call (`coop_contracts.call`), its question,
its answer.

Guarantees: an answer says what a platform may know of its own: what it sent, and what was done
about it. It names nobody who reported, reviewed or decided, and no rule.
Must not: be asked by anyone but ingest, which has checked whose the API key is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Raw

from coop_contracts.call import Answer, Call, Question
from coop_contracts.event import ItemRef

MAX_LISTED: Final = 50
"""The newest of each kind that an answer lists."""

ItemId = Annotated[str, Meta(min_length=1, max_length=512)]


class ItemQuestion(Question, frozen=True, kw_only=True):
    """Which item."""

    type_id: ItemId
    item_id: ItemId


class ItemDelivery(Answer, frozen=True, kw_only=True):
    """How an action was told to the platform: after so many attempts, at last with this status of
    HTTP."""

    state: Literal["DELIVERED", "DEAD"]
    attempts: int
    status: int | None
    finished_at: datetime


class ItemAction(Answer, frozen=True, kw_only=True):
    """An action that was asked for; `id` is its webhook's. `delivery` is None while the webhook is
    under way. `reversed`: it was taken back since."""

    id: str
    action_id: str
    source: str
    policy_ids: tuple[str, ...]
    requested_at: datetime
    reversed: bool
    delivery: ItemDelivery | None


class ItemDecision(Answer, frozen=True, kw_only=True):
    """What a review came to: `kinds` are those of its parts. `automatic`: no person decided."""

    id: str
    kinds: tuple[str, ...]
    action_ids: tuple[str, ...]
    policy_ids: tuple[str, ...]
    automatic: bool
    decided_at: datetime


class ItemRecord(Answer, frozen=True, kw_only=True):
    """An item as it was sent last, and the newest of what was done about it; `creator` is its
    author, `submission_id` that of the submission, report or appeal that brought it."""

    id: str
    type_id: str
    type_version: str
    data: Raw
    creator: ItemRef | None
    submission_id: str
    submitted_at: datetime
    decisions: tuple[ItemDecision, ...]
    actions: tuple[ItemAction, ...]


GET_ITEM = Call("GET", "item", ItemQuestion, ItemRecord)

CALLS: Final[Mapping[str, Call[Any, Any]]] = {"getItem": GET_ITEM}
