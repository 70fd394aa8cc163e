"""What was sent in a span of time, looked at again: after an outage that was longer than rules
wait, or because a bank has more in it.

    items, reports ─▶ a reader of its own ─▶ stamped, of the span ─▶ MediaHandler
                                                                       ├─▶ media-signals
                                                                       └─▶ slow-evaluations

Guarantees: signals have the ids of before, and so have the effects of the media rules that are
evaluated again on what is said now: what was done is not done twice. Read is what was on the log
when it began; killed, it can be run again from the start. One submission that cannot be handled is
counted, and stops no other.
What is of an item that was erased since is left alone.
Must not: be in the service's groups, or have other rules evaluated again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import msgspec

from coop_contracts.event import EvaluationDeferred, ItemRef, ItemSubmitted, ReportSubmitted
from coop_contracts.ids import evaluation_id, item_key
from coop_hma_bridge.handler import MediaHandler
from coop_hma_bridge.submission import Submitted, items_of
from coop_runtime.kafka.message import Message, Received, message_of
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

_SLACK: Final = timedelta(minutes=5)  # of clocks, and of what waited for the broker
_AT_ONCE: Final = 500  # submissions; their turns are the handler's

_log = logger(__name__)


class Reader(Protocol):
    """A topic from a time to where it ends now (`LogReader`). Its methods block."""

    def read(self, most: int = 2000) -> list[bytes]: ...
    def close(self) -> None: ...


ReaderOf = Callable[[str, int], Reader]
"""Of a topic, from a time on (Unix ms)."""
Erased = Callable[[Sequence[tuple[str, ItemRef, datetime]]], Awaitable[set[int]]]
"""Which of these (organisation, item, when it was submitted) are erased, by their number."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `since` to before `until`; of one organisation, or of all."""

    since: datetime
    until: datetime
    org_id: str | None = None

    def has(self, event: Submitted) -> bool:
        """Whether the submission is stamped, and of the span."""
        return (
            event.awaits_media
            and self.since <= event.time < self.until
            and self.org_id in (None, event.org_id)
        )


@dataclass(kw_only=True)
class Tally:
    """Submissions: `found` of the span, by organisation; of those `done`, `erased` (left alone) and
    `failed`. Records that nobody can read are `unreadable`."""

    found: Counter[str] = field(default_factory=Counter)
    done: int = 0
    erased: int = 0
    failed: int = 0
    unreadable: int = 0


async def rehash(
    reader_of: ReaderOf,
    handler: MediaHandler | None,
    span: Span,
    *,
    erased: Erased | None = None,
    tell: Callable[[Tally], None],
) -> Tally:
    """Without a handler: counts. `tell` is told after each piece. Raises Retryable."""
    tally = Tally()
    since_ms = int((span.since - _SLACK).timestamp() * 1000)
    for kind in (ItemSubmitted, ReportSubmitted):
        reader = await asyncio.to_thread(reader_of, kind.topic, since_ms)
        try:
            while values := await asyncio.to_thread(reader.read, _AT_ONCE):
                events = _of_span(values, kind, span, tally)
                if handler is not None:
                    left = await _left(events, erased, tally)
                    await _handle(handler, left, tally)
                tell(tally)
        finally:
            await asyncio.to_thread(reader.close)
    return tally


def again(received: Received[Submitted], said_at: datetime) -> Sequence[Message]:
    """The media rules of an item, on what was said of its media then. A report has none: it was
    routed when it came."""
    event = received.event
    if not isinstance(event, ItemSubmitted):
        return ()
    deferred = EvaluationDeferred(
        event_id=evaluation_id(
            cause=event.submission_id, what=f"MEDIA again {said_at.isoformat()}"
        ),
        org_id=event.org_id,
        time=said_at,
        correlation_id=event.correlation_id,
        causation_id=event.event_id,
        submission_id=event.submission_id,
        item=event.item,
        lane="MEDIA",
        config_revision=event.config_revision,
        submitted_at=event.time,
        awaits_media=True,
        media_since=said_at,
    )
    key = item_key(event.org_id, event.item.type_id, event.item.id)
    return [message_of(deferred, key=key)]


def _of_span(
    values: Iterable[bytes], kind: type[Submitted], span: Span, tally: Tally
) -> list[Submitted]:
    found: list[Submitted] = []
    for value in values:
        try:
            event: Submitted = msgspec.json.decode(value, type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            tally.unreadable += 1
            continue
        if span.has(event):
            tally.found[event.org_id] += 1
            found.append(event)
    return found


async def _left(
    events: Sequence[Submitted], erased: Erased | None, tally: Tally
) -> list[Submitted]:
    """Those of which no item was erased."""
    if erased is None or not events:
        return list(events)
    named = [
        (number, (event.org_id, ItemRef(item.id, item.type_id), event.time))
        for number, event in enumerate(events)
        for item in items_of(event)
    ]
    gone = {named[place][0] for place in await erased([one for _, one in named])}
    tally.erased += len(gone)
    return [event for number, event in enumerate(events) if number not in gone]


async def _handle(handler: MediaHandler, events: Sequence[Submitted], tally: Tally) -> None:
    """Each by itself. Raises Retryable."""

    async def one(event: Submitted) -> None:
        received: Received[Any] = Received(event, None, type(event).topic, -1, -1, {}, -1)
        settlement = await handler([received])
        if settlement is not None:
            await settlement

    outcomes = await asyncio.gather(*(one(event) for event in events), return_exceptions=True)
    for event, outcome in zip(events, outcomes, strict=True):
        if isinstance(outcome, Retryable):
            raise outcome
        if isinstance(outcome, Exception):
            _log.error("not looked at again", submission=event.event_id, exc_info=outcome)
            tally.failed += 1
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            tally.done += 1
