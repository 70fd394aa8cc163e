"""Derivatives at rest: in a folder, or in what speaks S3, sealed.

    file:///var/lib/coop/media     a folder of this machine
    s3://bucket/prefix             with AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, … in the environment
    memory:///                     this process's memory: nothing is at rest

Guarantees: what lies there opens only with the operator's keys, and only at the address that it was
put under; an outage of the store costs time and no answer: it is a cache.
Must not: be given what is clear: who asks stores veiled derivatives only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, from_url

from coop_runtime.process.log import logger
from coop_runtime.secret.vault import SecretError, Vault

_log = logger("coop.media.store")


class StoreUnavailable(Exception):
    """The store did not do what it was told."""


class DerivativeStore:
    """Objects by name (`org/item/medium/form`)."""

    def __init__(self, store: Any, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    @classmethod
    def of(cls, url: str, vault: Vault) -> DerivativeStore:
        """The store at this address. Raises ValueError for one that is none."""
        parts = urlsplit(url)
        if parts.scheme == "memory":
            return cls(MemoryStore(), vault)
        if parts.scheme == "file":
            folder = Path(parts.path)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(LocalStore(folder), vault)
        if not parts.netloc:
            raise ValueError("not the address of an object store")
        try:
            return cls(from_url(url), vault)
        except BaseError as error:
            raise ValueError(f"not an object store: {type(error).__name__}") from None

    async def get(self, name: str) -> bytes | None:
        """What lies there; None where nothing does, or nothing that can be opened."""
        try:
            found = await obstore.get_async(self._store, name)
            sealed = bytes(await found.bytes_async())
            return self._vault.unseal(sealed, context=f"media/{name}")
        except FileNotFoundError:
            return None
        except SecretError:
            _log.warning("a derivative cannot be opened", name=name)
            return None
        except (BaseError, OSError) as error:
            _log.warning("the object store does not answer", error=type(error).__name__)
            return None

    async def put(self, name: str, content: bytes) -> int:
        """Puts it there; how many bytes lie there now, 0 where it could not be put."""
        sealed = self._vault.seal(content, context=f"media/{name}")
        try:
            await obstore.put_async(self._store, name, sealed)
        except (BaseError, OSError) as error:
            _log.warning("the object store does not answer", error=type(error).__name__)
            return 0
        return len(sealed)

    async def delete(self, names: list[str]) -> None:
        """Takes them away; those that are not there too. Raises StoreUnavailable."""
        for name in names:
            try:
                await obstore.delete_async(self._store, name)
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise StoreUnavailable(type(error).__name__) from None
