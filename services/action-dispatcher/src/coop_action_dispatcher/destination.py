"""Where a delivery goes and what it says: of an action by its document, of a callback by the
settings.

Guarantees: what is sent is decided at the moment of the attempt; the body, once made, stays.
Must not: decrypt; the courier does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from coop_action_dispatcher import callback, webhook
from coop_action_dispatcher.arrival import SETTINGS_ID, Configuration, Undeliverable
from coop_action_dispatcher.asked import Asked
from coop_action_dispatcher.endpoint_name import endpoint_of
from coop_contracts.config import Action, Document, Kind, OrgSettings
from coop_contracts.event import ActionRequested


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


def body_of(asked: Asked, to: Destination, config: Configuration) -> bytes:
    """The webhook's body, for its destination. Raises `NotYet` as `webhook.body_of`."""
    if isinstance(asked, ActionRequested):
        assert isinstance(to.document, Action)
        return webhook.body_of(asked, to.document, config)
    assert isinstance(to.document, OrgSettings)
    return callback.body_of(asked, to.document)


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
