"""Anchors of the audit chains: each head that moved, authenticated under the operator's key.

Guarantees: a head is anchored within `every` seconds after it was committed, in the table and as a
log line.
Must not: touch the chain.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_review_api import metric
from coop_review_api.audit_chain import anchor_text
from coop_review_api.clock import Clock
from coop_review_api.schema import audit_anchors
from coop_runtime.database import transaction
from coop_runtime.error import Retryable
from coop_runtime.log import logger
from coop_runtime.secret import Vault

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
        now = self._clock()
        async with transaction(self._engine) as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended('review.audit_anchors', 0))")
            )
            heads = (await connection.execute(_MOVED, {"page": _PAGE})).all()
            for head in heads:
                said = anchor_text(head.chain, head.sequence, bytes(head.hash), now)
                await connection.execute(
                    insert(audit_anchors).values(
                        chain=head.chain,
                        sequence=head.sequence,
                        hash=head.hash,
                        anchored_at=now,
                        mac=self._vault.authenticate(said, context="audit-anchor"),
                    )
                )
        for head in heads:
            metric.ANCHORS.inc()
            _log.info(
                "audit chain anchored",
                chain=head.chain,
                sequence=head.sequence,
                hash=bytes(head.hash).hex(),
            )
        return len(heads)
