"""Dead letters, counted: `GET /v1/dead-letters`.

Guarantees: of the letters, which are of every organisation, nothing but how many there are.
"""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Depends, Request

from coop_contracts.permission import Permission
from coop_review_api.delivery.dead_letter import DeadLetters, readers_of
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import part_of

router = APIRouter(
    prefix="/v1", tags=["deliveries"], dependencies=[Depends(requires(Permission.MANAGE_ORG))]
)


class DeadLetterCount(Model):
    """Beside a topic: the `letters` that are kept, and how many of them nobody replayed. One of
    `readBy` could not handle them."""

    topic: str
    letters: int
    waiting: int
    read_by: list[str]


class DeadLetterCounts(Model):
    """Of the whole installation, not of one organisation, as the broker said at `countedAt`. Every
    topic is there, also those with none."""

    counted_at: datetime
    topics: list[DeadLetterCount]


@router.get("/dead-letters", operation_id="countDeadLetters", response_model=DeadLetterCounts)
async def count_dead_letters(request: Request) -> DeadLetterCounts:
    """How many records could not be handled by a service and were laid aside, by topic."""
    counted = await part_of(request, DeadLetters).counted()
    return DeadLetterCounts(
        counted_at=counted.at,
        topics=[
            DeadLetterCount(
                topic=one.topic,
                letters=one.letters,
                waiting=one.waiting,
                read_by=list(readers_of(one.topic)),
            )
            for one in counted.topics
        ],
    )
