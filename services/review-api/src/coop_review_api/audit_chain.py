"""Whether the audit log and the configuration log are as they were written.

    row committed ──deferred trigger──▶ audit_chain: hash = SHA-256(previous hash ‖ row's digest)
    relay, each minute ─────────────▶ audit_anchors: the head, under the operator's key

An organisation has one chain over both logs. `verify` computes every digest again, by itself, from
the rows. A change, a deletion or another order breaks the chain where it happened; a chain that was
computed anew, or cut short, contradicts an anchor, which nobody can make who has the database but
not the key. The anchors are log lines too: a copy of them elsewhere proves even more.

Guarantees: reads one snapshot, in pages; goes on after a fault, so that each is named.
Must not: write.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_runtime.database import answering
from coop_runtime.secret import SecretError, Vault

_PAGE = 1000
_WITHIN = 6 * 3600.0  # seconds for all of it
MAX_FAULTS = 1000

FaultKind = Literal["CHANGED", "DELETED", "MISSING", "UNCHAINED", "ANCHOR"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a chain. CHANGED: a row is not what was written, or not in its place.
    DELETED: a row is gone. MISSING: entries of the chain itself are gone. UNCHAINED: a row came in
    beside the chain. ANCHOR: the chain is not the one that was anchored."""

    chain: str
    kind: FaultKind
    sequence: int | None
    what: str


@dataclass(kw_only=True)
class Report:
    """What was verified. `heads` are the newest sequence and hash (hex) of each chain."""

    entries: int = 0
    anchors: int = 0
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    truncated: bool = False

    def add(self, fault: Fault) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
        else:
            self.truncated = True


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


_ENTRIES = text(
    """
    SELECT c.chain, c.sequence, c.source, c.row_id, c.hash,
           a.audit_id, a.org_id, review.chain_time(a.time) AS audit_time, a.actor, a.action,
           a.target_kind, a.target_id, a.detail::text AS detail,
           l.log_id, l.org_id AS config_org, l.revision, l.kind, l.id,
           l.document::text AS document, l.author, review.chain_time(l.time) AS config_time
      FROM review.audit_chain c
      LEFT JOIN review.audit_log a ON c.source = 'AUDIT' AND a.audit_id = c.row_id
      LEFT JOIN review.config_log l ON c.source = 'CONFIG' AND l.log_id = c.row_id
     WHERE (c.chain, c.sequence) > (:chain, :sequence)
       AND (CAST(:org AS text) IS NULL OR c.chain = :org)
     ORDER BY c.chain, c.sequence LIMIT :page
    """
)

_UNCHAINED = text(
    """
    (SELECT coalesce(a.org_id, '') AS chain, 'audit_log' AS log, a.audit_id AS row_id
       FROM review.audit_log a
      WHERE NOT EXISTS (SELECT 1 FROM review.audit_chain c
                         WHERE c.source = 'AUDIT' AND c.row_id = a.audit_id)
        AND (CAST(:org AS text) IS NULL OR coalesce(a.org_id, '') = :org) LIMIT :limit)
    UNION ALL
    (SELECT l.org_id, 'config_log', l.log_id
       FROM review.config_log l
      WHERE NOT EXISTS (SELECT 1 FROM review.audit_chain c
                         WHERE c.source = 'CONFIG' AND c.row_id = l.log_id)
        AND (CAST(:org AS text) IS NULL OR l.org_id = :org) LIMIT :limit)
    """
)

_ANCHORS = text(
    """
    SELECT n.chain, n.sequence, n.hash, n.anchored_at, n.mac, c.hash AS chained
      FROM review.audit_anchors n
      LEFT JOIN review.audit_chain c ON c.chain = n.chain AND c.sequence = n.sequence
     WHERE (n.chain, n.sequence) > (:chain, :sequence)
       AND (CAST(:org AS text) IS NULL OR n.chain = :org)
     ORDER BY n.chain, n.sequence LIMIT :page
    """
)


