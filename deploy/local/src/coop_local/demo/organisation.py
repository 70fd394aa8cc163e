"""The requests that create the demo organisation.

Guarantees: it is created through review-api, as an administrator would, so that it passes every
check that a real one does; done again, what is there stays.
"""

from __future__ import annotations

from typing import Any

from coop_local.demo.bank import TEXT_BANKS
from coop_local.demo.console_client import ConsoleClient
from coop_local.demo.document import (
    ACTED_ON,
    ACTIONS,
    CHILD_SAFETY_QUEUE,
    ITEM_TYPES,
    NCMEC_SETTINGS,
    POLICIES,
    QUEUES,
    REVIEWERS,
    TEXT_TYPES,
    Json,
)

_CONTAINS = "TEXT_MATCHING_CONTAINS_TEXT"
_REGEX = "TEXT_MATCHING_CONTAINS_REGEX"
_LIKENESS = "TEXT_SIMILARITY_SCORE"


def _leaf(signal: str, *, comparator: str = "EQUALS", at: Any = "true", **matching: Any) -> Json:
    return {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
        "signal": {"id": f'{{"type":"{signal}"}}', "type": signal},
        "matchingValues": matching,
        "comparator": comparator,
        "threshold": at,
    }


def _any_of(*children: Json) -> Json:
    return {"conjunction": "OR", "conditions": list(children)}


def _all_of(*children: Json) -> Json:
    return {"conjunction": "AND", "conditions": list(children)}


