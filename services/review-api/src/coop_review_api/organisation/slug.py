"""Slugs: what people name an organisation by when they sign in.

Guarantees: lower-case letters and digits of ASCII, with hyphens between them; never the form of an
id or of a domain, so that a name means one organisation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from coop_review_api.kernel.error import Fault, Invalid

MAX_LENGTH: Final = 63

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRIES = 99


def check_slug(slug: str) -> None:
    """Raises `Invalid` for what is no slug."""
    if not _SLUG.fullmatch(slug) or _ID.fullmatch(slug):
        reason = "letters a to z, digits, and hyphens between them, at most 63"
        raise Invalid([Fault("/slug", reason)])


def slugs_of(name: str) -> Iterator[str]:
    """Slugs for an organisation of this name, the best first; none for a name without a letter or
    digit of ASCII."""
    plain = unicodedata.normalize("NFKD", name).casefold().encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain)
    slug = "-".join(words)[: MAX_LENGTH - 3].strip("-")
    if not slug or _ID.fullmatch(slug):
        return
    yield slug
    for number in range(2, _TRIES + 1):
        yield f"{slug}-{number}"
