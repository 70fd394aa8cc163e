"""The organisation's keys, and the signatures they make.

Guarantees: a webhook carries both signatures or is not sent. The newest ACTIVE key of each scheme
signs; during a rotation the RETIRING Standard Webhooks secrets sign beside it, newest first, so
that a receiver may hold either. Keys leave their ciphertext only here, in memory.
Must not: put a key, or an error text that might hold one, into a log or an exception.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from coop_action_dispatcher.arrival import Configuration
from coop_action_dispatcher.signer import Signer
from coop_contracts.config import Kind, WebhookKey
from coop_runtime.secret.signing import sign_standard_webhook
from coop_runtime.secret.vault import Vault


class CannotSign(Exception):
    """The organisation has no usable keys; nothing may be sent. Says what is missing."""


class CannotDecrypt(Exception):
    """A secret was encrypted under a key this process does not have."""


class _Keys(Struct, frozen=True):
    rsa_private_pem: str
    standard_secrets: tuple[str, ...]


class Keyring:
    """Signs for every organisation."""

    def __init__(self, vault: Vault, config: Configuration, signer: Signer) -> None:
        self._vault = vault
        self._config = config
        self._signer = signer
        self._cache: dict[str, tuple[tuple[WebhookKey, ...], _Keys]] = {}

    def decrypt(self, org_id: str, kind: Kind, document_id: str, ciphertext: str) -> str:
        """The clear text of a document's secret. Raises `CannotDecrypt`."""
        try:
            return self._vault.decrypt(ciphertext, context=f"{org_id}/{kind}/{document_id}")
        except Exception as error:  # noqa: BLE001 - told on without its text
            raise CannotDecrypt(
                f"the secret of {kind} {document_id} cannot be decrypted ({type(error).__name__})"
            ) from None

    async def sign(
        self, org_id: str, *, webhook_id: str, timestamp: int, body: bytes
    ) -> Mapping[str, str]:
        """The signature headers of an attempt at `timestamp`, Unix seconds. Raises `CannotSign`."""
        keys = self._keys(org_id)
        try:
            rsa = await self._signer.sign(keys.rsa_private_pem, body)
            standard = sign_standard_webhook(
                keys.standard_secrets, webhook_id=webhook_id, timestamp=timestamp, body=body
            )
        except Exception as error:  # noqa: BLE001 - told on without its text
            # The text of a crypto error may quote the key.
            raise CannotSign(f"signing failed ({type(error).__name__})") from None
        return {
            "coop-signature": rsa,
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": standard,
        }

    def _keys(self, org_id: str) -> _Keys:
        documents = tuple(
            document
            for document in self._config.all(org_id, Kind.WEBHOOK_KEY).values()
            if isinstance(document, WebhookKey)
        )
        cached = self._cache.get(org_id)
        # The table keeps a document's object until it changes, so this compares identities first.
        if cached is not None and cached[0] == documents:
            return cached[1]
        keys = self._load(org_id, documents)
        self._cache[org_id] = (documents, keys)
        return keys

    def _load(self, org_id: str, documents: tuple[WebhookKey, ...]) -> _Keys:
        newest_first = sorted(documents, key=lambda key: key.created_at, reverse=True)
        rsa = [k for k in newest_first if k.scheme == "RSA_SHA256" and k.status == "ACTIVE"]
        standard = [
            k
            for k in newest_first
            if k.scheme == "STANDARD_WEBHOOKS" and k.status in ("ACTIVE", "RETIRING")
        ]
        if not rsa:
            raise CannotSign("the organisation has no active RSA key")
        if not any(key.status == "ACTIVE" for key in standard):
            raise CannotSign("the organisation has no active Standard Webhooks secret")
        try:
            return _Keys(
                self.decrypt(org_id, Kind.WEBHOOK_KEY, rsa[0].id, rsa[0].secret),
                tuple(
                    self.decrypt(org_id, Kind.WEBHOOK_KEY, key.id, key.secret) for key in standard
                ),
            )
        except CannotDecrypt as error:
            raise CannotSign(str(error)) from None
