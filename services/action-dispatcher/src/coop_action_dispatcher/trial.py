"""A webhook that somebody tries out: as an action would send it, at once, and once.

    asked ─▶ configuration here? ─▶ body, marked ─▶ signed ─▶ through the guard ─▶ what was answered

Guarantees: it is made, signed and sent by what makes, signs and sends deliveries, so that what is
learned holds for them; it says that it is a trial, in a header and in its body; it ends within the
deadline, and few run at once.
Must not: leave a trace: no delivery, no strike, no news of the endpoint's health.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import httpx

from coop_action_dispatcher import webhook
from coop_action_dispatcher.arrival import Configuration, NotYet
from coop_action_dispatcher.endpoint_name import endpoint_of
from coop_action_dispatcher.header import encoded, fixed_headers, parse_headers
from coop_action_dispatcher.keyring import Keyring
from coop_action_dispatcher.sender import Exchange, Sender, refusal, refused, utc_now
from coop_contracts.config import Action, Kind
from coop_contracts.dispatch import SendTrial, TrialHeader, TrialSent
from coop_contracts.event import ActionRequested
from coop_runtime.egress.guard import EgressRefused

TRIAL_SECONDS: Final = 8.0  # less than its caller waits
KEPT: Final = 1024  # bytes of the answer's body
_MAX_HEADERS, _MAX_VALUE = 30, 256
_AT_ONCE = 8
_CONFIG_SECONDS, _CONFIG_POLL = 3.0, 0.05

_MARK = (b"coop-trial", b"true")
_HIDDEN = frozenset({b"set-cookie"})  # a session of the platform's is nobody's business here


class Trials:
    """Sends trials, for every organisation."""

    def __init__(self, config: Configuration, keyring: Keyring, sender: Sender) -> None:
        self._config = config
        self._keyring = keyring
        self._sender = sender
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def send(self, org_id: str, asked: SendTrial) -> TrialSent:
        """What came of it. Raises `NotYet`, `Undeliverable`, `CannotSign`, `CannotDecrypt`,
        `InvalidHeaders`."""
        now = utc_now()
        request = _request(org_id, asked, now)
        action, body = await self._made(request)
        url = action.callback_url or ""
        endpoint = endpoint_of(url)
        signatures = await self._keyring.sign(
            org_id, webhook_id=request.execution_id, timestamp=int(now.timestamp()), body=body
        )
        async with self._slots:
            found = await self._exchange(org_id, action, url, [*encoded(signatures), _MARK], body)
        attempt, answer = found.attempt, found.answer
        return TrialSent(
            trial_id=request.execution_id,
            endpoint=endpoint,
            body=body.decode(),
            latency_ms=attempt.latency_ms,
            status=attempt.status,
            headers=_shown(answer.headers) if answer else (),
            response=answer.body[:KEPT].decode(errors="replace") if answer else None,
            error=attempt.error,
            refused=attempt.refused,
        )

    async def _made(self, request: ActionRequested) -> tuple[Action, bytes]:
        """The action and the body, of the configuration that was seen by who asks, or a later."""
        deadline = asyncio.get_running_loop().time() + _CONFIG_SECONDS
        while self._config.revision(request.org_id) < request.config_revision:
            if asyncio.get_running_loop().time() > deadline:
                raise NotYet("the action as it was saved has not arrived at the dispatcher yet")
            await asyncio.sleep(_CONFIG_POLL)
        action = webhook.action_of(request, self._config)
        return action, webhook.as_trial(webhook.body_of(request, action, self._config))

    async def _exchange(
        self,
        org_id: str,
        action: Action,
        url: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
    ) -> Exchange:
        own = {}
        if action.callback_url_headers is not None:
            own = parse_headers(
                self._keyring.decrypt(org_id, Kind.ACTION, action.id, action.callback_url_headers)
            )
        try:
            address = self._sender.address(url, fixed_headers(own))
        except EgressRefused as error:
            return Exchange(refused(utc_now(), refusal(error)), None)
        except (httpx.InvalidURL, httpx.LocalProtocolError):
            return Exchange(refused(utc_now(), "the callback URL is not valid"), None)
        return await self._sender.exchange(address, headers=headers, body=body)


def _request(org_id: str, asked: SendTrial, now: datetime) -> ActionRequested:
    trial_id = str(asked.trial_id)
    return ActionRequested(
        event_id=trial_id,
        org_id=org_id,
        time=now,
        correlation_id=trial_id,
        execution_id=trial_id,
        action_id=asked.action_id,
        item=asked.item,
        source="POST_ACTIONS",
        config_revision=asked.config_revision,
        parameters=asked.parameters,
        actor_email=asked.actor_email,
    )


def _shown(headers: Sequence[tuple[bytes, bytes]]) -> tuple[TrialHeader, ...]:
    return tuple(
        TrialHeader(name=name.decode("latin-1"), value=value[:_MAX_VALUE].decode("latin-1"))
        for name, value in headers[:_MAX_HEADERS]
        if name.lower() not in _HIDDEN
    )
