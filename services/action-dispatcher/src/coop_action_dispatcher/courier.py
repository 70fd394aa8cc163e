"""What is done for one leased delivery: make the webhook, sign it, send it, judge the answer.

Guarantees: always ends with a result; nothing leaves without both signatures and the action's own
headers; the body is stored before it leaves for the first time. What fails on our side (keys,
configuration) uses up no attempt and holds the delivery back.
Must not: write the result; the recorder does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

import msgspec

from coop_action_dispatcher import metric
from coop_action_dispatcher.delivery import Delivery, Result, State, Verdict
from coop_action_dispatcher.header import InvalidHeaders, parse_headers, request_headers
from coop_action_dispatcher.keyring import CannotDecrypt, CannotSign, Keyring
from coop_action_dispatcher.schedule import Schedule
from coop_action_dispatcher.sender import Sender, utc_now
from coop_action_dispatcher.webhook import (
    Configuration,
    NotYet,
    Undeliverable,
    action_of,
    body_of,
    endpoint_of,
)
from coop_contracts.config import Action, Kind
from coop_contracts.event import ActionRequested
from coop_runtime import telemetry
from coop_runtime.error import Retryable
from coop_runtime.log import logger

_ALARM_EVERY = 60.0  # seconds between two log lines about the same cause and organisation
_MAX_ALARMS = 10_000

_log = logger("coop.dispatcher.courier")
_decoder = msgspec.json.Decoder(ActionRequested)


class Bodies(Protocol):
    """Where a body is kept before it is sent first; False when the lease is lost."""

    async def save_body(self, delivery: Delivery, body: bytes) -> bool: ...


class _LeaseLost(Exception):
    pass


class Courier:
    """Carries deliveries, one call each, concurrently."""

    def __init__(
        self,
        *,
        config: Configuration,
        keyring: Keyring,
        sender: Sender,
        schedule: Schedule,
        bodies: Bodies,
    ) -> None:
        self._config = config
        self._keyring = keyring
        self._sender = sender
        self._schedule = schedule
        self._bodies = bodies
        self._alarms: dict[tuple[str, str], float] = {}

    async def carry(self, delivery: Delivery) -> Result:
        """Sends one delivery once, or finds out why it cannot be."""
        revision = self._config.revision(delivery.org_id)
        try:
            with telemetry.attached({"traceparent": delivery.traceparent or ""}):
                return await self._carry(delivery)
        except Undeliverable as error:
            return Result(delivery=delivery, verdict=Verdict(State.DEAD, reason=str(error)))
        except NotYet as error:
            cause, reason = "configuration", str(error)
        except CannotSign as error:
            cause, reason = "signing", str(error)
        except (CannotDecrypt, InvalidHeaders) as error:
            cause, reason = "headers", str(error)
        except Retryable as error:
            cause, reason = "database", str(error)
        except _LeaseLost:
            cause, reason = "lease", "another process has taken the delivery over"
        except Exception as error:  # noqa: BLE001 - logged; the delivery is tried again
            _log.exception("delivery failed by a defect", execution_id=delivery.execution_id)
            cause, reason = "defect", f"internal error: {type(error).__name__}"
        self._alarm(delivery, cause, reason)
        return Result(
            delivery=delivery,
            verdict=self._schedule.hold(age=delivery.age, reason=reason),
            config_revision=revision,
        )

    async def _carry(self, delivery: Delivery) -> Result:
        request = _decoder.decode(delivery.request)
        action = action_of(request, self._config)
        url = action.callback_url or ""
        endpoint = endpoint_of(delivery.org_id, url)
        own = self._own_headers(delivery.org_id, action)
        body = delivery.body
        if body is None:
            body = body_of(request, action, self._config)
            if not await self._bodies.save_body(delivery, body):
                raise _LeaseLost
        signatures = await self._keyring.sign(
            delivery.org_id,
            webhook_id=delivery.execution_id,
            timestamp=int(utc_now().timestamp()),
            body=body,
        )
        with telemetry.tracer("coop.dispatcher").start_as_current_span("webhook"):
            attempt = await self._sender.send(
                url, headers=request_headers(own, signatures), body=body
            )
        verdict = self._schedule.after(
            number=delivery.attempts + 1,
            status=attempt.status,
            error=attempt.error,
            retry_after=attempt.retry_after,
        )
        return Result(delivery=delivery, verdict=verdict, attempt=attempt, endpoint=endpoint)

    def _own_headers(self, org_id: str, action: Action) -> Mapping[str, str]:
        if action.callback_url_headers is None:
            return {}
        return parse_headers(
            self._keyring.decrypt(org_id, Kind.ACTION, action.id, action.callback_url_headers)
        )

    def _alarm(self, delivery: Delivery, cause: str, reason: str) -> None:
        metric.HELD.labels(cause).inc()
        key = (delivery.org_id, cause)
        now = time.monotonic()
        if now - self._alarms.get(key, -_ALARM_EVERY) < _ALARM_EVERY:
            return
        if len(self._alarms) >= _MAX_ALARMS:
            self._alarms.clear()
        self._alarms[key] = now
        _log.error(
            "delivery held back: nothing was sent",
            cause=cause,
            reason=reason,
            org_id=delivery.org_id,
            execution_id=delivery.execution_id,
        )
