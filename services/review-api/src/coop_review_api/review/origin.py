"""What an appeal is against: who or what took the appealed actions on the item.

Guarantees: for each appealed action the newest before the appeal, whoever took it: a decision on a
job about the item or about something else, a bulk action, a rule, a strike threshold, the platform
itself; what was undone is not among them. Who decided then does not decide now.
Must not: change anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_queues import reading
from coop_queues.job import Job, JobKind
from coop_review_api.kernel.error import Forbidden
from coop_review_api.projection.relation import REQUESTED_ACTIONS
from coop_review_api.review.decision import Component, Execution, Origin

_LIMIT: Final = 100  # of each source, the newest first

_DECISIONS = text(
    """
    SELECT decision_id, reviewer_id, decided_at, components, executions, item_type_id, item_id
      FROM (
        (SELECT * FROM review.decisions
          WHERE org_id = :org AND item_type_id = :type AND item_id = :item
            AND executions <> '[]' AND undone_at IS NULL AND decided_at <= :until
          ORDER BY decided_at DESC LIMIT :limit)
        UNION ALL
        (SELECT * FROM review.decisions
          WHERE org_id = :org AND executions @> CAST(:elsewhere AS jsonb)
            AND undone_at IS NULL AND decided_at <= :until
          ORDER BY decided_at DESC LIMIT :limit)
      ) AS d
    """
)
_REQUESTED = text(
    f"""
    SELECT execution_id, action_id, time, source, policy_ids, rule_ids, cause_id
      FROM {REQUESTED_ACTIONS.sql} AS a
     WHERE org_id = :org AND item_key = :key AND time <= :until AND reverses IS NULL
       AND source = ANY(CAST(:sources AS text[]))
     ORDER BY time DESC LIMIT :limit
    """  # noqa: S608 - constants; values are bound
)
_SOURCES: Final = {
    "RULE_EXECUTION": "RULE",
    "RETROACTION": "RULE",
    "STRIKE_THRESHOLD": "STRIKE_THRESHOLD",
    "POST_ACTIONS": "PLATFORM",
}


@dataclass(frozen=True, kw_only=True)
class Appealed:
    """What is asked of a source: the item, and until when something was done to it; at most so many
    origins, the newest."""

    org_id: str
    item: ItemRef
    until: datetime
    limit: int = _LIMIT


class OriginSource(Protocol):
    """Somebody else who records actions on items."""

    async def origins(self, connection: AsyncConnection, appealed: Appealed) -> list[Origin]:
        """What took actions on the item."""


class Origins:
    """Everything that may have taken an appealed action: decisions, the log, and the sources that
    are given."""

    def __init__(self, *sources: OriginSource) -> None:
        self._sources = sources

    async def of(self, connection: AsyncConnection, job: Job) -> tuple[Origin, ...]:
        """What took the actions that the job's appeals name, the newest first. An appeal that names
        none is against all. Nothing for a job of another kind."""
        if job.summary.kind is not JobKind.APPEAL or not job.entries:
            return ()
        appealed = Appealed(
            org_id=job.summary.org_id,
            item=job.summary.item,
            until=max(entry.at for entry in job.entries),
        )
        appeals = job.appeals
        named = {action_id for appeal in appeals for action_id in appeal.actions_taken}
        every = any(not appeal.actions_taken for appeal in appeals)
        return await self.against(connection, appealed, None if every else named)

    async def against(
        self, connection: AsyncConnection, appealed: Appealed, named: Collection[str] | None
    ) -> tuple[Origin, ...]:
        """The same of one item: what took these actions, or any (None)."""
        found = await _decisions(connection, appealed)
        for source in self._sources:
            found += await source.origins(connection, appealed)
        found += await _requested(connection, appealed)
        return _newest(found, named)


def require_other(origins: Iterable[Origin], user_id: str) -> None:
    """Raises `Forbidden` for who took what is appealed against."""
    if user_id in deciders_of(origins):
        raise Forbidden(
            "this appeal is against a decision of yours: somebody else has to decide it, even where"
            " there is nobody else yet"
        )


def deciders_of(origins: Iterable[Origin]) -> frozenset[str]:
    """Everyone who may not decide the appeal."""
    return frozenset(user_id for origin in origins for user_id in origin.reviewer_ids)


async def _decisions(connection: AsyncConnection, appealed: Appealed) -> list[Origin]:
    item = appealed.item
    elsewhere = msgspec.json.encode([{"item": item}]).decode()
    parameters = _scope(appealed) | {"type": item.type_id, "item": item.id, "elsewhere": elsewhere}
    rows = await connection.execute(_DECISIONS, parameters)
    return [_decided(row, item) for row in rows]


def _scope(appealed: Appealed) -> dict[str, Any]:
    return {"org": appealed.org_id, "until": appealed.until, "limit": appealed.limit}


def _decided(row: Any, item: ItemRef) -> Origin:
    own = ItemRef(id=row.item_id, type_id=row.item_type_id)
    executions = tuple(
        one
        for one in msgspec.convert(row.executions, list[Execution])
        if (one.item or own) == item and one.reverses is None
    )
    taken = {one.action_id for one in executions}
    components = msgspec.convert(row.components, list[Component])
    policies = [
        policy_id
        for component in components
        if taken.intersection(component.action_ids)
        for policy_id in component.policy_ids
    ]
    return Origin(
        by="AUTOMATIC" if row.reviewer_id is None else "PERSON",
        id=row.decision_id,
        decided_at=row.decided_at,
        executions=executions,
        reviewer_ids=() if row.reviewer_id is None else (row.reviewer_id,),
        policy_ids=tuple(dict.fromkeys(policies)),
    )


async def _requested(connection: AsyncConnection, appealed: Appealed) -> list[Origin]:
    key = reading.item_key(appealed.item.type_id, appealed.item.id)
    parameters = _scope(appealed) | {"key": key, "sources": list(_SOURCES)}
    rows = await connection.execute(_REQUESTED, parameters)
    return [
        Origin(
            by=_SOURCES[row.source],  # type: ignore[arg-type]  # values of the literal
            id=row.cause_id or row.execution_id,
            decided_at=row.time,
            executions=(Execution(execution_id=row.execution_id, action_id=row.action_id),),
            policy_ids=tuple(row.policy_ids),
            rule_ids=tuple(row.rule_ids),
        )
        for row in rows
    ]


def _newest(found: Sequence[Origin], actions: Collection[str] | None) -> tuple[Origin, ...]:
    """Of each action (of these, or of any) the origin that took it last; each origin once, with
    the executions that it is there for."""
    taken: set[str] = set()
    chosen = []
    for origin in sorted(found, key=_when, reverse=True):
        executions = tuple(
            one
            for one in origin.executions
            if one.action_id not in taken and (actions is None or one.action_id in actions)
        )
        if executions:
            taken.update(one.action_id for one in executions)
            chosen.append(msgspec.structs.replace(origin, executions=executions))
    return tuple(chosen)


def _when(origin: Origin) -> tuple[datetime, str]:
    return origin.decided_at, origin.id
