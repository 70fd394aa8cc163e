"""The configuration as the dispatcher reads it, and whether what a request needs of it is here.

A request names the revision of the configuration that it was made under. The table of this process
may still be behind it: what is not found then is not gone, it has not arrived.

    not found, the table behind the request's revision  ──▶  NotYet: hold the delivery
    not found, the table as new as the request          ──▶  it was deleted; Undeliverable, if
                                                             nothing can be sent without it

Must not: read any document; who needs one does, and asks here when it is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from coop_contracts.config import Document, Kind
from coop_contracts.event import ActionRequested, CallbackRequested

SETTINGS_ID: Final = "settings"
"""The one document of the kind `SETTINGS` that an organisation has."""


class Configuration(Protocol):
    """The configuration table, as far as a delivery needs it."""

    def get(self, org_id: str, kind: Kind, id: str, /) -> Document | None: ...  # noqa: A002
    def all(self, org_id: str, kind: Kind) -> Mapping[str, Document]: ...
    def revision(self, org_id: str) -> int: ...


class NotYet(Exception):
    """The configuration this request was made under has not arrived here yet: hold it."""


class Undeliverable(Exception):
    """This request can never become a webhook; the message says why, for people."""


def expect_arrived(request: ActionRequested | CallbackRequested, config: Configuration) -> None:
    """Raises `NotYet` when the configuration that the request was made under is not here."""
    if config.revision(request.org_id) < request.config_revision:
        raise NotYet("the configuration of the request has not arrived yet")
