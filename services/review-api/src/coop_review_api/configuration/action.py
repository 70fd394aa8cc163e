"""What an action's document may say.

Guarantees: built-in actions are never changed; callback addresses are http(s) URLs with a host.
Must not: resolve or call the address; the egress guard decides at delivery, when the address that
a name resolves to is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from coop_contracts.action import applies_to
from coop_contracts.config import Action, ActionType, ItemType, Kind
from coop_contracts.error import pointer
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.parameter import check_parameters, resolve_values
from coop_review_api.kernel.error import Conflict, Fault

MAX_URL = 2048
MAX_HEADERS = 20
_MAX_HEADER_NAME = 128
_MAX_HEADER_VALUE = 4096
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, token
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")  # RFC 9110, visible ASCII
_RESERVED_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "coop-signature",
        "host",
        "transfer-encoding",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)

_CALLBACKS = frozenset({"IGNORE", "APPEAL_DECISION"})  # the dispatcher knows them by these names


def check_action(action: Action, previous: Action | None, catalogue: Catalogue) -> Iterator[Fault]:
    """Faults of an action; changing a built-in one raises `Conflict`."""
    if previous is not None and previous.action_type is not ActionType.CUSTOM_ACTION:
        raise Conflict(f"{previous.name} is a built-in action and cannot be changed")
    if action.action_type is ActionType.CUSTOM_ACTION:
        if action.callback_url is None:
            yield Fault("/callbackUrl", "required")
        else:
            yield from check_url(action.callback_url, "/callbackUrl")
        if not action.item_type_ids and not action.applies_to_all_items_of_kind:
            yield Fault("/itemTypeIds", "at least one item type, or a kind it applies to")
    if action.id in _CALLBACKS:
        yield Fault("/id", "is the name of a callback")
    yield from check_parameters(action.parameters)
    clash = {parameter.name for parameter in action.parameters} & action.callback_url_body.keys()
    for name in sorted(clash):
        yield Fault(pointer("callbackUrlBody", name), "a parameter has the same name")
    if action.reverse_action_id is not None:
        yield from _reverse(action, action.reverse_action_id, catalogue)


def _reverse(action: Action, reverse_id: str, catalogue: Catalogue) -> Iterator[Fault]:
    at = "/reverseActionId"
    if reverse_id == action.id:
        yield Fault(at, "an action does not take itself back")
        return
    reverse = catalogue.get(Kind.ACTION, Action, reverse_id)
    if reverse is None:
        return  # reported as a missing reference
    if reverse.action_type is not ActionType.CUSTOM_ACTION:
        yield Fault(at, f"{reverse.name} is a built-in action: it takes nothing back")
    # Nobody is there to give values when an action is taken back.
    if resolve_values(reverse.parameters, {}, at=at)[1]:
        yield Fault(at, f"{reverse.name} has required parameters without default values")
    for type_id in action.item_type_ids:
        item_type = catalogue.get(Kind.ITEM_TYPE, ItemType, type_id)
        if item_type is not None and not applies_to(
            reverse, item_type_id=type_id, item_kind=item_type.kind
        ):
            yield Fault(at, f"{reverse.name} does not apply to {item_type.name}")
    for kind in action.applies_to_all_items_of_kind:
        if kind not in reverse.applies_to_all_items_of_kind:
            yield Fault(at, f"{reverse.name} does not apply to all items of kind {kind}")


def check_url(url: str, at: str) -> Iterator[Fault]:
    """Faults of a callback address: its syntax only."""
    if len(url) > MAX_URL:
        yield Fault(at, f"at most {MAX_URL} characters")
        return
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        yield Fault(at, "must not contain spaces or control characters")
        return
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        yield Fault(at, f"not a URL: {error}")
        return
    if parts.scheme not in {"http", "https"} or not host:
        yield Fault(at, "must be an http or https URL")
    elif port == 0:
        yield Fault(at, "port 0 cannot be called")
    elif parts.username is not None or parts.password is not None:
        yield Fault(at, "put credentials into a header: an address is not kept secret")


def check_headers(headers: Mapping[str, str], at: str) -> Iterator[Fault]:
    """Faults of the headers of a callback."""
    if len(headers) > MAX_HEADERS:
        yield Fault(at, f"at most {MAX_HEADERS} headers")
    lowered = [name.lower() for name in headers]
    for name, value in headers.items():
        here = at + pointer(name)
        if not _HEADER_NAME.fullmatch(name) or len(name) > _MAX_HEADER_NAME:
            yield Fault(here, "not a header name")
        elif name.lower() in _RESERVED_HEADERS:
            yield Fault(here, "Coop sets this header itself")
        elif lowered.count(name.lower()) > 1:
            yield Fault(here, "given twice")
        if not _HEADER_VALUE.fullmatch(value) or len(value) > _MAX_HEADER_VALUE:
            # The value may be a secret: the reason does not repeat it.
            yield Fault(here, f"1 to {_MAX_HEADER_VALUE} visible ASCII characters")
