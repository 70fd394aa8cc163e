"""Derivatives at rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from coop_media.store import DerivativeStore, StoreUnavailable
from coop_runtime.secret.vault import Vault

from .s3_host import KEY, S3Host, s3_host

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


async def test_a_folder_that_goes_is_made_anew(tmp_path: Path) -> None:
    """Taken away between the start and the first derivative, it is an empty store."""
    store = DerivativeStore.of(f"file://{tmp_path}/media", VAULT)
    (tmp_path / "media").rmdir()
    assert await store.get("a") is None
    assert await store.put("a", b"x") > 0
    assert await store.get("a") == b"x"


async def test_a_folder_that_cannot_be_made_anew(tmp_path: Path) -> None:
    """A file is in its place: as a store that does not answer, now and later."""
    store = DerivativeStore.of(f"file://{tmp_path}/media", VAULT)
    (tmp_path / "media").rmdir()
    (tmp_path / "media").write_text("in the way")
    assert await store.get("a") is None
    assert await store.put("a", b"x") == 0
    with pytest.raises(StoreUnavailable):
        await store.delete(["a"])


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


@pytest.mark.parametrize("is_folder", [False, True])
async def test_what_lies_in_a_folder_is_listed(tmp_path: Path, is_folder: bool) -> None:
    """Names come back whole, those of that folder alone, so many at once."""
    store = DerivativeStore.of(f"file://{tmp_path}/m" if is_folder else "memory:///", VAULT)
    for name in ("org/item/a", "org/item/b", "org/other/c", "org-2/item/a"):
        await store.put(name, b"x")
    assert sorted(await store.names("org", 10)) == ["org/item/a", "org/item/b", "org/other/c"]
    assert len(await store.names("org", 2)) == 2
    assert await store.names("nobody", 10) == []
    await store.delete(await store.names("org", 10))
    assert await store.names("org", 10) == []
    assert await store.names("org-2", 10) == ["org-2/item/a"]


@pytest.fixture
async def s3(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[S3Host]:
    """What speaks S3 on loopback, named in the environment as an operator names it."""
    async with s3_host() as host:
        for name, value in {
            "AWS_ENDPOINT_URL": host.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "eu-test-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": "secret",
        }.items():
            monkeypatch.setenv(name, value)
        yield host


async def test_what_speaks_s3_holds_derivatives(s3: S3Host) -> None:
    """By the operator's address and credentials alone: sealed in the bucket, under the prefix, read
    back, listed over pages, taken away."""
    store = DerivativeStore.of("s3://bucket/of/coop", VAULT)
    names = [f"org/item/{number}" for number in range(5)]
    for name in names:
        assert await store.put(name, b"VEILED-PICTURE") > 0
    assert set(s3.objects) == {f"bucket/of/coop/{name}" for name in names}
    assert not any(b"VEILED" in sealed for sealed in s3.objects.values())
    assert await store.get(names[0]) == b"VEILED-PICTURE"
    assert await store.get("org/item/none") is None
    assert sorted(await store.names("org", 10)) == names
    await store.delete([*names[:3], "org/item/none"])
    assert await store.get(names[0]) is None
    assert sorted(await store.names("org", 10)) == names[3:]


async def test_a_key_that_the_store_does_not_know_opens_nothing(
    s3: S3Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, it is as a store that does not answer: nothing is there, and nothing was put."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ANOTHER")
    store = DerivativeStore.of("s3://bucket/of/coop", VAULT)
    assert await store.put("a", b"x") == 0
    assert await store.get("a") is None
    with pytest.raises(StoreUnavailable):
        await store.delete(["a"])
    assert s3.objects == {}
