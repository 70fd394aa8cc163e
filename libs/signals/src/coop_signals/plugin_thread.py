"""Runs a plugin's signals, in a thread and an event loop of their own.

Guarantees: a plugin that blocks, instead of awaiting, stops itself and no one else: its calls then
end at their timeout, and its breaker opens. Whatever it raises becomes an `Unavailable` whose text
and log line quote nothing of what it raised. A score of another type than declared is none.
Must not: stop a function that does not await: Python cannot. The thread ends with the process.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable

import httpx

from coop_rules.language.need import Need
from coop_runtime.egress.guard import EgressRefused
from coop_signals.channel import log_fault
from coop_signals.error import AccountRefused, InputRefused, ProviderFault, SignalError, Unavailable
from coop_signals.plugin import Context, Plugin
from coop_signals.provider import Answer, Call, CallLimits, ProviderQuestion, Score

_STOP_SECONDS = 2.0
_MAX_TEXT = 200


class PluginProvider:
    """A plugin as a provider. `client` makes a guarded HTTP client for the plugin's event loop."""

    def __init__(self, plugin: Plugin, client: Callable[[], httpx.AsyncClient]) -> None:
        self._plugin = plugin
        self._declared = {signal.name: signal for signal in plugin.manifest.signals}
        self._client = client
        self._http: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.id = self.integration_id = plugin.manifest.id
        self.requires_account = plugin.manifest.requires_config
        self.signals = frozenset(self._declared)
        self.limits = CallLimits(timeout=plugin.timeout, concurrency=plugin.concurrency)

    def question(self, need: Need, value: object) -> ProviderQuestion:
        return ProviderQuestion(need.signal.name, value, need.subcategory)

    async def fetch(self, call: Call) -> Answer:
        loop = self._running_loop()
        future = asyncio.run_coroutine_threadsafe(self._run(call), loop)
        return await asyncio.wrap_future(future)

    async def _run(self, call: Call) -> Score:
        if self._http is None:
            self._http = self._client()
        context = Context(
            org_id=call.org_id,
            subcategory=call.question.argument,
            credential=call.account.credential,
            config=call.account.config,
            http=self._http,
        )
        try:
            score = await self._plugin.functions[call.question.family](
                call.question.content, context
            )
        except (InputRefused, AccountRefused) as error:
            raise type(error)(self._line(error, call)) from None
        except SignalError as error:
            raise Unavailable(self._line(error, call)) from None
        except (asyncio.CancelledError, TimeoutError):
            raise
        except EgressRefused:
            raise InputRefused(f"{self.id}: an address is not allowed") from None
        except httpx.TransportError as error:
            raise Unavailable(f"{self.id} cannot reach it ({type(error).__name__})") from None
        except BaseException as error:  # noqa: BLE001 - nothing may end the plugin's loop
            log_fault(self.id, error)
            raise ProviderFault(f"{self.id} failed ({type(error).__name__})") from None
        return self._checked(call.question.family, score)

    def _line(self, error: SignalError, call: Call) -> str:
        """What the plugin says, in one line, without the account's secrets."""
        text = f"{self.id}: {error}"
        for secret in call.account.credential.values():
            if secret:
                text = text.replace(secret, "…")
        return " ".join(text.split())[:_MAX_TEXT]

    def _checked(self, name: str, score: object) -> Score:
        declared = self._declared[name]
        match declared.output:
            case "BOOLEAN" if isinstance(score, bool):
                return score
            case "NUMBER" if isinstance(score, int | float) and not isinstance(score, bool):
                if abs(score) <= sys.float_info.max:  # not so for infinities and NaN
                    return float(score)
            case "ENUM" if isinstance(score, str) and score in declared.order:
                return score
        kind = type(score).__name__
        raise ProviderFault(f"{name} gave a {kind} that is no {declared.output}")

    def score(self, need: Need, answer: Answer) -> Score:
        return self._checked(need.signal.name, answer)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_serve, args=(self._loop,), name=f"plugin {self.id}", daemon=True
            )
            self._thread.start()
        return self._loop

    async def aclose(self) -> None:
        """Ends the plugin's event loop; a plugin that blocks is left behind."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        ended = asyncio.run_coroutine_threadsafe(self._end(), loop)
        await asyncio.wait([asyncio.wrap_future(ended)], timeout=_STOP_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join, _STOP_SECONDS)

    async def _end(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    finally:
        loop.close()
