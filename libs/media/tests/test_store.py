"""Derivatives at rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from coop_media.store import DerivativeStore, StoreUnavailable
from coop_runtime.secret.vault import Vault

VAULT = Vault([b"k" * 32])


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_lies_in_the_folder_is_sealed(tmp_path: Path) -> None:
    """It comes back as it was put; no file has its bytes; it opens nowhere else."""
    store = DerivativeStore.of(f"file://{tmp_path}/media", VAULT)
    size = await store.put("org/item/a", b"VEILED-PICTURE")
    assert size > 0
    files = files_in(tmp_path)
    assert len(files) == 1
    assert b"VEILED" not in files[0].read_bytes()
    assert files[0].stat().st_size == size
    assert await store.get("org/item/a") == b"VEILED-PICTURE"
    moved = files[0].with_name("b")
    moved.write_bytes(files[0].read_bytes())
    assert await store.get("org/item/b") is None
    files[0].write_bytes(b"short")
    assert await store.get("org/item/a") is None
    await store.delete(["org/item/a", "org/item/b", "org/item/never"])
    assert await store.get("org/item/a") is None


async def test_another_key_opens_nothing(tmp_path: Path) -> None:
    """Without the key it is as if nothing were there."""
    await DerivativeStore.of(f"file://{tmp_path}", VAULT).put("a", b"x")
    assert await DerivativeStore.of(f"file://{tmp_path}", Vault([b"o" * 32])).get("a") is None


async def test_a_store_has_an_address() -> None:
    """Memory is one; what is no store is refused when the process starts."""
    store = DerivativeStore.of("memory:///", VAULT)
    assert await store.put("a", b"x") > 0
    assert await store.get("a") == b"x"
    assert await store.get("b") is None
    for wrong in ("nothing", "gopher://x/y"):
        with pytest.raises(ValueError, match="object store"):
            DerivativeStore.of(wrong, VAULT)


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """What cannot be put is not there; what cannot be taken away is an error."""
    store = DerivativeStore.of(f"file://{tmp_path}", VAULT)
    (tmp_path / "a").write_text("in the way of a folder")
    assert await store.put("a/b", b"x") == 0
    assert await store.get("a/b") is None
    with pytest.raises(StoreUnavailable):
        await store.delete(["a/b"])
