"""Turning on what was imported: rules that act where they came from, and run in the background
here.

Guarantees: only rules that came in as LIVE ones, and run in the background still; each is checked
as if somebody had turned it on; run again, it turns on what is left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Text, cast, or_, select

from coop_contracts.config import Kind, Rule, RuleStatus
from coop_review_api.configuration import log
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.kernel.error import ReviewError
from coop_review_api.moving.live import LIVE_TAGS
from coop_review_api.moving.merging import promoted
from coop_review_api.moving.mover import AUTHOR, Destination
from coop_review_api.moving.report import MoveOutcome
from coop_runtime.database.engine import transaction


async def promote(
    here: Destination, org_id: str, *, only: Collection[str] = (), applied: bool
) -> tuple[Sequence[MoveOutcome], Sequence[str]]:
    """Turn them on (or say which would be), those of `only` where it names any; and what was in the
    way of others. Raises `NotFound`, `Retryable`."""
    done: list[MoveOutcome] = []
    refused: list[str] = []
    async with transaction(here.engine) as connection:
        configuration = await log.lock(
            connection,
            org_id,
            author=AUTHOR,
            clock=here.clock,
            signals=here.signals,
            checks=here.checks,
        )
        waiting = await _waiting(configuration)
        refused += [
            f"rule {rule_id}: does not wait to be turned on"
            for rule_id in sorted(set(only) - {rule.id for rule in waiting})
        ]
        for rule in waiting:
            if only and rule.id not in only:
                continue
            try:
                if applied:
                    await configuration.save(Kind.RULE, promoted(rule))
            except ReviewError as error:
                refused.append(f"rule {rule.id} {rule.name}: {error}")
                continue
            done.append(MoveOutcome(kind=Kind.RULE, id=rule.id, name=rule.name, deed="CHANGE"))
    return done, refused


async def _waiting(configuration: LockedConfiguration) -> list[Rule]:
    current = CURRENT.of.c
    ids = await configuration.connection.scalars(
        select(current.id)
        .where(
            current.org_id == configuration.org_id,
            current.kind == Kind.RULE,
            cast(current.document["status"], Text) == f'"{RuleStatus.BACKGROUND}"',
            or_(*(current.document["tags"].contains([tag]) for tag in sorted(LIVE_TAGS))),
        )
        .order_by(current.id)
    )
    return [(await configuration.get(Kind.RULE, Rule, rule_id)).document for rule_id in ids]
