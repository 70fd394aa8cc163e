"""A test request of an action: the webhook as it would be sent, tried out by who set it up.

    action ─▶ values of its parameters ─▶ counted and noted ─▶ the dispatcher signs and sends it

Guarantees: only an action of the organisation's own, with values that it takes; an organisation
tries so many a minute and no more; each leaves an audit row, before it is asked of the dispatcher.
Must not: do anything to an item: what is sent is marked, and about an item that need not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.action import applies_to
from coop_contracts.config import Action, ActionType, ItemType, Kind
from coop_contracts.dispatch import SEND_TRIAL, SendTrial, TrialSent
from coop_contracts.event import ItemRef
from coop_contracts.ids import new_id
from coop_review_api.configuration.catalogue import Catalogue, load_catalogue
from coop_review_api.configuration.log import Entry, read
from coop_review_api.configuration.parameter import resolve_values
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.http.context import Context
from coop_review_api.kernel import trial
from coop_review_api.kernel.error import Conflict, Fault, Invalid, NotFound
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

_ITEM_ID = "coop-test"


@dataclass(frozen=True, kw_only=True)
class TrialLimits:
    """How many test requests an organisation may send in a minute."""

    a_minute: int = 10


@dataclass(frozen=True, kw_only=True)
class WebhookTrial:
    """What somebody wants to try: the item's type, if they care, and the parameters' values."""

    action_id: str
    item_type_id: str | None
    parameters: Mapping[str, Any]


async def send(context: Context, principal: Principal, wanted: WebhookTrial) -> TrialSent:
    """What was answered. Raises `NotFound`, `Conflict`, `Invalid`, `TooManyAttempts`,
    `Unavailable`."""
    async with transaction(context.engine) as connection:
        asked = await _asked(connection, principal, wanted)
        await trial.count(
            connection,
            principal,
            action="test_request.sent",
            target=("action", wanted.action_id),
            detail={"testRequestId": str(asked.trial_id)},
            a_minute=context.part(TrialLimits).a_minute,
            now=context.clock(),
        )
    return await context.part(Dispatch).ask(principal.org_id, SEND_TRIAL, asked)


async def _asked(
    connection: AsyncConnection, principal: Principal, wanted: WebhookTrial
) -> SendTrial:
    entry: Entry[Action] | None = await read(
        connection, principal.org_id, Kind.ACTION, Action, wanted.action_id
    )
    if entry is None:
        raise NotFound(f"no Action {wanted.action_id}")
    action = entry.document
    if action.action_type is not ActionType.CUSTOM_ACTION:
        raise Conflict(f"{action.name} is a built-in action: nothing is sent for it")
    catalogue = await load_catalogue(connection, principal.org_id, (Kind.ITEM_TYPE,))
    values, faults = resolve_values(action.parameters, wanted.parameters, at="/parameters")
    item_type_id = _item_type(action, wanted.item_type_id, catalogue)
    if item_type_id is None:
        faults.append(Fault("/itemTypeId", f"no item type that {action.name} applies to"))
    if faults:
        raise Invalid(faults)
    return SendTrial(
        action_id=action.id,
        trial_id=UUID(new_id()),
        item=ItemRef(id=_ITEM_ID, type_id=item_type_id or ""),
        config_revision=entry.revision,
        parameters=values,
        actor_email=principal.email,
    )


def _item_type(action: Action, given: str | None, catalogue: Catalogue) -> str | None:
    fitting = [
        one.id
        for one in catalogue.all(Kind.ITEM_TYPE, ItemType).values()
        if applies_to(action, item_type_id=one.id, item_kind=one.kind)
    ]
    if given is None:
        return min(fitting, default=None)
    return given if given in fitting else None
