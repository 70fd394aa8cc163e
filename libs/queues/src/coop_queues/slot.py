"""Slots: the place of one item in one queue, which holds at most one pending job.

Guarantees: everything that changes what a job contains, or whether it is pending, first locks the
slot's row in `generations`, always in the same order, so that writers wait for each other and never
in a circle. A job id is a function of the slot and its generation (`coop_contracts.ids.job_id`).
Must not: be bypassed. The claims are the exception: they touch lease columns only.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from hashlib import sha1
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts import ids
from coop_queues.error import UnstorableId
from coop_queues.job import JobKind
from coop_runtime.database.array import typed

_ITEM: Final = uuid.UUID("7d0f8c52-94a1-5c7b-8a44-1f6e0b3d9c55").bytes
_MAX_BYTES: Final = 2200  # of an id; an index row has 2,704 and holds the organisation's as well
_REPORTER: Final = uuid.UUID("e3b1a0c6-5f27-5d1e-9b38-6c4d2a7f8e66").bytes


class Slot(NamedTuple):
    """The place of one item in one queue. Slots are locked in the order in which they sort."""

    org_id: str
    queue_id: str
    kind: str
    item_key: str


def _pair(namespace: bytes, type_id: str, item_id: str) -> str:
    """A UUID of version 5 (RFC 9562): what `uuid.uuid5` says, in a quarter of its time."""
    name = f"{len(type_id)}:{type_id}{item_id}".encode()
    digest = sha1(namespace + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def item_key(item_type_id: str, item_id: str) -> str:
    """The key of an item in every table: short and of fixed size, whatever the id's length."""
    return _pair(_ITEM, item_type_id, item_id)


def reporter_key(type_id: str, user_id: str) -> str:
    """The key by which a reporter's entries are found."""
    return _pair(_REPORTER, type_id, user_id)


def job_id(slot: Slot, *, item_type_id: str, item_id: str, generation: int) -> str:
    """The id of the slot's job of that generation."""
    return ids.job_id(
        org_id=slot.org_id,
        queue_id=slot.queue_id,
        item_type_id=item_type_id,
        item_id=item_id,
        generation=generation,
        kind=slot.kind,
    )


def storable(*values: str) -> None:
    """Raises UnstorableId when PostgreSQL cannot hold one of the ids, or not index it."""
    for value in values:
        if "\x00" in value:
            raise UnstorableId(f"the id {value!r:.100} contains U+0000")
        if len(value.encode()) > _MAX_BYTES:
            raise UnstorableId(f"the id {value!r:.100} is longer than {_MAX_BYTES} bytes")


_LOCK = text(
    """
    INSERT INTO queues.generations AS g (org_id, queue_id, kind, item_key)
    SELECT s.org_id, s.queue_id, s.kind, s.item_key
      FROM unnest(CAST(:orgs AS text[]), CAST(:queues AS text[]), CAST(:kinds AS text[]),
                  CAST(:items AS uuid[])) AS s (org_id, queue_id, kind, item_key)
     ORDER BY s.org_id, s.queue_id, s.kind, s.item_key
    ON CONFLICT (org_id, queue_id, kind, item_key) DO UPDATE SET generation = g.generation
    RETURNING g.org_id, g.queue_id, g.kind, CAST(g.item_key AS text), g.generation
    """
)


async def lock(connection: AsyncConnection, slots: Collection[Slot]) -> dict[Slot, int]:
    """Locks the slots until the transaction ends; their generations.

    The isolation level must be READ COMMITTED, as it is by default: who waited sees the generation
    that the other left.
    """
    distinct: Sequence[Slot] = sorted(set(slots))
    asked = {
        "orgs": [slot.org_id for slot in distinct],
        "queues": [slot.queue_id for slot in distinct],
        "kinds": [slot.kind for slot in distinct],
        "items": [slot.item_key for slot in distinct],
    }
    rows = await connection.execute(_LOCK, typed(_LOCK, asked))
    return {Slot(*row[:4]): row[4] for row in rows}


def slot_of(org_id: str, queue_id: str, kind: JobKind, item_type_id: str, item_id: str) -> Slot:
    """The slot of an item in a queue. Raises UnstorableId."""
    storable(org_id, queue_id, item_type_id, item_id)
    return Slot(org_id, queue_id, str(kind), item_key(item_type_id, item_id))
