"""An account tried out: one small question to its provider, and what is wrong with it, if anything.

    OK               the provider took the key and answered as it should
    NOT_CONFIGURED   the account is incomplete: nothing was sent
    CANNOT_TRY       there is nothing harmless to ask: nothing was sent
    REFUSED          the provider does not take the key, or its quota is used up
    RATE_LIMITED     the provider takes no calls now
    UNREACHABLE      no connection, or it broke
    NOT_ALLOWED      the egress guard refuses the address
    SLOW             no answer within `DEADLINE`
    FAILING          it answers that it fails (5xx), or the code that asks it did
    UNEXPECTED       it answers something else than it should: perhaps it is somebody else

Guarantees: past the cache, the breaker and the calls of rules: what is tried is the account as it
is given, switched on or not, by one attempt, through the guard, within the deadline. What is sent
is ours: no item, no word of a person. A reason is one line without secrets, and quotes nothing of
the other side.
Must not: keep a connection, or say anything of an account to another's breaker.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx
from msgspec import Struct
from msgspec.structs import replace

from coop_contracts.config import Integration, ScalarType
from coop_rules.language.need import Need
from coop_rules.language.value import ValueSource
from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.egress.guard import EgressGuard, EgressRefused, ResponseTooLarge
from coop_runtime.secret.vault import Vault
from coop_signals import google, openai, places, zentropi
from coop_signals.account import OneAccount, ProviderAccounts
from coop_signals.api import Api, key_of
from coop_signals.channel import log_fault
from coop_signals.error import (
    AccountRefused,
    InputRefused,
    NotConfigured,
    RateLimited,
    SignalError,
    TimedOut,
    UnexpectedAnswer,
)
from coop_signals.media import Medium
from coop_signals.plugin import InstalledSignals, Plugin
from coop_signals.plugin_thread import PluginProvider
from coop_signals.provider import Call, Provider, ProviderAccount, ProviderQuestion
from coop_signals.settings import SignalSettings

DEADLINE: Final = 10.0  # seconds
_MAX_ANSWER: Final = 1024 * 1024
_TEXT: Final = "This is a test of the connection."
# One white pixel.
_PIXEL: Final = Medium(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg=="
    ),
    "png",
    "image/png",
)
_PLACE: Final = "ChIJj61dQgK6j4AR4GeTYWZsWWw"
"""The place of the maker's own examples."""

Verdict = Literal[
    "OK",
    "NOT_CONFIGURED",
    "CANNOT_TRY",
    "REFUSED",
    "RATE_LIMITED",
    "UNREACHABLE",
    "NOT_ALLOWED",
    "SLOW",
    "FAILING",
    "UNEXPECTED",
]


class AccountTrial(Struct, frozen=True, kw_only=True):
    """What came of it. `reason` is empty where all is well."""

    verdict: Verdict
    reason: str = ""


class _NothingToAsk(Exception):
    """There is no harmless question; the text says why."""


_Ask = Callable[[ProviderAccount], Awaitable[None]]


