"""The entries of hash banks in PostgreSQL.

Guarantees: adding what is there changes nothing; changes are numbered in the order in which they
are committed (one writer at a time), so that who has read up to a number has missed none; what was
removed leaves a mark until every process has long seen it; a bank whose document is gone keeps
its entries for thirty days, in which the document can be restored.
Must not: be asked for each medium; `book` is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_hma_bridge.entry import ACTIVE, DISABLED, REMOVED, Algorithm, Change

CODES: Final[dict[Algorithm, int]] = {"pdq": 1, "md5": 2}
ALGORITHMS: Final[dict[int, Algorithm]] = {code: name for name, code in CODES.items()}

_TURN: Final = 0x636F6F70_68617368  # the advisory lock of writers
KEPT_REMOVED: Final = timedelta(days=7)
KEPT_GONE: Final = timedelta(days=30)


class NewEntry(NamedTuple):
    """What is to be added."""

    algorithm: Algorithm
    hash: bytes
    note: str = ""


class Entry(NamedTuple):
    """One of a bank, as people see it."""

    entry_id: int
    algorithm: Algorithm
    hash: bytes
    state: int
    note: str
    source: str
    added_by: str
    added_at: datetime


class Counts(NamedTuple):
    """Entries of a bank."""

    active: int
    disabled: int


_TAKE_TURN = text("SELECT pg_advisory_xact_lock(:turn)")
_BANK = text(
    """
    INSERT INTO hashes.banks (org_id, bank_id) VALUES (:org, :bank)
    ON CONFLICT (org_id, bank_id) DO UPDATE SET bank_id = excluded.bank_id
    RETURNING bank_no
    """
)
_ADD = text(
    """
    INSERT INTO hashes.entries AS e
        (bank_no, algorithm, hash, note, source, added_by, change)
    SELECT :bank_no, new.algorithm, new.hash, new.note, :source, :by, nextval('hashes.changes')
    FROM unnest(CAST(:algorithms AS smallint[]), CAST(:hashes AS bytea[]), CAST(:notes AS text[]))
         AS new (algorithm, hash, note)
    ON CONFLICT (bank_no, algorithm, hash) DO UPDATE
        SET state = 1, change = nextval('hashes.changes'), changed_at = now(),
            note = excluded.note, source = excluded.source, added_by = excluded.added_by,
            added_at = now()
        WHERE e.state = 3
    RETURNING entry_id
    """
)
_SET_STATE = text(
    """
    UPDATE hashes.entries AS e
    SET state = :state, change = nextval('hashes.changes'), changed_at = now()
    FROM hashes.banks AS b
    WHERE b.bank_no = e.bank_no AND b.org_id = :org AND b.bank_id = :bank
      AND e.entry_id = ANY(:entries) AND e.state <> :state AND e.state <> 3
    """
)
_LIST = text(
    """
    SELECT e.entry_id, e.algorithm, e.hash, e.state, e.note, e.source, e.added_by, e.added_at
    FROM hashes.entries AS e JOIN hashes.banks AS b USING (bank_no)
    WHERE b.org_id = :org AND b.bank_id = :bank AND e.state <> 3 AND e.entry_id < :before
    ORDER BY e.entry_id DESC LIMIT :most
    """
)
_FIND = text(
    """
    SELECT e.entry_id, e.algorithm, e.hash, e.state, e.note, e.source, e.added_by, e.added_at
    FROM hashes.entries AS e JOIN hashes.banks AS b USING (bank_no)
    WHERE b.org_id = :org AND e.entry_id = ANY(:entries) AND e.state <> 3
    """
)
_COUNT = text(
    """
    SELECT b.bank_id, count(*) FILTER (WHERE e.state = 1) AS active,
           count(*) FILTER (WHERE e.state = 2) AS disabled
    FROM hashes.entries AS e JOIN hashes.banks AS b USING (bank_no)
    WHERE b.org_id = :org GROUP BY b.bank_id
    """
)
_CHANGES = text(
    """
    SELECT change, entry_id, bank_no, algorithm, hash, state FROM hashes.entries
    WHERE change > :after ORDER BY change LIMIT :most
    """
)
_NEW_BANKS = text(
    "SELECT bank_no, org_id, bank_id FROM hashes.banks WHERE bank_no > :after ORDER BY bank_no"
)
_FORGET = text(
    """
    DELETE FROM hashes.entries WHERE state = 3 AND changed_at < :before AND entry_id IN (
        SELECT entry_id FROM hashes.entries WHERE state = 3 AND changed_at < :before LIMIT 5000)
    """
)

_GONE = text(
    """
    UPDATE hashes.banks AS b SET gone_at = CASE WHEN b.gone_at IS NULL THEN :now END
    WHERE (b.gone_at IS NULL) <> EXISTS (
        SELECT FROM unnest(CAST(:orgs AS text[]), CAST(:banks AS text[])) AS k (org_id, bank_id)
        WHERE (k.org_id, k.bank_id) = (b.org_id, b.bank_id))
    """
)
_EMPTY_GONE = text(
    """
    UPDATE hashes.entries SET state = 3, change = nextval('hashes.changes'), changed_at = now()
    WHERE entry_id IN (
        SELECT e.entry_id FROM hashes.entries AS e JOIN hashes.banks AS b USING (bank_no)
        WHERE b.gone_at < :before AND e.state <> 3 LIMIT :most)
    """
)
_HMA_BANKS = text("SELECT name FROM hashes.hma_banks")
_ADD_HMA_BANKS = text(
    """
    INSERT INTO hashes.hma_banks (name, org_id)
    SELECT * FROM unnest(CAST(:names AS text[]), CAST(:orgs AS text[])) ON CONFLICT DO NOTHING
    """
)


async def add(
    connection: AsyncConnection,
    org_id: str,
    bank_id: str,
    entries: Sequence[NewEntry],
    *,
    source: str,
    by: str,
) -> int:
    """How many of them were not there before. Takes the writers' turn for the transaction."""
    await _take_turn(connection)
    number = await connection.scalar(_BANK, {"org": org_id, "bank": bank_id})
    if not entries:
        return 0
    unique = {(one.algorithm, one.hash): one for one in entries}.values()
    added = await connection.execute(
        _ADD,
        {
            "bank_no": number,
            "algorithms": [CODES[one.algorithm] for one in unique],
            "hashes": [one.hash for one in unique],
            "notes": [one.note for one in unique],
            "source": source,
            "by": by,
        },
    )
    return len(added.all())


