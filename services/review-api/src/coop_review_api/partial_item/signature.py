"""The signatures of what review-api asks a platform itself.

Guarantees: both signatures (RSA over the body, Standard Webhooks) with the organisation's keys as
they are now, or `CannotSign`; a key leaves its ciphertext only here.
Must not: put a key, or an error text that might quote one, into a log or an exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from coop_contracts.config import Kind, WebhookKey
from coop_review_api.configuration.binding import bound_to
from coop_runtime.secret.signing import sign_rsa_sha256, sign_standard_webhook
from coop_runtime.secret.vault import Vault


class CannotSign(Exception):
    """The organisation has no usable keys; nothing may be sent."""


@dataclass(frozen=True, kw_only=True)
class Signing:
    """An organisation's keys in clear text, newest first. Must not outlive a request."""

    rsa_private_pem: str
    secrets: tuple[str, ...]

    async def headers(self, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
        """The headers of a request made at `timestamp`, Unix seconds. Raises CannotSign."""
        try:
            rsa = await asyncio.to_thread(sign_rsa_sha256, self.rsa_private_pem, body)
            standard = sign_standard_webhook(
                self.secrets, webhook_id=message_id, timestamp=timestamp, body=body
            )
        except Exception as error:  # noqa: BLE001 - told on without its text, which may quote a key
            raise CannotSign(f"signing failed ({type(error).__name__})") from None
        return {
            "coop-signature": rsa,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": standard,
        }


def signing_of(vault: Vault, org_id: str, keys: Iterable[WebhookKey]) -> Signing:
    """The keys that sign now: the newest active RSA key, and each Standard Webhooks secret that is
    not revoked. Raises CannotSign."""
    newest = sorted(keys, key=lambda key: key.created_at, reverse=True)
    rsa = [key for key in newest if key.scheme == "RSA_SHA256" and key.status == "ACTIVE"]
    standard = [
        key for key in newest if key.scheme == "STANDARD_WEBHOOKS" and key.status != "REVOKED"
    ]
    if not rsa or not any(key.status == "ACTIVE" for key in standard):
        raise CannotSign("the organisation has no active signing keys")
    return Signing(
        rsa_private_pem=_clear(vault, org_id, rsa[0]),
        secrets=tuple(_clear(vault, org_id, key) for key in standard),
    )


def _clear(vault: Vault, org_id: str, key: WebhookKey) -> str:
    try:
        return vault.decrypt(key.secret, context=bound_to(org_id, Kind.WEBHOOK_KEY, key.id))
    except Exception as error:  # noqa: BLE001 - told on without its text
        raise CannotSign(f"key {key.id} cannot be decrypted ({type(error).__name__})") from None
