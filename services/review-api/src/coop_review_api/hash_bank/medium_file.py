"""Files of media that people are shown, for their hashes.

Guarantees: fetched through the guard, held in memory for one question, and kept nowhere; few at a
time, shared by organisation.
Must not: decide who may see what.
"""

from __future__ import annotations

import os

from coop_media.fetch import Fetcher
from coop_media.limit import FetchLimits, MiB, PlaceLimits
from coop_media.place import MediaPlaces
from coop_review_api.media.medium import Medium
from coop_runtime.egress.guard import EgressGuard

_LIMITS = FetchLimits(picture=24 * MiB, film=32 * MiB, together=64 * MiB)


class MediumFiles:
    """One process's. Close it when done."""

    def __init__(self, guard: EgressGuard) -> None:
        self._fetcher = Fetcher(guard, _LIMITS)
        self._places = MediaPlaces(PlaceLimits(places=2, of_one=1, waiting=8))

    async def content(self, medium: Medium) -> bytes:
        """What its host sends now. Raises `MediaFault`, `MediaBusy`."""
        async with (
            self._places.taken(medium.org_id),
            self._fetcher.fetched(medium.url) as file,
        ):
            return os.pread(file.fd, file.size, 0)

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._fetcher.aclose()
