"""Exchanges at a Hasher-Matcher-Actioner: made, asked how far they are, given credentials, removed.

Guarantees: making one that is there, and removing one that is not, changes nothing; a credential
goes into one request and nowhere else.
Must not: delete a bank: an exchange's own goes with the exchange, or stays, matching nothing.

Its API as of 1.1.7: names are lists; a name that is taken is a 500; credentials are those of a kind
of exchange, for the whole instance. Newer ones have them for each exchange as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from coop_contracts.hash_bank import ExchangeCondition
from coop_hma_bridge.file_hash import Ours
from coop_hma_bridge.hma import Hma

_BAD: Final = 400
_GONE: Final = 404
_REFUSED: Final = 405
_ABSENT: Final = 501
_TAKEN: Final = 500
_FAULT: Final = (
    "the last try failed: its credentials, its settings, or the exchange; the log of the "
    "Hasher-Matcher-Actioner says which"
)

ANOTHERS: Final = (
    "this Hasher-Matcher-Actioner has one account of a kind for everybody, and another "
    "organisation has an exchange of this kind"
)


class ExchangeRefused(Exception):
    """The Hasher-Matcher-Actioner does not take it; the message says why, and quotes nothing."""


class FetchStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far an exchange is."""

    condition: ExchangeCondition
    fault: str | None = None
    fetched_at: datetime | None = None
    hashes: int | None = None


UNKNOWN: Final = FetchStatus(condition="UNKNOWN")


class _Status(msgspec.Struct):
    last_fetch_complete_ts: float | None = None
    last_fetch_succeeded: bool | None = None
    up_to_date: bool = False
    fetched_items: int = 0
    running_fetch_start_ts: float | None = None


class _Account(msgspec.Struct):
    has_set_authentification: bool = False


class HmaExchanges:
    """Those of one instance."""

    def __init__(self, hma: Hma) -> None:
        self._hma = hma

    async def names(self) -> set[str]:
        """Of every exchange of the instance. Raises Ours."""
        return set(await self._names("/c/exchanges"))

    async def apis(self) -> set[str]:
        """The kinds that the instance can fetch. Raises Ours."""
        return set(await self._names("/c/exchanges/apis"))

    async def make(self, name: str, api: str, settings: Mapping[str, Any]) -> None:
        """Raises ExchangeRefused, Ours."""
        body = {"bank": name, "api": api, "api_json": dict(settings)}
        answer = await self._hma.ask("POST", "/c/exchanges", json=body, also=(_BAD, _TAKEN))
        if answer.status == _BAD:
            raise ExchangeRefused(f"the Hasher-Matcher-Actioner has no {api}, or not with this")
        # Two processes, or a request whose answer was lost, made it before.
        if answer.status == _TAKEN and name not in await self.names():
            raise Ours("hma", "HMA makes no exchange: status 500")

    async def give(
        self, name: str, api: str, credentials: Mapping[str, str], *, alone: bool
    ) -> bool:
        """Credentials for this exchange; whether they are those of all of its kind, where the
        instance has no others. `alone`: nobody else has one. Raises ExchangeRefused, Ours."""
        body = {"credential_json": dict(credentials)}
        also = (_BAD, _GONE, _REFUSED, _ABSENT)
        answer = await self._hma.ask(
            "POST", f"/c/exchange/{name}/credentials", json=body, also=also
        )
        if answer.status == _GONE and answer.is_json:
            raise Ours("hma", "HMA has not made the exchange yet")
        if answer.status == _BAD:
            raise ExchangeRefused("the Hasher-Matcher-Actioner does not take these credentials")
        if answer.status not in also:
            return False
        if not alone:
            raise ExchangeRefused(ANOTHERS)
        answer = await self._hma.ask("POST", f"/c/exchanges/api/{api}", json=body, also=(_BAD,))
        if answer.status == _BAD:
            raise ExchangeRefused("the Hasher-Matcher-Actioner does not take these credentials")
        return True

    async def take_account(self, api: str) -> None:
        """No exchange of the kind has credentials by it any more. Raises Ours."""
        body: dict[str, Any] = {"credential_json": {}}
        await self._hma.ask("POST", f"/c/exchanges/api/{api}", json=body, also=(_BAD,))

    async def has_credentials(self, name: str, api: str) -> bool | None:
        """Whether the exchange has any; None where nobody says. Raises Ours."""
        also = (_BAD, _GONE, _REFUSED)
        answer = await self._hma.ask("GET", f"/c/exchange/{name}/credentials", also=also)
        if answer.status not in also:
            return bool(_read(answer.content, dict[str, Any]).get("has_credentials"))
        answer = await self._hma.ask("GET", f"/c/exchanges/api/{api}", also=also)
        if answer.status in also:
            return None
        account: _Account = _read(answer.content, _Account)
        return account.has_set_authentification

    async def status(self, name: str) -> FetchStatus:
        """How far it is; WAITING for one that is to be made. Raises Ours."""
        answer = await self._hma.ask("GET", f"/c/exchange/{name}/status", also=(_GONE,))
        if answer.status == _GONE:
            return FetchStatus(condition="WAITING")
        return _status(_read(answer.content, _Status))

    async def set_enabled(self, name: str, enabled: bool) -> None:
        """Whether it is fetched. Raises Ours."""
        # The answer of 1.1.7 is not JSON; that it is one is enough.
        path = f"/c/exchange/{name}"
        await self._hma.ask("PUT", path, json={"enabled": enabled}, also=(_GONE,))

    async def is_enabled(self, name: str) -> bool | None:
        """Whether it is fetched; None for one that is not there. Raises Ours."""
        answer = await self._hma.ask("GET", f"/c/exchange/{name}", also=(_GONE,))
        if answer.status == _GONE:
            return None
        return bool(_read(answer.content, dict[str, Any]).get("enabled", True))

    async def remove(self, name: str) -> None:
        """Raises Ours."""
        await self._hma.ask("DELETE", f"/c/exchange/{name}", also=(_GONE,))

    async def _names(self, path: str) -> list[str]:
        found: list[str] = _read((await self._hma.ask("GET", path)).content, list[str])
        return found


def _read(content: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise Ours("hma", f"HMA answers what is nothing of an exchange: {error}") from error


def _status(told: _Status) -> FetchStatus:
    at = told.last_fetch_complete_ts
    fetched = datetime.fromtimestamp(at, UTC) if at else None
    known: dict[str, Any] = {"fetched_at": fetched, "hashes": told.fetched_items}
    if told.running_fetch_start_ts:
        return FetchStatus(condition="FETCHING", **known)
    if told.last_fetch_succeeded is False:
        return FetchStatus(condition="FAILED", fault=_FAULT, **known)
    if fetched is None:
        return FetchStatus(condition="WAITING", **known)
    return FetchStatus(condition="CURRENT" if told.up_to_date else "BEHIND", **known)
