"""API keys and webhook keys: how they are made.

    API key        32 random bytes in hex, shown once; the document holds its SHA-256. Replaced by
                   another of the same scopes, it is good until the end of the overlap. One that a
                   platform has already is taken over by its hash.
    webhook key    RSA-2048 (RSA_SHA256), or a `whsec_` secret (STANDARD_WEBHOOKS); ciphertext

    webhook keys   ACTIVE ──rotate──▶ RETIRING ──revoke, or the next rotation──▶ REVOKED

Guarantees: a key's text leaves this module once, to whoever made it; no two documents, of whichever
organisations, have one hash: such a key would speak for nobody; a scheme never loses its last
active key, because webhooks without it would not be sent.
Must not: log or audit a key.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import ApiKey, ApiScope, Kind, WebhookKey
from coop_contracts.ids import new_id
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.log import Entry, LockedConfiguration
from coop_review_api.configuration.table import config_current
from coop_review_api.kernel.error import Conflict, Fault
from coop_runtime.secret.signing import new_rsa_key, new_webhook_secret
from coop_runtime.secret.vault import Vault

Scheme = Literal["RSA_SHA256", "STANDARD_WEBHOOKS"]

_KEY_BYTES = 32


class NewApiKey(NamedTuple):
    """`key` is None of one that was taken over."""

    entry: Entry[ApiKey]
    key: str | None


class NewWebhookKey(NamedTuple):
    """`secret` is the `whsec_` text of a STANDARD_WEBHOOKS key, None for RSA."""

    entry: Entry[WebhookKey]
    secret: str | None


async def create_api_key(
    configuration: LockedConfiguration,
    *,
    name: str,
    expires_at: datetime | None,
    scopes: Sequence[ApiScope] = (),
    description: str = "",
    key_hash: str | None = None,
) -> NewApiKey:
    """A new key, valid at once beside the others; for everything where no scopes are given. With
    `key_hash` (hex) one that the platform has already. Raises `Conflict` for a known hash."""
    key = None
    if key_hash is None:
        key = secrets.token_hex(_KEY_BYTES)
        key_hash = hashlib.sha256(key.encode()).hexdigest()
    else:
        key_hash = key_hash.lower()
        await _check_unknown(configuration.connection, key_hash)
    document = ApiKey(
        id=new_id(),
        name=name,
        key_hash=key_hash,
        created_by=configuration.author,
        created_at=configuration.now,
        expires_at=expires_at,
        scopes=tuple(sorted(set(scopes))),
        description=description,
    )
    return NewApiKey(await configuration.save(Kind.API_KEY, document), key)


async def take_over_api_key(configuration: LockedConfiguration, document: ApiKey) -> Entry[ApiKey]:
    """A key as another system had it, its id included. Raises `Conflict` for a known hash."""
    await _check_unknown(configuration.connection, document.key_hash)
    return await configuration.save(Kind.API_KEY, document)


async def _check_unknown(connection: AsyncConnection, key_hash: str) -> None:
    """Raises `Conflict` for a hash that any organisation's document has."""
    # Another organisation may be taking it over at this moment, under a lock of its own.
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"api-key {key_hash}"},
    )
    known = await connection.scalar(
        select(config_current.c.id)
        .where(
            config_current.c.kind == Kind.API_KEY,
            func.lower(config_current.c.document["keyHash"].astext) == key_hash,
        )
        .limit(1)
    )
    if known is not None:
        raise Conflict(
            "this key cannot be taken over", faults=[Fault("/keyHash", "is of a key that is known")]
        )


async def rotate_api_key(
    configuration: LockedConfiguration, key_id: str, *, overlap: timedelta
) -> NewApiKey:
    """A new key for the same use; the old one is refused after `overlap`, or at its own end where
    that is sooner. Raises `Conflict` for a key that is over, or was replaced before."""
    old = (await configuration.get(Kind.API_KEY, ApiKey, key_id)).document
    now = configuration.now
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise Conflict("this key is over: make a new one")
    if old.replaced_by is not None:
        raise Conflict("this key was replaced before", used_by=[f"api-key {old.replaced_by}"])
    lifetime = None if old.expires_at is None else old.expires_at - old.created_at
    made = await create_api_key(
        configuration,
        name=old.name,
        expires_at=None if lifetime is None else now + lifetime,
        scopes=old.scopes,
        description=old.description,
    )
    ends = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
    replaced = msgspec.structs.replace(old, replaced_by=made.entry.document.id, expires_at=ends)
    await configuration.save(Kind.API_KEY, replaced)
    return made


async def revoke_api_key(configuration: LockedConfiguration, key_id: str) -> Entry[ApiKey]:
    """The key is refused from now on. Revoking it again changes nothing."""
    entry = await configuration.get(Kind.API_KEY, ApiKey, key_id)
    if entry.document.revoked_at is not None:
        return entry
    revoked = msgspec.structs.replace(entry.document, revoked_at=configuration.now)
    return await configuration.save(Kind.API_KEY, revoked)


async def rotate_webhook_key(
    configuration: LockedConfiguration, vault: Vault, *, scheme: Scheme
) -> NewWebhookKey:
    """A new key signs from now on; the one before it is retiring, an older one revoked."""
    catalogue = await configuration.catalogue(Kind.WEBHOOK_KEY)
    for key in catalogue.all(Kind.WEBHOOK_KEY, WebhookKey).values():
        if key.scheme != scheme or key.status == "REVOKED":
            continue
        status = "RETIRING" if key.status == "ACTIVE" else "REVOKED"
        await configuration.save(Kind.WEBHOOK_KEY, msgspec.structs.replace(key, status=status))
    key_id = new_id()
    public_key, shown = None, None
    if scheme == "RSA_SHA256":
        secret, public_key = new_rsa_key()
    else:
        secret = shown = new_webhook_secret()
    context = bound_to(configuration.org_id, Kind.WEBHOOK_KEY, key_id)
    document = WebhookKey(
        id=key_id,
        scheme=scheme,
        secret=vault.encrypt(secret, context=context),
        created_at=configuration.now,
        public_key=public_key,
    )
    return NewWebhookKey(await configuration.save(Kind.WEBHOOK_KEY, document), shown)


async def revoke_webhook_key(configuration: LockedConfiguration, key_id: str) -> Entry[WebhookKey]:
    """The key signs no more. The active key cannot be revoked: rotate first."""
    entry = await configuration.get(Kind.WEBHOOK_KEY, WebhookKey, key_id)
    if entry.document.status == "ACTIVE":
        raise Conflict("this key signs webhooks: rotate first, then revoke it")
    if entry.document.status == "REVOKED":
        return entry
    revoked = msgspec.structs.replace(entry.document, status="REVOKED")
    return await configuration.save(Kind.WEBHOOK_KEY, revoked)
