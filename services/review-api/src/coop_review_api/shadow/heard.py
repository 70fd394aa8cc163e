"""What a webhook of Coop's says: which action is done to which item, and which rules ask for it.

Guarantees: nothing else of it is read, so nothing else can be kept: no data of an item, no words of
a person; what is not an action is told from what cannot be read.
Must not: believe a body whose signature nobody checked.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Identifier = Annotated[str, Meta(min_length=1, max_length=512)]

_MOST_RULES = 1_000


class _Named(Struct, frozen=True):
    id: Identifier


class _Item(Struct, frozen=True, rename="camel"):
    id: Identifier
    type_id: Identifier


class _Action(Struct, frozen=True):
    item: _Item
    action: _Named
    rules: Annotated[tuple[_Named, ...], Meta(max_length=_MOST_RULES)] = ()


class Heard(Struct, frozen=True, kw_only=True, rename="camel", tag="webhook", tag_field="kind"):
    """A webhook. `at` is when it was received, `digest` the SHA-256 of its body; without `rule_ids`
    it was no rule that asked for it, but a person, a threshold or the platform."""

    at: datetime
    digest: str
    item_type_id: str
    item_id: str
    action_id: str
    rule_ids: tuple[str, ...] = ()


class UnreadableError(Exception):
    """A body that is no JSON object, or an action that lacks what it must have: a sentence."""


_ANY = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ACTION = msgspec.json.Decoder(_Action)


def digest_of(body: bytes) -> str:
    """By which a body is told from others."""
    return hashlib.sha256(body).hexdigest()


def heard(body: bytes, *, at: datetime) -> Heard | Literal["OTHER"]:
    """What the body says; "OTHER" for what Coop says besides: an appeal's outcome, an ignored
    item, a question. Raises `UnreadableError`."""
    try:
        fields = _ANY.decode(body)
        if not {"item", "action"} <= fields.keys():
            return "OTHER"
        action = _ACTION.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UnreadableError(f"the body cannot be read: {error}") from None
    return Heard(
        at=at,
        digest=digest_of(body),
        item_type_id=action.item.type_id,
        item_id=action.item.id,
        action_id=action.action.id,
        rule_ids=tuple(dict.fromkeys(rule.id for rule in action.rules)),
    )
