"""Fetching: what hosts do, and what becomes of it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from coop_media.fault import MediaBusy, MediaFault
from coop_media.fetch import Fetcher
from coop_media.form import form_of
from coop_media.limit import FetchLimits, PlaceLimits, StreamLimits
from coop_media.place import MediaPlaces, Ticket
from coop_media.stream import MediaStream, RangeRefused, wanted
from coop_runtime.egress.guard import EgressGuard

from .media_host import Host, drip, flood, hang, hosting, saying
from .media_made import jpeg

LIMITS = FetchLimits(picture=200_000, film=400_000, within=0.8, together=800_000)
GUARD = EgressGuard(["127.0.0.1"])


@pytest_asyncio.fixture
async def host() -> AsyncIterator[Host]:
    async with hosting() as found:
        yield found


@pytest_asyncio.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    found = Fetcher(GUARD, LIMITS)
    yield found
    await found.aclose()


async def test_a_file_is_told_by_its_bytes_and_hashed(host: Host, fetcher: Fetcher) -> None:
    """Whatever the header says, a picture is a picture; its hashes are those of what was sent."""
    content = host.files["/a.txt"] = jpeg()
    async with fetcher.fetched(host.url("/a.txt")) as file:
        assert file.form.media_type == "image/jpeg"
        assert file.size == len(content)
        assert file.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert os.pread(file.fd, len(content) + 1, 0) == content
    assert file.fd == -1
    assert "cookie" not in host.heads[0].lower()
    assert "referer" not in host.heads[0].lower()


async def refused(host: Host, fetcher: Fetcher, path: str = "/x") -> MediaFault:
    with pytest.raises(MediaFault) as found:
        async with asyncio.timeout(5), fetcher.fetched(host.url(path)):
            pass
    return found.value


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n", "gone"),
        (b"HTTP/1.1 410 X\r\ncontent-length: 0\r\n\r\n", "gone"),
        (b"HTTP/1.1 403 X\r\ncontent-length: 0\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 302 X\r\nlocation: http://169.254.169.254/x\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 302 X\r\nlocation: http://localhost:1/x\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 302 X\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 302 X\r\ncontent-length: 0\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 200 X\r\ncontent-length: 5000\r\n\r\n\x89PNG\r\n\x1a\n", "unreachable"),
        (b"HTTP/1.1 200 X\r\ncontent-length: 2147483648\r\n\r\n\x89PNG\r\n\x1a\n", "too-large"),
        (b"HTTP/1.1 200 X\r\ncontent-length: 300000\r\n\r\n" + jpeg(), "too-large"),
        (b"HTTP/1.1 200 X\r\ncontent-type: image/png\r\n\r\n<html><script>", "not-media"),
        (b'HTTP/1.1 200 X\r\ncontent-type: image/jpeg\r\n\r\n<svg onload="x">', "not-media"),
        (b"HTTP/1.1 200 X\r\n\r\n%PDF-1.4 and so on", "not-media"),
        (b"HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n", "not-media"),
        (b"HTTP/1.1 200 X\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b", "unreachable"),
        (b"not http at all\r\n\r\n", "unreachable"),
        (b"", "unreachable"),
    ],
)
async def test_what_hosts_answer_has_a_clear_state(
    host: Host, fetcher: Fetcher, answer: bytes, state: str
) -> None:
    """Each answer is told by what is wrong with it, with a time when to ask again."""
    host.behave["/x"] = saying(answer)
    fault = await refused(host, fetcher)
    assert fault.state == state
    assert fault.retry_after > 0


async def test_slow_hosts_end_in_time(host: Host, fetcher: Fetcher) -> None:
    """Silence, and a byte at a time, are ended by the deadline."""
    host.behave |= {"/x": hang, "/y": drip}
    assert (await refused(host, fetcher, "/x")).state == "unreachable"
    assert (await refused(host, fetcher, "/y")).state == "unreachable"


@pytest.mark.parametrize("announced", [None, 100_000_000_000])
async def test_an_endless_file_is_cut(host: Host, fetcher: Fetcher, announced: int | None) -> None:
    """Whether its length is announced or not, no more than the limit is read."""
    host.behave["/x"] = flood(b"\x89PNG\r\n\x1a\n" + b"\0" * 64, announced)
    assert (await refused(host, fetcher)).state == "too-large"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/a.png",
        "http://10.0.0.1/a.png",
        "http://[::1]/a.png",
        "http://2130706433/a.png",
        "http://u:p@example.com/a.png",
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "/a.png",
        "http://exa mple/",
    ],
)
async def test_addresses_inside_are_refused(url: str) -> None:
    """What is no public web address is asked of nobody."""
    fetcher = Fetcher(EgressGuard([]), LIMITS)
    with pytest.raises(MediaFault) as found:
        async with fetcher.fetched(url):
            pass
    assert found.value.state == "unreachable"
    await fetcher.aclose()


async def test_a_redirect_within_the_host_is_followed(host: Host, fetcher: Fetcher) -> None:
    """A host may send us to another of its own addresses."""
    host.files["/b"] = jpeg()
    host.behave["/a"] = saying(b"HTTP/1.1 302 X\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n")
    async with fetcher.fetched(host.url("/a")) as file:
        assert file.form.kind == "IMAGE"


def test_pictures_that_browsers_do_not_show_are_not_media() -> None:
    """HEIC is none, AVIF under a common brand is one."""
    assert form_of(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic") is None
    found = form_of(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf")
    assert found is not None
    assert found.media_type == "image/avif"


async def test_a_stream_is_given_in_pieces(host: Host) -> None:
    """Any part of a film can be had, a bounded piece at a time, from hosts without ranges too."""
    content = host.files["/f"] = os.urandom(250_000)
    stream = MediaStream(GUARD, StreamLimits(file=1_000_000, piece=100_000))
    for host.ranges in (True, False):
        found, at = bytearray(), 0
        while at < len(content):
            piece = await stream.piece(host.url("/f"), at, None, media_type="")
            assert piece.total == len(content)
            assert len(piece.content) <= 100_000
            found += piece.content
            at = piece.last + 1
        assert bytes(found) == content
    piece = await stream.piece(host.url("/f"), 10, 19, media_type="")
    assert piece.content == content[10:20]
    with pytest.raises(RangeRefused):
        await stream.piece(host.url("/f"), 250_000, None, media_type="")
    small = MediaStream(GUARD, StreamLimits(file=200_000))
    with pytest.raises(MediaFault) as refusal:
        await small.piece(host.url("/f"), 0, None, media_type="")
    assert refusal.value.state == "too-large"
    await stream.aclose()
    await small.aclose()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, (0, None)),
        ("bytes=5-", (5, None)),
        ("bytes=5-9", (5, 9)),
        ("bytes=-5", (0, None)),
        ("bytes=1-2,5-6", (0, None)),
        ("lines=1-2", (0, None)),
    ],
)
def test_ranges_are_read(header: str | None, found: tuple[int, int | None]) -> None:
    """One range of bytes is understood; anything else is the whole."""
    assert wanted(header) == found


async def test_one_organisation_never_has_all_places() -> None:
    """Whoever floods waits in a line of their own, and is then turned away."""
    places = MediaPlaces(PlaceLimits(places=2, of_one=1, waiting=1, within=0.2))
    inside, leave = asyncio.Event(), asyncio.Event()

    async def work(org_id: str) -> None:
        async with places.taken(org_id):
            inside.set()
            await leave.wait()

    first = asyncio.create_task(work("flood"))
    await inside.wait()
    second = asyncio.create_task(work("flood"))
    await asyncio.sleep(0)
    with pytest.raises(MediaBusy):
        await work("flood")
    async with places.taken("other"):
        pass
    with pytest.raises(MediaBusy):
        await second
    leave.set()
    await first
    await work("flood")


async def test_a_free_place_goes_to_who_has_fewest() -> None:
    """Two that flood hold all places but the kept one; a third is served at once, a fourth before
    those that have some already, however long these stood in line."""
    places = MediaPlaces(PlaceLimits(places=5, of_one=4, waiting=100, kept=1, within=5))
    served: list[str] = []

    def line_up(org_id: str) -> Ticket:
        ticket = places.line_up(org_id)
        ticket.add_done_callback(lambda _: served.append(org_id))
        return ticket

    flood = [("a", line_up("a")) for _ in range(20)] + [("b", line_up("b")) for _ in range(20)]
    await asyncio.sleep(0)
    assert sum(ticket.done() for _, ticket in flood) == 5  # b has the kept one
    third = line_up("c")
    fourth = line_up("d")
    await asyncio.sleep(0)
    assert not third.done()
    for place in (0, 1):
        places.leave(*flood[place])
    await asyncio.sleep(0)
    assert served[5:] == ["c", "d"]
    for one in (("c", third), ("d", fourth), *flood[2:]):
        places.leave(*one)
    await asyncio.sleep(0)
    async with places.taken("a"):
        pass


async def test_who_gives_up_in_line_leaves_no_trace() -> None:
    """Cancelled while waiting, or in the moment that the place is given."""
    places = MediaPlaces(PlaceLimits(places=1, of_one=1, waiting=10, within=5))

    async def work(leave: asyncio.Event) -> None:
        async with places.taken("org"):
            await leave.wait()

    leave = asyncio.Event()
    first = asyncio.create_task(work(leave))
    others = [asyncio.create_task(work(leave)) for _ in range(3)]
    await asyncio.sleep(0.01)
    others[0].cancel()
    leave.set()
    await first
    others[1].cancel()
    await asyncio.gather(*others, return_exceptions=True)
    async with places.taken("org"):
        pass


async def test_waiting_for_room_is_nobodys_fault(host: Host) -> None:
    """With room for one file only, and who has it taking far longer than a host may, the others are
    fetched afterwards; no host is held meanwhile, and none is called late."""
    fetcher = Fetcher(GUARD, FetchLimits(picture=200_000, within=0.2, together=200_000))
    content = jpeg()
    host.behave |= {
        f"/{number}": saying(b"HTTP/1.1 200 OK\r\n\r\n" + content) for number in range(4)
    }

    async def size(path: str) -> int:
        async with fetcher.fetched(host.url(path)) as file:
            return file.size

    async with fetcher.fetched(host.url("/0")):
        others = [asyncio.create_task(size(f"/{number}")) for number in (1, 2, 3)]
        await asyncio.wait(others, timeout=0.6)
        assert not any(one.done() for one in others)
    assert await asyncio.gather(*others) == [len(content)] * 3
    assert host.asked.count("/1") == 2
    await fetcher.aclose()


async def test_files_that_say_their_size_take_no_more_room(host: Host, fetcher: Fetcher) -> None:
    """A hundred small ones are held at once where room is for four of the largest."""
    content = jpeg()
    assert len(content) * 40 < LIMITS.together
    async with AsyncExitStack() as stack:
        for number in range(40):
            host.files[f"/{number}"] = content
            await stack.enter_async_context(fetcher.fetched(host.url(f"/{number}")))
    async with AsyncExitStack() as stack:
        for number in range(40):
            await stack.enter_async_context(fetcher.fetched(host.url(f"/{number}")))
    assert len(host.asked) == 80


async def test_whether_a_host_answers(host: Host, fetcher: Fetcher) -> None:
    """Whatever it says; not where nobody listens, or it hangs."""
    origin = host.url("")
    assert await fetcher.answers(origin, within=2)
    host.behave["/"] = hang
    assert not await fetcher.answers(origin, within=0.2)
    assert not await fetcher.answers("http://127.0.0.1:1", within=2)
    assert not await fetcher.answers("http://10.0.0.1:80", within=2)
