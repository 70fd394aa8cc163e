"""Rows of proposals, and who may answer them.

Guarantees: scoped by organisation, paged by key.
Must not: decide what follows; `proposal` does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_contracts.permission import Permission
from coop_review_api.configuration import role_permission
from coop_review_api.configuration.relation import CURRENT
from coop_review_api.directory import person
from coop_review_api.kernel.error import NotFound
from coop_review_api.rule_proposal.table import rule_proposals

State = Literal["OPEN", "EXPIRED", "OUTDATED", "APPROVED", "DECLINED", "WITHDRAWN", "REPLACED"]


async def add(connection: AsyncConnection, **values: Any) -> Row[Any]:
    """A new one, as it is kept."""
    made = await connection.execute(
        insert(rule_proposals).values(**values).returning(*rule_proposals.c)
    )
    return made.one()


async def settle(connection: AsyncConnection, proposal_id: str, **values: Any) -> Row[Any]:
    """The end of one, as it is kept."""
    done = await connection.execute(
        update(rule_proposals)
        .where(rule_proposals.c.proposal_id == proposal_id)
        .values(**values)
        .returning(*rule_proposals.c)
    )
    return done.one()


async def get(connection: AsyncConnection, org_id: str, proposal_id: str) -> Row[Any]:
    """One. Raises `NotFound`."""
    found = await connection.execute(
        select(rule_proposals).where(
            rule_proposals.c.org_id == org_id, rule_proposals.c.proposal_id == proposal_id
        )
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound(f"no proposal {proposal_id}")
    return row


async def waiting(connection: AsyncConnection, org_id: str, rule_id: str) -> Row[Any] | None:
    """The rule's that nobody answered, whether or not somebody still can."""
    found = await connection.execute(
        select(rule_proposals).where(
            rule_proposals.c.org_id == org_id,
            rule_proposals.c.rule_id == rule_id,
            rule_proposals.c.state == "OPEN",
        )
    )
    row: Row[Any] | None = found.one_or_none()
    return row


async def page(
    connection: AsyncConnection,
    org_id: str,
    *,
    rule_id: str | None,
    open_only: bool,
    before: str | None,
    limit: int,
) -> list[Row[Any]]:
    """Up to `limit`, newest first, older than `before`."""
    query = (
        select(rule_proposals)
        .where(rule_proposals.c.org_id == org_id)
        .order_by(rule_proposals.c.proposal_id.desc())
        .limit(limit)
    )
    if rule_id is not None:
        query = query.where(rule_proposals.c.rule_id == rule_id)
    if open_only:
        query = query.where(rule_proposals.c.state == "OPEN")
    if before is not None:
        query = query.where(rule_proposals.c.proposal_id < before)
    return list(await connection.execute(query))


async def state_of(connection: AsyncConnection, row: Row[Any], *, now: datetime) -> State:
    """What it is now: an open one may have become too old, or its rule another one."""
    state: State = row.state
    if state != "OPEN":
        return state
    if now >= row.expires_at:
        return "EXPIRED"
    current = await revision_of(connection, row)
    return "OPEN" if current == row.base_revision else "OUTDATED"


async def revision_of(connection: AsyncConnection, row: Row[Any]) -> int:
    """The revision of its rule now; 0 where it is deleted."""
    found = await connection.scalar(
        select(CURRENT.of.c.revision).where(
            CURRENT.of.c.org_id == row.org_id,
            CURRENT.of.c.kind == Kind.RULE,
            CURRENT.of.c.id == row.rule_id,
            CURRENT.of.c.document.is_not(None),
        )
    )
    return found or 0


async def approvers(connection: AsyncConnection, org_id: str, *, apart: str) -> list[str]:
    """Who may answer a proposal of this person: the active people who may change live rules."""
    return [one for one in await _allowed(connection, org_id) if one != apart]


async def may_change_live(connection: AsyncConnection, org_id: str, user_id: str) -> bool:
    """Whether somebody is active, and may still do by themselves what is live."""
    return user_id in await _allowed(connection, org_id)


async def _allowed(connection: AsyncConnection, org_id: str) -> list[str]:
    roles = await role_permission.roles_holding(connection, org_id, Permission.MUTATE_LIVE_RULES)
    return [one.user_id for one in await person.with_roles(connection, org_id, roles)]
