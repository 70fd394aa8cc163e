"""What opens something: API keys, the key that signs webhooks, accounts with providers of signals,
the identity provider.

Guarantees: a platform goes on with the key and the public key that it has: of an API key only its
hash is known, in both; the RSA pair is Coop's own, as PEM.
Must not: put a secret into a finding.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from coop_contracts.config import ApiKey, IdentityProvider, Integration, Kind, WebhookKey
from coop_review_api.moving.mapped import Finding, Mapped, Noter
from coop_review_api.moving.source import CoopSource
from coop_review_api.single_sign_on import certificate
from coop_review_api.single_sign_on.certificate import CertificateError
from coop_review_api.single_sign_on.web_address import is_safe
from coop_signals.manifest import Manifest

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_PARTS: Final = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
_WITH_KEY: Final = {
    "signal_auth_service.open_ai_configs": "OPEN_AI",
    "signal_auth_service.google_content_safety_configs": "GOOGLE_CONTENT_SAFETY_API",
    "signal_auth_service.zentropi_configs": "ZENTROPI",
}


def api_keys(source: CoopSource) -> Iterator[Mapped | Finding]:
    """Keys by their hash; those that a migration of Coop left without one are passed over."""
    for row in source.of("public.api_keys"):
        note = Noter(Kind.API_KEY, str(row["id"]), row["name"])
        if not _HASH.fullmatch(row["key_hash"]):
            note.cannot("has no hash in Coop either: nobody can use it")
            yield note.findings[-1]
            continue
        if not row["is_active"]:
            note.differs("was revoked: when, Coop does not say", "/revokedAt")
        yield Mapped(
            kind=Kind.API_KEY,
            document=ApiKey(
                id=str(row["id"]),
                name=row["name"],
                description=row["description"] or "",
                key_hash=row["key_hash"],
                created_at=row["created_at"],
                revoked_at=None if row["is_active"] else row["updated_at"],
            ),
            findings=tuple(note.findings),
        )


def webhook_key(source: CoopSource, *, now: datetime) -> Iterator[Mapped | Finding]:
    """The RSA pair, where Coop's database has it."""
    key_id = f"rsa-{source.org_id}"
    note = Noter(Kind.WEBHOOK_KEY, key_id, "RSA_SHA256")
    row = source.one("public.signing_keys")
    if not row:
        note.differs(
            "Coop's database has no signing key (it may be in a secrets manager): a new one is"
            " made, whose public key the platform has to fetch"
        )
        yield note.findings[-1]
        return
    try:
        private = _rsa(row["key_data"])
    except (KeyError, TypeError, ValueError, binascii.Error):
        note.cannot("Coop's signing key cannot be read: a new one is made, to be fetched")
        yield note.findings[-1]
        return
    yield Mapped(
        kind=Kind.WEBHOOK_KEY,
        document=WebhookKey(
            id=key_id,
            scheme="RSA_SHA256",
            secret="",  # encrypted when it is saved
            created_at=now,
            public_key=private.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode(),
        ),
        secrets={
            "secret": private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
        },
    )


def _rsa(key_data: Any) -> rsa.RSAPrivateKey:
    jwk = key_data["privateKeyWithAlgorithm"]["key"]
    n, e, d, p, q, dp, dq, qi = (_number(jwk[name]) for name in _PARTS)
    public = rsa.RSAPublicNumbers(e, n)
    numbers = rsa.RSAPrivateNumbers(p=p, q=q, d=d, dmp1=dp, dmq1=dq, iqmp=qi, public_numbers=public)
    return numbers.private_key()


