"""The plain kinds of documents, and the banks, as resources.

Permissions: coop-compatible. Whoever reviews or reads rules may read what these refer to; addresses
and headers of callbacks are for those who manage actions.

Guarantees: large banks are whole on the wire, but for lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Action, Kind, LocationBank, TextBank
from coop_contracts.permission import Permission
from coop_review_api.configuration import (
    bank_document,
    bank_part,
    document_model,
    header,
    warning,
)
from coop_review_api.configuration.bank_kind import HASH_BANKS, LOCATION_BANKS, TEXT_BANKS
from coop_review_api.configuration.binding import bound_to
from coop_review_api.configuration.kind import (
    ACTIONS,
    ITEM_TYPES,
    POLICIES,
    ROUTING_RULES,
    RULES,
)
from coop_review_api.configuration.resource import Presentation, Resource
from coop_review_api.configuration.scale import weigh_rule
from coop_review_api.http.authentication import requires
from coop_rules.matching.location import is_unknown

_P = Permission

B = TypeVar("B", TextBank, LocationBank)

_reads_catalogue = requires(
    _P.VIEW_MRT, _P.VIEW_RULES_DASHBOARD, _P.MUTATE_NON_LIVE_RULES, _P.MANAGE_ORG
)
_writes_rules = requires(_P.MUTATE_NON_LIVE_RULES, _P.MUTATE_LIVE_RULES)
_writes_banks = requires(_P.MUTATE_LIVE_RULES)
_reads_banks = requires(_P.VIEW_RULES_DASHBOARD, _P.MUTATE_NON_LIVE_RULES)


def _action(shown: Presentation[Action]) -> dict[str, Any]:
    fields, principal, document = shown.fields, shown.principal, shown.document
    stored = fields.pop("callbackUrlHeaders", None)
    fields["actionType"] = str(document.action_type)
    if not principal.may(_P.MANAGE_ORG):
        return {**fields, "callbackUrl": None, "callbackUrlBody": None}
    secret = bound_to(principal.org_id, Kind.ACTION, document.id)
    return {
        **fields,
        "callbackUrlBody": document.callback_url_body,
        "callbackUrlHeaderNames": header.names(shown.context.vault, stored, context=secret),
    }


def _text_bank(shown: Presentation[TextBank]) -> dict[str, Any]:
    return _bank(shown.fields, "strings", shown.document.strings)


def _location_bank(shown: Presentation[LocationBank]) -> dict[str, Any]:
    for shown_one, location in zip(
        shown.fields["locations"], shown.document.locations, strict=True
    ):
        if is_unknown(location):
            shown_one["geometry"] = None
    return _bank(shown.fields, "locations", shown.document.locations)


def _bank(fields: dict[str, Any], name: str, entries: Sequence[Any]) -> dict[str, Any]:
    """Of one that is in parts the entries are not at hand."""
    if fields.pop("chunkIds", ()):
        return {**fields, name: None, "entryCount": None}
    return {**fields, "entryCount": len(entries)}


async def _entry_counts(
    connection: AsyncConnection, org_id: str, banks: Sequence[B]
) -> dict[str, dict[str, Any]]:
    counts = await bank_part.counts(connection, org_id, banks)
    return {bank_id: {"entryCount": count} for bank_id, count in counts.items()}


ITEM_TYPE_RESOURCE: Final = Resource(
    documents=ITEM_TYPES,
    path="item-types",
    plural="ItemTypes",
    body=document_model.ItemTypeBody,
    view=document_model.ItemTypeView,
    read=_reads_catalogue,
    write=requires(_P.MANAGE_ORG),
)
POLICY_RESOURCE: Final = Resource(
    documents=POLICIES,
    path="policies",
    plural="Policies",
    body=document_model.PolicyBody,
    view=document_model.PolicyView,
    read=_reads_catalogue,
    write=requires(_P.MANAGE_POLICIES),
)
ACTION_RESOURCE: Final = Resource(
    documents=ACTIONS,
    path="actions",
    plural="Actions",
    body=document_model.ActionBody,
    view=document_model.ActionView,
    read=_reads_catalogue,
    write=requires(_P.MANAGE_ORG),
    present=_action,
)
RULE_RESOURCE: Final = Resource(
    documents=RULES,
    path="rules",
    plural="Rules",
    body=document_model.RuleBody,
    view=document_model.RuleView,
    read=requires(_P.VIEW_RULES_DASHBOARD),
    write=_writes_rules,
    warned=warning.of_rule,
    weighed=weigh_rule,
)
ROUTING_RULE_RESOURCE: Final = Resource(
    documents=ROUTING_RULES,
    path="routing-rules",
    plural="RoutingRules",
    body=document_model.RoutingRuleBody,
    view=document_model.RoutingRuleView,
    read=requires(_P.MANAGE_ROUTING_RULES, _P.EDIT_MRT_QUEUES),
    write=requires(_P.MANAGE_ROUTING_RULES),
    warned=warning.of_routing_rule,
)
TEXT_BANK_RESOURCE: Final = Resource(
    documents=TEXT_BANKS,
    path="text-banks",
    plural="TextBanks",
    body=bank_document.TextBankBody,
    view=bank_document.TextBankView,
    read=_reads_banks,
    write=_writes_banks,
    present=_text_bank,
    listed=_entry_counts,
    warned=warning.of_text_bank,
)
LOCATION_BANK_RESOURCE: Final = Resource(
    documents=LOCATION_BANKS,
    path="location-banks",
    plural="LocationBanks",
    body=bank_document.LocationBankBody,
    view=bank_document.LocationBankView,
    read=_reads_banks,
    write=_writes_banks,
    present=_location_bank,
    listed=_entry_counts,
    warned=warning.of_location_bank,
)
HASH_BANK_RESOURCE: Final = Resource(
    documents=HASH_BANKS,
    path="hash-banks",
    plural="HashBanks",
    body=bank_document.HashBankBody,
    view=bank_document.HashBankView,
    read=_reads_banks,
    write=_writes_banks,
)
