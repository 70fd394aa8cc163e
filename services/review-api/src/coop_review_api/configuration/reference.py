"""Which configuration documents point to which others.

Guarantees: one function knows every reference, so that saving (targets must exist) and deleting
(nothing may still point here) can never disagree.
Must not: read anything; it looks only at the document it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from coop_contracts.config import (
    Action,
    Document,
    Kind,
    Policy,
    Queue,
    RoutingRule,
    Rule,
)
from coop_contracts.error import pointer


class Reference(NamedTuple):
    """`pointer` is where in the document the reference stands."""

    kind: Kind
    id: str
    pointer: str


REFERRING: dict[Kind, tuple[Kind, ...]] = {
    Kind.ITEM_TYPE: (Kind.ACTION, Kind.RULE, Kind.ROUTING_RULE),
    Kind.POLICY: (Kind.POLICY, Kind.RULE, Kind.ROUTING_RULE),
    Kind.ACTION: (Kind.RULE, Kind.QUEUE),
    Kind.QUEUE: (Kind.ROUTING_RULE,),
    Kind.TEXT_BANK: (Kind.RULE, Kind.ROUTING_RULE),
}
"""Which kinds can refer to a kind."""

REFERRED: dict[Kind, tuple[Kind, ...]] = {
    Kind.POLICY: (Kind.POLICY,),
    Kind.ACTION: (Kind.ITEM_TYPE,),
    Kind.RULE: (Kind.ITEM_TYPE, Kind.ACTION, Kind.POLICY, Kind.TEXT_BANK),
    Kind.ROUTING_RULE: (Kind.ITEM_TYPE, Kind.QUEUE, Kind.TEXT_BANK),
    Kind.QUEUE: (Kind.ACTION,),
}
"""Which kinds a kind can refer to."""


def references_of(document: Document) -> Iterator[Reference]:
    """Every reference of the document, in reading order."""
    match document:
        case Policy(parent_id=str(parent_id)):
            yield Reference(Kind.POLICY, parent_id, "/parentId")
        case Action():
            yield from _listed(Kind.ITEM_TYPE, document.item_type_ids, "itemTypeIds")
        case Rule():
            yield from _listed(Kind.ITEM_TYPE, document.item_type_ids, "itemTypeIds")
            yield from _listed(Kind.ACTION, document.action_ids, "actionIds")
            yield from _listed(Kind.POLICY, document.policy_ids, "policyIds")
            yield from _of_condition(document.condition_set, "/conditionSet")
        case RoutingRule():
            yield from _listed(Kind.ITEM_TYPE, document.item_type_ids, "itemTypeIds")
            yield Reference(Kind.QUEUE, document.destination_queue_id, "/destinationQueueId")
            yield from _of_condition(document.condition_set, "/conditionSet")
        case Queue():
            yield from _listed(Kind.ACTION, document.hidden_action_ids, "hiddenActionIds")


def _listed(kind: Kind, ids: tuple[str, ...], field: str) -> Iterator[Reference]:
    for position, document_id in enumerate(ids):
        yield Reference(kind, document_id, pointer(field, position))


def _of_condition(root: Mapping[str, Any], at: str) -> Iterator[Reference]:
    # A stack, not recursion: the depth comes from outside.
    stack: list[tuple[Any, str]] = [(root, at)]
    while stack:
        node, here = stack.pop()
        if not isinstance(node, dict):
            continue
        match node.get("input"):
            case {"type": "CONTENT_FIELD", "contentTypeId": str(type_id)}:
                yield Reference(Kind.ITEM_TYPE, type_id, here + "/input/contentTypeId")
        match node.get("matchingValues"):
            case {"textBankIds": list(bank_ids)}:
                for position, bank_id in enumerate(bank_ids):
                    if isinstance(bank_id, str):
                        at_bank = here + pointer("matchingValues", "textBankIds", position)
                        yield Reference(Kind.TEXT_BANK, bank_id, at_bank)
        match node.get("conditions"):
            case list(children):
                indexed = list(enumerate(children))
                stack.extend(
                    (child, here + pointer("conditions", position))
                    for position, child in reversed(indexed)
                )
