"""A Hasher-Matcher-Actioner: a stub that answers as 1.1.7 does, or the one at COOP_TEST_HMA."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from coop_contracts.config import HashBank, Kind
from coop_contracts.event import MatchedBank
from coop_hma_bridge.exchange_keeper import ExchangeBook
from coop_hma_bridge.file_hash import FileHashes, Ours
from coop_hma_bridge.hma import Hma
from coop_hma_bridge.hma_matcher import BothMatchers, HmaKeeper, HmaMatcher

from .conftest import ORG, TYPE, HasherOf, Said, handled, handler_of, item, table_of, until
from .hma_stub import Stub
from .media_host import Host, png

PDQ = f"{random.Random(1).getrandbits(256):064x}"
RUN = f"{random.getrandbits(32):08X}"


def name(label: str) -> str:
    """Of a bank of this run: a real instance keeps those of others."""
    return f"COOP_{label}_{RUN}"


def bank(label: str, ratio: float = 1.0) -> HashBank:
    return HashBank(id=label, name=label, hma_name=name(label), enabled_ratio=ratio)


def no_exchanges() -> ExchangeBook:
    book = ExchangeBook()
    book.take(())
    return book


class Known:
    """Names of ours, without a database."""

    def __init__(self, *names: str) -> None:
        self.all = set(names)

    async def names(self) -> set[str]:
        return set(self.all)

    async def add(self, names: Mapping[str, str]) -> None:
        self.all |= set(names)


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
async def hma(stub: Stub) -> AsyncIterator[Hma]:
    found = Hma("http://hma", "secret", timeout=2, transport=httpx.MockTransport(stub))
    yield found
    await found.aclose()


def hashes(pdq: str | None = PDQ, *, kind: Any = "IMAGE", md5: str = "0" * 32) -> FileHashes:
    return FileHashes(
        kind=kind,
        media_type="",
        size=1,
        md5=md5,
        sha256="",
        pdq=() if pdq is None else (pdq,),
    )


def near(bits: int) -> str:
    return f"{int(PDQ, 16) ^ ((1 << bits) - 1):064x}"


async def test_banks_are_made_as_they_are_configured(stub: Stub, hma: Hma) -> None:
    """New ones with their ratio, changed ones anew, those that are gone get ratio 0 and stay;
    banks that are not ours are not touched, though another installation named them as we would.
    Doing it again changes nothing."""
    stub.banks = {"THEIRS": 1.0, name("GONE"): 1.0, name("ANOTHERS"): 1.0}
    own = Known(name("GONE"))
    table = table_of((Kind.HASH_BANK, bank("A")), (Kind.HASH_BANK, bank("B", 0.25)))
    assert await HmaKeeper(table, hma, own).keep() == 3
    wanted = {"THEIRS": 1.0, name("GONE"): 0.0, name("ANOTHERS"): 1.0}
    wanted |= {name("A"): 1.0, name("B"): 0.25}
    assert stub.banks == wanted
    assert await HmaKeeper(table, hma, own).keep() == 0
    changed = table_of((Kind.HASH_BANK, bank("A", 0.5)), (Kind.HASH_BANK, bank("B", 0.25)))
    assert await HmaKeeper(changed, hma, own).keep() == 1
    assert stub.banks == wanted | {name("A"): 0.5}
    assert await HmaKeeper(table_of((Kind.HASH_BANK, bank("A", 0.5))), hma, own).keep() == 1
    assert stub.banks[name("B")] == 0.0
    assert {request.method for request in stub.asked} == {"GET", "POST", "PUT"}


async def test_a_look_up_names_the_organisations_banks(stub: Stub, hma: Hma) -> None:
    """By hash, with the submission as the seed; the answer is by our ids, nearest first, and no
    other tenant's; films by MD5."""
    stub.banks = {name("A"): 1.0, name("B"): 1.0, "THEIRS": 1.0}
    stub.contents = [(name("A"), "pdq", near(9)), (name("A"), "pdq", near(2))]
    stub.contents += [("THEIRS", "pdq", PDQ), (name("B"), "video_md5", "ab" * 16)]
    table = table_of((Kind.HASH_BANK, bank("A")), (Kind.HASH_BANK, bank("B")))
    matcher = HmaMatcher(table, hma, no_exchanges())
    (found,) = await matcher.match(ORG, hashes(PDQ.upper()), seed="submission-1")
    assert found == MatchedBank(bank_id="A", distance=2, signal_ids=("hma:2", "hma:1"))
    (film,) = await matcher.match(ORG, hashes(None, kind="VIDEO", md5="ab" * 16), seed="s")
    assert (film.bank_id, film.algorithm, film.distance) == ("B", "md5", 0)
    asked = [request for request in stub.asked if request.url.path == "/m/lookup"]
    assert asked[0].url.params["seed"] == "submission-1"
    assert asked[0].headers["authorization"] == "Bearer secret"
    assert not any("url" in request.url.params for request in asked)
    assert await matcher.match("org2", hashes(), seed="s") == ()


