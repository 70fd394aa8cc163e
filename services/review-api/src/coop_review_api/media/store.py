"""Rows about media.

Guarantees: everything is asked for by organisation, item and value.
Must not: commit, or know where bytes lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Table, case, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.media.medium import Facts, Medium
from coop_review_api.media.table import media_derivatives, media_facts

_TOUCHED_EVERY: Final = timedelta(hours=1)
_COLUMNS: Final = tuple(media_facts.c[name] for name in Facts.__struct_fields__)


class Derived(msgspec.Struct, frozen=True):
    """One derivative in the store: `name` is where."""

    org_id: str
    item_key: str
    value_key: str
    form: str
    media_type: str
    bytes: int

    @property
    def name(self) -> str:
        return name_of(self.org_id, self.item_key, self.value_key, self.form)


def name_of(org_id: str, item_key: str, value_key: str, form: str) -> str:
    """Where a derivative lies in the store."""
    return f"{org_id}/{item_key}/{value_key}/{form}"


def _is(table: Table, medium: Medium) -> ColumnElement[bool]:
    return (
        (table.c.org_id == medium.org_id)
        & (table.c.item_key == medium.item_key)
        & (table.c.value_key == medium.value_key)
    )


async def facts_of(connection: AsyncConnection, medium: Medium) -> Facts | None:
    """What is known of it; None where it was never fetched."""
    found = await connection.execute(select(*_COLUMNS).where(_is(media_facts, medium)))
    row = found.mappings().one_or_none()
    return None if row is None else Facts(**row)


async def know(connection: AsyncConnection, medium: Medium, facts: Facts) -> None:
    """Keep what was found out now. A fault does not make forgotten what it was."""
    values: dict[str, Any] = msgspec.structs.asdict(facts)
    values.pop("changed_at")
    statement = insert(media_facts).values(
        org_id=medium.org_id, item_key=medium.item_key, value_key=medium.value_key, **values
    )
    new = statement.excluded
    kept = {
        name: func.coalesce(new[name], media_facts.c[name])
        for name in values
        if name not in ("state", "reason", "retry_at", "fetched_at")
    }
    differs = media_facts.c.sha256.is_not(None) & (new.sha256 != media_facts.c.sha256)
    changed = case(
        (differs & media_facts.c.changed_at.is_(None), new.fetched_at),
        else_=media_facts.c.changed_at,
    )
    # Of another file nothing that was seen in the one before.
    looked = differs | new.flashes.is_not(None)
    seen = {
        name: case((looked, new[name]), else_=media_facts.c[name])
        for name in ("flashes", "flashes_at")
    }
    fresh = {name: new[name] for name in ("state", "reason", "retry_at", "fetched_at")}
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["org_id", "item_key", "value_key"],
            set_={**kept, **seen, **fresh, "changed_at": changed},
        )
    )


async def derived(
    connection: AsyncConnection, medium: Medium, form: str, *, now: datetime
) -> Derived | None:
    """The derivative of this form, if there is one: it is in use."""
    table = media_derivatives
    is_it = _is(table, medium) & (table.c.form == form)
    names = Derived.__struct_fields__
    found = await connection.execute(
        select(*(table.c[name] for name in names), table.c.used_at).where(is_it)
    )
    row = found.mappings().one_or_none()
    if row is None:
        return None
    if row["used_at"] < now - _TOUCHED_EVERY:
        await connection.execute(update(table).where(is_it).values(used_at=now))
    return Derived(**{name: row[name] for name in names})


async def add(connection: AsyncConnection, one: Derived, *, now: datetime) -> None:
    """A derivative is going to be there: the row first, so that none lies there unknown."""
    statement = insert(media_derivatives).values(**msgspec.structs.asdict(one), used_at=now)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["org_id", "item_key", "value_key", "form"],
            set_={"media_type": one.media_type, "bytes": one.bytes, "used_at": now},
        )
    )


async def of_items(
    connection: AsyncConnection, org_id: str, item_keys: Sequence[str]
) -> list[Derived]:
    """All derivatives of these items."""
    table = media_derivatives
    return await _found(
        connection, (table.c.org_id == org_id) & table.c.item_key.in_(item_keys), None
    )


async def unused(connection: AsyncConnection, since: datetime, most: int) -> list[Derived]:
    """Derivatives that nobody used since then, the longest unused first."""
    return await _found(connection, media_derivatives.c.used_at < since, most)


async def oldest(connection: AsyncConnection, most: int) -> list[Derived]:
    """Those that nobody used for longest."""
    return await _found(connection, None, most)


async def _found(
    connection: AsyncConnection, condition: ColumnElement[bool] | None, most: int | None
) -> list[Derived]:
    table = media_derivatives
    names = Derived.__struct_fields__
    query = select(*(table.c[name] for name in names)).order_by(table.c.used_at).limit(most)
    found = await connection.execute(query if condition is None else query.where(condition))
    return [Derived(**row) for row in found.mappings()]


async def forget(connection: AsyncConnection, gone: Sequence[Derived]) -> None:
    """These are no longer in the store."""
    table = media_derivatives
    keys = [(one.org_id, one.item_key, one.value_key, one.form) for one in gone]
    columns = tuple_(table.c.org_id, table.c.item_key, table.c.value_key, table.c.form)
    await connection.execute(delete(table).where(columns.in_(keys)))


async def forget_facts(connection: AsyncConnection, org_id: str, item_keys: Sequence[str]) -> int:
    """Nothing is known of these items' media any more; of how many."""
    done = await connection.execute(
        delete(media_facts).where(
            media_facts.c.org_id == org_id, media_facts.c.item_key.in_(item_keys)
        )
    )
    return done.rowcount


async def size(connection: AsyncConnection) -> int:
    """Bytes of all derivatives in the store."""
    return int(await connection.scalar(select(func.sum(media_derivatives.c.bytes))) or 0)
