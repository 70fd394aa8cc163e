"""That a report was filed, noted beside the evidence: a database that was brought back from an
older backup does not know it, and must not file it again.

    <folder>/filed/<cybertip>     {"reportId", "environment", "filedAt"}

Guarantees: written before the row says so, and not lost with the machine after that. A note names
nobody.
Must not: be what anything else is read from; the rows are.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from coop_ncmec_reporter.folder import sync

KEPT: Final = timedelta(days=800)
"""Longer than anybody keeps a backup that is still brought back."""

_PART: Final = ".part"


class FiledNote(Struct, frozen=True, kw_only=True, rename="camel"):
    """NCMEC's number, where it was filed to, and when."""

    report_id: int
    environment: str
    filed_at: datetime


class FiledNotes:
    """Those of one folder of evidence."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "filed"

    async def find(self, cybertip_id: uuid.UUID) -> FiledNote | None:
        """Raises OSError, also for what is no note: what was filed is not guessed."""
        return await asyncio.to_thread(self._find, cybertip_id)

    async def write(self, cybertip_id: uuid.UUID, note: FiledNote) -> None:
        """Once more is harmless. Those of long ago go. Raises OSError."""
        await asyncio.to_thread(self._write, cybertip_id, note)

    def _find(self, cybertip_id: uuid.UUID) -> FiledNote | None:
        try:
            found = (self._folder / str(cybertip_id)).read_bytes()
        except FileNotFoundError:
            return None
        try:
            return msgspec.json.decode(found, type=FiledNote)
        except msgspec.MsgspecError as error:
            raise OSError(f"the note that {cybertip_id} was filed cannot be read") from error

    def _write(self, cybertip_id: uuid.UUID, note: FiledNote) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / str(cybertip_id)
        part = path.with_suffix(_PART)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(note))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        for folder in (self._folder, self._folder.parent):
            sync(folder)
        before = time.time() - KEPT.total_seconds()
        for old in self._folder.iterdir():
            if old.stat().st_mtime < before:
                old.unlink(missing_ok=True)