@pytest.mark.parametrize(
    "broken",
    [
        httpx.Response(500, json={"message": "oops"}),
        httpx.Response(502, text="<html>"),
        httpx.Response(503, json={"message": "index not yet ready"}),
        httpx.Response(401),
        httpx.Response(404, text="<!doctype html>"),
        httpx.Response(302, headers={"location": "http://elsewhere"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[1]),
        httpx.Response(200, json={name("A"): [{"id": 1}]}),
    ],
    ids=["500", "502", "503", "401", "404", "302", "a page", "a list", "no distance"],
)
async def test_what_is_no_answer_is_an_outage(stub: Stub, hma: Hma, broken: httpx.Response) -> None:
    """Never "no match"."""
    matcher = HmaMatcher(table_of((Kind.HASH_BANK, bank("A"))), hma, no_exchanges())
    stub.banks = {name("A"): 1.0}
    assert await matcher.match(ORG, hashes(), seed="s") == ()
    stub.broken = broken
    with pytest.raises(Ours):
        await matcher.match(ORG, hashes(), seed="s")


@pytest.mark.parametrize("piece", [1, 65536], ids=["slow", "endless"])
async def test_an_answer_is_bounded_in_size_and_time(piece: int) -> None:
    """One that never ends, and one that comes a byte at a time, are outages, and soon."""

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" " * piece)
                await writer.drain()
                await asyncio.sleep(0.01 if piece == 1 else 0)

    table = table_of((Kind.HASH_BANK, bank("A")))
    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hma = Hma(f"http://127.0.0.1:{port}", "", timeout=1)
    async with asyncio.timeout(5):
        with pytest.raises(Ours):
            await HmaMatcher(table, hma, no_exchanges()).match(ORG, hashes(), seed="s")
    await hma.aclose()
    server.close()


async def test_a_stale_index_is_an_outage(stub: Stub) -> None:
    """It answers look-ups all the same, with what it knew a while ago."""
    clock = [0.0]
    transport = httpx.MockTransport(stub)
    hma = Hma("http://hma", "", timeout=2, transport=transport, now=lambda: clock[0])
    matcher = HmaMatcher(table_of((Kind.HASH_BANK, bank("A"))), hma, no_exchanges())
    stub.status = 503
    with pytest.raises(Ours):
        await matcher.match(ORG, hashes(), seed="s")
    stub.status = 200
    assert await matcher.match(ORG, hashes(), seed="s") == ()
    stub.status = 503
    clock[0] = 10.0
    with pytest.raises(Ours):
        await matcher.match(ORG, hashes(), seed="s")
    await hma.aclose()


async def test_dead_for_a_while_all_are_matched_afterwards(
    stub: Stub, hma: Hma, host: Host, hasher_of: HasherOf
) -> None:
    """Forty pictures come while it is dead: nothing is said of any; when it is back each is said,
    in both modes' banks, and none was fetched twice."""
    table = table_of((Kind.HASH_BANK, bank("A")), (Kind.ITEM_TYPE, TYPE))

    class Own:
        async def match(self, *_: Any, **__: Any) -> tuple[MatchedBank, ...]:
            return (MatchedBank(bank_id="own"),)

    stub.banks = {name("A"): 1.0}
    hasher, said = hasher_of(), Said()
    for number in range(40):
        url = host.put(f"/{number}", png(number))
        host.put(f"/known{number}", png(number))
        assert url
    known = [
        (await hasher.hashes(ORG, host.url(f"/known{n}"), submission="s")).pdq[0] for n in range(40)
    ]
    stub.contents = [(name("A"), "pdq", bits) for bits in known]
    stub.broken = httpx.Response(502, text="<html>")
    handler = handler_of(
        table, hasher, BothMatchers(Own(), HmaMatcher(table, hma, no_exchanges())), said
    )
    events = [item({"picture": {"url": host.url(f"/{n}")}}) for n in range(40)]
    task = asyncio.create_task(handled(handler, *events))
    asked = len(stub.asked)
    await until(lambda: len(stub.asked) > asked + 80)
    assert said.messages == []
    stub.broken = None
    await task
    banks = [{one.bank_id for one in event.media[0].matched_banks} for event in said.events]
    assert banks == [{"own", "A"}] * 40
    assert len(host.asked) == 80


@pytest.mark.skipif("COOP_TEST_HMA" not in os.environ, reason="COOP_TEST_HMA names no HMA")
async def test_the_real_one() -> None:
    """Banks are made there, and what is added by hash is matched by ours."""
    url, token = os.environ["COOP_TEST_HMA"], os.environ.get("COOP_TEST_HMA_TOKEN", "")
    hma = Hma(url, token, timeout=10)
    table = table_of((Kind.HASH_BANK, bank("REAL")))
    own = Known()
    await HmaKeeper(table, hma, own).keep()
    assert name("REAL") in await hma.banks()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        added = await client.post(f"/c/bank/{name('REAL')}/signal", json={"pdq": PDQ})
        assert added.is_success, added.text
    matcher = HmaMatcher(table, hma, no_exchanges())
    async with asyncio.timeout(120):
        found: tuple[MatchedBank, ...] = ()
        while not found:
            found = await matcher.match(ORG, hashes(near(5)), seed="s")
            await asyncio.sleep(0.5)
    assert [(one.bank_id, one.distance) for one in found] == [("REAL", 5)]
    await HmaKeeper(table_of(), hma, own).keep()
    await hma.aclose()
