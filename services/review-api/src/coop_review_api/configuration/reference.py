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
    NcmecSettings,
    OrgSettings,
    Policy,
    Queue,
    RoutingRule,
    Rule,
)
from coop_contracts.error import pointer
from coop_contracts.permission import Role


class Reference(NamedTuple):
    """`pointer` is where in the document the reference stands."""

    kind: Kind
    id: str
    pointer: str


REFERRING: dict[Kind, tuple[Kind, ...]] = {
    Kind.ITEM_TYPE: (Kind.ACTION, Kind.RULE, Kind.ROUTING_RULE),
    Kind.POLICY: (Kind.POLICY, Kind.RULE, Kind.ROUTING_RULE),
    Kind.ACTION: (Kind.ACTION, Kind.RULE, Kind.QUEUE, Kind.SETTINGS),
    Kind.QUEUE: (Kind.ROUTING_RULE, Kind.SETTINGS, Kind.NCMEC_SETTINGS),
    Kind.TEXT_BANK: (Kind.RULE, Kind.ROUTING_RULE),
    Kind.LOCATION_BANK: (Kind.RULE, Kind.ROUTING_RULE),
    Kind.HASH_BANK: (Kind.RULE, Kind.ROUTING_RULE),
    Kind.ROLE: (Kind.QUEUE,),
}
"""Which kinds can refer to a kind."""

BANKS = (Kind.TEXT_BANK, Kind.LOCATION_BANK, Kind.HASH_BANK)
"""The kinds that conditions match."""

_BANKS_OF = dict(zip(("textBankIds", "locationBankIds", "imageBankIds"), BANKS, strict=True))

REFERRED: dict[Kind, tuple[Kind, ...]] = {
    Kind.POLICY: (Kind.POLICY,),
    Kind.ACTION: (Kind.ITEM_TYPE, Kind.ACTION),
    Kind.RULE: (Kind.ITEM_TYPE, Kind.ACTION, Kind.POLICY, *BANKS),
    Kind.ROUTING_RULE: (Kind.ITEM_TYPE, Kind.QUEUE, *BANKS),
    Kind.QUEUE: (Kind.ACTION, Kind.ROLE),
    Kind.SETTINGS: (Kind.ACTION, Kind.ITEM_TYPE, Kind.QUEUE),
    Kind.NCMEC_SETTINGS: (Kind.QUEUE,),
}
"""Which kinds a kind can refer to."""


def references_of(document: Document) -> Iterator[Reference]:
    """Every reference of the document, in reading order."""
    match document:
        case Policy(parent_id=str(parent_id)):
            yield Reference(Kind.POLICY, parent_id, "/parentId")
        case NcmecSettings():
            yield from _listed(Kind.QUEUE, document.production_queue_ids, "productionQueueIds")
        case Action():
            yield from _listed(Kind.ITEM_TYPE, document.item_type_ids, "itemTypeIds")
            if document.reverse_action_id is not None:
                yield Reference(Kind.ACTION, document.reverse_action_id, "/reverseActionId")
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
            for position, role_id in enumerate(document.reviewer_roles):
                if role_id not in Role.__members__:  # those are there without a document
                    yield Reference(Kind.ROLE, role_id, pointer("reviewerRoles", position))
            triggers = document.clear_reports_trigger_action_ids
            yield from _listed(Kind.ACTION, triggers, "clearReportsTriggerActionIds")
        case OrgSettings():
            if document.ncmec_queue_id is not None:
                yield Reference(Kind.QUEUE, document.ncmec_queue_id, "/ncmecQueueId")
            for position, threshold in enumerate(document.user_strike_thresholds):
                for number, action_id in enumerate(threshold.action_ids):
                    at = pointer("userStrikeThresholds", position, "actionIds", number)
                    yield Reference(Kind.ACTION, action_id, at)


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
        matching = node.get("matchingValues")
        if isinstance(matching, dict):
            yield from _of_banks(matching, here + "/matchingValues")
        match node.get("conditions"):
            case list(children):
                indexed = list(enumerate(children))
                stack.extend(
                    (child, here + pointer("conditions", position))
                    for position, child in reversed(indexed)
                )


def _of_banks(matching: Mapping[str, Any], at: str) -> Iterator[Reference]:
    for field, kind in _BANKS_OF.items():
        bank_ids = matching.get(field)
        if isinstance(bank_ids, list):
            for position, bank_id in enumerate(bank_ids):
                if isinstance(bank_id, str):
                    yield Reference(kind, bank_id, at + pointer(field, position))
