"""The ids that Coop gives its review jobs.

    B(bullId) ":" B(guid)       bullId = B(item type) "." B(item), ":" instead of "." in old ones

`B` is base64 of UTF-8, padded, of which only the first `+` became `-` and only the first `/` `_`:
all four are read. The guid is the id of the job's decision, too.

Must not: guess: what is not such an id is none.
"""

from __future__ import annotations

import base64
import uuid
from typing import Final

_ALPHABET: Final = str.maketrans("-_", "+/")


def guid_of(external_id: str) -> str | None:
    """The job's guid, as PostgreSQL writes it."""
    guid = _decoded(external_id.rpartition(":")[2])
    try:
        return None if guid is None else str(uuid.UUID(guid))
    except ValueError:
        return None


def item_of(external_id: str) -> tuple[str, str] | None:
    """Item type and item."""
    bull_id = _decoded(external_id.partition(":")[0])
    if bull_id is None:
        return None
    type_id, mark, item_id = bull_id.partition("." if "." in bull_id else ":")
    found = (_decoded(type_id), _decoded(item_id))
    if not mark or found[0] is None or found[1] is None:
        return None
    return found[0], found[1]


def _decoded(encoded: str) -> str | None:
    try:
        return base64.b64decode(encoded.translate(_ALPHABET), validate=True).decode()
    except ValueError:  # no base64, no ASCII, or no UTF-8 in it
        return None
