"""The plain kinds of configuration documents, and what is special to each.

Guarantees: only who may change live rules turns one on, off or changes it; headers of callbacks are
kept as ciphertext only; a new routing rule is tried last unless it says when.
"""

from __future__ import annotations

from typing import Final

from coop_contracts.config import Action, ItemType, Kind, Policy, RoutingRule, Rule
from coop_contracts.permission import Permission
from coop_review_api.configuration import header
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.document_kind import DocumentChange, DocumentKind, SentDocument
from coop_review_api.configuration.rule import is_live
from coop_review_api.kernel.error import LacksPermission


async def _item_type(sent: SentDocument[ItemType]) -> ItemType:
    previous = sent.previous
    return sent.to(
        ItemType,
        version="",  # given when it is saved
        isDefaultUserType=previous is not None and previous.is_default_user_type,
    )


async def _action(sent: SentDocument[Action]) -> Action:
    headers = header.updated(
        sent.vault,
        sent.previous.callback_url_headers if sent.previous else None,
        sent.fields["callbackUrlHeaders"],
        context=bound_to(sent.configuration.org_id, Kind.ACTION, sent.document_id),
        at="/callbackUrlHeaders",
    )
    return sent.to(Action, callbackUrlHeaders=headers)


async def _require_live(change: DocumentChange[Rule]) -> None:
    """Raises `Forbidden`."""
    live = is_live(change.before) or is_live(change.after)
    needed = Permission.MUTATE_LIVE_RULES if live else Permission.MUTATE_NON_LIVE_RULES
    if not change.principal.may(needed):
        raise LacksPermission(needed)


async def _routing_rule(sent: SentDocument[RoutingRule]) -> RoutingRule:
    if sent.fields["sequenceNumber"] is not None:
        return sent.to(RoutingRule)
    if sent.previous is not None:
        return sent.to(RoutingRule, sequenceNumber=sent.previous.sequence_number)
    catalogue = await sent.configuration.catalogue(Kind.ROUTING_RULE)
    rules = catalogue.all(Kind.ROUTING_RULE, RoutingRule).values()
    last = max((rule.sequence_number for rule in rules), default=0)
    return sent.to(RoutingRule, sequenceNumber=last + 1)


ITEM_TYPES: Final = DocumentKind(
    kind=Kind.ITEM_TYPE, type=ItemType, noun="ItemType", build=_item_type
)
POLICIES: Final = DocumentKind(kind=Kind.POLICY, type=Policy, noun="Policy")
ACTIONS: Final = DocumentKind(kind=Kind.ACTION, type=Action, noun="Action", build=_action)
RULES: Final = DocumentKind(kind=Kind.RULE, type=Rule, noun="Rule", guard=_require_live)
ROUTING_RULES: Final = DocumentKind(
    kind=Kind.ROUTING_RULE, type=RoutingRule, noun="RoutingRule", build=_routing_rule
)
