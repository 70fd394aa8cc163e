"""Files of hashes: larger than other uploads, and one at a time in a process."""

from __future__ import annotations

from coop_review_api.http.upload import UploadLimits, Uploads

_LIMITS = UploadLimits(max_bytes=96 << 20, arrival=300, waiting=30, at_once=1)


class HashUploads(Uploads):
    """Room for a million hashes with their notes."""

    def __init__(self) -> None:
        super().__init__(_LIMITS)
