"""The demo organisation's documents, as data: a small network with posts, comments, profiles,
direct messages and things for sale; its policies, actions, banks, queues and people.
"""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]


def _field(name: str, kind: str, *, required: bool = False, of: str | None = None) -> Json:
    container = (
        {"containerType": kind, "valueScalarType": of, "keyScalarType": None} if of else None
    )
    return {"name": name, "type": kind, "required": required, "container": container}


_AUTHORED: Final = [
    _field("text", "STRING", required=True),
    _field("author", "RELATED_ITEM", required=True),
    _field("created_at", "DATETIME", required=True),
]
_AUTHORED_ROLES: Final = {"creatorId": "author", "createdAt": "created_at"}

ITEM_TYPES: Final[list[Json]] = [
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
            _field("film", "VIDEO"),
            _field("language", "STRING"),
            _field("place", "GEOHASH"),
            _field("address", "IP_ADDRESS"),
        ],
        "fieldRoles": {**_AUTHORED_ROLES, "displayName": "title", "ipAddress": "address"},
        "hiddenFields": ["address"],
    },
    {
        "name": "Comment",
        "description": "An answer below a post.",
        "kind": "CONTENT",
        "fields": [
            *_AUTHORED,
            _field("post", "RELATED_ITEM"),
            _field("answers", "RELATED_ITEM"),
            _field("address", "IP_ADDRESS"),
        ],
        "fieldRoles": {
            **_AUTHORED_ROLES,
            "threadId": "post",
            "parentId": "answers",
            "ipAddress": "address",
        },
        "hiddenFields": ["address"],
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
            _field("handle", "STRING"),
            _field("language", "STRING"),
            _field("followers", "NUMBER"),
            _field("address", "IP_ADDRESS"),
        ],
        "fieldRoles": {
            "displayName": "name",
            "profileIcon": "avatar",
            "createdAt": "joined_at",
            "ipAddress": "address",
        },
        "hiddenFields": ["address"],
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
        "fieldRoles": {**_AUTHORED_ROLES, "threadId": "thread"},
    },
    {
        "name": "Listing",
        "description": "Something for sale.",
        "kind": "CONTENT",
        "fields": [
            *_AUTHORED,
            _field("title", "STRING", required=True),
            _field("images", "ARRAY", of="IMAGE"),
            _field("price", "NUMBER"),
            _field("currency", "STRING"),
            _field("address", "IP_ADDRESS"),
        ],
        "fieldRoles": {**_AUTHORED_ROLES, "displayName": "title", "ipAddress": "address"},
        "hiddenFields": ["address"],
    },
]
TEXT_TYPES: Final = ("Post", "Comment", "Direct message")


def _policy(
    name: str,
    kind: str,
    text: str,
    guidelines: str,
    *,
    parent: str | None = None,
    penalty: str = "LOW",
    **more: Any,
) -> Json:
    return {
        "name": name,
        "parent": parent,
        "policyType": kind,
        "policyText": text,
        "enforcementGuidelines": guidelines,
        "penalty": penalty,
        **more,
    }


POLICIES: Final[list[Json]] = [
    _policy(
        "Spam",
        "SPAM",
        "Nothing that is sent to many who did not ask for it.",
        "Look at the account before the text: *age*, *same words elsewhere*, *links*.",
    ),
    _policy(
        "Scams",
        "FRAUD_AND_DECEPTION",
        "Nobody may be tricked out of money, goods or access to an account.",
        "**Remove** where payment is asked for before anything can be seen, where a gain is "
        "promised, or where people are led to another app.\n\n- A mere bad price is no scam.\n"
        "- Suspend the account when two victims reported it.",
        parent="Spam",
        penalty="HIGH",
    ),
    _policy(
        "Unwanted advertising",
        "SPAM",
        "Selling belongs to the market, not below other people's posts.",
        "Remove, warn once. A link to one's own shop in one's own profile is fine.",
        parent="Spam",
    ),
    _policy(
        "Harassment",
        "HARRASSMENT",
        "Disagree with what people say, not with their right to be here.",
        "Ask: would a reasonable person stop speaking after reading this?",
        penalty="MEDIUM",
    ),
    _policy(
        "Insults",
        "HARRASSMENT",
        "No words that only hurt.",
        "Between friends who answer alike: **no violation**. At a stranger: warn, then remove.",
        parent="Harassment",
        penalty="LOW",
    ),
    _policy(
        "Threats",
        "VIOLENCE",
        "Nobody may announce harm to a person or a place.",
        "Remove when harm is announced **and** a person, place or time is named, **even if "
        "conditional**. Suspend when the author has means or repeats. Song lyrics quoted in full "
        "are no threat.",
        parent="Harassment",
        penalty="SEVERE",
        reviewWithinMinutes=60,
    ),
    _policy(
        "Graphic content",
        "VIOLENCE",
        "Hard pictures only with a warning, and only where they inform.",
        "*Label* news and documentation. *Remove* what is shown for its own sake.",
        penalty="MEDIUM",
    ),
    _policy(
        "Self-harm",
        "SELF_HARM_AND_SUICIDE",
        "Who is not well finds help here, not a penalty.",
        "**Send help** at once; no strike. Remove only what shows how it is done.",
        penalty="NONE",
        reviewWithinMinutes=60,
        userStrikeCount=0,
    ),
]

