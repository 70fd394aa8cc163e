"""What can contradict an audit chain that is whole in itself.

    each minute: heads that moved ─▶ anchors, under the operator's key ─┐
                 the anchors of this minute ─▶ one row of the ledger ◀──┘
    elsewhere:   heads as a report or the relay's log lines told them

Nobody who has the database but not the key can make an anchor; but they can delete one. So the
anchors have a chain of their own, the ledger: rows of `audit_anchors` whose chain is `LEDGER`, one
a pass, its hash SHA-256(the hash before ‖ digest of the pass's anchors). Without an anchor, of one
organisation or of all its anchors, the pass does not add up; a ledger cut at its end leaves anchors
beside it. Who deletes everything since a moment, of everybody, is found by a copy kept elsewhere
alone.

Guarantees: reads in pages.
Must not: write; `audit_anchor` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_runtime.secret.vault import SecretError, Vault

LEDGER: Final = "anchors"
"""The chain of the anchors themselves; no organisation has such an id."""

MAC_CONTEXT: Final = "audit-anchor"

_PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class Head:
    """An entry of a chain as it once was; `hash` in hex."""

    chain: str
    sequence: int
    hash: str


def digest_of(fields: Sequence[str | None]) -> bytes:
    """SHA-256 of the fields, each with its length in bytes; None differs from an empty text."""
    encoded = b"".join(
        b"-" if value is None else b"%d:%b" % (len(value.encode()), value.encode())
        for value in fields
    )
    return hashlib.sha256(encoded).digest()


def anchor_text(chain: str, sequence: int, head: bytes, anchored_at: datetime) -> str:
    """What an anchor's MAC is made of."""
    return f"{len(chain)}:{chain}/{sequence}/{head.hex()}/{anchored_at.astimezone(UTC).isoformat()}"


def ledger_hash(before: bytes, anchors: Sequence[str]) -> bytes:
    """Of a pass: the ledger's hash before it, and the texts of its anchors in any order."""
    return hashlib.sha256(before + digest_of(sorted(anchors))).digest()


_ANCHORS = text(
    """
    SELECT n.chain, n.sequence, n.hash, n.anchored_at, n.mac, c.hash AS chained
      FROM review.audit_anchors n
      LEFT JOIN review.audit_chain c ON c.chain = n.chain AND c.sequence = n.sequence
     WHERE (n.chain, n.sequence) > (:chain, :sequence) AND n.chain <> 'anchors'
       AND (CAST(:org AS text) IS NULL OR n.chain = :org)
     ORDER BY n.chain, n.sequence LIMIT :page
    """
)
_PASSES = text(
    """
    SELECT chain, sequence, hash, anchored_at, mac FROM review.audit_anchors
     WHERE (anchored_at, chain = 'anchors', chain, sequence) > (:at, :closes, :chain, :sequence)
     ORDER BY anchored_at, chain = 'anchors', chain, sequence LIMIT :page
    """
)
_KNOWN = text(
    """
    SELECT c.chain, c.sequence, encode(c.hash, 'hex') AS hash
      FROM review.audit_chain c
      JOIN unnest(CAST(:chains AS text[]), CAST(:sequences AS bigint[])) AS k (chain, sequence)
        ON (c.chain, c.sequence) = (k.chain, k.sequence)
    """
)


async def pages(
    connection: AsyncConnection, statement: Any, org_id: str | None
) -> AsyncIterator[Any]:
    """The rows of a statement in the order of chain and sequence."""
    chain, sequence = "", -1
    while True:
        scope = {"chain": chain, "sequence": sequence, "org": org_id, "page": _PAGE}
        rows = (await connection.execute(statement, scope)).all()
        for row in rows:
            yield row
        if len(rows) < _PAGE:
            return
        chain, sequence = rows[-1].chain, rows[-1].sequence


async def anchors(
    connection: AsyncConnection, vault: Vault | None, org_id: str | None
) -> AsyncIterator[tuple[Any, str | None]]:
    """Each anchor, in the order of its chain, and why the chain contradicts it, if it does."""
    async for row in pages(connection, _ANCHORS, org_id):
        if row.chained is None:
            yield row, f"the chain had an entry {row.sequence}, which is gone"
        elif bytes(row.chained) != bytes(row.hash):
            yield row, "the chain has another hash here than was anchored"
        else:
            yield row, _forged(row, vault)


async def ledger(
    connection: AsyncConnection, vault: Vault | None
) -> AsyncIterator[tuple[int, str]]:
    """The number of each pass that does not add up, and why."""
    number, before, open_ = 0, b"", list[str]()
    async for row in _passes(connection):
        if row.chain != LEDGER:
            open_.append(anchor_text(row.chain, row.sequence, bytes(row.hash), row.anchored_at))
            continue
        if row.sequence != number + 1:
            yield number + 1, f"the passes {number + 1} to {row.sequence - 1} are gone"
        elif bytes(row.hash) != ledger_hash(before, open_):
            yield row.sequence, "the anchors of this pass are not those that it was made of"
        else:
            why = _forged(row, vault)
            if why is not None:
                yield row.sequence, why
        number, before, open_ = row.sequence, bytes(row.hash), []
    if open_:
        yield number + 1, f"{len(open_)} anchors are in no pass: the ledger was cut short"


async def contradicted(
    connection: AsyncConnection, known: Sequence[Head]
) -> AsyncIterator[tuple[Head, str]]:
    """Those of the heads that the chains no longer have, and why."""
    for first in range(0, len(known), _PAGE):
        page = known[first : first + _PAGE]
        asked = {"chains": [one.chain for one in page], "sequences": [one.sequence for one in page]}
        rows = await connection.execute(_KNOWN, asked)
        found = {(row.chain, row.sequence): row.hash for row in rows}
        for one in page:
            now = found.get((one.chain, one.sequence))
            if now is None:
                yield one, f"the chain had an entry {one.sequence}, which is gone"
            elif now != one.hash:
                yield one, "the chain has another hash here than was known"


async def _passes(connection: AsyncConnection) -> AsyncIterator[Any]:
    """Anchors in the order in which they were made, each pass closed by its row of the ledger."""
    scope: dict[str, Any] = {"at": datetime.min.replace(tzinfo=UTC), "closes": False}
    scope |= {"chain": "", "sequence": -1, "page": _PAGE}
    while True:
        rows = (await connection.execute(_PASSES, scope)).all()
        for row in rows:
            yield row
        if len(rows) < _PAGE:
            return
        last = rows[-1]
        scope |= {"at": last.anchored_at, "closes": last.chain == LEDGER}
        scope |= {"chain": last.chain, "sequence": last.sequence}


def _forged(row: Any, vault: Vault | None) -> str | None:
    """Why the row is none of the relay's; None too where that cannot be told without the key."""
    if vault is None:
        return None
    said = anchor_text(row.chain, row.sequence, bytes(row.hash), row.anchored_at)
    try:
        if vault.authentic(said, row.mac, context=MAC_CONTEXT):
            return None
    except SecretError as error:
        return f"the anchor cannot be checked: {error}"
    return "the anchor was not made with the operator's key"