class OrganisationBuilder:
    """Creates the organisation's documents in order and remembers their ids by name."""

    def __init__(self, console: ConsoleClient, callback_url: str) -> None:
        self._console = console
        self._callback_url = callback_url
        self.ids: dict[str, dict[str, str]] = {}

    async def build(self) -> dict[str, dict[str, str]]:
        """Creates everything; returns ids by collection and name."""
        await self._existing("actions", "queues", "item-types")
        for document in ITEM_TYPES:
            await self._create("item-types", document)
        for policy in POLICIES:
            await self._create("policies", self._policy(policy))
        for action in ACTIONS:
            await self._create("actions", self._action(action))
        for bank in TEXT_BANKS:
            await self._create("text-banks", bank)
        for queue in QUEUES:
            await self._create("queues", {"reviewerRoles": list(REVIEWERS)} | queue)
        for rule in self._rules():
            await self._create("rules", rule)
        for rule in self._routing_rules():
            await self._create("routing-rules", rule)
        await self._allow_appeals()
        await self._report_to_ncmec()
        return self.ids

    async def _existing(self, *collections: str) -> None:
        for collection in collections:
            for document in await self._console.all_of(f"/v1/{collection}"):
                self.ids.setdefault(collection, {})[document["name"]] = document["id"]

    async def _create(self, collection: str, document: Json) -> None:
        if document["name"] in self.ids.get(collection, {}):
            return
        created = await self._console.call("POST", f"/v1/{collection}", document)
        self.ids.setdefault(collection, {})[document["name"]] = created["id"]

    async def _allow_appeals(self) -> None:
        settings = await self._console.call("GET", "/v1/settings")
        if not settings["hasAppealsEnabled"]:
            wanted = {
                "hasAppealsEnabled": True,
                "appealCallbackUrl": f"{self._callback_url}/appeals",
                "itemTextSearch": True,
            }
            await self._console.call("PUT", "/v1/settings", settings | wanted)

    async def _report_to_ncmec(self) -> None:
        settings = await self._console.call("GET", "/v1/settings")
        if settings["ncmecQueueId"] is None:
            queue_id = self.ids["queues"][CHILD_SAFETY_QUEUE]
            await self._console.call("PUT", "/v1/settings", settings | {"ncmecQueueId": queue_id})
        await self._console.call("PUT", "/v1/ncmec-settings", NCMEC_SETTINGS)

    def _types(self, *names: str) -> list[str]:
        return [self.ids["item-types"][name] for name in names]

    def _policy(self, policy: Json) -> Json:
        document = {key: value for key, value in policy.items() if key != "parent"}
        if policy["parent"]:
            document["parentId"] = self.ids["policies"][policy["parent"]]
        return document

    def _action(self, action: Json) -> Json:
        document = {
            key: value for key, value in action.items() if key not in {"itemTypes", "reverse"}
        }
        if reverse := action.get("reverse"):
            document["reverseActionId"] = self.ids["actions"][reverse]
        return document | {
            "actionType": "CUSTOM_ACTION",
            "itemTypeIds": self._types(*action.get("itemTypes", ACTED_ON)),
            "callbackUrl": f"{self._callback_url}/{action['name'].lower().replace(' ', '-')}",
        }

    def _bank(self, signal: str, name: str, **more: Any) -> Json:
        return _leaf(signal, textBankIds=[self.ids["text-banks"][name]], **more)

    def _rule(
        self, name: str, condition_set: Json, action_id: str, policy: str, **more: Any
    ) -> Json:
        return {
            "name": name,
            "status": "LIVE",
            "itemTypeIds": self._types(*TEXT_TYPES),
            "conditionSet": condition_set,
            "actionIds": [action_id],
            "policyIds": [self.ids["policies"][policy]],
            "tags": ["demo"],
            **more,
        }

    def _rules(self) -> list[Json]:
        actions = self.ids["actions"]
        enqueue = next(
            identity for name, identity in actions.items() if name.startswith("Enqueue Item")
        )
        likeness = {"comparator": "GREATER_THAN_OR_EQUALS", "at": 0.75}
        return [
            self._rule(
                "Plain scams",
                _any_of(self._bank(_CONTAINS, "Scam phrases")),
                actions["Remove"],
                "Scams",
            ),
            self._rule(
                "Pills, loans and hot singles",
                _any_of(self._bank(_CONTAINS, "Pills, loans, chats")),
                actions["Remove"],
                "Unwanted advertising",
            ),
            self._rule(
                "Gains for nothing",
                _any_of(self._bank(_CONTAINS, "Gains promised")),
                actions["Limit reach"],
                "Scams",
                itemTypeIds=self._types("Post"),
                description="Seen by fewer people until somebody looked.",
            ),
            self._rule(
                "Premium-rate numbers",
                _all_of(
                    _any_of(self._bank(_REGEX, "Premium-rate patterns")),
                    _any_of(self._bank("TEXT_MATCHING_NOT_CONTAINS_TEXT", "Scam phrases")),
                ),
                enqueue,
                "Unwanted advertising",
            ),
            self._rule("Insults", _any_of(self._bank(_CONTAINS, "Insults")), enqueue, "Insults"),
            self._rule(
                "Sounds like a threat",
                _any_of(self._bank(_LIKENESS, "Threats", **likeness)),
                enqueue,
                "Threats",
                description="Near to how threats were said before, misspelt or not.",
            ),
            self._rule(
                "Payment before goods",
                _any_of(self._bank(_CONTAINS, "Payment before goods")),
                enqueue,
                "Scams",
                itemTypeIds=self._types("Listing", "Direct message"),
            ),
            self._rule(
                "Links, watched",
                _any_of(_leaf(_REGEX, strings=[r"https?://|\bwww\."])),
                actions["Warn author"],
                "Unwanted advertising",
                status="BACKGROUND",
                tags=["demo", "trial"],
            ),
        ]

    def _routing_rules(self) -> list[Json]:
        return [
            self._routing(
                "Threats first",
                self._bank(_LIKENESS, "Threats", comparator="GREATER_THAN_OR_EQUALS", at=0.75),
                "Harassment",
            ),
            self._routing("Insults to harassment", self._bank(_CONTAINS, "Insults"), "Harassment"),
            self._routing("Somebody is not well", self._about("Self-harm"), "People at risk"),
            self._routing("Hard pictures", self._about("Graphic content"), "Hard pictures"),
            self._routing(
                "Threats and insults", self._about("Threats", "Insults", "Harassment"), "Harassment"
            ),
            self._routing("Market", self._bank(_CONTAINS, "Payment before goods"), "Market"),
            self._routing("What is for sale", _leaf(_REGEX, strings=["."]), "Market", "Listing"),
            self._routing(
                "Premium-rate numbers to spam",
                self._bank(_REGEX, "Premium-rate patterns"),
                "Spam",
            ),
            self._routing("Spam and scams", self._about("Spam", "Scams"), "Spam"),
        ]

    def _about(self, *policies: str) -> Json:
        """Somebody named one of these policies."""
        return _any_of(
            *(
                {
                    "input": {"type": "CONTENT_COOP_INPUT", "name": "Relevant Policy"},
                    "comparator": "EQUALS",
                    "threshold": self.ids["policies"][name],
                }
                for name in policies
            )
        )

    def _routing(self, name: str, condition: Json, queue: str, *types: str) -> Json:
        set_ = condition if "conjunction" in condition else _any_of(condition)
        return {
            "name": name,
            "itemTypeIds": self._types(*(types or ACTED_ON)),
            "conditionSet": set_,
            "destinationQueueId": self.ids["queues"][queue],
        }
