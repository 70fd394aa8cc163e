"""Revisions of documents in the headers ETag and If-Match."""

from __future__ import annotations

import re

from coop_review_api.kernel.error import Fault, Invalid

_ETAG = re.compile(r'"(\d{1,18})"')


def etag_of(revision: int) -> str:
    return f'"{revision}"'


def expected_revision(if_match: str | None) -> int | None:
    """The revision in an If-Match header; `Invalid` for anything but one of this API's ETags."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise Invalid([Fault("#/header/If-Match", 'must be a revision in quotes, such as "12"')])
    return int(match[1])
