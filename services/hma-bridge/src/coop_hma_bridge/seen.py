"""What is remembered of a medium that was hashed: whose it was, and its hashes.

Guarantees: the same media of a submission are the same rows again, whenever it is handled.
Must not: have an address, or anything of a file but its hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from coop_contracts.event import ItemRef, MediaSignal
from coop_hma_bridge.submission import Submitted, cause_of


class SeenMedium(NamedTuple):
    """One medium. `time` is when its submission was taken, `place` its number among the media of
    that; hashes are hexadecimal. `pdq` is None where there is nothing to compare."""

    org_id: str
    time: datetime
    submission_id: str
    place: int
    item: ItemRef
    field: str
    kind: Literal["IMAGE", "VIDEO", "AUDIO"]
    md5: str
    pdq: str | None
    pdq_upright: str | None
    quality: int | None


def seen_in(event: Submitted, media: Sequence[MediaSignal]) -> list[SeenMedium]:
    """Those of a submission's media that were hashed."""
    own = ItemRef(event.item.id, event.item.type_id)
    return [
        SeenMedium(
            org_id=event.org_id,
            time=event.time,
            submission_id=cause_of(event),
            place=place,
            item=one.item or own,
            field=one.field,
            kind=one.kind,
            md5=one.hashes["md5"],
            pdq=one.hashes.get("pdq"),
            pdq_upright=one.hashes.get("pdq_upright"),
            quality=one.quality,
        )
        for place, one in enumerate(media)
        if one.kind is not None and one.hashes
    ]