def _number(text: str) -> int:
    """Of base64url without padding (RFC 7518, 6.3)."""
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def integrations(
    source: CoopSource, manifests: Mapping[str, Manifest]
) -> Iterator[Mapped | Finding]:
    """Accounts with providers; of plugins those that are installed here."""
    for table, integration_id in _WITH_KEY.items():
        row = source.one(table)
        if row and row["api_key"]:
            config = {"apiKey": row["api_key"]}
            labelers = row.get("labeler_versions")
            if labelers:
                config["labelerVersions"] = _decoded(labelers)
            yield _integration(integration_id, config, manifests)
    for row in source.of("signal_auth_service.integration_configs"):
        if isinstance(row["config"], dict):
            yield _integration(row["integration_id"], row["config"], manifests)


def _integration(
    integration_id: str, given: Mapping[str, Any], manifests: Mapping[str, Manifest]
) -> Mapped | Finding:
    note = Noter(Kind.INTEGRATION, integration_id, integration_id)
    manifest = manifests.get(integration_id)
    if manifest is None:
        note.cannot("this integration is not installed here: install its plugin, import again")
        return note.findings[-1]
    fields = {field.key: field for field in manifest.config_fields}
    for name in sorted(given.keys() - fields.keys()):
        note.differs(f"the integration has no field {name} here: left out", "/config")
    secrets = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in given.items()
        if name in fields and fields[name].input_type == "password" and value
    }
    config = {
        name: value
        for name, value in given.items()
        if name in fields and fields[name].input_type != "password" and value is not None
    }
    missing = [
        one.key
        for one in fields.values()
        if one.required and one.key not in secrets and one.key not in config
    ]
    if missing:
        note.cannot(f"has no {', '.join(missing)}: set it up here")
        return note.findings[-1]
    credential = msgspec.json.encode(dict(sorted(secrets.items()))).decode()
    return Mapped(
        kind=Kind.INTEGRATION,
        document=Integration(id=integration_id, config=config),
        secrets={"credential": credential} if secrets else {},
        findings=tuple(note.findings),
    )


def _decoded(given: Any) -> Any:
    """Some rows have JSON in a JSON string."""
    if isinstance(given, str):
        try:
            return msgspec.json.decode(given)
        except msgspec.DecodeError:
            return given
    return given


def identity_provider(source: CoopSource, *, entity_id: str | None) -> Iterator[Mapped | Finding]:
    """Where people sign in. The provider's entity id is stored nowhere in Coop: it is asked for."""
    row = source.one("public.org_settings")
    if not row.get("saml_enabled") and not row.get("sso_url"):
        return
    provider_id = f"saml-{source.org_id}"
    note = Noter(Kind.IDENTITY_PROVIDER, provider_id, "SAML")
    domains = sorted(
        {
            address.rpartition("@")[2].lower()
            for address in source.ids("public.users", "email")
            if "@" in address
        }
    )
    note.differs(
        "the identity provider has to be told the new addresses (they are on its page), and the"
        f" operator adds the domains: {', '.join(domains)}"
    )
    pem = None
    try:
        pem = _pem(row.get("cert") or "")
    except CertificateError as error:
        note.cannot(f"the certificate is {error}: set the provider up here", "/certificates")
    if not is_safe(row.get("sso_url") or ""):
        note.cannot("its address is no https URL: set the provider up here", "/ssoUrl")
    if not entity_id:
        note.cannot(
            "the provider's entity id is not kept by Coop: give it (--saml-entity-id)", "/entityId"
        )
    if pem is None or any(one.verdict == "CANNOT" for one in note.findings):
        yield from note.findings
        return
    yield Mapped(
        kind=Kind.IDENTITY_PROVIDER,
        document=IdentityProvider(
            id=provider_id,
            scheme="SAML",
            name="SAML",
            enabled=bool(row.get("saml_enabled")),
            email_attribute="email",
            entity_id=entity_id,
            sso_url=row["sso_url"],
            certificates=(pem,),
        ),
        findings=tuple(note.findings),
    )


def _pem(given: str) -> str:
    """As it is kept, of a PEM or of bare base64. Raises `CertificateError`."""
    if "-----BEGIN" in given:
        return certificate.normal(given)
    return certificate.normal(certificate.of_base64(given))
