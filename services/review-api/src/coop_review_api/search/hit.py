"""What a search finds, by kind.

Must not: say more of anything than its name and where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HitKind(StrEnum):
    """In the order in which they are shown."""

    JOB = "JOB"
    USER = "USER"
    ITEM = "ITEM"
    DECISION = "DECISION"
    QUEUE = "QUEUE"
    RULE = "RULE"
    ROUTING_RULE = "ROUTING_RULE"
    POLICY = "POLICY"
    ACTION = "ACTION"
    ITEM_TYPE = "ITEM_TYPE"
    TEXT_BANK = "TEXT_BANK"
    LOCATION_BANK = "LOCATION_BANK"
    HASH_BANK = "HASH_BANK"
    PERSON = "PERSON"


@dataclass(frozen=True, kw_only=True)
class Hit:
    """`name` is what people call it, or its id; `type_id` is that of an item or a user, of a job
    and a decision that of its item; `item_id` is the item of a job or a decision, `queue_id` its
    queue."""

    kind: HitKind
    id: str
    name: str
    type_id: str | None = None
    item_id: str | None = None
    queue_id: str | None = None
