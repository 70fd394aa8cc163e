"""The edge to the log: requests of actions and of callbacks become deliveries.

Guarantees: returns only once the whole batch is in the database, so that the offsets may be
committed; a batch that comes again changes nothing.
Must not: send.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence

from coop_action_dispatcher.delivery import NewDelivery
from coop_action_dispatcher.destination import Asked, body_of, destination_of, id_of
from coop_action_dispatcher.item import item_digest, storable
from coop_action_dispatcher.strike import part_of, reversal_of
from coop_action_dispatcher.webhook import (
    NOWHERE,
    Configuration,
    NotYet,
    Undeliverable,
    endpoint_of,
)
from coop_contracts.event import ActionRequested, CallbackRequested, encode
from coop_contracts.ids import item_key
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison

Accept = Callable[[Sequence[NewDelivery]], Awaitable[None]]


class RequestHandler:
    """Handles batches of ActionRequested."""

    def __init__(self, accept: Accept, config: Configuration) -> None:
        self._accept = accept
        self._config = config

    async def __call__(self, batch: Sequence[Received[ActionRequested]]) -> None:
        """Raises `Poison` for an execution id that is none, `Retryable` without a database."""
        await self._accept(
            [
                new_delivery(received.event, self._config, received.headers.get("traceparent"))
                for received in batch
            ]
        )


class CallbackHandler:
    """Handles batches of CallbackRequested."""

    def __init__(self, accept: Accept, config: Configuration) -> None:
        self._accept = accept
        self._config = config

    async def __call__(self, batch: Sequence[Received[CallbackRequested]]) -> None:
        """Raises `Poison` for a callback id that is none, `Retryable` without a database."""
        await self._accept(
            [
                new_callback(received.event, self._config, received.headers.get("traceparent"))
                for received in batch
            ]
        )


def new_delivery(
    request: ActionRequested, config: Configuration, traceparent: bytes | None = None
) -> NewDelivery:
    """The delivery of a request, with its webhook's body as far as it can be made now.

    The body is made here, and so before anything is sent: every attempt sends the same bytes, also
    after a crash, and they say what was true when the action was taken on.
    """
    execution_id = _uuid_of(request)
    parent = storable(traceparent.decode("latin-1")) if traceparent else None
    strike = body = None
    endpoint = NOWHERE
    try:
        strike = part_of(request, config, parent)
        endpoint = endpoint_of(destination_of(request, config).url)
        body = body_of(request, config)
    except (NotYet, Undeliverable):
        pass  # the courier finds the same and says so in the delivery's result
    item = request.item
    return NewDelivery(
        execution_id=execution_id,
        org_id=storable(request.org_id),
        action_id=storable(request.action_id),
        item_type_id=storable(item.type_id),
        item_id=storable(item.id),
        item_digest=item_digest(item_key(request.org_id, item.type_id, item.id)),
        endpoint=storable(endpoint),
        request=encode(request),
        event=request,
        body=body,
        rule_ids=tuple({storable(rule.id) for rule in request.rules}),
        traceparent=parent,
        strike=strike,
        reversal=reversal_of(request, parent),
    )


def new_callback(
    callback: CallbackRequested, config: Configuration, traceparent: bytes | None = None
) -> NewDelivery:
    """The delivery of a callback, as `new_delivery` makes that of an action."""
    execution_id = _uuid_of(callback)
    body = None
    endpoint = NOWHERE
    try:
        endpoint = endpoint_of(destination_of(callback, config).url)
        body = body_of(callback, config)
    except (NotYet, Undeliverable):
        pass  # the courier finds the same and says so in the delivery's result
    item = callback.item
    return NewDelivery(
        execution_id=execution_id,
        org_id=storable(callback.org_id),
        action_id=None,
        item_type_id=storable(item.type_id),
        item_id=storable(item.id),
        item_digest=item_digest(item_key(callback.org_id, item.type_id, item.id)),
        endpoint=storable(endpoint),
        request=encode(callback),
        event=callback,
        body=body,
        kind=callback.callback,
        traceparent=storable(traceparent.decode("latin-1")) if traceparent else None,
    )


def _uuid_of(asked: Asked) -> str:
    try:
        return str(uuid.UUID(id_of(asked)))
    except ValueError:
        raise Poison("the execution id is not a UUID") from None
