"""What people decided of items, by which a rule is measured.

A label is an item on which a person decided since the backtest's start: acted on, or left. It is
what they said last, after every appeal; jobs that were moved or closed unjudged say nothing.

Guarantees: the newest `MAX_LABELS`, of at most the newest `LOOKED_AT` decisions, in at most
`MAX_BYTES`; one an item; nothing that can still be undone, and nothing about child safety: what
people decided there is not told to whoever tries rules.
Must not: say whether a rule is right; `measure` counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Subquery, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_review_api.review import child_safety
from coop_review_api.review.relation import DECISIONS

MAX_LABELS: Final = 1_000
LOOKED_AT: Final = 20_000
MAX_BYTES: Final = 200_000

_ACTED: Final = {"CUSTOM_ACTION", "ESCALATE_TO_NCMEC", "SUBMIT_NCMEC_REPORT", "REJECT_APPEAL"}
_LEFT: Final = {"IGNORE", "ACCEPT_APPEAL"}


class Label(Struct, frozen=True, kw_only=True):
    """An item that a person decided; `acted`: or left as it is."""

    item: ItemRef
    job_id: str
    acted: bool
    decided_at: datetime


def acted_of(components: Iterable[Mapping[str, Any]]) -> bool | None:
    """Whether a decision acted on its item; None: it does not say. An appeal that was rejected
    means that the action was right, one that was accepted that it was not."""
    types = {str(component["type"]) for component in components}
    if types & _ACTED:
        return True
    return False if types & _LEFT else None


async def labels_of(
    connection: AsyncConnection,
    org_id: str,
    *,
    type_ids: Iterable[str],
    since: datetime,
    now: datetime,
    most: int = MAX_LABELS,
    most_bytes: int = MAX_BYTES,
    looked_at: int = LOOKED_AT,
) -> list[Label]:
    """The labels of items of these types, newest first."""
    found: dict[ItemRef, Label] = {}
    room = most_bytes
    newest = _newest(org_id, since=since, now=now, most=looked_at)
    for label in await _judged(connection, newest, frozenset(type_ids), now=now):
        if label.item in found:
            continue
        room -= len(label.item.id.encode()) + len(label.item.type_id) + 30
        if room < 0 or len(found) == most:
            break
        found[label.item] = label
    grave = await child_safety.grave_among(connection, org_id, found)
    return [label for item, label in found.items() if item not in grave]


def _newest(org_id: str, *, since: datetime, now: datetime, most: int) -> Subquery:
    log = DECISIONS.of.c
    return (
        select(DECISIONS.of)
        .where(log.org_id == org_id, log.decided_at >= since, log.decided_at <= now)
        .order_by(log.decided_at.desc())
        .limit(most)
        .subquery()
    )


async def _judged(
    connection: AsyncConnection, newest: Subquery, type_ids: frozenset[str], *, now: datetime
) -> list[Label]:
    """What people say in these decisions, newest first, of an item as often as it was decided."""
    rows = await connection.execute(
        select(newest)
        .where(
            newest.c.reviewer_id.is_not(None),
            newest.c.undone_at.is_(None),
            newest.c.came_from.is_(None),
            or_(newest.c.leaves_at.is_(None), newest.c.leaves_at <= now),
            newest.c.item_type_id.in_(type_ids),
        )
        .order_by(newest.c.decided_at.desc(), newest.c.decision_id)
    )
    said = ((row, acted_of(row.components)) for row in rows)
    return [
        Label(
            item=ItemRef(id=row.item_id, type_id=row.item_type_id),
            job_id=row.job_id,
            acted=acted,
            decided_at=row.decided_at,
        )
        for row, acted in said
        if acted is not None
    ]
