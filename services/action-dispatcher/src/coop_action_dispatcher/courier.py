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

import httpx

from coop_action_dispatcher import metric
from coop_action_dispatcher.arrival import Configuration, NotYet, Undeliverable
from coop_action_dispatcher.asked import Asked
from coop_action_dispatcher.callback import Unaddressed
from coop_action_dispatcher.delivery import Attempt, Delivery, Result, State, Verdict
from coop_action_dispatcher.destination import Destination, body_of, destination_of
from coop_action_dispatcher.endpoint import Directory
from coop_action_dispatcher.endpoint_name import endpoint_of
from coop_action_dispatcher.header import InvalidHeaders, encoded, fixed_headers, parse_headers
from coop_action_dispatcher.keyring import CannotDecrypt, CannotSign, Keyring
from coop_action_dispatcher.schedule import Schedule
from coop_action_dispatcher.sender import Sender, refusal, refused, utc_now
from coop_action_dispatcher.strike import Part, User, part_of, user_of
from coop_contracts.config import Document
from coop_runtime.egress.guard import EgressRefused
from coop_runtime.egress.post import PostTarget
from coop_runtime.process import telemetry
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_ALARM_EVERY = 60.0  # seconds between two log lines about the same cause and organisation
_MAX_ALARMS = 10_000
_MAX_ADDRESSES = 10_000

_log = logger("coop.dispatcher.courier")


class Bodies(Protocol):
    """Where a body is kept before it is sent first."""

    async def save_body(
        self, delivery: Delivery, body: bytes | None, strike: Part | None, user: User | None
    ) -> bytes | None:
        """The body as it was kept, with the user's strikes; None when the lease is lost, or there
        is no body and only the strike counts."""


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
        directory: Directory,
    ) -> None:
        self._config = config
        self._keyring = keyring
        self._sender = sender
        self._schedule = schedule
        self._bodies = bodies
        self._directory = directory
        self._addresses: dict[tuple[str, str], tuple[Document, PostTarget]] = {}
        self._alarms: dict[tuple[str, str], float] = {}

    async def carry(self, delivery: Delivery) -> Result:
        """Sends one delivery once, or finds out why it cannot be."""
        revision = self._config.revision(delivery.org_id)
        try:
            return await self._traced(delivery)
        except Unaddressed as error:
            verdict = Verdict(State.DEAD, reason=str(error), unaddressed=True)
            return Result(delivery=delivery, verdict=verdict)
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

    async def _traced(self, delivery: Delivery) -> Result:
        if not telemetry.exporting():
            return await self._carry(delivery)
        with (
            telemetry.attached({"traceparent": delivery.traceparent or ""}),
            telemetry.tracer("coop.dispatcher").start_as_current_span("webhook"),
        ):
            return await self._carry(delivery)

    async def _carry(self, delivery: Delivery) -> Result:
        asked = delivery.asked
        body = delivery.body
        if body is None:
            body = await self._complete(delivery, asked)
        destination = destination_of(asked, self._config)
        name = endpoint_of(destination.url)
        endpoint_id = await self._directory.id_of(delivery.org_id, name)
        if endpoint_id != delivery.endpoint_id:
            # Its URL was changed: it takes its turn there, whose breaker may be open.
            return Result(
                delivery=delivery, verdict=Verdict(State.PENDING), endpoint_id=endpoint_id
            )
        attempt = await self._attempt(delivery, destination, body)
        verdict = self._schedule.after(
            number=delivery.attempts - delivery.attempts_before + 1,
            status=attempt.status,
            error=attempt.error,
            retry_after=attempt.retry_after,
            refused=attempt.refused,
        )
        return Result(delivery=delivery, verdict=verdict, attempt=attempt)

    async def _attempt(self, delivery: Delivery, destination: Destination, body: bytes) -> Attempt:
        now = utc_now()
        try:
            address = self._address(delivery.org_id, destination)
        except EgressRefused as error:
            return refused(now, refusal(error))
        except (httpx.InvalidURL, httpx.LocalProtocolError):
            return refused(now, "the callback URL is not valid")
        signatures = await self._keyring.sign(
            delivery.org_id,
            webhook_id=delivery.execution_id,
            timestamp=int(now.timestamp()),
            body=body,
        )
        return await self._sender.send(address, headers=encoded(signatures), body=body)

    def _address(self, org_id: str, to: Destination) -> PostTarget:
        """Kept for as long as the document that says so stays the same object."""
        known = self._addresses.get((org_id, to.name))
        if known is not None and known[0] is to.document:
            return known[1]
        own = self._own_headers(org_id, to)
        address = self._sender.address(to.url, fixed_headers(own))
        if len(self._addresses) >= _MAX_ADDRESSES:
            self._addresses.clear()
        self._addresses[org_id, to.name] = to.document, address
        return address

    async def _complete(self, delivery: Delivery, asked: Asked) -> bytes:
        """What could not be done when the delivery was taken on: its strike and its body."""
        strike = part_of(asked, self._config, delivery.traceparent)
        try:
            body = body_of(asked, destination_of(asked, self._config), self._config)
        except Undeliverable:
            if strike is not None:
                await self._bodies.save_body(delivery, None, strike, None)
            raise
        user = user_of(asked, self._config)
        kept = await self._bodies.save_body(delivery, body, strike, user)
        if kept is None:
            raise _LeaseLost
        return kept

    def _own_headers(self, org_id: str, to: Destination) -> Mapping[str, str]:
        if to.headers is None:
            return {}
        return parse_headers(self._keyring.decrypt(org_id, to.kind, to.document.id, to.headers))

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
