"""Questions to a platform: signed as its webhooks are, through the egress guard.

Guarantees: both signatures or nothing is sent; an answer has a deadline and a limit; what went
wrong is told without what was said.
Must not: put a key, a header's value or a body into an error or a log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import httpx
import msgspec

from coop_contracts.config import Kind, NcmecSettings, WebhookKey
from coop_runtime.egress.guard import EgressGuard, EgressRefused, ResponseTooLarge
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.secret.signing import SigningError, sign_rsa_sha256, sign_standard_webhook
from coop_runtime.secret.vault import SecretError, Vault

SETTINGS_ID = "settings"
_SECONDS = 30.0
_MOST = 5_000_000


class PlatformFault(Exception):
    """The platform could not be asked, or did not answer with 2xx."""


class Platforms:
    """Asks platforms. One for each process; close it at the end."""

    def __init__(
        self,
        guard: EgressGuard,
        vault: Vault,
        config: ConfigTable,
        *,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        self._vault = vault
        self._config = config
        self._seconds = seconds
        self._client = guard.client(timeout=_SECONDS, max_body=_MOST)

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    def settings(self, org_id: str) -> NcmecSettings:
        """The organisation's, as they are now."""
        found = self._config.get(org_id, Kind.NCMEC_SETTINGS, SETTINGS_ID)
        return found if isinstance(found, NcmecSettings) else NcmecSettings(id=SETTINGS_ID)

    def revision(self, org_id: str) -> int:
        """Of those settings."""
        return self._config.revision_of(org_id, Kind.NCMEC_SETTINGS, SETTINGS_ID)

    def secret(self, org_id: str, ciphertext: str) -> str:
        """The clear text of a secret of those settings. Raises SecretError."""
        context = f"{org_id}/{Kind.NCMEC_SETTINGS}/{SETTINGS_ID}"
        return self._vault.decrypt(ciphertext, context=context)

    async def ask(
        self, org_id: str, url: str, headers: str | None, body: bytes, *, message_id: str
    ) -> bytes:
        """What the platform answers. Raises PlatformFault."""
        try:
            signed = await self._signed(org_id, body, message_id)
            told = {} if headers is None else self._headers(org_id, headers)
            answer = await self._client.post(
                url, content=body, headers={**told, "content-type": "application/json", **signed}
            )
        except (SigningError, SecretError, msgspec.MsgspecError):
            raise PlatformFault("the keys or headers of the organisation are not usable") from None
        except EgressRefused as error:
            raise PlatformFault(f"the endpoint may not be asked: {error}") from None
        except ResponseTooLarge:
            raise PlatformFault(f"the answer has more than {_MOST} bytes") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PlatformFault(f"no answer ({type(error).__name__})") from None
        if not answer.is_success:
            raise PlatformFault(f"the platform answered {answer.status_code}")
        return answer.content

    def _headers(self, org_id: str, ciphertext: str) -> Mapping[str, str]:
        return msgspec.json.decode(self.secret(org_id, ciphertext), type=dict[str, str])

    async def _signed(self, org_id: str, body: bytes, message_id: str) -> dict[str, str]:
        keys = [
            one
            for one in self._config.all(org_id, Kind.WEBHOOK_KEY).values()
            if isinstance(one, WebhookKey)
        ]
        keys.sort(key=lambda one: one.created_at, reverse=True)
        rsa = [k for k in keys if k.scheme == "RSA_SHA256" and k.status == "ACTIVE"]
        standard = [k for k in keys if k.scheme == "STANDARD_WEBHOOKS" and k.status != "REVOKED"]
        if not rsa or not standard:
            raise SigningError("the organisation has no active keys")

        def clear(key: WebhookKey) -> str:
            return self._vault.decrypt(key.secret, context=f"{org_id}/{Kind.WEBHOOK_KEY}/{key.id}")

        timestamp = int(self._seconds())
        return {
            "coop-signature": await asyncio.to_thread(sign_rsa_sha256, clear(rsa[0]), body),
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign_standard_webhook(
                [clear(key) for key in standard],
                webhook_id=message_id,
                timestamp=timestamp,
                body=body,
            ),
        }
