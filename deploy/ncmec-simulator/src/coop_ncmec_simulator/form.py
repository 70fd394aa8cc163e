"""Forms as they arrive: urlencoded, or multipart with a file that is counted and not kept.

Source: RFC 7578 and RFC 2046 5.1.1, as far as the interface needs them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import parse_qs

from msgspec import Struct

from coop_ncmec_simulator.answer import Refusal

_MOST_FIELD: Final = 10_000
_MOST_HEAD: Final = 10_000
_QUOTED: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class SentFile(Struct, frozen=True, kw_only=True):
    """A file that arrived: what it was."""

    name: str
    size: int
    md5: str


class Form(Struct, frozen=True, kw_only=True):
    """The fields, and the file where there is one."""

    fields: dict[str, str]
    file: SentFile | None = None


async def read_form(content_type: str, body: AsyncIterator[bytes]) -> Form:
    """Raises Refusal: 4000 for another type, 4200 for what is cut short."""
    kind, _, rest = content_type.partition(";")
    if kind.strip() == "application/x-www-form-urlencoded":
        text = b"".join([part async for part in body])[:_MOST_FIELD].decode("utf-8", "replace")
        return Form(fields={name: values[0] for name, values in parse_qs(text).items()})
    found = re.search(r'boundary="?([^";,]+)"?', rest)
    if kind.strip() != "multipart/form-data" or found is None:
        raise Refusal(4000, f"content type {kind[:100]}")
    return await _Multipart(found[1].encode(), body).read()


class _Multipart:
    def __init__(self, boundary: bytes, body: AsyncIterator[bytes]) -> None:
        self._mark = b"\r\n--" + boundary
        self._body = body
        # The first mark has no line's end before it.
        self._held = bytearray(b"\r\n")

    async def _more(self) -> None:
        async for part in self._body:
            self._held += part
            return
        raise Refusal(4200, "the body ends too early")

    async def _until(self, mark: bytes, *, most: int) -> bytes:
        while (at := self._held.find(mark)) < 0:
            if len(self._held) > most:
                raise Refusal(4200, "a part is too large")
            await self._more()
        found = bytes(self._held[:at])
        del self._held[: at + len(mark)]
        return found

    async def read(self) -> Form:
        fields: dict[str, str] = {}
        file: SentFile | None = None
        await self._until(self._mark, most=_MOST_HEAD)
        while not await self._is_end():
            head = (await self._until(b"\r\n\r\n", most=_MOST_HEAD)).decode("utf-8", "replace")
            named = dict(_QUOTED.findall(head))
            if "filename" in named:
                file = await self._file(named["filename"])
            else:
                value = await self._until(self._mark, most=_MOST_FIELD)
                fields[named.get("name", "")] = value.decode("utf-8", "replace")
        async for _ in self._body:
            pass
        return Form(fields=fields, file=file)

    async def _is_end(self) -> bool:
        while len(self._held) < 2:
            await self._more()
        return bytes(self._held[:2]) == b"--"

    async def _file(self, name: str) -> SentFile:
        digest, size = hashlib.md5(usedforsecurity=False), 0
        while (at := self._held.find(self._mark)) < 0:
            # What may be the beginning of the mark is kept.
            keep = len(self._mark) - 1
            if len(self._held) > keep:
                done = bytes(self._held[:-keep])
                digest.update(done)
                size += len(done)
                del self._held[:-keep]
            await self._more()
        last = bytes(self._held[:at])
        del self._held[: at + len(self._mark)]
        digest.update(last)
        return SentFile(name=name, size=size + len(last), md5=digest.hexdigest())
