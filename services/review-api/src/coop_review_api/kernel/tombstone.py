"""End users who were erased: what came of them until that moment is not written again.

    an event of them on the log, read late or again ──not after `until`──▶ left out, or renamed

Guarantees: whoever writes what came over the log asks here in its own transaction. What is written
by a transaction that asked before the erasure began is found by the erasure's second round.
Must not: outlive the topics by long: after `KEPT` nothing of the user can come any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.erasure import ErasedUser
from coop_contracts.stored import days_of_topics
from coop_queues.reading import item_key
from coop_review_api.kernel.ending import Ending
from coop_review_api.kernel.schema import erased_users

KEPT: Final = timedelta(days=days_of_topics() + 5)
ENDINGS: Final = (Ending(table=erased_users, column=erased_users.c.until, kept=KEPT),)

UserKey = tuple[str, str]
"""An organisation and the key of a user."""

_AMONG = text(
    f"""
    SELECT e.org_id, CAST(e.user_key AS text) AS user_key, e.stand_in, e.until
      FROM {erased_users.fullname} e
      JOIN unnest(CAST(:orgs AS text[]), CAST(:keys AS uuid[])) AS p (org_id, user_key)
        ON p.org_id = e.org_id AND p.user_key = e.user_key
    """  # noqa: S608 - names of our own
)

_WITH_ANY = text(
    f"""
    SELECT o FROM unnest(CAST(:orgs AS text[])) AS o
     WHERE EXISTS (SELECT 1 FROM {erased_users.fullname} e WHERE e.org_id = o)
    """  # noqa: S608 - names of our own
)


class Tombstone:
    """Of one user. `covers` what came at a moment."""

    __slots__ = ("stand_in", "until")

    def __init__(self, stand_in: str, until: datetime) -> None:
        self.stand_in = stand_in
        self.until = until

    def covers(self, moment: datetime) -> bool:
        return moment <= self.until


async def organisations_with_any(
    connection: AsyncConnection, org_ids: Collection[str]
) -> frozenset[str]:
    """Those of the organisations in which anybody was erased: asked first where many users would
    have to be asked about, of whom most are in none."""
    if not org_ids:
        return frozenset()
    return frozenset(await connection.scalars(_WITH_ANY, {"orgs": list(org_ids)}))


async def among(
    connection: AsyncConnection, users: Iterable[UserKey]
) -> Mapping[UserKey, Tombstone]:
    """The tombstones of those of the users who were erased."""
    asked = set(users)
    if not asked:
        return {}
    parameters = {"orgs": [org for org, _ in asked], "keys": [key for _, key in asked]}
    rows = await connection.execute(_AMONG, parameters)
    return {(row.org_id, row.user_key): Tombstone(row.stand_in, row.until) for row in rows}


async def entomb(connection: AsyncConnection, org_id: str, erased: ErasedUser) -> None:
    """The user is erased from the end of the transaction on."""
    statement = insert(erased_users).values(
        org_id=org_id,
        user_key=item_key(erased.user.type_id, erased.user.id),
        stand_in=erased.stand_in.id,
        until=erased.until,
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[erased_users.c.org_id, erased_users.c.user_key],
            set_={"stand_in": statement.excluded.stand_in, "until": statement.excluded.until},
        )
    )
