"""Whether the audit log and the configuration log are as they were written.

    row committed ──deferred trigger──▶ audit_chain: hash = SHA-256(previous hash ‖ row's digest)
    relay, each minute ─────────────▶ audit_anchors: the head, under the operator's key

An organisation has one chain over both logs. `verify` computes every digest again, by itself, from
the rows. A change, a deletion or another order breaks the chain where it happened; a chain that was
computed anew, or cut short, contradicts what `audit_witness` knows of it. What the services go by,
`config_current`, is held against the configuration log.

Guarantees: reads one snapshot, in pages; goes on after a fault, so that each is named.
Must not: write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_audit import witness
from coop_runtime.database.engine import answering
from coop_runtime.secret.vault import Vault

_WITHIN = 6 * 3600.0  # seconds for all of it
MAX_FAULTS = 1000

FaultKind = Literal[
    "CHANGED", "DELETED", "MISSING", "UNCHAINED", "CURRENT", "ANCHOR", "LEDGER", "KNOWN"
]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a chain. CHANGED: a row is not what was written, or not in its place.
    DELETED: a row is gone. MISSING: entries of the chain itself are gone. UNCHAINED: a row came in
    beside the chain. CURRENT: what is in force is not what the log says. ANCHOR: the chain is not
    the one that was anchored. LEDGER: anchors are gone, or came in beside the relay. KNOWN: the
    chain is not the one that a copy kept elsewhere tells of."""

    chain: str
    kind: FaultKind
    sequence: int | None
    what: str


@dataclass(kw_only=True)
class Report:
    """What was verified. `heads` are the newest sequence and hash (hex) of each chain; keep them
    elsewhere, to be `known` to a later verification. `unanchored` entries came after the last
    anchors: a minute's, while the relay runs."""

    entries: int = 0
    anchors: int = 0
    unanchored: int = 0
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    truncated: bool = False

    def add(self, fault: Fault) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
        else:
            self.truncated = True


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

_CURRENT = text(
    """
    SELECT coalesce(l.org_id, c.org_id) AS chain, coalesce(l.kind, c.kind) AS kind,
           coalesce(l.id, c.id) AS id
      FROM (SELECT DISTINCT ON (org_id, kind, id) * FROM review.config_log
             WHERE CAST(:org AS text) IS NULL OR org_id = :org
             ORDER BY org_id, kind, id, revision DESC) AS l
      FULL JOIN (SELECT * FROM review.config_current
                  WHERE CAST(:org AS text) IS NULL OR org_id = :org) AS c
        ON (c.org_id, c.kind, c.id) = (l.org_id, l.kind, l.id)
     WHERE (c.revision, c.document, c.author, c.time)
           IS DISTINCT FROM (l.revision, l.document, l.author, l.time)
     LIMIT :limit
    """
)


async def verify(
    engine: AsyncEngine,
    vault: Vault | None,
    *,
    org_id: str | None = None,
    known: Sequence[witness.Head] = (),
) -> Report:
    """Every chain, or that of one organisation. Without a vault the anchors' MACs are not checked,
    only that they fit the chain; of one organisation alone, not whether anchors are gone: they are
    one ledger of all. `known` are heads as they once were. Raises `Retryable`."""
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
            for row in await connection.execute(_CURRENT, scope):
                what = f"{row.kind} {row.id} in config_current is not what config_log says"
                report.add(Fault(chain=row.chain, kind="CURRENT", sequence=None, what=what))
            await _ask_witnesses(connection, vault, org_id, known, report)
    return report


async def _ask_witnesses(
    connection: AsyncConnection,
    vault: Vault | None,
    org_id: str | None,
    known: Sequence[witness.Head],
    report: Report,
) -> None:
    anchored = dict.fromkeys(report.heads, 0)
    async for anchor, why in witness.anchors(connection, vault, org_id):
        report.anchors += 1
        anchored[anchor.chain] = anchor.sequence
        if why is not None:
            report.add(Fault(chain=anchor.chain, kind="ANCHOR", sequence=anchor.sequence, what=why))
    report.unanchored = sum(
        max(0, sequence - anchored[chain]) for chain, (sequence, _) in report.heads.items()
    )
    if org_id is None:
        async for number, why in witness.ledger(connection, vault):
            report.add(Fault(chain=witness.LEDGER, kind="LEDGER", sequence=number, what=why))
    async for head, why in witness.contradicted(connection, known):
        if org_id in (None, head.chain):
            report.add(Fault(chain=head.chain, kind="KNOWN", sequence=head.sequence, what=why))


async def _verify_entries(connection: AsyncConnection, org_id: str | None, report: Report) -> None:
    async for row in witness.pages(connection, _ENTRIES, org_id):
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
    expected = hashlib.sha256(previous + witness.digest_of((row.source, *fields))).digest()
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
