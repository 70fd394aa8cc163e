"""Lists of items as people send them: ids, and CSV with an id a line.

Must not: know what is done to the items.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from coop_review_api.enforcement.bulk import MAX_ITEMS
from coop_review_api.kernel.error import Fault, Invalid

MAX_ITEM_ID = 512
_HEADERS = frozenset({"id", "itemid", "item_id"})
_MAX_FAULTS = 50


def item_ids_of(listed: Sequence[str], lines: str | None) -> list[str]:
    """The ids of a list and of a CSV text, whose first line may be a header. Raises `Invalid`."""
    found = list(listed)
    faults = []
    if lines is not None:
        reader = csv.reader(io.StringIO(lines.removeprefix("\ufeff"), newline=""))
        for number, row in enumerate(reader, start=1):
            item_id = row[0].strip() if row else ""
            if not item_id or (number == 1 and item_id.lower() in _HEADERS):
                continue
            if len(item_id) > MAX_ITEM_ID:
                faults.append(Fault("/csv", f"line {number}: at most {MAX_ITEM_ID} characters"))
            found.append(item_id)
    if len(found) > MAX_ITEMS:
        faults.append(Fault("/csv" if lines is not None else "/itemIds", f"at most {MAX_ITEMS}"))
    if faults:
        raise Invalid(faults[:_MAX_FAULTS])
    return found
