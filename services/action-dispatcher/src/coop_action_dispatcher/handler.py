"""The edge to the log: requests of actions and of callbacks become deliveries.

Guarantees: returns only once the whole batch is in the database, so that the offsets may be
committed; a batch that comes again changes nothing.
Must not: send.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence

from coop_action_dispatcher.arrival import Configuration, NotYet, Undeliverable
from coop_action_dispatcher.asked import Asked, action_id_of, id_of, kind_of, rules_of
from coop_action_dispatcher.delivery import NewDelivery
from coop_action_dispatcher.destination import body_of, destination_of
from coop_action_dispatcher.endpoint_name import NOWHERE, endpoint_of
from coop_action_dispatcher.item import item_digest, storable
from coop_action_dispatcher.strike import part_of, reversal_of, user_of
from coop_contracts.event import ActionRequested, CallbackRequested, encode
from coop_contracts.ids import item_key
from coop_runtime.kafka.message import Received
from coop_runtime.process.error import Poison

Accept = Callable[[Sequence[NewDelivery]], Awaitable[None]]


class RequestHandler:
    """Handles batches of ActionRequested, or of CallbackRequested."""

    def __init__(self, accept: Accept, config: Configuration) -> None:
        self._accept = accept
        self._config = config

    async def __call__(
        self,
        batch: Sequence[Received[ActionRequested]] | Sequence[Received[CallbackRequested]],
    ) -> None:
        """Raises `Poison` for an id that is no UUID, `Retryable` without a database."""
        await self._accept(
            [
                new_delivery(received.event, self._config, received.headers.get("traceparent"))
                for received in batch
            ]
        )


def new_delivery(
    asked: Asked, config: Configuration, traceparent: bytes | None = None
) -> NewDelivery:
    """The delivery of a request, with its webhook's body as far as it can be made now.

    The body is made here, and so before anything is sent: every attempt sends the same bytes, also
    after a crash, and they say what was true when the action was taken on.
    """
    execution_id = _uuid_of(asked)
    parent = storable(traceparent.decode("latin-1")) if traceparent else None
    strike = body = user = None
    endpoint = NOWHERE
    try:
        strike = part_of(asked, config, parent)
        destination = destination_of(asked, config)
        endpoint = endpoint_of(destination.url)
        user = user_of(asked, config)
        body = body_of(asked, destination, config)
    except (NotYet, Undeliverable):
        pass  # the courier finds the same and says so in the delivery's result
    item, action_id = asked.item, action_id_of(asked)
    return NewDelivery(
        execution_id=execution_id,
        org_id=storable(asked.org_id),
        action_id=None if action_id is None else storable(action_id),
        item_type_id=storable(item.type_id),
        item_id=storable(item.id),
        item_digest=item_digest(item_key(asked.org_id, item.type_id, item.id)),
        endpoint=storable(endpoint),
        request=encode(asked),
        event=asked,
        body=body,
        kind=kind_of(asked),
        rule_ids=tuple({storable(rule.id) for rule in rules_of(asked)}),
        traceparent=parent,
        user=user,
        strike=strike,
        reversal=reversal_of(asked, parent),
    )


def _uuid_of(asked: Asked) -> str:
    try:
        return str(uuid.UUID(id_of(asked)))
    except ValueError:
        raise Poison("the execution id is not a UUID") from None
