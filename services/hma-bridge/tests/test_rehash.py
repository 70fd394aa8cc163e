"""Submissions of the past, looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Kind
from coop_contracts.event import EvaluationDeferred, ItemRef, ItemSubmitted, MediaSignals, encode
from coop_hma_bridge.handler import MediaHandler
from coop_hma_bridge.rehash import Span, Tally, again, rehash
from coop_hma_bridge.rehash_command import run_rehash
from coop_runtime.process.error import BrokerUnavailable

from .conftest import ORG, TIME, TYPE, HasherOf, Said, handled, handler_of, item, report, table_of
from .media_host import Host, png
from .test_handler import Known, media

TABLE = table_of((Kind.ITEM_TYPE, TYPE))
SPAN = Span(since=TIME, until=TIME + timedelta(hours=1))


class Log:
    """What is on the topics, some records at a time."""

    def __init__(self, *events: Any, also: Sequence[bytes] = ()) -> None:
        self._values: dict[str, list[bytes]] = {ItemSubmitted.topic: list(also)}
        for event in events:
            self._values.setdefault(event.topic, []).append(encode(event))
        self.opened: list[tuple[str, int]] = []
        self.closed = 0

    def __call__(self, topic: str, since_ms: int) -> Log.Reading:
        self.opened.append((topic, since_ms))
        return self.Reading(self, list(self._values.get(topic, ())))

    class Reading:
        def __init__(self, log: Log, values: list[bytes]) -> None:
            self._log = log
            self._values = values

        def read(self, most: int = 2000) -> list[bytes]:
            del most
            found, self._values = self._values[:2], self._values[2:]
            return found

        def close(self) -> None:
            self._log.closed += 1


def told(_tally: Tally) -> None:
    """Nobody listens."""


def moved(event: Any, **by: float) -> Any:
    return msgspec.structs.replace(event, time=event.time + timedelta(**by))


def again_handler(hasher_of: HasherOf, matcher: Known, said: Said) -> MediaHandler:
    return handler_of(TABLE, hasher_of(), matcher, said, entails=again)


async def test_a_plan_counts_and_touches_nothing(host: Host) -> None:
    """Stamped submissions of the span, by organisation, reports among them; what cannot be read is
    told apart. Nothing is fetched, and each topic is read from a little before."""
    picture = media(host.put("/1", png(1)))
    log = Log(
        item(picture),
        item(picture, org="org2"),
        item(picture, awaits=False),
        moved(item(picture), seconds=-1),
        moved(item(picture), hours=1),
        report(picture),
        also=[b"{", b"[]"],
    )
    tally = await rehash(log, None, SPAN, tell=told)
    assert tally == Tally(found=tally.found, unreadable=2)
    assert tally.found == {ORG: 2, "org2": 1}
    assert {since for _, since in log.opened} == {int(TIME.timestamp() * 1000) - 300_000}
    assert (len(log.opened), log.closed) == (2, 2)
    only = Span(since=SPAN.since, until=SPAN.until, org_id="org2")
    assert (await rehash(log, None, only, tell=told)).found == {"org2": 1}
    assert host.asked == []


async def test_what_was_missed_is_matched(host: Host, hasher_of: HasherOf) -> None:
    """The signals are said again under their ids, with what the banks have now; the media rules of
    an item are asked to go by them, whatever was said before. Of a report nothing else follows."""
    own, other = item(media(host.put("/1", png(1)))), report(media(host.put("/2", png(2))))
    first = Said()
    await handled(handler_of(TABLE, hasher_of(), Known(), first), own, other)
    said = Said()
    handler = again_handler(hasher_of, Known(png(1)), said)
    tally = await rehash(Log(own, other), handler, SPAN, tell=told)
    assert (tally.done, tally.failed) == (2, 0)
    topics = [one.topic for one in said.messages]
    assert topics == [MediaSignals.topic, EvaluationDeferred.topic, MediaSignals.topic]
    signals = [msgspec.json.decode(said.messages[n].value, type=MediaSignals) for n in (0, 2)]
    assert {one.event_id for one in signals} == {one.event_id for one in first.events}
    assert [bool(one.media[0].matched_banks) for one in signals] == [True, False]
    deferred = msgspec.json.decode(said.messages[1].value, type=EvaluationDeferred)
    assert (deferred.submission_id, deferred.submitted_at) == (own.submission_id, own.time)
    assert (deferred.lane, deferred.awaits_media) == ("MEDIA", True)
    assert deferred.media_since == signals[0].time
    assert deferred.item == own.item
    assert said.messages[1].key == said.messages[0].key
    assert len(said.seen) == 2


async def test_run_again_it_says_the_same(host: Host, hasher_of: HasherOf) -> None:
    """Stopped by the broker in the middle, it is run once more: ids are those of before."""
    events = [item(media(host.put(f"/{n}", png(n)))) for n in range(5)]
    said = Said()
    handler = again_handler(hasher_of, Known(), said)

    def stops(tally: Tally) -> None:
        said.fails = tally.done == 2

    with pytest.raises(BrokerUnavailable):
        await rehash(Log(*events), handler, SPAN, tell=stops)
    said.fails = False
    assert (await rehash(Log(*events), handler, SPAN, tell=told)).done == 5
    ids = [
        msgspec.json.decode(one.value, type=MediaSignals).event_id
        for one in said.messages
        if one.topic == MediaSignals.topic
    ]
    assert (len(ids), len(set(ids))) == (7, 5)


async def test_one_that_cannot_be_handled_stops_no_other(host: Host, hasher_of: HasherOf) -> None:
    """It is counted."""
    own = item(media(host.put("/1", png(1))))
    broken = msgspec.structs.replace(
        own, item=msgspec.structs.replace(own.item, data=msgspec.Raw(b"[1]"))
    )
    said = Said()
    tally = await rehash(Log(broken, own), again_handler(hasher_of, Known(), said), SPAN, tell=told)
    assert (tally.done, tally.failed) == (1, 1)
    assert len(said.messages) == 2


async def test_what_was_erased_is_left_alone(host: Host, hasher_of: HasherOf) -> None:
    """An item of somebody who was erased, and a report with one: they are counted, and neither
    fetched nor spoken of."""
    own, other = item(media(host.put("/1", png(1)))), report({}, media(host.put("/2", png(2))))
    kept, said = item(media(host.put("/3", png(3)))), Said()
    asked: list[tuple[str, ItemRef, Any]] = []

    async def erased(submitted: Sequence[tuple[str, ItemRef, Any]]) -> set[int]:
        asked.extend(submitted)
        return {n for n, one in enumerate(submitted) if n == 0 or one[1].id == "more0"}

    handler = again_handler(hasher_of, Known(), said)
    tally = await rehash(Log(own, kept, other), handler, SPAN, erased=erased, tell=told)
    assert (tally.done, tally.erased, tally.failed) == (1, 2, 0)
    assert host.asked == ["/3"]
    assert (asked[0], len(asked)) == ((ORG, ItemRef("p1", "post"), own.time), 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"], "before --until"),
        (["--since", "2026-01-01T00:00:00", "--until", "2026-01-02T00:00:00Z"], "offset"),
        (["--since", "yesterday", "--until", "2026-01-02T00:00:00Z"], "--since"),
        (["--until", "2026-01-02T00:00:00Z"], "--since"),
    ],
)
def test_wrong_usage_names_what_is_wrong(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2, before anything is opened."""
    try:
        code: Any = run_rehash(arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert said in capsys.readouterr().err
