"""The demo organisation, as data and as the requests that create it.

A platform with posts, comments, profiles and direct messages; a few policies, actions and rules
that catch the plainest spam and abuse; three queues. It is created through review-api, as an
administrator would, so that it passes every check that a real one does.
"""

from __future__ import annotations

from typing import Any

from coop_local.demo.console_client import ConsoleClient

Json = dict[str, Any]


def _field(name: str, kind: str, *, required: bool = False, of: str | None = None) -> Json:
    container = (
        {"containerType": kind, "valueScalarType": of, "keyScalarType": None} if of else None
    )
    return {"name": name, "type": kind, "required": required, "container": container}


_AUTHORED = [
    _field("text", "STRING", required=True),
    _field("author", "RELATED_ITEM", required=True),
    _field("created_at", "DATETIME", required=True),
]

ITEM_TYPES: list[Json] = [
    {
        "name": "Post",
        "description": "What people publish on their page.",
        "kind": "CONTENT",
        "fields": [
            *_AUTHORED,
            _field("title", "STRING"),
            _field("images", "ARRAY", of="IMAGE"),
            _field("likes", "NUMBER"),
            _field("link", "URL"),
        ],
        "fieldRoles": {
            "creatorId": "author",
            "createdAt": "created_at",
            "displayName": "title",
        },
    },
    {
        "name": "Comment",
        "description": "An answer below a post.",
        "kind": "CONTENT",
        "fields": [*_AUTHORED, _field("post", "RELATED_ITEM")],
        "fieldRoles": {"creatorId": "author", "createdAt": "created_at"},
    },
    {
        "name": "Profile",
        "description": "A person's account.",
        "kind": "USER",
        "fields": [
            _field("name", "STRING", required=True),
            _field("bio", "STRING"),
            _field("avatar", "IMAGE"),
            _field("joined_at", "DATETIME"),
        ],
        "fieldRoles": {"displayName": "name", "profileIcon": "avatar", "createdAt": "joined_at"},
    },
    {
        "name": "DM thread",
        "description": "A private conversation.",
        "kind": "THREAD",
        "fields": [_field("title", "STRING"), _field("started_at", "DATETIME")],
        "fieldRoles": {"displayName": "title", "createdAt": "started_at"},
    },
    {
        "name": "Direct message",
        "description": "A message in a private conversation.",
        "kind": "CONTENT",
        "fields": [*_AUTHORED, _field("thread", "RELATED_ITEM", required=True)],
        "fieldRoles": {"creatorId": "author", "createdAt": "created_at", "threadId": "thread"},
    },
]
TEXT_TYPES = ("Post", "Comment", "Direct message")

# name, parent
POLICIES: list[tuple[str, str | None, str]] = [
    ("Spam", None, "SPAM"),
    ("Scams", "Spam", "FRAUD_AND_DECEPTION"),
    ("Unwanted advertising", "Spam", "SPAM"),
    ("Harassment", None, "HARRASSMENT"),
    ("Insults", "Harassment", "HARRASSMENT"),
    ("Threats", "Harassment", "VIOLENCE"),
]

ACTIONS: list[Json] = [
    {"name": "Remove", "description": "Takes the item down.", "itemTypes": TEXT_TYPES},
    {
        "name": "Limit reach",
        "description": "Shows the item to fewer people.",
        "itemTypes": ("Post",),
    },
    {"name": "Warn author", "description": "Sends the author a warning.", "itemTypes": TEXT_TYPES},
    {
        "name": "Suspend account",
        "description": "Locks the account for some days.",
        "itemTypes": ("Profile",),
        "parameters": [
            {
                "name": "days",
                "displayName": "Days",
                "type": "NUMBER",
                "required": True,
                "min": 1,
                "max": 365,
                "defaultValue": 7,
            }
        ],
    },
]

TEXT_BANKS: list[Json] = [
    {
        "name": "Scam phrases",
        "type": "STRING",
        "description": "What the plainest scams say.",
        "strings": [
            "claim now",
            "you have won",
            "you won",
            "prize",
            "free entry",
            "guaranteed",
            "lottery",
            "cash in your account",
            "awarded",
            "selected to receive",
            "unclaimed",
            "free gift",
            "prize draw",
            "risk free",
        ],
    },
    {
        "name": "Premium-rate patterns",
        "type": "REGEX",
        "description": "Asks to text or call a costly number.",
        "strings": [
            r"\b(text|txt|send|reply)\b.{0,60}\b(to|2)\s*\d{4,6}\b",
            r"\bcall\b.{0,40}\b0?(90|87|80)\d{6,9}\b",
            r"\d(\.\d\d)?\s*(p|£|eur)?\s*(/|per)\s*(msg|min|wk|week)",
        ],
    },
    {
        "name": "Insults",
        "type": "STRING",
        "description": "Words that mostly hurt.",
        "strings": ["idiot", "loser", "stupid clown", "shut up", "i hate you"],
    },
]

