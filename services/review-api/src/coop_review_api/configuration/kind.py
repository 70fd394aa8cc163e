"""The kinds of configuration document that are plain resources, and what is special to each.

Permissions: coop-compatible. Whoever reviews or reads rules may read what these refer to; addresses
and headers of callbacks are for those who manage actions.
"""

from __future__ import annotations

from typing import Any

import msgspec

from coop_contracts.config import (
    Action,
    ItemType,
    Kind,
    Policy,
    RoutingRule,
    Rule,
)
from coop_contracts.permission import Permission
from coop_review_api.configuration import document_model as wire
from coop_review_api.configuration import header
from coop_review_api.configuration.bank_kind import HashBanks, LocationBanks, TextBanks
from coop_review_api.configuration.log import LockedConfiguration
from coop_review_api.configuration.resource import Command, Resource
from coop_review_api.configuration.rule import is_live
from coop_review_api.http.authentication import requires
from coop_review_api.http.context import Context
from coop_review_api.kernel.error import Forbidden
from coop_review_api.kernel.principal import Principal

_P = Permission

READ_CATALOGUE = requires(
    _P.VIEW_MRT, _P.VIEW_RULES_DASHBOARD, _P.MUTATE_NON_LIVE_RULES, _P.MANAGE_ORG
)


class ItemTypes(Resource[wire.ItemTypeBody, ItemType]):
    kind, path, noun, plural = Kind.ITEM_TYPE, "item-types", "ItemType", "ItemTypes"
    document, body, view = ItemType, wire.ItemTypeBody, wire.ItemTypeView
    read, write = READ_CATALOGUE, requires(_P.MANAGE_ORG)

    async def build(self, command: Command[wire.ItemTypeBody, ItemType]) -> ItemType:
        previous = command.previous
        return msgspec.convert(
            {
                **command.body.model_dump(by_alias=True, mode="json"),
                "id": command.document_id,
                "version": "",  # given when it is saved
                "isDefaultUserType": previous is not None and previous.is_default_user_type,
            },
            ItemType,
        )


class Policies(Resource[wire.PolicyBody, Policy]):
    kind, path, noun, plural = Kind.POLICY, "policies", "Policy", "Policies"
    document, body, view = Policy, wire.PolicyBody, wire.PolicyView
    read, write = READ_CATALOGUE, requires(_P.MANAGE_POLICIES)


class Actions(Resource[wire.ActionBody, Action]):
    kind, path, noun, plural = Kind.ACTION, "actions", "Action", "Actions"
    document, body, view = Action, wire.ActionBody, wire.ActionView
    read, write = READ_CATALOGUE, requires(_P.MANAGE_ORG)

    async def build(self, command: Command[wire.ActionBody, Action]) -> Action:
        fields = command.body.model_dump(by_alias=True, mode="json")
        fields["callbackUrlHeaders"] = header.updated(
            command.context.vault,
            command.previous.callback_url_headers if command.previous else None,
            command.body.callback_url_headers,
            context=header.context_of(command.principal.org_id, self.kind, command.document_id),
            at="/callbackUrlHeaders",
        )
        return msgspec.convert({**fields, "id": command.document_id}, Action)

    def present(
        self, context: Context, principal: Principal, document: Action, fields: dict[str, Any]
    ) -> dict[str, Any]:
        stored = fields.pop("callbackUrlHeaders", None)
        fields["actionType"] = str(document.action_type)
        if not principal.may(_P.MANAGE_ORG):
            return {**fields, "callbackUrl": None, "callbackUrlBody": None}
        bound_to = header.context_of(principal.org_id, self.kind, document.id)
        return {
            **fields,
            "callbackUrlBody": document.callback_url_body,
            "callbackUrlHeaderNames": header.names(context.vault, stored, context=bound_to),
        }


class Rules(Resource[wire.RuleBody, Rule]):
    kind, path, noun, plural = Kind.RULE, "rules", "Rule", "Rules"
    document, body, view = Rule, wire.RuleBody, wire.RuleView
    read = requires(_P.VIEW_RULES_DASHBOARD)
    write = requires(_P.MUTATE_NON_LIVE_RULES, _P.MUTATE_LIVE_RULES)

    async def guard(
        self,
        configuration: LockedConfiguration,  # noqa: ARG002
        principal: Principal,
        *,
        before: Rule | None,
        after: Rule | None,
    ) -> None:
        live = is_live(before) or is_live(after)
        needed = _P.MUTATE_LIVE_RULES if live else _P.MUTATE_NON_LIVE_RULES
        if not principal.may(needed):
            raise Forbidden(f"needs {needed}")


class RoutingRules(Resource[wire.RoutingRuleBody, RoutingRule]):
    kind, path, noun, plural = Kind.ROUTING_RULE, "routing-rules", "RoutingRule", "RoutingRules"
    document, body, view = RoutingRule, wire.RoutingRuleBody, wire.RoutingRuleView
    read = requires(_P.MANAGE_ROUTING_RULES, _P.EDIT_MRT_QUEUES)
    write = requires(_P.MANAGE_ROUTING_RULES)

    async def build(self, command: Command[wire.RoutingRuleBody, RoutingRule]) -> RoutingRule:
        fields = command.body.model_dump(by_alias=True, mode="json")
        if command.body.sequence_number is None:
            fields["sequenceNumber"] = await self._position(command)
        return msgspec.convert({**fields, "id": command.document_id}, RoutingRule)

    async def _position(self, command: Command[wire.RoutingRuleBody, RoutingRule]) -> int:
        if command.previous is not None:
            return command.previous.sequence_number
        catalogue = await command.configuration.catalogue(self.kind)
        rules = catalogue.all(self.kind, RoutingRule).values()
        return max((rule.sequence_number for rule in rules), default=0) + 1


RESOURCES: tuple[Resource[Any, Any], ...] = (
    ItemTypes(),
    Policies(),
    Actions(),
    Rules(),
    RoutingRules(),
    TextBanks(),
    LocationBanks(),
    HashBanks(),
)
