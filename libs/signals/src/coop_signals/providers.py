"""The values of external signals, for whoever evaluates rules: the library's front.

    need, inputs ──▶ account ──▶ question ──▶ Calls (cache, breaker, retries) ──▶ score | error

Guarantees: `values` gives one value per input, by the deadline, and raises for nothing that a
provider does; why there is no score is one line without secrets and without content.
Must not: decide what a missing value means for a rule.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import httpx
from redis.asyncio import Redis

from coop_contracts.event import SignalValue
from coop_rules.language.need import Need
from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.process.log import logger
from coop_runtime.secret.vault import Vault
from coop_signals import metric
from coop_signals.account import IntegrationConfiguration, ProviderAccounts
from coop_signals.api import Api
from coop_signals.cache import AnswerCache
from coop_signals.calls import Calls
from coop_signals.channel import FAIR_SECONDS, log_fault
from coop_signals.error import ProviderFault, SignalError
from coop_signals.google import GoogleContentSafety
from coop_signals.media import MEGABYTE, Downloads, MediaBudget
from coop_signals.openai import MAX_SOUND, OpenAiModeration, OpenAiTranscription
from coop_signals.plugin import InstalledSignals, PluginProblem, load
from coop_signals.plugin_thread import PluginProvider
from coop_signals.provider import CallLimits, Provider, Score
from coop_signals.settings import SignalSettings
from coop_signals.translation import OpenAiTranslation
from coop_signals.zentropi import Zentropi

MAX_ANSWER = MEGABYTE
AT_ONCE = 16  # inputs of one need
NO_OTHER_LIMITS: Mapping[str, CallLimits] = MappingProxyType({})
_CALL_SECONDS = 60.0  # beyond every provider's own timeout

_log = logger(__name__)


class Providers:
    """All providers, for one event loop. Made by `of`; close it with `aclose`."""

    def __init__(
        self,
        providers: Iterable[Provider],
        accounts: ProviderAccounts,
        calls: Calls,
        known: InstalledSignals,
        *,
        closing: Sequence[Callable[[], Awaitable[object]]] = (),
    ) -> None:
        self._by_signal = {name: given for given in providers for name in given.signals}
        self._accounts = accounts
        self._calls = calls
        self._known = known
        self._closing = closing

    @classmethod
    def of(
        cls,
        settings: SignalSettings,
        config: IntegrationConfiguration,
        vault: Vault,
        *,
        redis: Redis | None = None,
        guard: EgressGuard | None = None,
        known: InstalledSignals | None = None,
        clock: Callable[[], float] = time.monotonic,
        limits: Mapping[str, CallLimits] = NO_OTHER_LIMITS,
        fair_seconds: float = FAIR_SECONDS,
    ) -> Providers:
        """`config`: a ConfigTable with the kind `integration`. `redis` is used, and not closed,
        where `signal_cache_redis` says so. `known`: from `plugin.load()`, when it was called.
        `limits`, by provider, take the place of its own; an attempt that its caller cut short says
        something of the provider after `fair_seconds`."""
        guard = guard or EgressGuard.of(settings)
        known = known or load()
        clients: list[httpx.AsyncClient] = []

        def client_of(max_body: int) -> httpx.AsyncClient:
            # One for each: a dead provider must not use up the others' connections.
            clients.append(guard.client(timeout=_CALL_SECONDS, max_body=max_body))
            return clients[-1]

        open_ai = Api(client_of(MAX_ANSWER), "OpenAI", settings.signal_open_ai_url)
        google = Api(client_of(MAX_ANSWER), "Google", settings.signal_google_url)
        zentropi = Api(client_of(MAX_ANSWER), "Zentropi", settings.signal_zentropi_url)
        plugins = [
            PluginProvider(plugin, lambda: guard.client(timeout=_CALL_SECONDS, max_body=MAX_ANSWER))
            for plugin in known.plugins
        ]
        cache = AnswerCache(
            ttl=settings.signal_cache_seconds,
            max_entries=settings.signal_cache_entries,
            max_bytes=settings.signal_cache_bytes,
            clock=clock,
            redis=redis if settings.signal_cache_redis else None,
        )
        downloads = Downloads(client_of(MAX_SOUND), budget=MediaBudget(settings.signal_media_bytes))
        calls = Calls(cache, downloads, clock=clock, fair_seconds=fair_seconds)
        return cls(
            [
                OpenAiModeration(open_ai, guard.check, limits=limits.get(OpenAiModeration.id)),
                OpenAiTranscription(open_ai, limits=limits.get(OpenAiTranscription.id)),
                OpenAiTranslation(
                    open_ai,
                    settings.signal_translation_model,
                    limits=limits.get(OpenAiTranslation.id),
                ),
                GoogleContentSafety(google, limits=limits.get(GoogleContentSafety.id)),
                Zentropi(zentropi, limits=limits.get(Zentropi.id)),
                *plugins,
            ],
            ProviderAccounts(config, vault, known.manifests),
            calls,
            known,
            closing=[
                calls.aclose,
                *(plugin.aclose for plugin in plugins),
                *(client.aclose for client in clients),
            ],
        )

    def catalogue(self) -> SignalCatalogue:
        """Every signal: Coop's, ours, and the plugins'."""
        return self._known.catalogue

    def known(self) -> InstalledSignals:
        """The integrations with their manifests, for those who show or check them."""
        return self._known

    def problems(self) -> Sequence[PluginProblem]:
        """The plugins that were left out, and why."""
        return self._known.problems

    def gives(self, signal: str) -> bool:
        """Whether the signal's values come from here."""
        return signal in self._by_signal

    async def values(
        self, org_id: str, need: Need, inputs: Sequence[object], *, deadline: float
    ) -> Sequence[SignalValue]:
        """One value per input, in their order, each with a score or an error.

        `deadline` is a time of the event loop's clock (`loop.time()`): whatever is not there by
        then is an error. Cancelling gives everything up at once.
        """
        provider = self._by_signal.get(need.signal.name)
        if provider is None:
            return [
                _value(need, place, "nothing here gives this signal")
                for place in range(len(inputs))
            ]
        values: list[SignalValue | None] = [None] * len(inputs)
        places = iter(range(len(inputs)))

        async def work(places: Iterator[int]) -> None:
            for place in places:
                values[place] = await self._value_at(
                    org_id, provider, need, place, inputs[place], deadline
                )

        if len(inputs) == 1:
            await work(places)
        else:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(AT_ONCE, len(inputs))):
                    group.create_task(work(places))
        return [value for value in values if value is not None]

    async def _value_at(
        self,
        org_id: str,
        provider: Provider,
        need: Need,
        place: int,
        value: object,
        deadline: float,
    ) -> SignalValue:
        outcome = "score"
        try:
            score = await self._score(org_id, provider, need, value, deadline)
            return SignalValue(key=need.key, signal=need.signal.name, position=place, score=score)
        except SignalError as error:
            outcome = error.outcome
            return _value(need, place, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours is one missing value
            outcome = ProviderFault.outcome
            log_fault(provider.id, error)
            return _value(need, place, f"{provider.id} failed ({type(error).__name__})")
        finally:
            metric.VALUES.labels(provider.id, outcome).inc()

    async def _score(
        self, org_id: str, provider: Provider, need: Need, value: object, deadline: float
    ) -> Score:
        account = self._accounts.of(
            org_id, provider.integration_id, required=provider.requires_account
        )
        question = provider.question(need, value)
        answer = await self._calls.answer(org_id, provider, question, account, deadline=deadline)
        return provider.score(need, answer)

    async def aclose(self) -> None:
        """Ends all calls and connections."""
        for close in self._closing:
            await close()


def _value(need: Need, place: int, error: str) -> SignalValue:
    return SignalValue(key=need.key, signal=need.signal.name, position=place, error=error)
