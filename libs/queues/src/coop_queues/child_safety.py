"""What is about child safety: the one definition, and how something comes to be.

    grave_items   one row an item: every item that a job of child-abuse material holds or is about

A job is of child-abuse material by a report that says so, by its kind (a rule's request, the
platform's, a strike threshold's, an escalation), or because its decision to escalate it left. What
such a job holds (its item in every version, everything that came beside it, what was reported in
its thread) is grave, and so is every other job about one of these items, in whatever queue.

Guarantees: an item is grave in the same transaction in which a job that holds it is of child-abuse
material; whoever asks in a statement asks by `grave_of` or `is_grave`: there is no other question.
Must not: take the mark away again: who has seen the job may have seen such material.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Alias, ColumnElement, FromClause, bindparam, exists, select, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_queues.slot import item_key
from coop_queues.table import entries, grave_items, job_items, jobs


def grave_of(alias: str) -> str:
    """SQL: the row of that alias, which has `org_id` and `item_key`, is about child safety."""
    return f"""EXISTS (SELECT 1 FROM queues.grave_items grave
                WHERE grave.org_id = {alias}.org_id
                  AND grave.item_key = {alias}.item_key)"""  # noqa: S608 - constants


GRAVE: Final = grave_of("j")
"""The same of the row `j`."""

_MARK = text(
    """
    UPDATE queues.jobs SET csam = true WHERE org_id = :org AND job_id = CAST(:job AS uuid)
    RETURNING job_id
    """
)
# Sorted, so that two who add the same items wait for each other and never in a circle.
_ADD = text(
    """
    INSERT INTO queues.grave_items (org_id, item_key)
    SELECT DISTINCT p.org_id, p.item_key
      FROM unnest(CAST(:orgs AS text[]), CAST(:keys AS uuid[])) AS p (org_id, item_key)
     ORDER BY p.org_id, p.item_key
    ON CONFLICT DO NOTHING
    """
)


class _Reported(Struct, rename="camel"):
    """What is read of an entry."""

    reported_in_thread: tuple[ItemRef, ...] = ()


_item = msgspec.json.Decoder(ItemRef)
_entry = msgspec.json.Decoder(_Reported)


def is_grave(row: FromClause | Alias) -> ColumnElement[bool]:
    """Whether a row, which has `org_id` and `item_key`, is about child safety."""
    grave = grave_items.alias("grave")
    return exists().where(grave.c.org_id == row.c.org_id, grave.c.item_key == row.c.item_key)


async def mark_child_safety(connection: AsyncConnection, org_id: str, job_id: str) -> None:
    """The job is about child safety from now on, in the caller's transaction."""
    found = await connection.scalar(_MARK, {"org": org_id, "job": job_id})
    if found is not None:
        await add_grave(connection, [str(found)])


async def add_grave(connection: AsyncConnection, job_ids: Sequence[str]) -> None:
    """Everything that these jobs of child-abuse material hold is grave from now on."""
    query = select(jobs.c.org_id, jobs.c.job_id, jobs.c.item_key, jobs.c.moved_from)
    found = (await connection.execute(query.where(jobs.c.job_id.in_(job_ids)))).all()
    org_of = {part: row.org_id for row in found for part in (row.job_id, *row.moved_from)}
    grave = {(row.org_id, row.item_key) for row in found}
    grave |= await _keys(connection, job_items, org_of, lambda body: (_item.decode(body),))
    grave |= await _keys(
        connection, entries, org_of, lambda body: _entry.decode(body).reported_in_thread
    )
    await connection.execute(
        _ADD, {"orgs": [org for org, _ in grave], "keys": [key for _, key in grave]}
    )


async def _keys(
    connection: AsyncConnection, table: Any, org_of: dict[str, str], items_of: Any
) -> set[tuple[str, str]]:
    """Organisation and key of the items in the bodies of these jobs' rows."""
    wanted = bindparam("jobs", list(org_of), ARRAY(UUID(as_uuid=False)))
    rows = await connection.execute(
        select(table.c.job_id, table.c.body).where(table.c.job_id == wanted.any_())
    )
    items: Iterable[tuple[str, ItemRef]] = (
        (org_of[row.job_id], item) for row in rows for item in items_of(row.body)
    )
    return {(org_id, item_key(item.type_id, item.id)) for org_id, item in items}
