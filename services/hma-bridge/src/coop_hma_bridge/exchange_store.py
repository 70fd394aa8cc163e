"""Exchanges in PostgreSQL.

Guarantees: the same exchange of a bank is one row, however often it is added; one that was removed
is a row until the Hasher-Matcher-Actioner has none of it.
Must not: have a credential.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.hash_bank import ExchangeKind, ExchangeSettings
from coop_hma_bridge.exchange import Exchange

_COLUMNS: Final = """exchange_id, org_id, bank_id, kind, CAST(settings AS text) AS settings,
    hma_bank || '_X' || exchange_id AS name, added_by, added_at, gave_account,
    paused_at, paused_by"""

# Who adds what is there gets that row: the update changes nothing.
_ADD = text(
    f"""
    INSERT INTO hashes.exchanges (org_id, bank_id, kind, settings, hma_bank, added_by)
    VALUES (:org, :bank, :kind, CAST(:settings AS jsonb), :hma_bank, :by)
    ON CONFLICT (org_id, bank_id, kind, settings) WHERE removed_at IS NULL
        DO UPDATE SET kind = excluded.kind
    RETURNING {_COLUMNS}
    """  # noqa: S608 - constants
)
_LIST = text(
    f"""
    SELECT {_COLUMNS} FROM hashes.exchanges
    WHERE org_id = :org AND removed_at IS NULL ORDER BY exchange_id
    """  # noqa: S608 - constants
)
_FIND = text(
    f"""
    SELECT {_COLUMNS} FROM hashes.exchanges
    WHERE org_id = :org AND bank_id = :bank AND exchange_id = :id AND removed_at IS NULL
    """  # noqa: S608 - constants
)
_ALL = text(f"SELECT {_COLUMNS}, removed_at FROM hashes.exchanges ORDER BY exchange_id")  # noqa: S608 - constants
_OTHERS = text(
    """
    SELECT count(*), bool_or(gave_account) FROM hashes.exchanges
    WHERE kind = :kind AND org_id <> :org
    """
)
_GAVE = text("UPDATE hashes.exchanges SET gave_account = :gave WHERE exchange_id = :id")
_REMOVE = text(
    """
    UPDATE hashes.exchanges SET removed_at = now()
    WHERE org_id = :org AND bank_id = :bank AND exchange_id = :id AND removed_at IS NULL
    """
)
_PAUSE = text(
    """
    UPDATE hashes.exchanges
    SET paused_at = CASE WHEN :paused THEN coalesce(paused_at, now()) END,
        paused_by = CASE WHEN NOT :paused THEN '' WHEN paused_at IS NULL THEN :by
                         ELSE paused_by END
    WHERE org_id = :org AND bank_id = :bank AND exchange_id = :id AND removed_at IS NULL
    """
)
_FORGET = text("DELETE FROM hashes.exchanges WHERE exchange_id = ANY(:ids)")


async def add(
    connection: AsyncConnection,
    org_id: str,
    bank_id: str,
    kind: ExchangeKind,
    settings: ExchangeSettings,
    *,
    hma_bank: str,
    by: str,
) -> Exchange:
    """The exchange; one that was there is that one."""
    row = await connection.execute(
        _ADD,
        {
            "org": org_id,
            "bank": bank_id,
            "kind": kind,
            "settings": msgspec.json.encode(settings).decode(),
            "hma_bank": hma_bank,
            "by": by,
        },
    )
    return _exchange(row.one())


async def listed(connection: AsyncConnection, org_id: str) -> list[Exchange]:
    """Of the organisation's banks, the oldest first."""
    return [_exchange(row) for row in await connection.execute(_LIST, {"org": org_id})]


async def find(
    connection: AsyncConnection, org_id: str, bank_id: str, exchange_id: int
) -> Exchange | None:
    """One of a bank."""
    asked = {"org": org_id, "bank": bank_id, "id": exchange_id}
    row = (await connection.execute(_FIND, asked)).one_or_none()
    return None if row is None else _exchange(row)


class Others(NamedTuple):
    """What other organisations have of a kind, those of them that are still there among it: any,
    and one whose credentials are those of all."""

    exist: bool
    gave_account: bool


async def others(connection: AsyncConnection, org_id: str, kind: ExchangeKind) -> Others:
    """Of a kind, beside this organisation's."""
    asked = {"org": org_id, "kind": kind}
    count, gave = (await connection.execute(_OTHERS, asked)).one()
    return Others(count > 0, bool(gave))


async def set_gave_account(connection: AsyncConnection, exchange_id: int, *, gave: bool) -> None:
    """Whether its credentials are those of all exchanges of its kind from now on."""
    await connection.execute(_GAVE, {"id": exchange_id, "gave": gave})


async def set_paused(
    connection: AsyncConnection,
    org_id: str,
    bank_id: str,
    exchange_id: int,
    *,
    paused: bool,
    by: str,
) -> bool:
    """Whether it is to be fetched from now on; false where there is none."""
    asked = {"org": org_id, "bank": bank_id, "id": exchange_id, "paused": paused, "by": by}
    return (await connection.execute(_PAUSE, asked)).rowcount > 0


async def remove(connection: AsyncConnection, org_id: str, bank_id: str, exchange_id: int) -> bool:
    """It matches nothing from now on; whether it was there."""
    asked = {"org": org_id, "bank": bank_id, "id": exchange_id}
    return (await connection.execute(_REMOVE, asked)).rowcount > 0


async def everyone(connection: AsyncConnection) -> tuple[list[Exchange], list[Exchange]]:
    """Those that are there, and those that were removed, of all organisations."""
    rows = (await connection.execute(_ALL)).all()
    return (
        [_exchange(row) for row in rows if row.removed_at is None],
        [_exchange(row) for row in rows if row.removed_at is not None],
    )


async def forget(connection: AsyncConnection, exchange_ids: Iterable[int]) -> None:
    """Nothing of these is left at the Hasher-Matcher-Actioner."""
    await connection.execute(_FORGET, {"ids": list(exchange_ids)})


def _exchange(row: Any) -> Exchange:
    return Exchange(
        row.exchange_id,
        row.org_id,
        row.bank_id,
        row.kind,
        msgspec.json.decode(row.settings, type=ExchangeSettings),
        row.name,
        row.added_by,
        row.added_at,
        row.gave_account,
        row.paused_at,
        row.paused_by,
    )
