"""Anchors of the audit chains: each head that moved, authenticated under the operator's key.

Guarantees: a head is anchored within `EVERY` seconds after it was committed, in the table and as a
log line; the anchors of a pass are entered into the ledger (`audit_witness`) in its transaction.
Must not: touch the chain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_audit.witness import LEDGER, MAC_CONTEXT, anchor_text, ledger_hash
from coop_review_api.audit.table import audit_anchors
from coop_review_api.kernel import metric
from coop_review_api.kernel.clock import Clock
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_runtime.secret.vault import Vault

EVERY = 60.0
"""Seconds between two looks."""

_PAGE = 500
_log = logger("coop.review_api.audit")

# The newest entry of every chain by a loose scan of the primary key, not by a look at every entry.
_MOVED = text(
    """
    WITH RECURSIVE chains (chain) AS (
        (SELECT chain FROM review.audit_chain ORDER BY chain LIMIT 1)
        UNION ALL
        SELECT (SELECT c.chain FROM review.audit_chain c
                 WHERE c.chain > chains.chain ORDER BY c.chain LIMIT 1)
          FROM chains WHERE chains.chain IS NOT NULL
    )
    SELECT head.chain, head.sequence, head.hash
      FROM chains
     CROSS JOIN LATERAL (SELECT c.chain, c.sequence, c.hash FROM review.audit_chain c
                          WHERE c.chain = chains.chain ORDER BY c.sequence DESC LIMIT 1) AS head
     WHERE NOT EXISTS (SELECT 1 FROM review.audit_anchors n
                        WHERE n.chain = head.chain AND n.sequence >= head.sequence)
     LIMIT :page
    """
)

_LAST_PASS = text(
    """
    SELECT sequence, hash, anchored_at FROM review.audit_anchors
     WHERE chain = :ledger ORDER BY sequence DESC LIMIT 1
    """
)


class Anchorer:
    """One process's; several may run: a head is anchored once."""

    def __init__(self, engine: AsyncEngine, vault: Vault, *, clock: Clock) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                while await self.anchor() == _PAGE:
                    pass
            except Retryable as error:
                _log.warning("no head anchored", reason=str(error))
            await asyncio.sleep(EVERY)

    async def anchor(self) -> int:
        """One pass; gives how many heads were anchored. Raises `Retryable`."""
        async with transaction(self._engine) as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended('review.audit_anchors', 0))")
            )
            heads = (await connection.execute(_MOVED, {"page": _PAGE})).all()
            if heads:
                await self._close(connection, heads)
        for head in heads:
            metric.ANCHORS.inc()
            _log.info(
                "audit chain anchored",
                chain=head.chain,
                sequence=head.sequence,
                hash=bytes(head.hash).hex(),
            )
        return len(heads)

    async def _close(self, connection: AsyncConnection, heads: Sequence[Row[Any]]) -> None:
        """The anchors of these heads, and the ledger's row of them."""
        last = (await connection.execute(_LAST_PASS, {"ledger": LEDGER})).one_or_none()
        now = self._clock()
        if last is not None:  # a pass is told from another by its time
            now = max(now, last.anchored_at + timedelta(microseconds=1))
        said = [
            await self._add(connection, head.chain, head.sequence, bytes(head.hash), now)
            for head in heads
        ]
        number, before = (last.sequence, bytes(last.hash)) if last is not None else (0, b"")
        await self._add(connection, LEDGER, number + 1, ledger_hash(before, said), now)

    async def _add(
        self, connection: AsyncConnection, chain: str, sequence: int, head: bytes, now: datetime
    ) -> str:
        said = anchor_text(chain, sequence, head, now)
        await connection.execute(
            insert(audit_anchors).values(
                chain=chain,
                sequence=sequence,
                hash=head,
                anchored_at=now,
                mac=self._vault.authenticate(said, context=MAC_CONTEXT),
            )
        )
        return said
