"""What is said of submissions' media, and what is not said while ours is at fault."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Kind
from coop_contracts.event import ItemRef, MatchedBank, MediaSignals
from coop_hma_bridge.file_hash import FileHashes
from coop_media.decoder import Decoders, Derivative
from coop_media.fault import MediaBusy
from coop_media.file import MediaFile
from coop_media.order import Order
from coop_runtime.process.error import Retryable

from .conftest import (
    TYPE,
    HasherOf,
    Said,
    handled,
    handler_of,
    item,
    received,
    report,
    table_of,
    until,
)
from .media_host import MP4, Host, blank, jpeg, png

TABLE = table_of((Kind.ITEM_TYPE, TYPE))


class Known:
    """A matcher that knows files by their MD5; away when told to."""

    def __init__(self, *contents: bytes) -> None:
        self.md5 = {hashlib.md5(content).hexdigest() for content in contents}
        self.away = False
        self.asked = 0

    async def match(self, org_id: str, hashes: FileHashes, *, seed: str) -> tuple[MatchedBank, ...]:
        self.asked += 1
        if self.away:
            raise Retryable("away")
        return (MatchedBank(bank_id="b1", distance=0),) if hashes.md5 in self.md5 else ()


def media(url: str, field: str = "picture") -> dict[str, Any]:
    return {field: {"url": url}}


def told(events: Sequence[MediaSignals]) -> list[tuple[str | None, bool]]:
    return [(one.error, bool(one.matched_banks)) for event in events for one in event.media]


async def test_a_picture_is_hashed_and_matched(host: Host, hasher_of: HasherOf) -> None:
    """One event for the submission: hashes by algorithm, size, kind, type by the first bytes."""
    said, url = Said(), host.put("/1", png(1))
    event = item(media(url))
    await handled(handler_of(TABLE, hasher_of(), Known(png(1)), said), event)
    (found,) = said.events
    (signal,) = found.media
    assert (found.submission_id, found.item) == (event.submission_id, ItemRef("p1", "post"))
    assert said.messages[0].key == b"org1/post/p1"
    assert (signal.url, signal.field, signal.item) == (url, "picture", None)
    assert (signal.kind, signal.media_type, signal.size) == ("IMAGE", "image/png", len(png(1)))
    assert signal.hashes["md5"] == hashlib.md5(png(1)).hexdigest()
    assert signal.hashes["sha256"] == hashlib.sha256(png(1)).hexdigest()
    assert len(signal.hashes["pdq"]) == 64
    assert signal.quality is not None
    assert signal.quality > 50
    assert signal.matched_banks[0].bank_id == "b1"


async def test_again_is_the_same_event(host: Host, hasher_of: HasherOf) -> None:
    """A submission that is handled twice says the same under the same id."""
    said, event = Said(), item(media(host.put("/1", png(1))))
    handler = handler_of(TABLE, hasher_of(), Known(), said)
    await handled(handler, event)
    await handled(handler, event)
    first, second = said.events
    assert first.event_id == second.event_id
    assert first.media == second.media


async def test_what_is_not_stamped_is_not_looked_at(host: Host, hasher_of: HasherOf) -> None:
    """Nobody waits for it, so nobody is asked."""
    said = Said()
    event = item(media(host.put("/1", png(1))), awaits=False)
    await handled(handler_of(TABLE, hasher_of(), Known(), said), event)
    assert (said.messages, host.asked) == ([], [])


async def test_films_and_all_items_of_a_report(host: Host, hasher_of: HasherOf) -> None:
    """Each medium says whose it is and in which field; a film has its MD5; an address that is there
    twice is asked for once; a copy that was saved anew has nearly the same hash."""
    said, picture = Said(), host.put("/1", png(1))
    event = report(
        {**media(picture), **media(host.put("/film", MP4), "film")},
        media(picture),
        {"other": {"url": host.put("/2", jpeg(1)), "mediaType": None}},
    )
    await handled(handler_of(TABLE, hasher_of(), Known(MP4), said), event)
    (found,) = said.events
    first, film, again, copy = found.media
    assert found.submission_id == event.report_id
    assert [one.item for one in found.media] == [
        None,
        None,
        ItemRef("more0", "post"),
        ItemRef("more1", "post"),
    ]
    assert film.kind == "VIDEO"
    assert film.hashes["video_md5"] == hashlib.md5(MP4).hexdigest()
    assert film.matched_banks
    assert again.hashes == first.hashes
    assert host.asked.count("/1") == 1
    off = int(copy.hashes["pdq"], 16) ^ int(first.hashes["pdq"], 16)
    assert 0 < off.bit_count() <= 31


async def test_a_mediums_own_fault_is_said_at_once(host: Host, hasher_of: HasherOf) -> None:
    """Gone, no medium, broken, refused, a host that hangs: each is said, with the others, within
    the time that a medium has."""
    host.files |= {"/page": b"<html>" + bytes(200), "/half": png(1)[:500], "/flat": blank()}
    host.status |= {"/forbidden": 403}
    host.hangs |= {"/hangs"}
    said, began = Said(), time.monotonic()
    paths = ("/gone", "/page", "/half", "/flat", "/forbidden", "/hangs")
    await handled(
        handler_of(TABLE, hasher_of(within=1.5), Known(), said),
        *(item(media(host.url(path))) for path in paths),
        item(media("http://10.1.2.3/private")),
    )
    assert time.monotonic() - began < 10
    assert len(told(said.events)) == 7
    assert all(error is not None and not matched for error, matched in told(said.events))
    flat = next(one for event in said.events for one in event.media if one.url.endswith("/flat"))
    assert "nothing to compare" in (flat.error or "")


async def test_a_host_that_has_no_time_is_asked_again(host: Host, hasher_of: HasherOf) -> None:
    """503 for a moment is no fault of the medium."""
    url = host.put("/1", png(1))
    host.status["/1"] = 503
    said = Said()
    handler = handler_of(TABLE, hasher_of(), Known(png(1)), said)
    task = asyncio.create_task(handled(handler, item(media(url))))
    await until(lambda: "/1" in host.asked)
    del host.status["/1"]
    await task
    assert told(said.events) == [(None, True)]


async def test_while_the_matcher_is_away_nothing_is_said(host: Host, hasher_of: HasherOf) -> None:
    """However long: the submissions wait, nothing is called unmatched, the bridge is not ready; and
    afterwards every known picture is matched."""
    matcher, said = Known(*(png(n) for n in range(20))), Said()
    matcher.away = True
    handler = handler_of(TABLE, hasher_of(), matcher, said)
    events = [item(media(host.put(f"/{n}", png(n)))) for n in range(20)]
    task = asyncio.create_task(handled(handler, *events))
    await until(lambda: matcher.asked > 60)
    assert said.messages == []
    assert handler.waiting_for > 0
    matcher.away = False
    await task
    assert told(said.events) == [(None, True)] * 20
    assert (handler.waiting_for, handler.ready()) == (0.0, True)
    assert all(host.asked.count(f"/{n}") == 1 for n in range(20))


async def test_while_our_network_is_away_nothing_is_said(host: Host, hasher_of: HasherOf) -> None:
    """When no host answers any more it is we who are away: no medium is called unreachable, and
    each is matched afterwards."""
    hasher, said = hasher_of(), Said()
    handler = handler_of(TABLE, hasher, Known(png(1)), said)
    await handled(handler, item(media(host.put("/0", png(0)))))
    paths = [f"/{n}" for n in range(1, 10)]
    host.hangs |= {"/", *paths}
    events = [item(media(host.put(path, png(1)))) for path in paths]
    task = asyncio.create_task(handled(handler, *events))
    await until(lambda: hasher.reach.away and handler.waiting_for > 0)
    assert len(said.events) == 1
    host.hangs.clear()
    await asyncio.wait_for(task, 30)
    assert told(said.events)[1:] == [(None, True)] * 9
    assert not hasher.reach.away


async def test_one_silent_host_does_not_hold_up_the_others(host: Host, hasher_of: HasherOf) -> None:
    """An organisation whose host hangs has a share of the places, and soon its media are given
    little time; another's are hashed meanwhile, though they came behind forty of those, in batches
    that are settled later."""
    hasher = hasher_of(within=1.0, try_within=0.5, places=4, of_one=2, short=0.1)
    said = Said()
    handler = handler_of(table_of((Kind.ITEM_TYPE, TYPE)), hasher, Known(), said)
    other_table = table_of((Kind.ITEM_TYPE, TYPE), org="org2")
    other_said = Said()
    other = handler_of(other_table, hasher, Known(), other_said)
    slow = [f"/slow{n}" for n in range(40)]
    host.hangs |= set(slow)
    behind = asyncio.create_task(handled(handler, *(item(media(host.url(p))) for p in slow)))
    await until(lambda: len(host.asked) >= 2)
    began = time.monotonic()
    fast = [item(media(host.put(f"/fast{n}", png(n))), org="org2") for n in range(6)]
    await handled(other, *fast)
    assert time.monotonic() - began < 5
    assert told(other_said.events) == [(None, False)] * 6
    await asyncio.wait_for(behind, 30)
    assert len(said.events) == 40
    assert time.monotonic() - began < 12  # and not the twenty seconds of all their time


async def test_a_broker_that_is_away_is_waited_for(host: Host, hasher_of: HasherOf) -> None:
    """The settlement fails as an outage, so that nothing is acknowledged; the next try says it."""
    said = Said(fails=True)
    handler = handler_of(TABLE, hasher_of(), Known(png(1)), said)
    event = item(media(host.put("/1", png(1))))
    with pytest.raises(Retryable):
        await handled(handler, event)
    said.fails = False
    await handled(handler, event)
    assert told(said.events) == [(None, True)]
    assert host.asked == ["/1"]


async def test_no_medium_is_left_out_without_a_word(host: Host, hasher_of: HasherOf) -> None:
    """Beyond a hundred media of a submission each has the reason for an error."""
    said, url = Said(), host.put("/1", png(1))
    event = report(media(url), *(media(f"{url}?{n}") for n in range(104)))
    host.files |= {f"/1?{n}": png(1) for n in range(104)}
    await handled(handler_of(TABLE, hasher_of(), Known(), said), event)
    (found,) = said.events
    assert len(found.media) == 105
    assert [one.error is None for one in found.media] == [True] * 100 + [False] * 5


async def test_an_address_that_is_there_again_takes_no_room(
    host: Host, hasher_of: HasherOf
) -> None:
    """Two hundred times the same picture are one; what comes after is looked at."""
    said, url = Said(), host.put("/1", png(1))
    last = host.put("/last", png(2))
    event = report(media(url), *(media(url) for _ in range(200)), media(last))
    await handled(handler_of(TABLE, hasher_of(), Known(png(2)), said), event)
    (found,) = said.events
    assert sorted(host.asked) == ["/1", "/last"]
    assert found.media[-1].url == last
    assert found.media[-1].matched_banks


async def test_what_is_said_is_bounded(host: Host, hasher_of: HasherOf) -> None:
    """However many and long the addresses are that came: less than a broker takes."""
    said, url = Said(), host.put("/1", png(1))
    many = [media(f"http://127.0.0.1:1/{n}/{'x' * 3000}") for n in range(2000)]
    event = report(media(url), *(media(url) for _ in range(3000)), *many[:20])
    large = report(media(url), *many)
    long = report(media(url), media(f"{url}/{'x' * 100_000}"))
    await handled(handler_of(TABLE, hasher_of(), Known(), said), event, large, long)
    assert len(said.messages) == 3
    assert all(len(one.value) < 900_000 for one in said.messages)


async def test_a_slow_submission_leaves_the_others_their_turns(
    host: Host, hasher_of: HasherOf
) -> None:
    """One organisation's five hundred submissions with a slow host take a share of what is under
    way; the one of another that comes behind them is said long before they are."""
    hasher, said = hasher_of(places=4, of_one=2, within=3.0, try_within=3.0), Said()
    handler = handler_of(TABLE, hasher, Known(), said, places=8, of_one=4)
    host.put("/0", png(0))
    await handled(handler, item(media(host.url("/0"))))
    host.hangs |= {f"/slow{n}" for n in range(500)}
    slow = [item(media(host.url(f"/slow{n}"))) for n in range(500)]
    settlement = await handler([received(event) for event in slow])
    assert settlement is not None
    behind = asyncio.ensure_future(settlement)
    before = len(asyncio.all_tasks())
    assert before < 100  # who stands in line has no task
    began = time.monotonic()
    await handled(handler, item(media(host.put("/other", png(1))), org="org2"))
    assert time.monotonic() - began < 2
    assert not behind.done()
    behind.cancel()
    await asyncio.wait([behind], timeout=10)
    await handled(handler, item(media(host.url("/0"))))


async def test_what_goes_to_the_dead_letters_is_spoken_of(host: Host, hasher_of: HasherOf) -> None:
    """Rules need not wait for a submission that nobody will look at: its media are said to be
    unknown, under the event's usual id, even where what is wrong is in finding them."""
    said, event = Said(), item(media(host.put("/1", png(1))))
    handler = handler_of(TABLE, hasher_of(), Known(), said)
    await handler.last_words(received(event), KeyError("x"))
    await handled(handler, event)
    given_up, usual = said.events
    assert (given_up.event_id, given_up.submission_id) == (usual.event_id, event.submission_id)
    ((error, matched),) = told([given_up])
    assert "KeyError" in (error or "")
    assert not matched
    broken = msgspec.structs.replace(event.item, data=msgspec.Raw(b"[1]"))
    await handler.last_words(received(msgspec.structs.replace(event, item=broken)), KeyError("x"))
    assert said.events[-1].media == ()
    await handler.last_words(received(item({}, awaits=False)), KeyError("x"))
    assert len(said.events) == 3


