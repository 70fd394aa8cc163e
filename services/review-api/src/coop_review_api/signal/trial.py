"""An account with a provider, tried out by who set it up.

    account as it is stored ─▶ counted and noted ─▶ one small question to the provider ─▶ a verdict

Guarantees: only the organisation's own account, with the credential that is stored; so many a
minute and no more; each leaves an audit row before the provider is asked. Nothing is locked and no
connection is held while it is. The answer has no secret, and nothing that the other side said.
Must not: change the account, or what rules make of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from coop_contracts.config import Integration, Kind
from coop_review_api.configuration.log import read
from coop_review_api.http.context import Context
from coop_review_api.kernel import trial
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction
from coop_signals.trial import AccountTrial, AccountTrials


@dataclass(frozen=True, kw_only=True)
class AccountTrialLimits:
    """How many accounts an organisation may try in a minute."""

    a_minute: int = 6


async def run(context: Context, principal: Principal, integration_id: str) -> AccountTrial:
    """What came of it. Raises `NotFound` where there is no account, `TooManyAttempts`."""
    async with transaction(context.engine) as connection:
        entry = await read(
            connection, principal.org_id, Kind.INTEGRATION, Integration, integration_id
        )
        if entry is None:
            raise NotFound(f"no account with {integration_id}")
        await trial.count(
            connection,
            principal,
            action="integration.tried",
            target=("integration", integration_id),
            detail={"revision": entry.revision},
            a_minute=context.part(AccountTrialLimits).a_minute,
            now=context.clock(),
        )
    return await context.part(AccountTrials).of(principal.org_id, entry.document)
