"""What is known of submissions' media: hashes and the hash banks that have them.

    coop.media-signals.v1 ─▶ reader (a thread, no group) ─▶ kept by submission ─▶ who awaits it

Guarantees: values that are on the log by a submission's deadline are given, also when they came
before the process started: the log is read again from the submission's time. Values that come twice
are those of the first, until who asks wants later ones (`since`). What is kept is bounded.
Must not: be asked for values of a submission whose time is not known.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import KafkaError, KafkaException

from coop_contracts.event import MediaSignal, MediaSignals, SignalValue
from coop_rules.language.need import Need
from coop_runtime.kafka.log_reader import offsets_at, reading_config
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings
from coop_signals import metric

KEPT: Final = 100_000  # submissions, the newest read
CATCH_UP_SECONDS: Final = 40.0  # to read what was on the log already
_SLACK_MS = 60_000  # of clocks
_BEGIN_MS = 600_000
_POLL_SECONDS = 0.2
_AGAIN_SECONDS = 1.0

_decode = msgspec.json.Decoder(MediaSignals).decode
_log = logger(__name__)


class _Said(NamedTuple):
    """Of one submission."""

    first: MediaSignals
    newest: MediaSignals


class _Waiter(NamedTuple):
    """Who waits for a submission's values, and from when on they count."""

    future: asyncio.Future[MediaSignals]
    since: datetime | None

    def takes(self, event: MediaSignals) -> bool:
        """Whether this is what is waited for."""
        return self.since is None or event.time >= self.since


