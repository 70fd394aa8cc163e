"""Whose fault it is that a host is silent."""

from __future__ import annotations

import asyncio

import pytest

from coop_contracts.config import Kind
from coop_hma_bridge.file_hash import FileHashes, Hasher, Ours, origin_of_url
from coop_hma_bridge.reach import AGAIN, IN_A_ROW, LATELY, REST, Reach
from coop_media.fault import MediaFault

from .conftest import ORG, TYPE, HasherOf, Said, handled, handler_of, item, table_of, until
from .media_host import Host, hosting, png
from .test_handler import Known, media, told

TABLE = table_of((Kind.ITEM_TYPE, TYPE))
DEAD = [f"http://127.0.0.1:{port}" for port in (1, 2, 3)]
"""Where nobody listens."""


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reach(clock: Clock) -> Reach:
    return Reach(now=clock)


async def outcome(hasher: Hasher, url: str, org: str = ORG) -> FileHashes | MediaFault | Ours:
    try:
        return await hasher.hashes(org, url, submission="s")
    except (MediaFault, Ours) as error:
        return error


async def test_dead_hosts_stop_nobody(host: Host, hasher_of: HasherOf) -> None:
    """Three that never answered, a hundred times: each medium is said to be unreachable, because
    another host answers; that one's media are hashed meanwhile."""
    hasher, said = hasher_of(), Said()
    handler = handler_of(TABLE, hasher, Known(png(1)), said)
    dead = [item(media(f"{DEAD[n % 3]}/{n}"), org=f"org{n % 5}") for n in range(100)]
    alive = [item(media(host.put(f"/{n}", png(1)))) for n in range(5)]
    await handled(handler, *dead, *alive)
    assert sum(matched for _, matched in told(said.events)) == 5
    assert len(said.events) == 105
    assert not hasher.reach.away


async def test_before_anybody_was_heard_nothing_is_said(hasher_of: HasherOf) -> None:
    """A process that starts without a network says of no medium that its host is silent; once one
    host answers, the dead ones are dead, also to who stood behind a hundred of their media."""
    hasher, said = hasher_of(), Said()
    handler = handler_of(TABLE, hasher, Known(png(1)), said)
    dead = [item(media(f"{DEAD[n % 3]}/{n}")) for n in range(100)]
    task = asyncio.create_task(handled(handler, *dead))
    await until(lambda: hasher.reach.away)
    assert said.messages == []
    async with hosting() as host:
        await asyncio.wait_for(handled(handler, item(media(host.put("/1", png(1))))), 20)
        assert told(said.events)[0] == (None, True)
        await asyncio.wait_for(task, 60)
    assert len(said.events) == 101
    assert all("cannot be reached" in (error or "") for error, _ in told(said.events)[1:])


async def test_one_that_answered_lately_is_asked(
    host: Host, hasher_of: HasherOf, reach: Reach, clock: Clock
) -> None:
    """Of a silent host nobody knows whether it is we; who answered a while ago is asked: it answers
    still, so the silent one is at fault; it does not, so we are, and say nothing until it does."""
    hasher = hasher_of(reach=reach)
    url = host.put("/1", png(1))
    assert isinstance(await outcome(hasher, url), FileHashes)
    clock.at += LATELY * 10
    assert isinstance(await outcome(hasher, DEAD[0] + "/1"), MediaFault)
    assert host.asked == ["/1", "/"]
    clock.at += 60
    host.hangs |= {"/", "/2"}
    assert isinstance(await outcome(hasher, DEAD[0] + "/2"), Ours)
    assert reach.away
    assert isinstance(await outcome(hasher, host.url("/2")), Ours)
    asked = len(host.asked)
    for _ in range(20):  # nobody is asked again and again
        assert isinstance(await outcome(hasher, host.url("/2")), Ours)
    assert len(host.asked) == asked
    host.hangs.clear()
    host.put("/2", png(2))
    clock.at += AGAIN
    assert isinstance(await outcome(hasher, host.url("/2")), FileHashes)
    assert not reach.away


async def test_what_is_refused_here_says_nothing_of_hosts(
    hasher_of: HasherOf, reach: Reach
) -> None:
    """An address inside, or none at all: nobody was asked, so nobody was heard."""
    hasher = hasher_of(reach=reach)
    reach.nobody_answers()
    for url in ("http://10.1.2.3/x", "http://[/", "/x", "ftp://127.0.0.1/x"):
        assert isinstance(await outcome(hasher, url), MediaFault), url
    assert reach.away


def test_others_that_answered_are_asked_in_turn(reach: Reach, clock: Clock) -> None:
    """Those that are not known to be silent first; none that answered long before the last did."""
    for host in ("old", "a", "b", "c"):
        reach.answered(host)
        clock.at += LATELY - 1 if host == "old" else 1
    reach.silent("org", "c")
    assert [reach.to_ask() for _ in range(4)] == ["b", "a", "c", "b"]


def test_little_time_is_kept_by_organisation(reach: Reach, clock: Clock) -> None:
    """Whoever sends addresses of a host that hang takes nothing from another who uses it; an answer
    ends it, and so does time."""
    for _ in range(IN_A_ROW):
        assert not reach.rests("a", "host")
        reach.silent("a", "host")
    assert reach.rests("a", "host")
    assert not reach.rests("b", "host")
    clock.at += REST
    assert not reach.rests("a", "host")
    reach.silent("a", "host")
    assert reach.rests("a", "host")
    reach.heard("b", "host")
    assert reach.rests("a", "host")
    reach.heard("a", "host")
    assert not reach.rests("a", "host")


async def test_a_host_with_little_time_is_asked_still(
    host: Host, hasher_of: HasherOf, reach: Reach
) -> None:
    """Five addresses that hang do not hide a sixth that does not."""
    hasher = hasher_of(reach=reach, within=0.3, short=0.2)
    other = host.put("/good", png(1))
    assert isinstance(await outcome(hasher, other), FileHashes)
    host.hangs |= {f"/{n}" for n in range(IN_A_ROW)}
    found = [await outcome(hasher, host.url(f"/{n}")) for n in range(IN_A_ROW)]
    assert all(isinstance(one, MediaFault) for one in found)
    assert reach.rests(ORG, host.url(""))
    assert isinstance(await outcome(hasher, host.put("/known", png(2))), FileHashes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://Example.COM/a", "http://example.com:80/b"),
        ("https://example.com/a", "https://example.com:443/b"),
    ],
    ids=["http", "https"],
)
def test_a_host_has_one_name(one: str, other: str) -> None:
    """However its address is written."""
    assert origin_of_url(one) == origin_of_url(other)