USER_NAMES = {
    "RULES_MANAGER": "rules",
    "MODERATOR_MANAGER": "lead",
    "MODERATOR": "moderator",
    "CHILD_SAFETY_MODERATOR": "childsafety",
    "ANALYST": "analyst",
    "EXTERNAL_MODERATOR": "external",
}

REVIEWERS = ("MODERATOR", "CHILD_SAFETY_MODERATOR", "EXTERNAL_MODERATOR")
"""The roles that the queues are given to; who edits queues sees them anyway."""


def _leaf(signal: str, **matching: Any) -> Json:
    return {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
        "signal": {"id": f'{{"type":"{signal}"}}', "type": signal},
        "matchingValues": matching,
        "comparator": "EQUALS",
        "threshold": "true",
    }


def _any_of(*leaves: Json) -> Json:
    return {"conjunction": "OR", "conditions": list(leaves)}


_CONTAINS = "TEXT_MATCHING_CONTAINS_TEXT"
_REGEX = "TEXT_MATCHING_CONTAINS_REGEX"


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
        for name, parent, kind in POLICIES:
            document = {"name": name, "policyType": kind, "policyText": f"{name} is not welcome."}
            if parent:
                document["parentId"] = self.ids["policies"][parent]
            await self._create("policies", document)
        for action in ACTIONS:
            await self._create("actions", self._action(action))
        for bank in TEXT_BANKS:
            await self._create("text-banks", bank)
        for queue in ("Spam", "Harassment"):
            await self._create(
                "queues",
                {
                    "name": queue,
                    "description": f"Possible {queue.lower()}.",
                    "reviewerRoles": list(REVIEWERS),
                },
            )
        for rule in self._rules():
            await self._create("rules", rule)
        for rule in self._routing_rules():
            await self._create("routing-rules", rule)
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

    def _types(self, *names: str) -> list[str]:
        return [self.ids["item-types"][name] for name in names]

    def _action(self, action: Json) -> Json:
        document = {key: value for key, value in action.items() if key != "itemTypes"}
        return document | {
            "actionType": "CUSTOM_ACTION",
            "itemTypeIds": self._types(*action["itemTypes"]),
            "callbackUrl": f"{self._callback_url}/{action['name'].lower().replace(' ', '-')}",
        }

    def _rules(self) -> list[Json]:
        banks, policies = self.ids["text-banks"], self.ids["policies"]
        enqueue = next(
            identity
            for name, identity in self.ids["actions"].items()
            if name.startswith("Enqueue Item")
        )
        texts = self._types(*TEXT_TYPES)
        return [
            {
                "name": "Plain scams",
                "status": "LIVE",
                "itemTypeIds": texts,
                "conditionSet": _any_of(_leaf(_CONTAINS, textBankIds=[banks["Scam phrases"]])),
                "actionIds": [self.ids["actions"]["Remove"]],
                "policyIds": [policies["Scams"]],
                "tags": ["demo"],
            },
            {
                "name": "Premium-rate numbers",
                "status": "LIVE",
                "itemTypeIds": texts,
                "conditionSet": {
                    "conjunction": "AND",
                    "conditions": [
                        _any_of(_leaf(_REGEX, textBankIds=[banks["Premium-rate patterns"]])),
                        _any_of(
                            _leaf(
                                "TEXT_MATCHING_NOT_CONTAINS_TEXT",
                                textBankIds=[banks["Scam phrases"]],
                            )
                        ),
                    ],
                },
                "actionIds": [enqueue],
                "policyIds": [policies["Unwanted advertising"]],
                "tags": ["demo"],
            },
            {
                "name": "Insults",
                "status": "LIVE",
                "itemTypeIds": texts,
                "conditionSet": _any_of(_leaf(_CONTAINS, textBankIds=[banks["Insults"]])),
                "actionIds": [enqueue],
                "policyIds": [policies["Insults"]],
                "tags": ["demo"],
            },
            {
                "name": "Links, watched",
                "status": "BACKGROUND",
                "itemTypeIds": texts,
                "conditionSet": _any_of(_leaf(_REGEX, strings=[r"https?://|\bwww\."])),
                "actionIds": [self.ids["actions"]["Warn author"]],
                "policyIds": [policies["Unwanted advertising"]],
                "tags": ["demo", "trial"],
            },
        ]

    def _routing_rules(self) -> list[Json]:
        banks, queues = self.ids["text-banks"], self.ids["queues"]
        texts = self._types(*TEXT_TYPES)
        return [
            {
                "name": "Insults to harassment",
                "itemTypeIds": texts,
                "conditionSet": _any_of(_leaf(_CONTAINS, textBankIds=[banks["Insults"]])),
                "destinationQueueId": queues["Harassment"],
            },
            {
                "name": "Premium-rate numbers to spam",
                "itemTypeIds": texts,
                "conditionSet": _any_of(
                    _leaf(_REGEX, textBankIds=[banks["Premium-rate patterns"]])
                ),
                "destinationQueueId": queues["Spam"],
            },
        ]
