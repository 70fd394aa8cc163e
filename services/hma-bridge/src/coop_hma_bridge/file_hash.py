"""The hashes of one medium: fetched through the guard, decoded apart, remembered for a while.

    address ─▶ hashed for this submission? ─▶ a place ─▶ fetch, MD5, SHA-256 on the way ─▶ PDQ
                                                ▲           │
                                                └─ again ───┘ its host is silent, or has no time

Guarantees: a medium's own fault is said once its host has had `within` seconds, and is final; what
is ours to blame (no room, no decoder, no network) raises `Retryable` and says nothing of the
medium: only its host's time counts. One organisation never has all places. What an address gave is
believed for the submission that asked, and for no other: what lies there may be another file now.
Must not: keep the file.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Final

import httpx
import msgspec

from coop_hma_bridge import metric
from coop_hma_bridge.cache import Remembered
from coop_hma_bridge.reach import AGAIN, Reach
from coop_media.decoder import Decoders
from coop_media.fault import MediaBusy, MediaFault
from coop_media.fetch import Fetcher
from coop_media.file import MediaFile
from coop_media.form import MediaKind
from coop_media.limit import PlaceLimits
from coop_media.order import PictureHashes
from coop_media.place import MediaPlaces
from coop_runtime.egress.transport import origin_of
from coop_runtime.process.error import Retryable

QUALITY: Final = 50
"""Under it a picture is so flat that its PDQ means nothing (what everybody uses)."""

_TRIES: Final = (1.0, 4.0)  # seconds until the second and the third
_SHORT: Final = 3.0  # what a host has that was silent several times
_ADDRESSES: Final = 50_000
_FILES: Final = 100_000
_FOR_GOOD: Final = 86_400.0

_pictures = msgspec.json.Decoder(PictureHashes)


class FileHashes(msgspec.Struct, frozen=True, kw_only=True):
    """`pdq` has the picture as stored and, where its file says that it is turned, upright; empty
    where there is nothing to see, or no picture."""

    kind: MediaKind
    media_type: str
    size: int
    md5: str
    sha256: str
    pdq: tuple[str, ...] = ()
    quality: int | None = None


class Hasher:
    """One for a process. `within`: seconds that the host of one medium has, all tries together;
    `short`: of one that was silent several times. `remember`: seconds, of what a submission's
    addresses gave."""

    def __init__(
        self,
        fetcher: Fetcher,
        decoders: Decoders,
        *,
        places: PlaceLimits,
        within: float,
        remember: float,
        reach: Reach | None = None,
        tries: tuple[float, ...] = _TRIES,
        short: float = _SHORT,
    ) -> None:
        self._fetcher = fetcher
        self._decoders = decoders
        self._places = MediaPlaces(places)
        self._within = within
        self._tries = tries
        self._short = short
        self.reach = reach or Reach()
        self._asking = asyncio.Lock()
        self._asked_at = -AGAIN
        self._addresses: Remembered[FileHashes] = Remembered(most=_ADDRESSES, seconds=remember)
        self._files: Remembered[PictureHashes] = Remembered(most=_FILES, seconds=_FOR_GOOD)
        # A decoder has a core of its own; more at once would only wait for each other.
        self._decoding = asyncio.Semaphore(_cores())

    async def hashes(self, org_id: str, url: str, *, submission: str) -> FileHashes:
        """Raises MediaFault, which is final; Retryable."""
        found = self._addresses.get(org_id, submission, url)
        if found is not None:
            metric.MEDIA.labels("remembered").inc()
            return found
        try:
            async with self._places.taken(org_id):
                began = time.perf_counter()
                found = await self._tried(org_id, url)
                metric.SECONDS.observe(time.perf_counter() - began)
        except MediaBusy:
            raise Ours("busy", "there is no room, or no decoder, for now") from None
        except MediaFault as fault:
            metric.MEDIA.labels(fault.state).inc()
            raise
        metric.MEDIA.labels(
            "flat" if found.quality is not None and not found.pdq else "hashed"
        ).inc()
        self._addresses.put(found, org_id, submission, url)
        return found

    async def _tried(self, org_id: str, url: str) -> FileHashes:
        host = origin_of_url(url)
        if not self.reach.may_try(host):
            raise Ours("network", "no host answers")
        rests = self.reach.rests(org_id, host)
        left = min(self._short, self._within) if rests else self._within
        for pause in (*(() if rests or self.reach.away else self._tries), None):
            since, began = self.reach.now(), time.monotonic()
            try:
                async with self._fetcher.fetched(
                    url, within=min(left, self._fetcher.limits.within)
                ) as file:
                    self.reach.heard(org_id, host)
                    return await self.of_file(file)
            except MediaFault as fault:
                if fault.heard:
                    self.reach.heard(org_id, host)
                # What was waited for here was not its host's time.
                left -= min(time.monotonic() - began, self._fetcher.limits.within)
                if fault.passes and pause is not None and pause < left:
                    left -= pause
                elif fault.heard is False:
                    await self._check_reach(since=since)
                    self.reach.silent(org_id, host)
                    raise
                else:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("the last try ends above")

    async def _check_reach(self, *, since: float) -> None:
        """Returns if somebody answers: then a host that was silent since then is itself at fault.
        Raises Ours."""
        if self.reach.heard_since(since):
            return
        async with self._asking:
            if self.reach.heard_since(since):
                return
            # While nobody answers, one of us asks, every now and then.
            if not self.reach.away or self.reach.now() - self._asked_at >= AGAIN:
                self._asked_at = self.reach.now()
                other = self.reach.to_ask()
                if other is not None and await self._fetcher.answers(other, within=AGAIN):
                    self.reach.answered(other)
                    return
            self.reach.nobody_answers()
        raise Ours("network", "no host answers")

    async def _picture(self, file: MediaFile) -> PictureHashes:
        known = self._files.get(file.sha256)
        if known is not None:
            return known
        async with self._decoding:
            order = self._decoders.order(file.form, part="HASH")
            made = await self._decoders.decode(file, order)
        found = _pictures.decode(made.content)
        self._files.put(found, file.sha256)
        return found

    async def of_file(self, file: MediaFile) -> FileHashes:
        """Of a file that somebody sent. Raises MediaFault, MediaBusy."""
        picture = await self._picture(file) if file.form.kind == "IMAGE" else None
        return FileHashes(
            kind=file.form.kind,
            media_type=file.form.media_type,
            size=file.size,
            md5=file.md5,
            sha256=file.sha256,
            pdq=picture.pdq if picture is not None and picture.quality >= QUALITY else (),
            quality=None if picture is None else picture.quality,
        )


def origin_of_url(url: str) -> str:
    """Scheme, name and port, without a user: the same host under one name. Raises MediaFault."""
    try:
        scheme, name, port = origin_of(httpx.URL(url))
    except (httpx.InvalidURL, ValueError, TypeError):
        raise MediaFault("unreachable", "its address is none", heard=None) from None
    return f"{scheme}://{name}:{port}"


def _cores() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return max(1, os.cpu_count() or 1)


class Ours(Retryable):
    """A fault of ours: `cause` is what is counted."""

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