class AccountTrials:
    """One for each process; it holds nothing open."""

    def __init__(
        self,
        settings: SignalSettings,
        guard: EgressGuard,
        vault: Vault,
        known: InstalledSignals,
        *,
        deadline: float = DEADLINE,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._vault = vault
        self._known = known
        self._deadline = deadline

    async def of(self, org_id: str, account: Integration) -> AccountTrial:
        """Tries the account as it is given. Raises nothing that a provider does."""
        own = OneAccount(replace(account, enabled=True))
        accounts = ProviderAccounts(own, self._vault, self._known.manifests)
        try:
            opened = accounts.of(org_id, account.id, required=True)
            async with asyncio.timeout(self._deadline):
                await self._ask(org_id, account.id, opened)
        except Exception as error:  # noqa: BLE001 - every one of them is an answer
            return self._judged(account.id, error)
        return AccountTrial(verdict="OK")

    async def _ask(self, org_id: str, integration_id: str, account: ProviderAccount) -> None:
        told = self._settings
        async with self._guard.client(timeout=self._deadline, max_body=_MAX_ANSWER) as client:
            match integration_id:
                case openai.INTEGRATION:
                    api = Api(client, "OpenAI", told.signal_open_ai_url)
                    await _score(
                        openai.OpenAiModeration(api, self._guard.check),
                        Call(org_id, ProviderQuestion("text", _TEXT), account),
                        "OPEN_AI_HATE_TEXT_MODEL",
                    )
                case google.INTEGRATION:
                    api = Api(client, "Google", told.signal_google_url)
                    await _score(
                        google.GoogleContentSafety(api),
                        Call(org_id, ProviderQuestion("image", ""), account, _PIXEL),
                        "GOOGLE_CONTENT_SAFETY_API_IMAGE",
                    )
                case places.INTEGRATION:
                    api = Api(client, "Google", told.signal_google_places_url)
                    await _place(api, account)
                case zentropi.INTEGRATION:
                    api = Api(client, "Zentropi", told.signal_zentropi_url)
                    question = ProviderQuestion("label", _TEXT, _labeler(account.config))
                    await _score(
                        zentropi.Zentropi(api), Call(org_id, question, account), "ZENTROPI_LABELER"
                    )
                case _:
                    await self._ask_plugin(org_id, integration_id, account)

    async def _ask_plugin(self, org_id: str, integration_id: str, account: ProviderAccount) -> None:
        plugin = next(
            (one for one in self._known.plugins if one.manifest.id == integration_id), None
        )
        if plugin is None:
            raise _NothingToAsk("the plugin is not installed here")
        provider = PluginProvider(
            plugin, lambda: self._guard.client(timeout=self._deadline, max_body=_MAX_ANSWER)
        )
        try:
            await provider.fetch(Call(org_id, _question_for(plugin), account))
        finally:
            await provider.aclose()

    def _judged(self, integration_id: str, error: Exception) -> AccountTrial:
        verdict, reason = _verdict_of(error, self._deadline)
        if verdict is None:
            log_fault(integration_id, error)
            return AccountTrial(verdict="FAILING", reason="the code that asks it failed")
        return AccountTrial(verdict=verdict, reason=reason)


async def _score(provider: Provider, call: Call, signal: str) -> None:
    """Raises SignalError unless the answer has the signal's score."""
    answer = await provider.fetch(call)
    known = SignalCatalogue.builtin()[signal]
    need = Need(key=signal, signal=known, values=ValueSource(ScalarType.STRING, name="text"))
    provider.score(need, answer)


class _Place(Struct, frozen=True):
    id: str


async def _place(api: Api, account: ProviderAccount) -> None:
    """Asks for nothing but the place's id, which Google does not charge for."""
    headers = {"x-goog-api-key": key_of(account), "x-goog-fieldmask": "id"}
    path = f"/v1/places/{quote(_PLACE, safe='')}"
    await api.get(path, _Place, headers=headers, timeout=DEADLINE)


def _labeler(config: Mapping[str, Any]) -> str:
    for one in config.get("labelerVersions") or ():
        if isinstance(one, Mapping) and isinstance(one.get("id"), str):
            return str(one["id"])
    raise _NothingToAsk("the account names no labeler version to ask")


def _question_for(plugin: Plugin) -> ProviderQuestion:
    for signal in plugin.manifest.signals:
        if ScalarType.STRING in signal.inputs and not signal.subcategories:
            return ProviderQuestion(signal.name, _TEXT)
    raise _NothingToAsk("no signal of the plugin takes a text")


def _verdict_of(error: Exception, deadline: float) -> tuple[Verdict | None, str]:
    """None: it is nothing that another side does."""
    match error:
        case _NothingToAsk():
            return "CANNOT_TRY", str(error)
        case NotConfigured():
            return "NOT_CONFIGURED", str(error)
        case AccountRefused():
            return "REFUSED", str(error)
        case RateLimited():
            return "RATE_LIMITED", str(error)
        case TimedOut() | TimeoutError() | httpx.TimeoutException():
            return "SLOW", f"there was no answer within {deadline:g} s"
        case EgressRefused():
            return "NOT_ALLOWED", "its address is not allowed"
        case ResponseTooLarge():
            return "UNEXPECTED", "it gave too long an answer"
        case httpx.TransportError():
            return "UNREACHABLE", f"it cannot be reached ({type(error).__name__})"
        case UnexpectedAnswer() | InputRefused():
            return "UNEXPECTED", str(error)
        case SignalError():
            return "FAILING", str(error)
    return None, ""
