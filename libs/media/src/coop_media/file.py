"""A fetched medium: in memory, without a name, gone when it is closed.

Guarantees: nothing of it is ever in a folder; who is handed the descriptor can read it and nothing
else of this process.
Must not: outlive the block that it was fetched for.
"""

from __future__ import annotations

import hashlib
import os
import tempfile

from coop_media.form import Form


class MediaFile:
    """Write pieces, then hand `fd` to a decoder. `md5` and `sha256` are those of all pieces."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self.fd = _nameless()

    def write(self, piece: bytes) -> None:
        """Append a piece."""
        view = memoryview(piece)
        while view:
            view = view[os.write(self.fd, view) :]
        self.size += len(piece)
        self._md5.update(piece)
        self._sha256.update(piece)

    @property
    def md5(self) -> str:
        """Hexadecimal: what hash banks of others are asked by."""
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        """Hexadecimal."""
        return self._sha256.hexdigest()

    def close(self) -> None:
        """The end of it."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> MediaFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _nameless() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("coop-media", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:  # unlinked from the start
        return os.dup(file.fileno())
