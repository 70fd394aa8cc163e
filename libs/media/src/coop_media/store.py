"""Derivatives at rest: in a folder, or in what speaks S3, sealed.

    file:///var/lib/coop/media     a folder of this machine
    s3://bucket/prefix             with AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, … in the environment
    memory:///                     this process's memory: nothing is at rest

Guarantees: what lies there opens only with the operator's keys, and only at the address that it was
put under; an outage of the store costs time and no answer: it is a cache.
Must not: be given what is clear: who asks stores veiled derivatives only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from coop_runtime.process.late import Late, loaded
from coop_runtime.process.log import logger
from coop_runtime.secret.vault import SecretError, Vault

if TYPE_CHECKING:
    import obstore
    from obstore import exceptions, store
else:
    obstore = Late("obstore")
    exceptions = Late("obstore.exceptions")
    store = Late("obstore.store")

_log = logger("coop.media.store")


class StoreUnavailable(Exception):
    """The store did not do what it was told."""


class DerivativeStore:
    """Objects by name (`org/item/medium/form`). `opened` opens the store when it is first needed;
    may raise OSError and obstore's BaseError, like any use of it."""

    def __init__(self, opened: Callable[[], Any], vault: Vault) -> None:
        self._open = opened
        self._opened: Any = None
        self._vault = vault

    @classmethod
    def of(cls, url: str, vault: Vault) -> DerivativeStore:
        """The store at this address. Raises ValueError for one that is none."""
        parts = urlsplit(url)
        if parts.scheme == "memory":
            return cls(_in_memory, vault)
        if parts.scheme == "file":
            folder = Path(parts.path)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(lambda: _in_folder(folder), vault)
        if not parts.netloc:
            raise ValueError("not the address of an object store")
        try:
            found = store.from_url(url)
        except exceptions.BaseError as error:
            raise ValueError(f"not an object store: {type(error).__name__}") from None
        return cls(lambda: found, vault)

    async def _store(self) -> Any:
        """The store; its library is loaded by whoever first needs it, beside the event loop."""
        if self._opened is None:
            await loaded(obstore, exceptions, store)
            if self._opened is None:  # another may have been as quick
                self._opened = self._open()
        return self._opened

    async def get(self, name: str) -> bytes | None:
        """What lies there; None where nothing does, or nothing that can be opened."""
        try:
            opened = await self._store()
            found = await obstore.get_async(opened, name)
            sealed = bytes(await found.bytes_async())
            return self._vault.unseal(sealed, context=f"media/{name}")
        except FileNotFoundError:
            return None
        except SecretError:
            _log.warning("a derivative cannot be opened", name=name)
            return None
        except (exceptions.BaseError, OSError) as error:
            _log.warning("the object store does not answer", error=type(error).__name__)
            return None

    async def put(self, name: str, content: bytes) -> int:
        """Puts it there; how many bytes lie there now, 0 where it could not be put."""
        sealed = self._vault.seal(content, context=f"media/{name}")
        try:
            opened = await self._store()
            await obstore.put_async(opened, name, sealed)
        except (exceptions.BaseError, OSError) as error:
            _log.warning("the object store does not answer", error=type(error).__name__)
            return 0
        return len(sealed)

    async def names(self, folder: str, most: int) -> list[str]:
        """Up to `most` objects whose names begin with this folder. Raises StoreUnavailable."""
        found: list[str] = []
        try:
            opened = await self._store()
            async for some in obstore.list(opened, prefix=f"{folder}/"):
                found += [one["path"] for one in some]
                if len(found) >= most:
                    break
        except FileNotFoundError:
            return []
        except (exceptions.BaseError, OSError) as error:
            raise StoreUnavailable(type(error).__name__) from None
        return found[:most]

    async def delete(self, names: list[str]) -> None:
        """Takes them away; those that are not there too. Raises StoreUnavailable."""
        for name in names:
            try:
                opened = await self._store()
                await obstore.delete_async(opened, name)
            except FileNotFoundError:
                continue
            except (exceptions.BaseError, OSError) as error:
                raise StoreUnavailable(type(error).__name__) from None


def _in_memory() -> Any:
    return store.MemoryStore()


def _in_folder(folder: Path) -> Any:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may be gone since the start
    return store.LocalStore(folder)
