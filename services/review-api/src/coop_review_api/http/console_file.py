"""The built console, as it is served: every file of its folder, read once.

Guarantees: what is served is what was in the folder when the process started, under its path in it
and no other, so no address leads out of it; `.br` and `.gz` beside a file are that file encoded,
and nothing of their own; links out of the folder are not followed; the whole is bounded. What lay
there encoded by gzip is kept so alone, and unpacked for the few that ask for it plain.
Must not: know HTTP beyond types and encodings of content.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

INDEX: Final = "index.html"
NONCE: Final = b"__CSP_NONCE__"
"""What stands in the page where the nonce of its styles belongs (Vite's `html.cspNonce`)."""

_MOST: Final = 64 * 1024 * 1024  # bytes of all files
_ENCODINGS: Final = {".br": "br", ".gz": "gzip"}
# `assets/name-hash.js`, as bundlers call what never changes.
_HASHED: Final = re.compile(r"assets/.*[.-][A-Za-z0-9_-]{8,}\.\w+")
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".map": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


class NoConsole(Exception):
    """The folder holds no built console, with the reason."""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A file's bytes in one encoding, `size` many; `tag` is an entity tag of just these. `packed`:
    what is kept is gzip of them."""

    kept: bytes
    size: int
    tag: str
    packed: bool = False

    async def body(self) -> bytes:
        """The bytes; unpacked beside the loop, where they have to be."""
        return await asyncio.to_thread(gzip.decompress, self.kept) if self.packed else self.kept


@dataclass(frozen=True, kw_only=True)
class ConsoleFile:
    """`encodings` has `identity` and what lay beside. `is_immutable`: its name has its hash."""

    media_type: str
    is_immutable: bool
    encodings: Mapping[str, Encoded]


@dataclass(frozen=True, kw_only=True)
class BuiltConsole:
    """`files` by their paths in the folder, with `/` between the parts; `build` is a hash of all,
    which is another one whenever a file is."""

    files: Mapping[str, ConsoleFile]
    build: str

    @property
    def index(self) -> bytes:
        return self.files[INDEX].encodings["identity"].kept  # which is never packed


def read_console(folder: str) -> BuiltConsole:
    """The console in the folder. Raises `NoConsole`."""
    root = Path(folder).resolve()
    if not (root / INDEX).is_file():
        raise NoConsole(f"{folder} has no {INDEX}")
    found = {path.relative_to(root).as_posix(): path for path in _within(root)}
    if sum(path.stat().st_size for path in found.values()) > _MOST:
        raise NoConsole(f"{folder} holds more than {_MOST} bytes")
    files = {
        name: _read(name, path, found)
        for name, path in sorted(found.items())
        if not _is_encoding(name, found)
    }
    whole = hashlib.blake2s(digest_size=8)
    for name, file in files.items():
        whole.update(f"{name}\0{file.encodings['identity'].tag}\0".encode())
    return BuiltConsole(files=files, build=whole.hexdigest())


def _within(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and path.is_file() and path.resolve().is_relative_to(root):
            yield path


def _is_encoding(name: str, found: Mapping[str, Path]) -> bool:
    path = Path(name)
    return path.suffix in _ENCODINGS and path.with_suffix("").as_posix() in found


def _read(name: str, path: Path, found: Mapping[str, Path]) -> ConsoleFile:
    encodings = {"identity": _encoded(path)}
    for suffix, encoding in _ENCODINGS.items():
        beside = found.get(name + suffix)
        if beside is not None:
            encodings[encoding] = _encoded(beside)
    packed = encodings.get("gzip")
    if packed is not None and name != INDEX and _unpacks(packed, encodings["identity"]):
        plain = encodings["identity"]
        encodings["identity"] = replace(plain, kept=packed.kept, packed=True)
    guessed = mimetypes.guess_type(name)[0]
    return ConsoleFile(
        media_type=_TYPES.get(path.suffix.lower()) or guessed or "application/octet-stream",
        is_immutable=_HASHED.fullmatch(name) is not None,
        encodings=encodings,
    )


def _encoded(path: Path) -> Encoded:
    body = path.read_bytes()
    tag = hashlib.blake2s(body, digest_size=12).hexdigest()
    return Encoded(kept=body, size=len(body), tag=f'"{tag}"')


def _unpacks(packed: Encoded, plain: Encoded) -> bool:
    try:
        return gzip.decompress(packed.kept) == plain.kept
    except (OSError, EOFError, zlib.error):
        return False
