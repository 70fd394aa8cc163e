"""Evidence is ciphertext, whole or nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from coop_ncmec_reporter.evidence import FRAME, EvidenceStore, TooLargeToHold
from coop_runtime.secret.vault import SecretError

from .conftest import VAULT, in_clear

CONTENT = b"harmless bytes of a test; " * 100_000  # more than two frames


async def parts(content: bytes, size: int = 65_521) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, len(CONTENT)])
async def test_what_was_written_is_read(tmp_path: Path, size: int) -> None:
    """Of any size, with its digests; on the disk nothing of it is to be seen."""
    store = EvidenceStore(tmp_path, VAULT, most=10**8)
    held = await store.write("org", parts(CONTENT[:size]))
    assert (held.size, held.md5) == (size, hashlib.md5(CONTENT[:size]).hexdigest())
    assert b"".join([part async for part in store.read("org", held)]) == CONTENT[:size]
    (path,) = files_of(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    stored = path.read_bytes()
    assert size < 80 or not any(one in stored for one in in_clear(CONTENT))


async def test_what_was_altered_is_refused(tmp_path: Path) -> None:
    """A changed byte, a missing end, frames in another order, another organisation."""
    store = EvidenceStore(tmp_path, VAULT, most=10**8)
    held = await store.write("org", parts(CONTENT))
    (path,) = files_of(tmp_path)
    whole, frame = path.read_bytes(), FRAME + 16
    for broken in (
        whole[:100] + bytes([whole[100] ^ 1]) + whole[101:],
        whole[: 2 * frame],
        whole[frame : 2 * frame] + whole[:frame] + whole[2 * frame :],
    ):
        path.write_bytes(broken)
        with pytest.raises(SecretError):
            [part async for part in store.read("org", held)]
    path.write_bytes(whole)
    with pytest.raises(SecretError):
        [part async for part in store.read("another", held)]


async def test_what_is_not_whole_leaves_nothing(tmp_path: Path) -> None:
    """Too large, or cut off: no file."""
    store = EvidenceStore(tmp_path, VAULT, most=FRAME)
    with pytest.raises(TooLargeToHold):
        await store.write("org", parts(CONTENT))

    async def breaks() -> AsyncIterator[bytes]:
        yield CONTENT[:FRAME]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.write("org", breaks())
    assert files_of(tmp_path) == []


async def test_a_large_file_is_never_whole_in_memory(tmp_path: Path) -> None:
    """64 MiB are written and read within a few."""
    import resource

    store = EvidenceStore(tmp_path, VAULT, most=10**9)
    block = os.urandom(FRAME)

    async def many() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield block

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held = await store.write("org", many())
    size = 0
    async for part in store.read("org", held):
        size += len(part)
    assert size == 64 * FRAME
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024
