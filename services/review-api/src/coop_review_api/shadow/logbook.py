"""The file in which the receiver keeps what it heard: JSON lines, and the times at which it was
there to hear.

    started ── webhook … alive … webhook ── stopped        a line each, in the order of their times

Guarantees: what `add` returned for is on the disk (fsync), several lines in one go where several
wait; a file has one writer; the line that a crash cut off was acknowledged to nobody, and is taken
away at the next start. It never grows past its limit.
Must not: hold more than `REMEMBERED` digests; read a file into memory.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from coop_review_api.kernel.clock import Clock
from coop_review_api.shadow.heard import Heard

BEAT: Final = timedelta(seconds=30)
AGAIN: Final = timedelta(minutes=10)
"""The same body within this time is the same webhook; later, it is one about the item sent anew."""

REMEMBERED: Final = 100_000
_LONGEST: Final = 1024 * 1024  # bytes of a line
_TAIL: Final = 64 * 1024 * 1024  # bytes that are looked through for digests at the start
_WAITING: Final = 1_000


class Listening(Struct, frozen=True, kw_only=True, tag="presence", tag_field="kind"):
    """The receiver was there at this time."""

    at: datetime
    what: Literal["started", "alive", "stopped"]


Line = Heard | Listening

_line = msgspec.json.Decoder(Line)
_encode = msgspec.json.Encoder().encode


class LogbookError(Exception):
    """The file cannot be used, or written to: a sentence."""


def read(path: Path) -> Iterator[Line]:
    """Every line. Raises `LogbookError` with the line's number for one that is none of ours; what
    stands behind the last line feed was never acknowledged."""
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), start=1):
            if not line.endswith(b"\n"):
                if len(line) < _LONGEST:
                    return
                raise LogbookError(f"{path}:{number}: the line is too long")
            try:
                yield _line.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise LogbookError(f"{path}:{number}: {error}") from None


class Logbook:
    """The file, for whoever writes to it. One for each process."""

    def __init__(self, path: Path, *, limit: int, clock: Clock) -> None:
        self._path = path
        self._limit = limit
        self._clock = clock
        self._file = -1
        self._size = 0
        self._known: dict[str, datetime] = {}
        self._waiting: list[tuple[Heard, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()

    def open(self) -> None:
        """Take the file, mend its end, learn what came last. Raises `LogbookError`."""
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._mend()
            for heard in self._last():
                self._remember(heard.digest, heard.at)
            self._write([Listening(at=self._clock(), what="started")])
        except BlockingIOError:
            raise LogbookError(f"{self._path}: another receiver writes to it") from None
        except OSError as error:
            raise LogbookError(f"{self._path}: {error.strerror}") from None

    def close(self) -> None:
        """Say that nobody is there any more."""
        with suppress(OSError, LogbookError):
            self._write([Listening(at=self._clock(), what="stopped")])
        os.close(self._file)

    def is_known(self, digest: str) -> bool:
        """Whether this came a moment ago."""
        at = self._known.get(digest)
        return at is not None and self._clock() - at < AGAIN

    async def add(self, heard: Heard) -> bool:
        """Keep it; False where it is there already. Raises `LogbookError`: it is not kept."""
        if self.is_known(heard.digest):
            return False
        if len(self._waiting) >= _WAITING:
            raise LogbookError("too many wait to be written")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((heard, done))
        self._wake.set()
        await done
        return True

    async def run(self) -> None:
        """Write what waits, and that we are here, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(BEAT.total_seconds()):
                    await self._wake.wait()
            except TimeoutError:
                with suppress(OSError, LogbookError):  # whoever wants to add is told
                    await loop.run_in_executor(None, self._beat)
                continue
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            await self._settle(batch)

    async def _settle(self, batch: list[tuple[Heard, asyncio.Future[None]]]) -> None:
        lines = self._new(batch)
        error: LogbookError | None = None
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._write, lines)
        except LogbookError as refused:
            error = refused
        except OSError as broken:
            error = LogbookError(f"{self._path}: {broken.strerror}")
        for line in lines if error is None else ():
            if isinstance(line, Heard):
                self._remember(line.digest, line.at)
        for _, done in batch:
            if done.cancelled():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    def _new(self, batch: list[tuple[Heard, asyncio.Future[None]]]) -> list[Line]:
        """Without what came twice while the other waited."""
        found = {heard.digest: heard for heard, _ in reversed(batch)}
        return [heard for heard in reversed(found.values()) if not self.is_known(heard.digest)]

    def _beat(self) -> None:
        self._write([Listening(at=self._clock(), what="alive")])

    def _write(self, lines: list[Line]) -> None:
        encoded = b"".join(_encode(line) + b"\n" for line in lines)
        if self._size + len(encoded) > self._limit:
            raise LogbookError(f"{self._path}: has the {self._limit} bytes that it may have")
        rest = memoryview(encoded)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fdatasync(self._file)
        except OSError:
            with suppress(OSError):  # half a line would be read as one with what comes behind it
                os.ftruncate(self._file, self._size)
                os.lseek(self._file, self._size, os.SEEK_SET)
            raise
        self._size += len(encoded)

    def _mend(self) -> None:
        """Take away what stands behind the last line feed."""
        end = os.lseek(self._file, 0, os.SEEK_END)
        kept = end
        while kept > 0:
            start = max(0, kept - _LONGEST)
            found = os.pread(self._file, kept - start, start).rfind(b"\n")
            if found >= 0:
                kept = start + found + 1
                break
            kept = start
        if kept < end:
            os.ftruncate(self._file, kept)
        self._size = os.lseek(self._file, kept, os.SEEK_SET)

    def _last(self) -> Iterator[Heard]:
        """What was heard a moment ago, as far as the end of the file says."""
        start = max(0, self._size - _TAIL)
        with self._path.open("rb") as file:
            file.seek(start)
            if start:
                file.readline(_LONGEST)
            for line in iter(lambda: file.readline(_LONGEST), b""):
                try:
                    found = _line.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    raise LogbookError(f"{self._path}: is no file of a receiver") from None
                if isinstance(found, Heard) and self._clock() - found.at < AGAIN:
                    yield found

    def _remember(self, digest: str, at: datetime) -> None:
        self._known.pop(digest, None)
        self._known[digest] = at
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
