"""A medium that somebody may see, and what is known of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from coop_contracts.event import ItemRef
from coop_media.fault import State
from coop_queues.reading import item_key
from coop_review_api.media_value.reference import digest_of

Stage = Literal["veiled", "grey", "clear"]
Part = Literal["picture", "sheet", "stream", "captions"]


class Medium(Struct, frozen=True, kw_only=True):
    """`url` is the platform's: for the fetcher's eyes. `severity`: of the job, from 0 to 4; 0 in an
    investigation. `job_id`: None in an investigation. `second_review_id`: where it was shown to who
    decides again."""

    org_id: str
    item: ItemRef
    url: str
    is_grave: bool
    job_id: str | None = None
    second_review_id: str | None = None
    severity: int = 0

    @property
    def item_key(self) -> str:
        return item_key(self.item.type_id, self.item.id)

    @property
    def value_key(self) -> str:
        return digest_of(self.url)


class Facts(Struct, frozen=True, kw_only=True):
    """`state` and, where it is not `ok`, `reason` and when it is worth asking again. `changed_at`:
    its host sent something else than at first, since then. `flashes`: whether a film does, from
    `flashes_at` seconds on; None until it was looked at for that."""

    state: State
    reason: str = ""
    retry_at: datetime | None = None
    kind: Literal["IMAGE", "VIDEO", "AUDIO"] | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    is_moving: bool | None = None
    has_sound: bool | None = None
    flashes: Literal["YES", "NO", "UNKNOWN"] | None = None
    flashes_at: float | None = None
    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None
    fetched_at: datetime
    changed_at: datetime | None = None