async def verify(engine: AsyncEngine, vault: Vault | None, *, org_id: str | None = None) -> Report:
    """Every chain, or that of one organisation. Without a vault the anchors' MACs are not checked,
    only that they fit the chain. Raises `Retryable`."""
    report = Report()
    async with answering(_WITHIN), engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin():
            await connection.execute(text("SET TRANSACTION READ ONLY"))
            await _verify_entries(connection, org_id, report)
            scope = {"org": org_id, "limit": MAX_FAULTS}
            for row in await connection.execute(_UNCHAINED, scope):
                what = f"row {row.row_id} of {row.log} is not in the chain"
                report.add(Fault(chain=row.chain, kind="UNCHAINED", sequence=None, what=what))
            await _verify_anchors(connection, vault, org_id, report)
    return report


async def _pages(
    connection: AsyncConnection, statement: Any, org_id: str | None
) -> AsyncIterator[Any]:
    chain, sequence = "", -1
    while True:
        scope = {"chain": chain, "sequence": sequence, "org": org_id, "page": _PAGE}
        rows = (await connection.execute(statement, scope)).all()
        for row in rows:
            yield row
        if len(rows) < _PAGE:
            return
        chain, sequence = rows[-1].chain, rows[-1].sequence


async def _verify_entries(connection: AsyncConnection, org_id: str | None, report: Report) -> None:
    async for row in _pages(connection, _ENTRIES, org_id):
        sequence, previous = report.heads.get(row.chain, (0, ""))
        if row.sequence != sequence + 1:
            what = f"entries {sequence + 1} to {row.sequence - 1} are gone"
            report.add(Fault(chain=row.chain, kind="MISSING", sequence=sequence + 1, what=what))
        fault = _fault_of(row, bytes.fromhex(previous) if row.sequence == sequence + 1 else None)
        if fault is not None:
            report.add(fault)
        report.entries += 1
        report.heads[row.chain] = (row.sequence, bytes(row.hash).hex())


def _fault_of(row: Any, previous: bytes | None) -> Fault | None:
    """`previous` is the hash before this one; None where that is gone: the link is not known."""
    log = "audit_log" if row.source == "AUDIT" else "config_log"
    fields = _audit_fields(row) if row.source == "AUDIT" else _config_fields(row)
    if fields is None:
        what = f"row {row.row_id} of {log} is gone"
        return Fault(chain=row.chain, kind="DELETED", sequence=row.sequence, what=what)
    if previous is None:
        return None
    expected = hashlib.sha256(previous + digest_of((row.source, *fields))).digest()
    if expected == bytes(row.hash):
        return None
    what = f"row {row.row_id} of {log} is not what was written here"
    return Fault(chain=row.chain, kind="CHANGED", sequence=row.sequence, what=what)


def _audit_fields(row: Any) -> tuple[str | None, ...] | None:
    if row.audit_id is None:
        return None
    return (
        str(row.audit_id),
        row.org_id,
        row.audit_time,
        row.actor,
        row.action,
        row.target_kind,
        row.target_id,
        row.detail,
    )


def _config_fields(row: Any) -> tuple[str | None, ...] | None:
    if row.log_id is None:
        return None
    return (
        str(row.log_id),
        row.config_org,
        str(row.revision),
        row.kind,
        row.id,
        row.document,
        row.author,
        row.config_time,
    )


async def _verify_anchors(
    connection: AsyncConnection, vault: Vault | None, org_id: str | None, report: Report
) -> None:
    async for row in _pages(connection, _ANCHORS, org_id):
        report.anchors += 1
        head = bytes(row.hash)
        why = None
        if row.chained is None:
            why = f"the chain had an entry {row.sequence}, which is gone"
        elif bytes(row.chained) != head:
            why = "the chain has another hash here than was anchored"
        elif vault is not None:
            said = anchor_text(row.chain, row.sequence, head, row.anchored_at)
            try:
                if not vault.authentic(said, row.mac, context="audit-anchor"):
                    why = "the anchor was not made with the operator's key"
            except SecretError as error:
                why = f"the anchor cannot be checked: {error}"
        if why is not None:
            report.add(Fault(chain=row.chain, kind="ANCHOR", sequence=row.sequence, what=why))
