"""The edge: of each stamped submission, what is known of its media is said once.

    event ─▶ its turn ─▶ its media ─▶ for each: hash ─▶ match ─▶ MediaSignals ─▶ remember ─▶ ack
                 ▲                            │
                 └────────── wait ◀───────────┘ ours is at fault

Guarantees: one `media-signals` for each stamped item or report, with an id made of its submission,
so that a repeat is one; nothing is said of a submission before all of its media are done; what is
ours to blame is waited out, however long that takes, and so that others go on meanwhile; of what
goes to the dead letters it is said that nothing is known, so that no rule waits for it.
Submissions that are not stamped cost nothing. What was hashed is remembered after it was said.
Must not: acknowledge before the broker has the event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from coop_contracts.event import (
    ItemRef,
    ItemSubmitted,
    MatchedBank,
    MediaSignal,
    MediaSignals,
    ReportSubmitted,
)
from coop_contracts.ids import evaluation_id, item_key
from coop_hma_bridge import metric
from coop_hma_bridge.file_hash import QUALITY, FileHashes, Hasher, Ours
from coop_hma_bridge.matcher import Matcher
from coop_hma_bridge.seen import SeenMedium, seen_in
from coop_hma_bridge.submission import MOST, Asked, Submitted, SubmittedMedia, cause_of
from coop_hma_bridge.turn import Turn, Turns
from coop_media.fault import MediaFault
from coop_runtime.kafka.message import Message, Received, message_of
from coop_runtime.process.backoff import Backoff
from coop_runtime.process.error import MessageTooLarge, Retryable
from coop_runtime.process.telemetry import TRACEPARENT

Publish = Callable[[Sequence[Message]], Awaitable[None]]
Remember = Callable[[Sequence[SeenMedium]], Awaitable[None]]
Entails = Callable[[Received[Submitted], datetime], Sequence[Message]]
"""What is published behind a submission's signals, which were said at that time."""
T = TypeVar("T")

_AT_ONCE = 8  # media of one submission
_LAST_SECONDS = 10.0  # between two tries of what is ours


def nothing(_received: Received[Submitted], _said_at: datetime) -> Sequence[Message]:
    """Whoever waits for the signals waits already."""
    return ()


