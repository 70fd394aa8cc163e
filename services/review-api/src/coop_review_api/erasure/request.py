"""Asking for an erasure.

Guarantees: from the end of the transaction on nothing that came before comes back (tombstones, in
both schemas); who asked, when and for how many is in the audit log, the users' ids are not: they
would be there for ever. The same user has the same stand-in each time.
Must not: erase anything; `worker` does.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.erasure import ErasedUser, stand_in_of
from coop_contracts.event import ItemRef
from coop_contracts.ids import new_id
from coop_queues import store as queues
from coop_review_api.erasure.table import erasure_keys, erasure_users, erasures
from coop_review_api.kernel import audit, tombstone
from coop_review_api.kernel.principal import Principal
from coop_runtime.secret.vault import Vault

MAX_USERS: Final = 1000

_KEY_BYTES = 32


async def create(
    connection: AsyncConnection,
    principal: Principal,
    users: Sequence[ItemRef],
    *,
    reason: str | None,
    vault: Vault,
    now: datetime,
) -> str:
    """A new erasure of these users, each once; its id."""
    org_id = principal.org_id
    key = await _key(connection, org_id, vault=vault, now=now)
    # In one order, so that two requests do not wait for each other.
    wanted = sorted(set(users), key=lambda user: (user.type_id, user.id))
    erasure_id = new_id()
    await connection.execute(
        insert(erasures).values(
            erasure_id=erasure_id,
            org_id=org_id,
            reason=reason,
            requested_by=principal.user_id,
            created_at=now,
            total=len(wanted),
            due_at=now,
        )
    )
    rows = []
    for position, user in enumerate(wanted):
        erased = ErasedUser(user=user, stand_in=stand_in_of(key, org_id, user), until=now)
        await tombstone.entomb(connection, org_id, erased)
        await queues.entomb(connection, org_id, erased)
        rows.append(
            {
                "erasure_id": erasure_id,
                "position": position,
                "org_id": org_id,
                "type_id": user.type_id,
                "user_id": user.id,
                "stand_in": erased.stand_in.id,
                "due_at": now,
            }
        )
    await connection.execute(insert(erasure_users), rows)
    await audit.record(
        connection,
        org_id=org_id,
        actor=principal.user_id,
        action="erasure.requested",
        target=("erasure", erasure_id),
        detail={"users": len(wanted)},
        time=now,
    )
    return erasure_id


async def _key(connection: AsyncConnection, org_id: str, *, vault: Vault, now: datetime) -> bytes:
    """The organisation's key; made with its first erasure."""
    context = f"{org_id}/erasure"
    made = vault.encrypt(secrets.token_hex(_KEY_BYTES), context=context)
    fresh = postgresql.insert(erasure_keys).values(org_id=org_id, secret=made, created_at=now)
    await connection.execute(fresh.on_conflict_do_nothing())
    kept = await connection.scalar(
        select(erasure_keys.c.secret).where(erasure_keys.c.org_id == org_id)
    )
    assert kept is not None
    return bytes.fromhex(vault.decrypt(kept, context=context))
