"""Callbacks: webhooks that tell of a decision without an action, to where the settings say.

Guarantees: the body is what was asked for, and for an appeal the organisation's `custom` beside it;
its form is the public wire format's (docs: "Webhooks to the platform").
Must not: hold a secret; the settings' headers stay ciphertext here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from coop_action_dispatcher.arrival import (
    SETTINGS_ID,
    Configuration,
    Undeliverable,
    expect_arrived,
)
from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import CallbackRequested

KINDS: Final = ("IGNORE", "APPEAL_DECISION")

_NAMES: Final = {"IGNORE": "ignored items", "APPEAL_DECISION": "appeal decisions"}


class Unaddressed(Undeliverable):
    """The organisation has named no URL for such callbacks: nobody waits for it."""


def settings_of(event: CallbackRequested, config: Configuration) -> OrgSettings:
    """The settings of now, with a URL for that callback.

    Raises `NotYet` when they may still arrive, `Unaddressed` when there is nothing to send to.
    """
    expect_arrived(event, config)
    found = config.get(event.org_id, Kind.SETTINGS, SETTINGS_ID)
    if not isinstance(found, OrgSettings) or not url_of(found, event.callback):
        raise Unaddressed(f"the settings name no callback URL for {_NAMES[event.callback]}")
    return found


def url_of(settings: OrgSettings, callback: str) -> str | None:
    """Where callbacks of that kind go."""
    if callback == "IGNORE":
        return settings.ignore_callback_url
    return settings.appeal_callback_url


def headers_of(settings: OrgSettings, callback: str) -> str | None:
    """The ciphertext of their headers."""
    if callback == "IGNORE":
        return settings.ignore_callback_headers
    return settings.appeal_callback_headers


def body_of(event: CallbackRequested, settings: OrgSettings) -> bytes:
    """The webhook's body as UTF-8 JSON."""
    if event.callback != "APPEAL_DECISION" or not settings.appeal_callback_body:
        return bytes(event.body)
    said = msgspec.json.decode(event.body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**said, "custom": settings.appeal_callback_body})


def urls(settings: OrgSettings) -> Iterator[tuple[str, str]]:
    """The kinds of callbacks that have a URL, with it."""
    for kind in KINDS:
        url = url_of(settings, kind)
        if url:
            yield kind, url
