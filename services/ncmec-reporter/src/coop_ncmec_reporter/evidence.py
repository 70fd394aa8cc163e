"""Media as evidence: encrypted files, each under a key of its own.

    <folder>/<two of the id>/<id>     frames of 1 MiB, each AES-256-GCM, the last one marked as such
    <folder>/filed                    see `filed_note`

Guarantees: a file's key lies elsewhere, wrapped by the vault under the organisation and the id;
without it the bytes say nothing, cut, changed or in another order they are refused; who reads or
writes holds one frame in memory. A file that was not written whole does not get its name. One that
was destroyed does not come back with the machine.
Must not: write a byte in clear, in a temporary file neither; name a file after what it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from coop_contracts.ids import new_id
from coop_ncmec_reporter.filed_note import FiledNotes
from coop_ncmec_reporter.folder import sync
from coop_runtime.secret.vault import SecretError, Vault

FRAME: Final = 1024 * 1024
_TAG: Final = 16
_PART: Final = ".part"


class TooLargeToHold(Exception):
    """A medium of more bytes than are kept."""


class Held(Struct, frozen=True, kw_only=True):
    """One object of the store: what has to be remembered of it. `wrapped_key` is ciphertext."""

    evidence_id: str
    wrapped_key: bytes
    size: int
    md5: str
    sha256: str


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file of the folder; `is_part`: of an object that was not written whole, or is being."""

    evidence_id: str
    is_part: bool
    written_at: datetime

    @property
    def name(self) -> str:
        """What it is called in its folder."""
        return self.evidence_id + (_PART if self.is_part else "")


class EvidenceStore:
    """A folder of this machine, or one that is mounted. `filed` are the notes beside the files."""

    def __init__(self, folder: Path, vault: Vault, *, most: int) -> None:
        self.filed = FiledNotes(folder)
        self._folder = folder
        self._vault = vault
        self._most = most

    async def write(self, org_id: str, content: AsyncIterator[bytes]) -> Held:
        """Encrypt what comes. Raises TooLargeToHold, and what `content` raises."""
        evidence_id = new_id()
        path = self._path(evidence_id)
        await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        key = AESGCM.generate_key(bit_length=256)
        writer = _Writer(path.with_suffix(_PART), AESGCM(key), evidence_id)
        try:
            async for part in content:
                if writer.size + len(part) > self._most:
                    raise TooLargeToHold
                await asyncio.to_thread(writer.add, part)
            await asyncio.to_thread(writer.finish, path)
        except BaseException:
            writer.abandon()
            raise
        return Held(
            evidence_id=evidence_id,
            wrapped_key=self._vault.seal(key, context=_context(org_id, evidence_id)),
            size=writer.size,
            md5=writer.md5.hexdigest(),
            sha256=writer.sha256.hexdigest(),
        )

    async def read(self, org_id: str, held: Held) -> AsyncIterator[bytes]:
        """The content. Raises SecretError for what is not as it was written, OSError."""
        key = self._vault.unseal(held.wrapped_key, context=_context(org_id, held.evidence_id))
        cipher, name = AESGCM(key), held.evidence_id
        file = await asyncio.to_thread(self._path(name).open, "rb")
        try:
            number = 0
            sealed = await asyncio.to_thread(file.read, FRAME + _TAG)
            while True:
                following = await asyncio.to_thread(file.read, FRAME + _TAG)
                last = not following
                try:
                    yield cipher.decrypt(_nonce(number), sealed, _bound(name, last))
                except InvalidTag:
                    raise SecretError("the evidence was altered") from None
                if last:
                    return
                number, sealed = number + 1, following
        finally:
            file.close()

    async def stored(self) -> list[StoredFile]:
        """The files that are named as evidence is. Raises OSError."""
        return await asyncio.to_thread(lambda: list(_stored(self._folder)))

    async def destroy(self, evidence_id: str) -> None:
        """Its file, whole or not, is no more; nor was it before, perhaps. Raises OSError, also
        where the folder is away."""
        await asyncio.to_thread(self._remove, (evidence_id, evidence_id + _PART))

    async def discard(self, file: StoredFile) -> None:
        """This file is no more. Raises OSError."""
        await asyncio.to_thread(self._remove, (file.name,))

    def _path(self, evidence_id: str) -> Path:
        return self._folder / evidence_id[-2:] / evidence_id

    def _remove(self, names: tuple[str, ...]) -> None:
        # A folder that is not mounted has no file either.
        self._folder.stat()
        folder = self._path(names[0].removesuffix(_PART)).parent
        if not folder.exists():
            return
        for name in names:
            (folder / name).unlink(missing_ok=True)
        sync(folder)


class _Writer:
    """Frames of one object. One frame is held back: whether it is the last is not known yet."""

    def __init__(self, path: Path, cipher: AESGCM, name: str) -> None:
        self.size = 0
        self.md5 = hashlib.md5(usedforsecurity=False)  # what NCMEC answers with
        self.sha256 = hashlib.sha256()
        self._path = path
        self._cipher = cipher
        self._name = name
        self._held = bytearray()
        self._number = 0
        self._file: BinaryIO | None = None

    def add(self, part: bytes) -> None:
        self.size += len(part)
        self.md5.update(part)
        self.sha256.update(part)
        self._held += part
        while len(self._held) > FRAME:
            self._seal(bytes(self._held[:FRAME]), last=False)
            del self._held[:FRAME]

    def finish(self, path: Path) -> None:
        self._seal(bytes(self._held), last=True)
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(path)
        # The name as well has to outlive the machine: what is held is not asked for again.
        sync(path.parent)

    def abandon(self) -> None:
        if self._file is not None:
            self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _seal(self, frame: bytes, *, last: bool) -> None:
        if self._file is None:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._file = os.fdopen(descriptor, "wb")
        bound = _bound(self._name, last)
        self._file.write(self._cipher.encrypt(_nonce(self._number), frame, bound))
        self._number += 1


def _stored(folder: Path) -> Iterator[StoredFile]:
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        evidence_id = path.name.removesuffix(_PART)
        try:
            is_one = str(uuid.UUID(evidence_id)) == evidence_id
            written = path.stat().st_mtime
        except (ValueError, FileNotFoundError):  # not ours; or it got its name meanwhile
            continue
        if is_one and path.parent.name == evidence_id[-2:]:
            yield StoredFile(
                evidence_id=evidence_id,
                is_part=path.name != evidence_id,
                written_at=datetime.fromtimestamp(written, UTC),
            )


def _nonce(number: int) -> bytes:
    # Never twice under one key: a key has one object, an object counts its frames.
    return number.to_bytes(12, "big")


def _bound(name: str, last: bool) -> bytes:
    return f"{name}:{'last' if last else 'more'}".encode()


def _context(org_id: str, evidence_id: str) -> str:
    return f"{org_id}/evidence/{evidence_id}"
