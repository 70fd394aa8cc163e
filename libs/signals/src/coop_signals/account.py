"""The accounts of organisations: their integration documents, opened.

Guarantees: a secret leaves its ciphertext only here, in memory, and is in no error, log or `repr`.
A change of the document counts with the next call.
Must not: call anyone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

import msgspec

from coop_contracts.config import Document, Integration, Kind
from coop_runtime.secret.vault import SecretError, Vault
from coop_signals.error import NotConfigured
from coop_signals.manifest import Manifest
from coop_signals.provider import ProviderAccount

MAX_ACCOUNTS = 10_000


class IntegrationConfiguration(Protocol):
    """What of `ConfigTable` is needed."""

    def get(self, org_id: str, kind: Kind, id: str) -> Document | None: ...  # noqa: A002
    def revision_of(self, org_id: str, kind: Kind, id: str) -> int: ...  # noqa: A002


class OneAccount:
    """A configuration that has one account."""

    def __init__(self, document: Integration) -> None:
        self._document = document

    def get(self, org_id: str, kind: Kind, id: str) -> Document | None:  # noqa: A002, ARG002
        return self._document if id == self._document.id else None

    def revision_of(self, org_id: str, kind: Kind, id: str) -> int:  # noqa: A002, ARG002
        return 1


class ProviderAccounts:
    """The accounts of all organisations; `manifests` by integration id."""

    def __init__(
        self, config: IntegrationConfiguration, vault: Vault, manifests: Mapping[str, Manifest]
    ) -> None:
        self._config = config
        self._vault = vault
        self._manifests = manifests
        self._opened: OrderedDict[tuple[str, str], ProviderAccount] = OrderedDict()

    def of(self, org_id: str, integration_id: str, *, required: bool) -> ProviderAccount:
        """The account; where none is `required`, an empty one. Raises NotConfigured."""
        document = self._config.get(org_id, Kind.INTEGRATION, integration_id)
        if not isinstance(document, Integration):
            if required:
                raise NotConfigured(f"the integration {integration_id} is not set up")
            return ProviderAccount({}, {}, self._revision(org_id, integration_id))
        if not document.enabled:
            raise NotConfigured(f"the integration {integration_id} is switched off")
        key = (org_id, integration_id)
        account = self._opened.get(key)
        if account is None or account.revision != self._revision(org_id, integration_id):
            account = self._open(org_id, document)
            self._opened[key] = account
            if len(self._opened) > MAX_ACCOUNTS:
                self._opened.popitem(last=False)
        return account

    def _revision(self, org_id: str, integration_id: str) -> int:
        return self._config.revision_of(org_id, Kind.INTEGRATION, integration_id)

    def _open(self, org_id: str, document: Integration) -> ProviderAccount:
        credential: dict[str, str] = {}
        if document.credential is not None:
            context = f"{org_id}/{Kind.INTEGRATION}/{document.id}"
            try:
                plain = self._vault.decrypt(document.credential, context=context)
                credential = msgspec.json.decode(plain, type=dict[str, str])
            except (SecretError, msgspec.MsgspecError, ValueError):
                raise NotConfigured(
                    f"the credential of the integration {document.id} cannot be read"
                ) from None
        self._check(document, credential)
        return ProviderAccount(credential, document.config, self._revision(org_id, document.id))

    def _check(self, document: Integration, credential: Mapping[str, str]) -> None:
        manifest = self._manifests.get(document.id)
        for field in () if manifest is None else manifest.config_fields:
            value = credential.get(field.key) or document.config.get(field.key)
            if not value:
                if field.required:
                    raise NotConfigured(f"the integration {document.id} has no {field.key}")
            elif field.input_type == "password" and field.key not in credential:
                raise NotConfigured(
                    f"the {field.key} of the integration {document.id} is not kept as a secret"
                )
