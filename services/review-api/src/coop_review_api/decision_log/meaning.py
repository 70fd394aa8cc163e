"""What a question to the log means: names are looked up in the configuration, a user's id in every
type of user.

Guarantees: costs nothing where nothing of that kind is asked; at most `MAX_NAMED` policies and as
many actions are found by words, and `MAX_TYPES` types of users are asked for one id.
Must not: know the log's parts.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import asdict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind
from coop_contracts.event import ItemRef
from coop_review_api.configuration.relation import CURRENT, LOG
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.kernel import words

MAX_NAMED: Final = 50
MAX_TYPES: Final = 50

_c: Final = CURRENT.of.c


class Meant(LogQuestion, frozen=True, kw_only=True):
    """A question with what was looked up for it: `users` are the user in each type, `named_…` what
    has the words of `q` in its name."""

    org_id: str
    users: tuple[ItemRef, ...] = ()
    named_actions: tuple[str, ...] = ()
    named_policies: tuple[str, ...] = ()


async def meant(connection: AsyncConnection, org_id: str, question: LogQuestion) -> Meant:
    """The question, and what it is about."""
    found: dict[str, Any] = {}
    if question.user is not None:
        found["users"] = await _users(connection, org_id, question.user)
    if question.q is not None:
        found["named_actions"] = await _named(connection, org_id, Kind.ACTION, question.q)
        found["named_policies"] = await _named(connection, org_id, Kind.POLICY, question.q)
    return Meant(**asdict(question), org_id=org_id, **found)


async def _users(connection: AsyncConnection, org_id: str, user: ItemRef) -> tuple[ItemRef, ...]:
    if user.type_id:
        return (user,)
    # Of the log: what was decided about users of a type stays when the type is removed.
    log = LOG.of.c
    types = await connection.scalars(
        select(log.id)
        .where(
            log.org_id == org_id,
            log.kind == Kind.ITEM_TYPE,
            log.document["kind"].astext == "USER",
        )
        .distinct()
        .order_by(log.id)
        .limit(MAX_TYPES)
    )
    return tuple(ItemRef(id=user.id, type_id=one) for one in types)


async def _named(
    connection: AsyncConnection, org_id: str, kind: Kind, sought: str
) -> tuple[str, ...]:
    found = await connection.scalars(
        select(_c.id)
        .where(
            _c.org_id == org_id,
            _c.kind == kind,
            _c.document.is_not(None),
            words.named(_c.document["name"].astext, words=sought),
        )
        .order_by(_c.id)
        .limit(MAX_NAMED)
    )
    return tuple(found)