async def set_state(
    connection: AsyncConnection, org_id: str, bank_id: str, entry_ids: Sequence[int], state: int
) -> int:
    """How many entries changed to ACTIVE, DISABLED or REMOVED."""
    if state not in (ACTIVE, DISABLED, REMOVED):
        raise ValueError(state)
    await _take_turn(connection)
    done = await connection.execute(
        _SET_STATE, {"org": org_id, "bank": bank_id, "entries": list(entry_ids), "state": state}
    )
    return done.rowcount


async def listed(
    connection: AsyncConnection, org_id: str, bank_id: str, *, before: int | None, most: int
) -> list[Entry]:
    """Newest first, those with smaller ids than `before`."""
    limit = before if before is not None else 2**62
    rows = await connection.execute(
        _LIST, {"org": org_id, "bank": bank_id, "before": limit, "most": most}
    )
    return [_entry(row) for row in rows]


async def found(connection: AsyncConnection, org_id: str, entry_ids: Sequence[int]) -> list[Entry]:
    """Those of the organisation."""
    rows = await connection.execute(_FIND, {"org": org_id, "entries": list(entry_ids)})
    return [_entry(row) for row in rows]


async def counts(connection: AsyncConnection, org_id: str) -> dict[str, Counts]:
    """Of each bank of the organisation that ever had entries."""
    rows = await connection.execute(_COUNT, {"org": org_id})
    return {row.bank_id: Counts(row.active, row.disabled) for row in rows}


async def changes_after(connection: AsyncConnection, after: int, *, most: int) -> list[Change]:
    """In their order."""
    rows = await connection.execute(_CHANGES, {"after": after, "most": most})
    return [
        Change(
            row.change,
            row.entry_id,
            row.bank_no,
            ALGORITHMS[row.algorithm],
            bytes(row.hash),
            row.state,
        )
        for row in rows
    ]


async def banks_after(connection: AsyncConnection, after: int) -> list[tuple[int, str, str]]:
    """Number, organisation, bank."""
    rows = await connection.execute(_NEW_BANKS, {"after": after})
    return [(row.bank_no, row.org_id, row.bank_id) for row in rows]


async def mark_gone(
    connection: AsyncConnection, known: Sequence[tuple[str, str]], now: datetime
) -> int:
    """How many banks are found to have no document, or to have one again. `known`: organisation
    and bank of each document."""
    asked = {"orgs": [org for org, _ in known], "banks": [bank for _, bank in known], "now": now}
    return (await connection.execute(_GONE, asked)).rowcount


async def empty_gone(connection: AsyncConnection, before: datetime, *, most: int) -> int:
    """How many entries were removed of banks without a document since before then."""
    await _take_turn(connection)
    done = await connection.execute(_EMPTY_GONE, {"before": before, "most": most})
    return done.rowcount


async def hma_banks(connection: AsyncConnection) -> set[str]:
    """Names of banks at a Hasher-Matcher-Actioner that are, or were, configured here."""
    return {row.name for row in await connection.execute(_HMA_BANKS)}


async def add_hma_banks(connection: AsyncConnection, names: Mapping[str, str]) -> None:
    """Each with its organisation; those that are there stay."""
    await connection.execute(_ADD_HMA_BANKS, {"names": list(names), "orgs": list(names.values())})


async def forget(connection: AsyncConnection, before: datetime) -> int:
    """How many marks of what was removed before then are gone, some at a time."""
    done = await connection.execute(_FORGET, {"before": before})
    return done.rowcount


async def _take_turn(connection: AsyncConnection) -> None:
    await connection.execute(_TAKE_TURN, {"turn": _TURN})


def _entry(row: Any) -> Entry:
    return Entry(
        row.entry_id,
        ALGORITHMS[row.algorithm],
        bytes(row.hash),
        row.state,
        row.note,
        row.source,
        row.added_by,
        row.added_at,
    )
