"""What the platform asks for by `POST /actions/`: carried out once it is known what it is about.

    ActionOrdered ─▶ the item as last submitted, whose it is, who asked ─▶ ActionRequested
                                                                       └─▶ ReviewRequested

Guarantees: an order is one effect, under the order's own execution id: carried out again, it is the
same one. A built-in action on the author of content is about the author, with the content beside
it. Where nobody knows whose the item is, people see the item itself: an order is never lost. What
is sent to NCMEC is a matter of child safety in either case, and seen by those alone who may.
Must not: judge whether the action may be done; ingest did when it took the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Raw

from coop_contracts import ids
from coop_contracts.config import Action, ActionType, ItemType, Kind
from coop_contracts.event import (
    ActionOrdered,
    ActionRequested,
    ItemRef,
    ReviewRequested,
    SubmittedItem,
)
from coop_review_api.configuration.catalogue import Catalogue

KINDS = (Kind.ACTION, Kind.ITEM_TYPE)
"""What has to be known to carry an order out."""

MAX_DATA = 900_000  # bytes of both items of one event, below what the broker takes

_NO_DATA = Raw(b"{}")


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What is known around an organisation's orders: items as they were last submitted, people's
    addresses by their ids."""

    catalogue: Catalogue
    items: Mapping[ItemRef, SubmittedItem]
    addresses: Mapping[str, str]


def effect_of(order: ActionOrdered, known: Knowledge) -> ActionRequested | ReviewRequested:
    """What follows from an order. An action that was deleted since is asked for all the same: that
    it could not be done is then told like any other failure."""
    action = known.catalogue.get(Kind.ACTION, Action, order.action_id)
    if action is None or action.action_type is ActionType.CUSTOM_ACTION:
        return _request(order, known)
    item = known.items.get(order.item) or stub_of(order.item, known.catalogue)
    item_type = known.catalogue.get(Kind.ITEM_TYPE, ItemType, order.item.type_id)
    about_user = item_type is not None and item_type.kind == "USER"
    to_ncmec = action.action_type is ActionType.ENQUEUE_TO_NCMEC
    if action.action_type is ActionType.ENQUEUE_TO_MRT or about_user:
        return _review(order, item, to_ncmec=to_ncmec)
    if item.creator is None:
        return _review(order, item, to_ncmec=to_ncmec, note=_unknown_author(action))
    author = known.items.get(item.creator)
    if author is None or size_of(author) + size_of(item) > MAX_DATA:
        author = stub_of(item.creator, known.catalogue)
    return _review(order, author, to_ncmec=to_ncmec, related=item)


def _request(order: ActionOrdered, known: Knowledge) -> ActionRequested:
    item = known.items.get(order.item)
    return ActionRequested(
        event_id=ids.new_id(),
        org_id=order.org_id,
        time=order.time,
        correlation_id=order.correlation_id,
        causation_id=order.event_id,
        execution_id=order.execution_id,
        action_id=order.action_id,
        item=order.item,
        source="POST_ACTIONS",
        config_revision=order.config_revision,
        creator=None if item is None else item.creator,
        policy_ids=order.policy_ids,
        parameters=order.parameters,
        actor_id=order.actor_id,
        actor_email=known.addresses.get(order.actor_id or ""),
        actor_note=order.note,
        cause_id=order.correlation_id,
    )


def _review(
    order: ActionOrdered,
    item: SubmittedItem,
    *,
    to_ncmec: bool,
    related: SubmittedItem | None = None,
    note: str | None = None,
) -> ReviewRequested:
    notes = [text for text in (order.note, note) if text]
    return ReviewRequested(
        event_id=ids.new_id(),
        org_id=order.org_id,
        time=order.time,
        correlation_id=order.correlation_id,
        causation_id=order.event_id,
        entry_id=order.execution_id,
        item=item,
        source="POST_ACTIONS",
        config_revision=order.config_revision,
        policy_ids=order.policy_ids,
        note="\n".join(notes) or None,
        actor_id=order.actor_id,
        job_kind="NCMEC" if to_ncmec else "DEFAULT",
        related_items=() if related is None else (related,),
    )


def size_of(item: SubmittedItem) -> int:
    """Bytes of its data."""
    return memoryview(item.data).nbytes


def _unknown_author(action: Action) -> str:
    return f"The platform asked for {action.name}, and whose this item is is not known."


def stub_of(item: ItemRef, catalogue: Catalogue) -> SubmittedItem:
    """An item of which nothing but the id is known."""
    item_type = catalogue.get(Kind.ITEM_TYPE, ItemType, item.type_id)
    return SubmittedItem(
        id=item.id,
        type_id=item.type_id,
        type_version="" if item_type is None else item_type.version,
        data=_NO_DATA,
        schema_variant="partial",
    )
