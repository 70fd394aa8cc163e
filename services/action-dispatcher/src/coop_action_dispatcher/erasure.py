"""The erasure of an end user: what is kept of deliveries about them, and of their strikes.

    a request about the user or an item of theirs, its delivery ended ──▶ emptied: the ids of
                            execution, action and item stay, and how it ended
                            still on its way ──▶ counted; the caller comes again
    strikes, thresholds that were crossed ──▶ stay, under a hash of the user's id and the name of
                            who stands in; where the same id is struck again, they are its own

Guarantees: twice is once; a request's row stays, so that a replay of its event sends nothing; what
was asked for after the moment of erasure is left. A total is the same before and after, and a
crossing of a threshold is never taken for another one, because the hash stays.
Must not: take a webhook away that is on its way: the platform was promised it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_action_dispatcher.asked import Asked, decode
from coop_action_dispatcher.item import item_digest, storable
from coop_action_dispatcher.strike_name import key_of
from coop_contracts.dispatch import UserErased
from coop_contracts.erasure import ErasedUser, named_instead
from coop_contracts.event import ActionRequested, ItemRef, encode
from coop_contracts.ids import item_key
from coop_runtime.database.engine import transaction

_BATCH: Final = 200
_NOTHING: Final = msgspec.Raw(b"{}")
ERASED_BODY: Final = b""
"""The body of a request that was emptied: of no other, and never sent."""

_FOUND = text(
    """
    SELECT r.seq, r.request FROM dispatch.requests AS r JOIN dispatch.deliveries AS d USING (seq)
    WHERE r.item_digest = ANY(CAST(:digests AS bytea[])) AND r.org_id = :org
      AND r.created_at <= :until AND d.state <> 'PENDING' AND r.body IS DISTINCT FROM ''
    ORDER BY r.seq LIMIT :batch FOR UPDATE OF r
    """
)
_WAITING = text(
    """
    SELECT count(*) FROM dispatch.deliveries
    WHERE item_digest = ANY(CAST(:digests AS bytea[])) AND org_id = :org AND state = 'PENDING'
      AND created_at <= :until
    """
)
_EMPTY = text(
    """
    UPDATE dispatch.requests AS r
    SET request = e.request, body = '', item_id = e.item_id, item_digest = e.item_digest
    FROM unnest(CAST(:seqs AS bigint[]), CAST(:requests AS bytea[]), CAST(:ids AS text[]),
                CAST(:digests AS bytea[])) AS e (seq, request, item_id, item_digest)
    WHERE r.seq = e.seq
    """
)
_FORGET_ERRORS = text(
    """
    UPDATE dispatch.deliveries AS d SET last_error = NULL, item_digest = r.item_digest
    FROM dispatch.requests AS r WHERE r.seq = d.seq AND d.seq = ANY(CAST(:seqs AS bigint[]))
    """
)
_FORGET_ANSWERS = text(
    """
    UPDATE dispatch.attempts SET response = NULL, error = NULL
    WHERE seq = ANY(CAST(:seqs AS bigint[])) AND (response IS NOT NULL OR error IS NOT NULL)
    """
)

# A user who was struck since has their name again.
_RENAME = text(
    """
    UPDATE dispatch.strike_users AS u SET ref = :stand_in, version = version + 1
    WHERE u.user_digest = :digest AND u.ref = :ref
      AND NOT EXISTS (SELECT 1 FROM dispatch.strikes AS s
                      WHERE s.user_digest = u.user_digest AND s.struck_at > :until)
    """
)
_STRIKES = text("SELECT count(*) FROM dispatch.strikes WHERE user_digest = :digest")
_NAMED = text("SELECT 1 FROM dispatch.strike_users WHERE user_digest = :digest AND ref = :ref")


async def erase(
    engine: AsyncEngine,
    redis: Redis,
    org_id: str,
    erased: ErasedUser,
    items: Iterable[ItemRef],
) -> UserErased:
    """Empties what there is, in short transactions. Raises `Retryable`, RedisError."""
    digests = [_digest(org_id, item) for item in {erased.user, *items}]
    asked = {"org": org_id, "digests": digests, "until": erased.until}
    requests = attempts = 0
    while True:
        async with transaction(engine) as connection:
            rows = (await connection.execute(_FOUND, {**asked, "batch": _BATCH})).all()
            if rows:
                attempts += await _empty(connection, org_id, erased, rows)
        requests += len(rows)
        if len(rows) < _BATCH:
            break
    async with transaction(engine) as connection:
        waiting = int(await connection.scalar(_WAITING, asked) or 0)
        strikes, nameless = await _rename(connection, org_id, erased)
    if nameless:
        await redis.delete(key_of(org_id, erased.user))
    # Whoever writes to Redis just now may have read the name before: the caller comes again.
    return UserErased(
        requests=requests,
        attempts=attempts,
        strikes=strikes,
        waiting=waiting + (strikes > 0),
    )


async def _empty(
    connection: AsyncConnection, org_id: str, erased: ErasedUser, rows: Sequence[Any]
) -> int:
    """Of these requests nothing stays but what happened; how many attempts said something."""
    emptied = [_emptied(decode(bytes(row.request)), erased) for row in rows]
    seqs = [row.seq for row in rows]
    await connection.execute(
        _EMPTY,
        {
            "seqs": seqs,
            "requests": [encode(one) for one in emptied],
            "ids": [storable(one.item.id) for one in emptied],
            "digests": [_digest(org_id, ItemRef(one.item.id, one.item.type_id)) for one in emptied],
        },
    )
    await connection.execute(_FORGET_ERRORS, {"seqs": seqs})
    return (await connection.execute(_FORGET_ANSWERS, {"seqs": seqs})).rowcount


def _emptied(asked: Asked, erased: ErasedUser) -> Asked:
    item = named_instead(ItemRef(asked.item.id, asked.item.type_id), erased)
    if isinstance(asked, ActionRequested):
        creator = None if asked.creator is None else named_instead(asked.creator, erased)
        return msgspec.structs.replace(
            asked,
            item=item,
            creator=creator,
            parameters={},
            actor_note=None,
            decision_reason=None,
            report_history=None,
        )
    return msgspec.structs.replace(asked, item=item, body=_NOTHING)


async def _rename(connection: AsyncConnection, org_id: str, erased: ErasedUser) -> tuple[int, bool]:
    """The user's strikes are the stand-in's; how many, and whether nothing has the name now."""
    named = {
        "digest": _digest(org_id, erased.user),
        "ref": msgspec.json.encode(erased.user),
    }
    stand_in = {"stand_in": msgspec.json.encode(erased.stand_in), "until": erased.until}
    renamed = (await connection.execute(_RENAME, {**named, **stand_in})).rowcount
    count = await connection.scalar(_STRIKES, named) if renamed else 0
    return int(count or 0), await connection.scalar(_NAMED, named) is None


def _digest(org_id: str, item: ItemRef) -> bytes:
    return item_digest(item_key(org_id, item.type_id, item.id))