async def test_another_file_at_the_same_address_is_another(host: Host, hasher_of: HasherOf) -> None:
    """What an address gave is believed for the submission that asked, however soon the next
    comes: a known picture is not hidden by what lay there before."""
    said, url = Said(), host.put("/1", png(1))
    handler = handler_of(TABLE, hasher_of(), Known(png(2)), said)
    await handled(handler, item(media(url)))
    host.put("/1", png(2))
    await handled(handler, item(media(url)))
    assert told(said.events) == [(None, False), (None, True)]


async def test_no_decoder_and_no_room_are_ours(
    host: Host, hasher_of: HasherOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While none can be had nothing is said, and it is not the medium's time that is over."""
    said, hasher = Said(), hasher_of(within=0.3, try_within=0.2)
    handler = handler_of(TABLE, hasher, Known(png(1)), said)
    decode, busy = Decoders.decode, 3

    async def crowded(self: Decoders, file: MediaFile, order: Order) -> Derivative:
        nonlocal busy
        if busy:
            busy -= 1
            raise MediaBusy
        await asyncio.sleep(0.5)
        return await decode(self, file, order)

    monkeypatch.setattr(Decoders, "decode", crowded)
    await handled(handler, item(media(host.put("/1", png(1)))))
    assert told(said.events) == [(None, True)]
    assert busy == 0
