"""Whether a text has a link of a service that hides where links lead.

Must not: follow a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

DOMAINS = frozenset(
    (
        "bit.ly",
        "buff.ly",
        "cutt.ly",
        "goo.gl",
        "is.gd",
        "lnkd.in",
        "ow.ly",
        "rb.gy",
        "rebrand.ly",
        "shorturl.at",
        "t.co",
        "t.ly",
        "tiny.cc",
        "tinyurl.com",
        "v.gd",
    )
)


@lru_cache(maxsize=256)
def _pattern(domains: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(sorted(re.escape(domain) for domain in domains))
    # The whole host name and a path: neither `rabbit.ly/x` nor `bit.ly.example.com/x`.
    return re.compile(rf"(?<![\w.-])(?:www\.)?(?:{names})\.?(?::\d{{1,5}})?/\w", re.IGNORECASE)


def has_shortened_link(text: str, more: Iterable[str] = ()) -> bool:
    """True for a link, with or without its scheme, to a known service or one of `more` domains."""
    return _pattern(DOMAINS.union(more)).search(text) is not None
