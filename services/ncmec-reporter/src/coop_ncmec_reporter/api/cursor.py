"""Cursors of the list of reports.

Guarantees: a cursor names the last report seen, so that it stays valid while others come.
Must not: be trusted: a cursor is checked like any input.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from fastapi import HTTPException

from coop_ncmec_reporter.store import ListPlace


def encode_cursor(place: ListPlace) -> str:
    """A cursor of that place."""
    return f"{place.requested_at.isoformat()}/{place.cybertip_id}"


def decode_cursor(cursor: str | None) -> ListPlace | None:
    """The place. Raises the answer 422."""
    if cursor is None:
        return None
    time, _, cybertip_id = cursor.partition("/")
    try:
        place = ListPlace(datetime.fromisoformat(time), uuid.UUID(cybertip_id))
    except ValueError:
        place = None
    if place is None or place.requested_at.tzinfo is None:
        raise HTTPException(422, "not a cursor of this list")
    return place
