"""Where a delivery goes and what it says: of an action by its document, of a callback by the
settings.

Guarantees: what is sent is decided at the moment of the attempt; the body, once made, stays.
Must not: decrypt; the courier does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from coop_action_dispatcher import callback, webhook
from coop_action_dispatcher.callback import SETTINGS_ID
from coop_action_dispatcher.webhook import Configuration, Undeliverable, endpoint_of
from coop_contracts.config import Action, Document, Kind, OrgSettings
from coop_contracts.event import ActionRequested, CallbackRequested

Asked = ActionRequested | CallbackRequested
"""What a delivery was asked for with."""


class Destination(NamedTuple):
    """`name` is the action's id, or the callback's kind; `document`, of that kind, holds the URL
    and `headers` (ciphertext): it stays the same object until it is changed."""

    name: str
    kind: Kind
    document: Document
    url: str
    headers: str | None


def destination_of(asked: Asked, config: Configuration) -> Destination:
    """Raises `NotYet` when it may still become known, `Undeliverable` when there is none."""
    if isinstance(asked, ActionRequested):
        action = webhook.action_of(asked, config)
        url = action.callback_url or ""
        return Destination(action.id, Kind.ACTION, action, url, action.callback_url_headers)
    settings = callback.settings_of(asked, config)
    url = callback.url_of(settings, asked.callback) or ""
    headers = callback.headers_of(settings, asked.callback)
    return Destination(asked.callback, Kind.SETTINGS, settings, url, headers)


def body_of(asked: Asked, config: Configuration) -> bytes:
    """The webhook's body. Raises as `destination_of`."""
    if isinstance(asked, ActionRequested):
        return webhook.body_of(asked, webhook.action_of(asked, config), config)
    return callback.body_of(asked, callback.settings_of(asked, config))


def id_of(asked: Asked) -> str:
    """What makes it happen once, and is its `webhook-id`."""
    return asked.execution_id if isinstance(asked, ActionRequested) else asked.callback_id


def endpoints_of(config: Configuration, org_id: str) -> Mapping[str, str]:
    """The names of the endpoints that deliveries of an organisation lead to now, by action id and
    by kind of callback."""
    urls = {
        action.id: action.callback_url
        for action in config.all(org_id, Kind.ACTION).values()
        if isinstance(action, Action) and action.callback_url
    }
    settings = config.get(org_id, Kind.SETTINGS, SETTINGS_ID)
    if isinstance(settings, OrgSettings):
        urls.update(callback.urls(settings))
    names = {}
    for name, url in urls.items():
        try:
            names[name] = endpoint_of(url)
        except Undeliverable:
            continue
    return names
