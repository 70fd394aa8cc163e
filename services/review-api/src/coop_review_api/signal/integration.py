"""Integrations as documents: an organisation's accounts with providers of signals.

Guarantees: an account is made under the integration's own id, and only of one that is installed;
its secrets are kept as ciphertext only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from coop_contracts.config import Integration, Kind
from coop_review_api.configuration import log
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.document_kind import DocumentKind
from coop_review_api.configuration.log import Entry, LockedConfiguration
from coop_review_api.kernel.principal import Principal
from coop_review_api.signal import credential
from coop_rules.signal.signal import SignalType
from coop_runtime.secret.vault import Vault
from coop_signals.manifest import Manifest

INTEGRATIONS: Final = DocumentKind(kind=Kind.INTEGRATION, type=Integration, noun="Integration")


async def save_account(
    configuration: LockedConfiguration,
    principal: Principal,
    manifest: Manifest,
    *,
    fields: Mapping[str, Any],
    expected: int | None,
    vault: Vault,
) -> Entry[Integration]:
    """Make or replace the account with the integration of this manifest, as it was sent. Raises
    `Invalid`, `RevisionMismatch`."""
    connection, org_id = configuration.connection, configuration.org_id
    current = await log.read(connection, org_id, Kind.INTEGRATION, Integration, manifest.id)
    previous = current.document if current else None
    secrets = credential.updated(
        vault,
        manifest,
        previous,
        credential=fields["credential"],
        config=fields["config"],
        context=bound_to(org_id, Kind.INTEGRATION, manifest.id),
    )
    account = msgspec.convert({**fields, "credential": secrets, "id": manifest.id}, Integration)
    return await INTEGRATIONS.commit(
        configuration, principal, before=previous, after=account, expected=expected
    )


def unavailable(
    signal: SignalType, manifest: Manifest | None, accounts: Mapping[str, Integration]
) -> str | None:
    """Why an organisation with these accounts, by integration, cannot use the signal; None where it
    can. `manifest` is the integration's, where it is installed."""
    if signal.integration is None:
        return None
    account = accounts.get(signal.integration)
    if account is None:
        needed = manifest is None or manifest.requires_config
        return f"the integration {signal.integration} is not set up" if needed else None
    return None if account.enabled else f"the integration {signal.integration} is switched off"