class MediaHandler:
    """The handler of both consumers. `places`: submissions under way at once, of them `of_one` of
    an organisation; `taken_in`: those that are there altogether; `entails`: what their signals
    entail."""

    def __init__(
        self,
        media: SubmittedMedia,
        hasher: Hasher,
        matcher: Matcher,
        publish: Publish,
        remember: Remember,
        *,
        places: int = 256,
        of_one: int = 64,
        taken_in: int = 5_000,
        entails: Entails = nothing,
    ) -> None:
        self._media = media
        self._hasher = hasher
        self._matcher = matcher
        self._publish = publish
        self._remember = remember
        self._entails = entails
        self._turns: Turns[Received[Submitted]] = Turns(
            self._say, places=places, of_one=of_one, taken_in=taken_in
        )
        self._waiting: dict[int, float] = {}
        self._number = 0

    @property
    def waiting_for(self) -> float:
        """Seconds that a medium has waited because of us, at most; 0 while none does."""
        return time.monotonic() - min(self._waiting.values()) if self._waiting else 0.0

    def ready(self) -> bool:
        """Whether nothing of ours has been at fault for long."""
        return self.waiting_for < _LAST_SECONDS

    async def __call__(self, batch: Sequence[Received[Any]]) -> Awaitable[None] | None:
        """Take in the stamped ones; what is returned ends with the last of them."""
        stamped = [received for received in batch if received.event.awaits_media]
        if not stamped:
            return None
        await self._turns.room()
        return _all(
            [self._turns.join(one.event.org_id, one, _size_of(one.event)) for one in stamped]
        )

    async def last_words(self, received: Received[Any], error: Exception) -> None:
        """Of a submission that goes to the dead letters: nothing is known of its media."""
        event: Submitted = received.event
        if not event.awaits_media:
            return
        why = f"it was not looked at: a fault of ours ({type(error).__name__})"
        try:
            asked = self._media.of(event).looked_at
        except Exception:  # noqa: BLE001 - perhaps what brought the record here
            asked = []
        media = [
            MediaSignal(url=one.url, field=one.field, item=one.item, error=why) for one in asked
        ]
        try:
            await self._publish([_message(received, media, datetime.now(UTC))])
        except MessageTooLarge:
            await self._publish([_message(received, [], datetime.now(UTC))])
        metric.GIVEN_UP.inc()

    async def _say(self, received: Received[Submitted], turn: Turn) -> None:
        event = received.event
        looked_at, beyond, untold = self._media.of(event)
        signals = await self._signals(event, looked_at, turn)
        media = [_of(signals[asked.url], asked) for asked in looked_at]
        media += [_refused(asked) for asked in beyond]
        metric.MEDIA.labels("too-many").inc(untold)
        now = datetime.now(UTC)
        await self._publish([_message(received, media, now), *self._entails(received, now)])
        is_item = isinstance(event, ItemSubmitted)
        metric.SUBMISSIONS.labels("item" if is_item else "report").inc()
        await self._remember(seen_in(event, media))

    async def _signals(
        self, event: Submitted, asked: Sequence[Asked], turn: Turn
    ) -> dict[str, MediaSignal]:
        """By address; some at a time."""
        found: dict[str, MediaSignal] = {}
        once: dict[str, Asked] = {}
        for one in asked:
            once.setdefault(one.url, one)
        left = iter(once.values())

        async def work() -> None:
            for one in left:
                found[one.url] = await self._signal(event, one, turn)

        workers = [asyncio.create_task(work()) for _ in range(min(_AT_ONCE, len(once)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
        return found

    async def _signal(self, event: Submitted, asked: Asked, turn: Turn) -> MediaSignal:
        def hashed() -> Awaitable[FileHashes]:
            return self._hasher.hashes(event.org_id, asked.url, submission=cause_of(event))

        try:
            hashes = await self._outlast(hashed, turn)
        except MediaFault as fault:
            return MediaSignal(url=asked.url, field=asked.field, error=str(fault))

        def look_up() -> Awaitable[tuple[MatchedBank, ...]]:
            return self._matcher.match(event.org_id, hashes, seed=cause_of(event))

        began = time.perf_counter()
        matched = await self._outlast(look_up, turn)
        metric.LOOKUP_SECONDS.observe(time.perf_counter() - began)
        for bank in matched:
            metric.MATCHES.labels(bank.algorithm).inc()
        return signal_of(asked, hashes, matched)

    async def _outlast(self, ask: Callable[[], Awaitable[T]], turn: Turn) -> T:
        """The answer, whenever ours is there again."""
        self._number += 1
        number, backoff = self._number, Backoff(last=_LAST_SECONDS)
        try:
            while True:
                try:
                    return await ask()
                except Retryable as error:
                    cause = error.cause if isinstance(error, Ours) else "hma"
                    metric.WAITS.labels(cause).inc()
                    self._waiting.setdefault(number, time.monotonic())
                    metric.WAITING.set(len(self._waiting))
                    await self._pause(backoff.next_delay(), turn if cause == "network" else None)
        finally:
            if self._waiting.pop(number, None) is not None:
                metric.WAITING.set(len(self._waiting))

    async def _pause(self, seconds: float, turn: Turn | None) -> None:
        """With a `turn`, its place is left meanwhile: another's host may answer, and tell that it
        is not us. What is away for everybody is asked again by no more than have a place."""
        async with nullcontext() if turn is None else turn.paused():
            await asyncio.sleep(seconds)


def signal_of(asked: Asked, hashes: FileHashes, matched: tuple[MatchedBank, ...]) -> MediaSignal:
    """What is said of a medium that was hashed."""
    named = {"md5": hashes.md5, "sha256": hashes.sha256}
    if hashes.kind == "VIDEO":
        named["video_md5"] = hashes.md5
    named |= dict(zip(("pdq", "pdq_upright"), hashes.pdq, strict=False))
    flat = hashes.quality is not None and hashes.quality < QUALITY and not matched
    return MediaSignal(
        url=asked.url,
        field=asked.field,
        hashes=named,
        matched_banks=matched,
        error=f"quality {hashes.quality}: there is nothing to compare" if flat else None,
        kind=hashes.kind,
        quality=hashes.quality,
        size=hashes.size,
        media_type=hashes.media_type,
    )


def _of(signal: MediaSignal, asked: Asked) -> MediaSignal:
    return replace(signal, field=asked.field, item=asked.item)


def _refused(asked: Asked) -> MediaSignal:
    metric.MEDIA.labels("too-many").inc()
    why = f"a submission's first {MOST} media are looked at"
    return MediaSignal(url=asked.url, field=asked.field, item=asked.item, error=why)


def _size_of(event: Submitted) -> int:
    size = len(memoryview(event.item.data))
    if isinstance(event, ReportSubmitted):
        others = (*event.thread_items, *event.additional_items)
        size += sum(len(memoryview(one.data)) for one in others)
    return size


def _message(received: Received[Submitted], media: Sequence[MediaSignal], now: datetime) -> Message:
    event = received.event
    said = MediaSignals(
        event_id=evaluation_id(cause=cause_of(event), what="media"),
        org_id=event.org_id,
        time=now,
        correlation_id=event.correlation_id,
        submission_id=cause_of(event),
        item=ItemRef(event.item.id, event.item.type_id),
        media=tuple(media),
    )
    key = item_key(event.org_id, event.item.type_id, event.item.id)
    parent = received.headers.get(TRACEPARENT)
    traceparent = None if parent is None else parent.decode("latin-1")
    return message_of(said, key=key, traceparent=traceparent)


async def _all(saying: Sequence[asyncio.Future[None]]) -> None:
    """Every one of them; then the first fault, an outage before a bug."""
    try:
        await asyncio.wait(saying)
    except asyncio.CancelledError:
        for one in saying:
            one.cancel()
        raise
    faults = [one.exception() for one in saying if not one.cancelled()]
    if any(one.cancelled() for one in saying):
        raise Retryable("what a submission waited for was cancelled")
    for fault in sorted(filter(None, faults), key=lambda one: not isinstance(one, Retryable)):
        raise fault