ACTIONS: Final[list[Json]] = [
    {"name": "Restore", "description": "Puts the item back.", "penalty": "NONE"},
    {
        "name": "Remove",
        "description": "Takes the item down.",
        "penalty": "HIGH",
        "reverse": "Restore",
        "applyUserStrikes": True,
    },
    {
        "name": "Lift limit",
        "description": "Shows the item to everyone again.",
        "itemTypes": ("Post",),
        "penalty": "NONE",
    },
    {
        "name": "Limit reach",
        "description": "Shows the item to fewer people.",
        "itemTypes": ("Post",),
        "penalty": "MEDIUM",
        "reverse": "Lift limit",
    },
    {
        "name": "Label as sensitive",
        "description": "Puts a warning before the pictures.",
        "itemTypes": ("Post", "Listing"),
        "penalty": "LOW",
    },
    {
        "name": "Warn author",
        "description": "Sends the author a warning.",
        "penalty": "LOW",
    },
    {
        "name": "Send help",
        "description": "Sends the author where to find help near them.",
        "penalty": "NONE",
    },
    {
        "name": "Suspend account",
        "description": "Locks the account for some days.",
        "itemTypes": ("Profile",),
        "penalty": "SEVERE",
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
ACTED_ON: Final = (*TEXT_TYPES, "Listing")
"""The item types of an action that names none."""

QUEUES: Final[list[Json]] = [
    {"name": "Spam", "description": "Possible spam.", "targetMinutes": 720},
    {
        "name": "Harassment",
        "description": "Possible harassment, insults and threats.",
        "order": "EARLIEST_DEADLINE",
        "targetMinutes": 240,
    },
    {
        "name": "Market",
        "description": "Things for sale that may not exist.",
        "targetMinutes": 480,
        "order": "MOST_REPORTS",
    },
    {
        "name": "Hard pictures",
        "description": "Pictures that nobody should have to see unprepared.",
        "targetMinutes": 240,
    },
    {
        "name": "Child safety",
        "description": "Reports to NCMEC: tests alone, filed to a stand-in on this machine.",
        "targetMinutes": 60,
        "reviewerRoles": ["CHILD_SAFETY_MODERATOR"],
    },
    {
        "name": "People at risk",
        "description": "Somebody may not be well. Kindness first.",
        "order": "EARLIEST_DEADLINE",
        "targetMinutes": 60,
    },
]

CHILD_SAFETY_QUEUE: Final = "Child safety"

NCMEC_SETTINGS: Final[Json] = {
    "enabled": True,
    # Those of the stand-in: they open nothing else.
    "username": "demo",
    "password": "demo",
    "companyReportName": "Largo",
    "legalUrl": "https://largo.example/law",
    "contactEmail": "safety@largo.example",
    "termsOfService": "Nothing that harms a child. What does is reported.",
    "contactPerson": {
        "firstName": "Sofia",
        "lastName": "Lindqvist",
        "email": "law@largo.example",
    },
    "moreInfoUrl": "https://largo.example/safety",
    "internetDetail": "WEB_PAGE",
    "minimumMedia": 1,
}
"""Complete, and of no production queue: what is filed are tests."""

USER_NAMES: Final = {
    "RULES_MANAGER": "rules",
    "MODERATOR_MANAGER": "lead",
    "MODERATOR": "moderator",
    "CHILD_SAFETY_MODERATOR": "childsafety",
    "ANALYST": "analyst",
    "EXTERNAL_MODERATOR": "external",
}
"""Who signs in as what: the name before the @."""

STAFF: Final = {
    "RULES_MANAGER": "Minh Tran",
    "MODERATOR_MANAGER": "Leila Haddad",
    "MODERATOR": "Ngozi Adeyemi",
    "CHILD_SAFETY_MODERATOR": "Sofia Lindqvist",
    "ANALYST": "Aiko Tanabe",
    "EXTERNAL_MODERATOR": "Mateus Ferraz",
}
"""What they are called."""

COLLEAGUES: Final = {
    "kwame": ("Kwame Boateng", "MODERATOR"),
    "hana": ("Hana Ishikawa", "MODERATOR"),
    "tomasz": ("Tomasz Wrona", "EXTERNAL_MODERATOR"),
}
"""Who else decides: the name before the @, what they are called, their role."""

REVIEWERS: Final = ("MODERATOR", "CHILD_SAFETY_MODERATOR", "EXTERNAL_MODERATOR")
"""The roles that the queues are given to; who edits queues sees them anyway."""
