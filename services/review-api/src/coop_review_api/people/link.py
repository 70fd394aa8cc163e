"""Links that people get: where the console takes a token.

The token is the fragment, which browsers send to no server: it is in no access log and no Referer.
"""

from __future__ import annotations

from typing import Literal

from coop_review_api.settings import Settings

_PATHS = {"signup": "/signup", "reset": "/reset_password"}


def link_of(settings: Settings, kind: Literal["signup", "reset"], token: str) -> str:
    """The page of the console that takes this token."""
    return f"{settings.console_url}{_PATHS[kind]}#{token}"
