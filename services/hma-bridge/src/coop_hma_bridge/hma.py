"""A Hasher-Matcher-Actioner over HTTP: look-ups by signal, and banks.

Guarantees: it is never given an address or a file, only hashes; every question names the banks, so
that another tenant's are not in the answer; whatever is not an answer of its API (a page, a late
index, a refusal, more than a look-up can have) is `Ours`: asked again, never taken for "no match".
Must not: delete a bank there: that destroys its contents.

Its API as of 1.1.7: facebook/ThreatExchange, hasher-matcher-actioner. `distance` is text, an exact
type's is "-"; an index that is stale or not loaded says so on /status, and look-ups go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from coop_hma_bridge.file_hash import Ours

_STATUS_SECONDS: Final = 5.0
_MOST: Final = 8 * 1024 * 1024  # bytes of an answer: a hundred thousand matches
_EXISTS: Final = 403  # for a bank that is there


class HmaMatch(NamedTuple):
    """One content of a bank there."""

    bank: str
    content_id: str
    distance: int


class HmaAnswer(NamedTuple):
    """What it said. `is_json`: by its API, not by what stands before it."""

    status: int
    content: bytes
    is_json: bool


class _Found(msgspec.Struct):
    bank_content_id: int
    distance: str | int | None = None


_lookups = msgspec.json.Decoder(dict[str, list[_Found]])


class Hma:
    """One for a process; close it at the end. `timeout`: seconds of a question with its answer."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
            trust_env=False,
            transport=transport,
        )
        self.host = self._client.base_url.netloc.decode("ascii")
        self.has_token = bool(token)
        self._timeout = timeout
        self._now = now
        self._fresh_until = 0.0

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

    async def look_up(
        self, signal_type: str, signal: str, *, banks: Sequence[str], seed: str
    ) -> list[HmaMatch]:
        """What these banks have. `seed` fixes its throw of a coin. Raises Ours."""
        await self._check_fresh()
        asked = {
            "signal": signal.lower(),
            "signal_type": signal_type,
            "banks": ",".join(banks),
            "seed": seed,
        }
        answer = await self._ask("GET", "/m/lookup", params=asked)
        try:
            found = _lookups.decode(answer)
        except msgspec.MsgspecError as error:
            raise Ours("hma", f"HMA answers what is no look-up: {error}") from error
        wanted = set(banks)
        return [
            HmaMatch(bank, str(one.bank_content_id), _distance(one.distance))
            for bank, contents in found.items()
            if bank in wanted
            for one in contents
        ]

    async def banks(self) -> dict[str, float]:
        """The ratio of each bank of the instance, by name. Raises Ours."""
        answer = await self._ask("GET", "/c/banks")
        try:
            found = msgspec.json.decode(answer, type=list[dict[str, Any]])
            return {str(one["name"]): float(one["matching_enabled_ratio"]) for one in found}
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise Ours("hma", "HMA answers what is no list of banks") from error

    async def create(self, name: str, ratio: float) -> None:
        """Make a bank; one that is there stays. Raises Ours."""
        body = {"name": name, "enabled_ratio": ratio}
        await self._ask("POST", "/c/banks", json=body, also=(_EXISTS,))

    async def set_ratio(self, name: str, ratio: float) -> None:
        """Raises Ours."""
        await self._ask("PUT", f"/c/bank/{name}", json={"enabled_ratio": ratio})

    async def _check_fresh(self) -> None:
        if self._now() < self._fresh_until:
            return
        await self._ask("GET", "/status")
        self._fresh_until = self._now() + _STATUS_SECONDS

    async def _ask(self, method: str, path: str, *, also: Iterable[int] = (), **how: Any) -> bytes:
        return (await self.ask(method, path, also=also, **how)).content

    async def ask(
        self, method: str, path: str, *, also: Iterable[int] = (), **how: Any
    ) -> HmaAnswer:
        """Any question. `also`: what is an answer beside a success. Raises Ours."""
        content = bytearray()
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._client.stream(method, path, **how) as answer,
            ):
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > _MOST:
                        raise Ours("hma", f"HMA answers {path} with over {_MOST} bytes")
        except (httpx.HTTPError, TimeoutError) as error:
            raise Ours("hma", f"HMA does not answer: {type(error).__name__}") from error
        if not answer.is_success and answer.status_code not in also:
            self._fresh_until = 0.0
            raise Ours("hma", f"HMA answers {path} with status {answer.status_code}")
        kind = answer.headers.get("content-type", "")
        return HmaAnswer(answer.status_code, bytes(content), "json" in kind)


def _distance(told: str | int | None) -> int:
    """0 for an exact type, whose distance is "-"."""
    text = str(told)
    return int(text) if text.isdecimal() else 0
