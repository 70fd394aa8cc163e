"""E-mail addresses: the form in which they are compared and kept."""

from __future__ import annotations

import re

from coop_review_api.kernel.error import Fault

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")


def normalize_email(email: str) -> str:
    """The form in which addresses are compared and kept."""
    return email.strip().lower()


def check_email(email: str, at: str = "/email") -> list[Fault]:
    return [] if _EMAIL.fullmatch(email) else [Fault(at, "not an e-mail address")]
