"""The transaction of a request that changes configuration.

Guarantees: the organisation's lock is held from the first statement to the commit; what is changed
is the caller's change, at one moment, and may name the signals of this process.
Must not: be held while anything but the database is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from coop_review_api.configuration.check import DocumentChecks
from coop_review_api.configuration.log import LockedConfiguration, lock
from coop_review_api.http.context import Context
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction


@asynccontextmanager
async def changing(context: Context, principal: Principal) -> AsyncIterator[LockedConfiguration]:
    """The configuration of the caller's organisation, theirs to change until the block ends."""
    async with transaction(context.engine) as connection:
        yield await lock(
            connection,
            principal.org_id,
            author=principal.user_id,
            clock=context.clock,
            signals=context.signals,
            checks=context.part(DocumentChecks),
        )