class MediaValues:
    """One for a process; `run` reads until cancelled. `kept`: of how many submissions it keeps
    the values; `catch_up`: seconds in which what was on the log already is read. `name` is the
    client's."""

    def __init__(
        self,
        settings: RuntimeSettings | None,
        *,
        name: str = "media-signals",
        kept: int = KEPT,
        catch_up: float = CATCH_UP_SECONDS,
    ) -> None:
        self._settings = settings
        self._name = name
        self._catch_up = catch_up
        self._limit = kept
        self._kept: OrderedDict[str, _Said] = OrderedDict()
        self._waiting: dict[str, set[_Waiter]] = {}
        self._caught_up = asyncio.Event()
        self._since_ms = int(time.time() * 1000) - _BEGIN_MS
        self._round = 0  # rises with every reading from an earlier time
        self._stopping = threading.Event()

    def take(self, event: MediaSignals) -> None:
        """What one record says; of a submission's, the first counts, and the newest for who wants
        later ones."""
        known = self._kept.get(event.submission_id)
        if known is None or known.newest.time < event.time:
            metric.MEDIA_SIGNALS.labels("read").inc()
            first = event if known is None else known.first
            self._kept[event.submission_id] = _Said(first, event)
        else:
            metric.MEDIA_SIGNALS.labels("repeated").inc()
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        for waiter in self._waiting.get(event.submission_id, ()):
            if waiter.takes(event) and not waiter.future.done():
                waiter.future.set_result(event)

    async def get(
        self,
        submission_id: str,
        *,
        submitted: datetime,
        deadline: float,
        since: datetime | None = None,
    ) -> MediaSignals | None:
        """The submission's values, by `deadline` (Unix seconds), those that were said at `since` or
        later where that is given; None if they have not come, and are not on the log.

        Raises Retryable where the log cannot be read.
        """
        known = self._kept.get(submission_id)
        if known is not None and since is None:
            return known.first
        if known is not None and since is not None and known.newest.time >= since:
            return known.newest
        self._cover(int((since or submitted).timestamp() * 1000) - _SLACK_MS)
        future: asyncio.Future[MediaSignals] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(future, since)
        waiting = self._waiting.setdefault(submission_id, set())
        waiting.add(waiter)
        try:
            left = deadline - time.time()
            if left > 0:
                await asyncio.wait([future], timeout=left)
            if not future.done():
                await self._read_whole(future)
            return future.result() if future.done() else None
        finally:
            waiting.discard(waiter)
            if not waiting and self._waiting.get(submission_id) is waiting:
                del self._waiting[submission_id]

    async def _read_whole(self, future: asyncio.Future[MediaSignals]) -> None:
        """Waits until what is on the log has been read, or the future is there."""
        if self._caught_up.is_set():
            return
        reading = asyncio.create_task(self._caught_up.wait())
        try:
            waited: list[asyncio.Future[Any]] = [reading, future]
            await asyncio.wait(
                waited,
                timeout=self._catch_up,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            reading.cancel()
        if not self._caught_up.is_set() and not future.done():
            raise Retryable("the media values on the log cannot be read")

    def _cover(self, since_ms: int) -> None:
        if since_ms < self._since_ms:
            # Further back than need be, lest each older submission begins anew.
            self._since_ms = since_ms - _BEGIN_MS
            self._round += 1
            self._caught_up.clear()

    def ready(self) -> bool:
        return self._caught_up.is_set()

    async def run(self) -> None:
        """Reads the topic. Raises KafkaException when the client cannot go on."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def in_loop(call: Any, *arguments: Any) -> None:
            try:
                loop.call_soon_threadsafe(call, *arguments)
            except RuntimeError:
                self._stopping.set()  # the loop is closed

        def read() -> None:
            error: BaseException | None = None
            try:
                self._read(in_loop)
            except BaseException as raised:  # noqa: BLE001 - handed to the event loop
                error = raised
            in_loop(_finish, ended, error)

        threading.Thread(target=read, name="media reader", daemon=True).start()
        try:
            await asyncio.shield(ended)
        finally:
            self._stopping.set()
            await asyncio.wait([ended], timeout=5)

    def _read(self, in_loop: Any) -> None:
        assert self._settings is not None
        client = KafkaConsumer(reading_config(self._settings, self._name))
        try:
            round_ = -1
            unread: set[int] = set()
            while not self._stopping.is_set():
                if round_ != self._round:
                    wanted = self._round
                    try:
                        starts = offsets_at(client, MediaSignals.topic, self._since_ms)
                    except KafkaException as error:
                        _log.warning("media values out of reach", error=str(error))
                        self._stopping.wait(_AGAIN_SECONDS)
                        continue
                    client.assign(starts)
                    unread = {start.partition for start in starts}
                    round_ = wanted
                self._consume(client, round_, unread, in_loop)
        finally:
            client.close()

    def _consume(self, client: KafkaConsumer, round_: int, unread: set[int], in_loop: Any) -> None:
        events: list[MediaSignals] = []
        behind = bool(unread)
        for message in client.consume(500, timeout=_POLL_SECONDS):
            error = message.error()
            if error is None:
                _append(events, message.value())
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition())
            elif error.fatal():
                raise KafkaException(error)
            else:
                _log.warning("media values out of reach", error=error.str())
        if events or (behind and not unread):
            in_loop(self._taken, events, round_ if not unread else -1)

    def _taken(self, events: Sequence[MediaSignals], caught_up: int) -> None:
        for event in events:
            self.take(event)
        if caught_up == self._round:
            self._caught_up.set()


def media_values(
    need: Need, inputs: Sequence[Any], found: MediaSignals | None, *, why: str
) -> list[SignalValue]:
    """A hash signal's value for each medium of the need's input; `why` there are none, if so.

    A medium matches if one of the need's banks has its hash.
    """
    by_url: dict[str, MediaSignal] = {}
    for medium in found.media if found is not None else ():
        by_url.setdefault(medium.url, medium)
    banks = frozenset(need.matching.image_bank_ids) if need.matching is not None else frozenset()
    return [
        _value(need, position, by_url.get(_url(value)), banks, why)
        for position, value in enumerate(inputs)
    ]


def _value(
    need: Need, position: int, medium: MediaSignal | None, banks: frozenset[str], why: str
) -> SignalValue:
    error = why if medium is None else medium.error
    if medium is None or error is not None:
        return SignalValue(key=need.key, signal=need.signal.name, position=position, error=error)
    matched = [
        bank.bank_id
        for bank in medium.matched_banks
        if bank.bank_id in banks and not bank.known_good
    ]
    return SignalValue(
        key=need.key,
        signal=need.signal.name,
        position=position,
        score=bool(matched),
        matched_value=matched[0] if matched else None,
    )


def _url(value: Any) -> str:
    found = value.get("url") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _append(events: list[MediaSignals], value: bytes | None) -> None:
    try:
        events.append(_decode(value or b""))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        # Whose item waits for it goes on at its deadline.
        metric.MEDIA_SIGNALS.labels("undecodable").inc()
        _log.error("media values cannot be read", error=str(error))


def _finish(ended: asyncio.Future[None], error: BaseException | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)
