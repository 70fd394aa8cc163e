"""Addresses of single sign-on: ours as a provider knows them, and where a browser may be sent.

Guarantees: ours are made of the operator's setting, never of a request's Host header; a browser is
sent to the provider it asked for, or to a path of our own console.
Must not: take a whole URL from a request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from coop_review_api.kernel.error import Fault, Invalid

MAX_PATH = 2000
SIGN_IN_PATH = "/sign-in"

# A path of the console: one slash, then no character that a browser reads as anything else.
_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """`api` and `console` are origins, such as `https://coop.example`."""

    api: str
    console: str

    def metadata(self, provider_id: str) -> str:
        """Our entity ID, and where our metadata is."""
        return self._of(provider_id, "metadata")

    def acs(self, provider_id: str) -> str:
        """Where SAML responses are posted."""
        return self._of(provider_id, "acs")

    def callback(self, provider_id: str) -> str:
        """OpenID Connect's redirect URI."""
        return self._of(provider_id, "callback")

    def start(self, provider_id: str, return_to: str | None = None) -> str:
        """Where people of the organisation sign in."""
        found = self._of(provider_id, "start")
        return found if return_to is None else with_query(found, {"returnTo": return_to})

    def finish(self, provider_id: str, ticket: str) -> str:
        """Where a browser redeems its ticket."""
        return with_query(self._of(provider_id, "finish"), {"ticket": ticket})

    def page(self, path: str) -> str:
        """A page of the console; `path` as `checked_path` gives it."""
        return self.console + path

    def failed(self, provider_id: str, outcome: str, request_id: str) -> str:
        """The console's page for signing in, told what became of this try."""
        told = {"singleSignOn": outcome, "provider": provider_id, "requestId": request_id}
        return with_query(self.console + SIGN_IN_PATH, told)

    def _of(self, provider_id: str, what: str) -> str:
        return f"{self.api}/v1/sso/{quote(provider_id, safe='')}/{what}"


def checked_path(path: str | None, *, at: str) -> str:
    """A path of the console, with query and fragment; the start page for None. Raises `Invalid`."""
    if path is None:
        return "/"
    if len(path) > MAX_PATH or not _PATH.fullmatch(path):
        raise Invalid([Fault(at, "must be a path of the console, such as /queues")])
    if path == "/v1" or path.startswith(("/v1/", "/v1?")):
        raise Invalid([Fault(at, "must be a page of the console, not of the API")])
    return path


def with_query(url: str, values: dict[str, str]) -> str:
    """The URL with these parameters besides its own."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(values)) if part)
    return urlunsplit(parts._replace(query=query, fragment=""))
