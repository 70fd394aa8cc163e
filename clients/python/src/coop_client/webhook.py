"""What a verified body is, by its form: one address can take all that Coop sends.

Guarantees: what a platform needs to act (ids, the decision) is there and is text; all else is as
Coop sent it, fields of later versions too.
Must not: see a body that was not verified.
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple, NoReturn

Kind = Literal["action", "appeal", "ignored", "preservation", "items", "additional-info"]


class Unreadable(Exception):
    """The body is none that is known here; the message says why, without what was said."""


class Webhook(NamedTuple):
    """A body, and what it is: the TypedDict of `coop_client.wire` that `kind` says."""

    kind: Kind
    body: dict[str, Any]


def read(body: bytes) -> Webhook:
    """What Coop said. Raises Unreadable."""
    try:
        told: Any = json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable("the body is no JSON") from None
    if not isinstance(told, dict):
        raise Unreadable("the body is no object")
    kind = _kind(told)
    _REQUIRED[kind](told)
    return Webhook(kind, told)


def _no_constant(_name: str) -> NoReturn:
    raise ValueError


def _kind(told: dict[str, Any]) -> Kind:
    if "action" in told:
        return "action"
    if "appealDecision" in told:
        return "appeal"
    if "cybertipId" in told:
        return "preservation"
    if "users" in told:
        return "additional-info"
    if "items" in told:
        return "items"
    if "typeId" in told:
        return "ignored"
    raise Unreadable("the body is of no known kind")


def _action(told: dict[str, Any]) -> None:
    _reference(told, "item")
    _text(_object(told, "action"), "id")
    _object(told, "custom")


def _appeal(told: dict[str, Any]) -> None:
    _text(told, "appealId")
    _reference(told, "item")
    if told["appealDecision"] not in ("ACCEPT", "REJECT"):
        raise Unreadable("appealDecision is neither ACCEPT nor REJECT")


def _ignored(told: dict[str, Any]) -> None:
    _text(told, "id")
    _text(told, "typeId")


def _preservation(told: dict[str, Any]) -> None:
    _text(told, "cybertipId")
    _reference(told, "user")


def _items(told: dict[str, Any]) -> None:
    _references(told, "items")


def _info(told: dict[str, Any]) -> None:
    _references(told, "users")
    _references(told, "media")


_REQUIRED = {
    "action": _action,
    "appeal": _appeal,
    "ignored": _ignored,
    "preservation": _preservation,
    "items": _items,
    "additional-info": _info,
}


def _object(told: dict[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name)
    if not isinstance(found, dict):
        raise Unreadable(f"{name} is no object")
    return found


def _text(told: dict[str, Any], name: str) -> None:
    found = told.get(name)
    if not isinstance(found, str) or not found:
        raise Unreadable(f"{name} is no text")


def _reference(told: dict[str, Any], name: str) -> None:
    found = _object(told, name)
    _text(found, "id")
    _text(found, "typeId")


def _references(told: dict[str, Any], name: str) -> None:
    found = told.get(name)
    if not isinstance(found, list):
        raise Unreadable(f"{name} is no list")
    for one in found:
        _reference({name: one}, name)
