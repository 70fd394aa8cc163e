"""Contents of banks, through the internal API, on the real database."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind
from coop_contracts.dispatch import RecordsQuestion, RemoveRecords
from coop_contracts.hash_bank import (
    ADD_FILE,
    ADD_HASHES,
    CHANGE_HASHES,
    COUNT_HASH_RECORDS,
    COUNT_HASHES,
    LIST_HASHES,
    MATCH_MEDIUM,
    REMOVE_HASH_RECORDS,
    AddFile,
    AddHashes,
    BanksQuestion,
    ChangeHashes,
    HashesQuestion,
    MatchMedium,
    NewHash,
)
from coop_hma_bridge import store
from coop_hma_bridge.api.application import build
from coop_hma_bridge.api.context import Context
from coop_hma_bridge.bank import BankNumbers
from coop_hma_bridge.book import HashBook
from coop_hma_bridge.entry import HASH_BYTES
from coop_hma_bridge.exchange import ExchangePlaces
from coop_hma_bridge.exchange_desk import Exchanges
from coop_hma_bridge.file_hash import FileHashes, Hasher
from coop_hma_bridge.follower import Follower
from coop_hma_bridge.hma_matcher import StoredBanks
from coop_hma_bridge.keeper import EntryKeeper
from coop_hma_bridge.matcher import WeighedMatcher, takes_part
from coop_hma_bridge.store import NewEntry
from coop_runtime.internal.client import CallFailed, CallRefused, InternalApi
from coop_runtime.internal.gate import Gate
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process.error import Retryable

from .conftest import ORG, Banks, BanksOf, HasherOf, bank, table_of, until
from .media_host import MP4, blank, jpeg, png

pytestmark = pytest.mark.engines

TABLE = table_of((Kind.HASH_BANK, bank("b1")), (Kind.HASH_BANK, bank("b2")))
TOKEN = "a-token"
State = Literal["ACTIVE", "DISABLED", "REMOVED"]


def pdq(number: int, flip: int = 0) -> str:
    found = int.from_bytes(random.Random(number).randbytes(32))
    return f"{found ^ ((1 << flip) - 1):064x}"


def some(pdq_bits: str) -> FileHashes:
    return FileHashes(
        kind="IMAGE", media_type="image/png", size=1, md5="0" * 32, sha256="", pdq=(pdq_bits,)
    )


@pytest.fixture
async def banks(banks_of: BanksOf) -> Banks:
    return await banks_of()


def api_of(banks: Banks, hasher: Hasher, token: str = TOKEN, *, config: bool = True) -> InternalApi:
    context = Context(
        ready=lambda: config and banks.follower.ready(),
        engine=banks.engine,
        matcher=banks.matcher(TABLE),
        hasher=hasher,
        follower=banks.follower,
        exchanges=Exchanges(banks.engine, TABLE, ExchangePlaces(has_hma=False), None, None),
        config=TABLE,
        hma=None,
    )
    gate: Any = Gate(build(context), token=TOKEN)
    return InternalApi("http://b", token, timeout=20, transport=httpx.ASGITransport(gate))


@pytest.fixture
async def api(banks: Banks, hasher_of: HasherOf) -> AsyncIterator[InternalApi]:
    found = api_of(banks, hasher_of())
    yield found
    await found.aclose()


async def add(api: InternalApi, *numbers: int, bank_id: str = "b1", org: str = ORG) -> Any:
    hashes = tuple(NewHash(algorithm="pdq", hash=pdq(number)) for number in numbers)
    return await api.ask(org, ADD_HASHES, AddHashes(bank_id=bank_id, hashes=hashes, source="TEST"))


async def test_adding_twice_is_adding_once(api: InternalApi) -> None:
    """What is there is known, in one request and in the next; upper case is the same hash."""
    found = await add(api, 1, 2, 1)
    assert (found.added, found.known) == (2, 1)
    found = await add(api, 2, 3)
    assert (found.added, found.known) == (1, 1)
    upper = AddHashes(bank_id="b1", hashes=(NewHash(algorithm="pdq", hash=pdq(1).upper()),))
    assert (await api.ask(ORG, ADD_HASHES, upper)).added == 0
    (size,) = (await api.ask(ORG, COUNT_HASHES, BanksQuestion())).banks
    assert (size.bank_id, size.active, size.disabled) == ("b1", 3, 0)


async def test_pages(api: InternalApi) -> None:
    """All entries come once, newest first; each says where it is from."""
    await add(api, *range(7))
    seen: list[str] = []
    before = None
    while True:
        asked = HashesQuestion(bank_id="b1", before=before, limit=3)
        page = await api.ask(ORG, LIST_HASHES, asked)
        seen += [entry.hash for entry in page.entries]
        assert {entry.source for entry in page.entries} == {"TEST"}
        if not page.more:
            break
        before = int(page.entries[-1].id)
    assert sorted(seen) == sorted(pdq(number) for number in range(7))


async def test_every_process_matches_within_a_second(
    api: InternalApi, banks: Banks, banks_of: BanksOf
) -> None:
    """Added here, it is matched there; disabled or removed, it is matched no more: each in under a
    second, in this process at once."""
    here, other = banks.matcher(TABLE), (await banks_of()).matcher(TABLE)

    async def seconds(wanted: bool) -> float:
        began = time.monotonic()
        while bool(await other.match(ORG, some(pdq(5, flip=31)), seed="s")) is not wanted:
            assert time.monotonic() - began < 10
            await asyncio.sleep(0.005)
        return time.monotonic() - began

    await add(api, 4, 5, 6)
    (found,) = await here.match(ORG, some(pdq(5, flip=31)), seed="s")
    assert (found.bank_id, found.distance, found.algorithm) == ("b1", 31, "pdq")
    assert await seconds(True) < 1
    states: tuple[tuple[State, bool], ...] = (
        ("DISABLED", False),
        ("ACTIVE", True),
        ("REMOVED", False),
    )
    for state, wanted in states:
        change = ChangeHashes(bank_id="b1", entry_ids=found.signal_ids, state=state)
        assert (await api.ask(ORG, CHANGE_HASHES, change)).changed == 1
        assert (await api.ask(ORG, CHANGE_HASHES, change)).changed == 0
        assert bool(await here.match(ORG, some(pdq(5)), seed="s")) is wanted
        assert await seconds(wanted) < 1
    assert (await add(api, 5)).added == 1
    assert await seconds(True) < 1


async def test_what_is_known_to_be_good(api: InternalApi, banks: Banks) -> None:
    """A hash that is in a bank of known good as it is, is not what another bank has nearly; it is
    what another bank has as it is, and being near to something good changes nothing. What is good
    is said in each case."""
    table = table_of((Kind.HASH_BANK, bank("b1")), (Kind.HASH_BANK, bank("good", good=True)))
    matcher = WeighedMatcher(banks.matcher(table))
    logo = NewHash(algorithm="pdq", hash=pdq(1, flip=4))
    await add(api, 1)
    await api.ask(ORG, ADD_HASHES, AddHashes(bank_id="good", hashes=(logo,)))

    async def told(bits: str) -> set[tuple[str, int | None, bool]]:
        found = await matcher.match(ORG, some(bits), seed="s")
        return {(one.bank_id, one.distance, one.known_good) for one in found}

    assert await told(pdq(1, flip=4)) == {("good", 0, True)}
    assert await told(pdq(1)) == {("b1", 0, False), ("good", 4, True)}
    assert await told(pdq(1, flip=3)) == {("b1", 3, False), ("good", 1, True)}
    film = NewHash(algorithm="md5", hash="0" * 32)
    await api.ask(ORG, ADD_HASHES, AddHashes(bank_id="b1", hashes=(film,)))
    assert await told(pdq(1, flip=4)) == {("b1", 0, False), ("good", 0, True)}


async def test_a_process_that_starts_knows_all(api: InternalApi, banks_of: BanksOf) -> None:
    """What is active at the start is matched, what is disabled or removed is not."""
    await add(api, 1, 2, 3)
    page = await api.ask(ORG, LIST_HASHES, HashesQuestion(bank_id="b1"))
    ids = {entry.hash: entry.id for entry in page.entries}
    gone: tuple[tuple[int, State], ...] = ((1, "DISABLED"), (2, "REMOVED"))
    for number, state in gone:
        change = ChangeHashes(bank_id="b1", entry_ids=(ids[pdq(number)],), state=state)
        await api.ask(ORG, CHANGE_HASHES, change)
    started = await banks_of()
    matcher = started.matcher(TABLE)
    for number in (1, 2, 3):
        assert bool(await matcher.match(ORG, some(pdq(number)), seed="s")) is (number == 3)
    assert len(started.book) == 1


async def test_only_the_organisations_banks_in_use(api: InternalApi, banks: Banks) -> None:
    """Another organisation's banks, banks that no document has, and banks of ratio 0 match
    nothing."""
    await add(api, 1, bank_id="b1")
    await add(api, 1, bank_id="gone")
    await add(api, 2, bank_id="b1", org="org2")
    matcher = banks.matcher(TABLE)
    assert [b.bank_id for b in await matcher.match(ORG, some(pdq(1)), seed="s")] == ["b1"]
    assert await matcher.match(ORG, some(pdq(2)), seed="s") == ()
    off = banks.matcher(table_of((Kind.HASH_BANK, bank("b1", 0.0))))
    assert await off.match(ORG, some(pdq(1)), seed="s") == ()


def test_a_ratio_is_a_share_of_submissions() -> None:
    """A bank of ratio 0.3 takes part in three of ten submissions, always in the same ones; 1 in
    all."""
    third = bank(ratio=0.3)
    taken = [takes_part(third, f"submission {n}") for n in range(2000)]
    assert taken == [takes_part(third, f"submission {n}") for n in range(2000)]
    assert 500 < sum(taken) < 700
    assert all(takes_part(bank(), f"submission {n}") for n in range(100))


async def test_a_file_is_added_by_its_hashes(api: InternalApi) -> None:
    """A picture by PDQ and MD5, so that a near copy of it is found; a film by MD5; a blank picture
    by MD5 alone. What is no medium is refused."""
    added = await api.ask(ORG, ADD_FILE, AddFile(bank_id="b1", content=png(1), note="n"))
    assert (added.added, added.known) == (2, 0)
    again = await api.ask(ORG, ADD_FILE, AddFile(bank_id="b1", content=png(1)))
    assert (again.added, again.known) == (0, 2)
    film = await api.ask(ORG, ADD_FILE, AddFile(bank_id="b2", content=MP4))
    assert (film.added, film.pdq, film.quality) == (1, None, None)
    flat = await api.ask(ORG, ADD_FILE, AddFile(bank_id="b2", content=blank()))
    assert (flat.added, flat.pdq, flat.quality) == (1, None, 0)
    with pytest.raises(CallRefused) as refused:
        await api.ask(ORG, ADD_FILE, AddFile(bank_id="b1", content=b"<svg/>"))
    assert refused.value.status == 422
    near = await api.ask(ORG, MATCH_MEDIUM, MatchMedium(content=jpeg(1)))
    (found,) = near.banks
    assert found.bank_id == "b1"
    assert 0 < (found.distance or 0) <= 31
    assert [entry.note for entry in near.entries] == ["n"]
    both = await api.ask(ORG, MATCH_MEDIUM, MatchMedium(content=png(1)))
    assert sorted(one.algorithm for one in both.banks) == ["md5", "pdq"]
    by_hash = await api.ask(ORG, MATCH_MEDIUM, MatchMedium(md5=film.md5.upper()))
    assert [one.bank_id for one in by_hash.banks] == ["b2"]


async def test_many_alike_are_bounded(api: InternalApi) -> None:
    """A picture that hundreds of entries are near to names the ten nearest of a bank."""
    hashes = tuple(NewHash(algorithm="pdq", hash=pdq(1, flip=n % 32)) for n in range(32))
    await api.ask(ORG, ADD_HASHES, AddHashes(bank_id="b1", hashes=hashes))
    found = await api.ask(ORG, MATCH_MEDIUM, MatchMedium(pdq=pdq(1)))
    (one,) = found.banks
    assert (one.distance, len(one.signal_ids)) == (0, 10)
    assert [entry.hash for entry in found.entries] == [pdq(1, flip=n) for n in range(10)]


@pytest.mark.parametrize(
    "wrong",
    [
        NewHash(algorithm="pdq", hash="0" * 32),
        NewHash(algorithm="md5", hash="0" * 64),
        NewHash(algorithm="md5", hash="xyz"),
    ],
)
async def test_a_hash_of_the_wrong_form_is_refused(api: InternalApi, wrong: NewHash) -> None:
    """With it all that came beside it: nothing is added in part."""
    right = NewHash(algorithm="pdq", hash=pdq(1))
    with pytest.raises(CallRefused) as refused:
        await api.ask(ORG, ADD_HASHES, AddHashes(bank_id="b1", hashes=(right, wrong)))
    assert refused.value.status == 422
    assert (await api.ask(ORG, COUNT_HASHES, BanksQuestion())).banks == []
    assert set(HASH_BYTES) == {"pdq", "md5"}


async def test_a_stranger_learns_nothing(banks: Banks, hasher_of: HasherOf) -> None:
    """Without the shared secret every call is 401."""
    api = api_of(banks, hasher_of(), "wrong")
    with pytest.raises(CallRefused) as refused:
        await api.ask(ORG, COUNT_HASHES, BanksQuestion())
    assert refused.value.status == 401
    await api.aclose()


async def test_banks_that_may_not_be_whole_are_not_asked(banks: Banks) -> None:
    """When the database has been away for too long the answer is not "no match" but an outage."""
    with pytest.raises(Retryable):
        await banks.matcher(TABLE, most_stale=-1).match(ORG, some(pdq(1)), seed="s")


async def test_before_the_banks_are_read_nothing_is_said_of_them(
    engine: AsyncEngine, hasher_of: HasherOf
) -> None:
    """Neither "no match" nor a bank that seems to be empty, though the database answers; nor before
    the documents are read. An organisation's records can be counted all the same."""
    book, numbers = HashBook(), BankNumbers()
    early = Banks(engine, book, numbers, Follower(engine, book, numbers, every=0.1))
    assert early.follower.stale() == math.inf
    with pytest.raises(Retryable):
        await early.matcher(TABLE).match(ORG, some(pdq(1)), seed="s")
    with pytest.raises(Retryable):
        await early.follower.look()
    api = api_of(early, hasher_of())
    added = AddHashes(bank_id="b1", hashes=(NewHash(algorithm="pdq", hash=pdq(1)),))
    for answer in (
        api.ask(ORG, MATCH_MEDIUM, MatchMedium(pdq=pdq(1))),
        api.ask(ORG, COUNT_HASHES, BanksQuestion()),
        api.ask(ORG, ADD_HASHES, added),
    ):
        with pytest.raises(CallFailed, match="503"):
            await answer
    assert (await api.ask(ORG, COUNT_HASH_RECORDS, RecordsQuestion())).tables == {}
    following = asyncio.create_task(early.follower.run())
    await early.follower.wait_ready(30)
    assert (await api.ask(ORG, COUNT_HASHES, BanksQuestion())).banks == []
    without = api_of(early, hasher_of(), config=False)
    with pytest.raises(CallFailed, match="503"):
        await without.ask(ORG, MATCH_MEDIUM, MatchMedium(pdq=pdq(1)))
    following.cancel()
    await api.aclose()
    await without.aclose()


async def test_two_writers_lose_no_change(
    api: InternalApi, banks: Banks, banks_of: BanksOf
) -> None:
    """One that began first and commits last: the other waits for it, so that its changes are not
    passed over by who has read the later ones."""
    other = await banks_of()
    async with banks.engine.begin() as slow:
        early = [NewEntry("pdq", bytes.fromhex(pdq(n))) for n in range(50)]
        await store.add(slow, ORG, "b1", early, source="", by="")
        late = asyncio.create_task(add(api, *range(50, 100)))
        await asyncio.wait([late], timeout=0.5)
        await other.follower.look()
    await late
    await until(lambda: len(other.book) == 100, 5)


async def test_looks_come_one_after_another(banks: Banks, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask at once: an older answer is never taken in after a newer one."""
    at_once, most = 0, 0
    changes_after = store.changes_after

    async def watched(*given: Any, **named: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        found = await changes_after(*given, **named)
        await asyncio.sleep(0.01)
        at_once -= 1
        return found

    monkeypatch.setattr(store, "changes_after", watched)
    await asyncio.gather(*(banks.follower.look() for _ in range(5)))
    assert most == 1


async def test_what_is_added_again_while_marks_go_stays(api: InternalApi, banks: Banks) -> None:
    """A mark that is found to be old, and is an entry again before it is deleted, is an entry."""
    await add(api, 1)
    (entry,) = (await api.ask(ORG, LIST_HASHES, HashesQuestion(bank_id="b1"))).entries
    change = ChangeHashes(bank_id="b1", entry_ids=(entry.id,), state="REMOVED")
    await api.ask(ORG, CHANGE_HASHES, change)
    later = datetime.now(UTC) + timedelta(days=8)
    async with banks.engine.begin() as adding:
        again = [NewEntry("pdq", bytes.fromhex(pdq(1)))]
        assert await store.add(adding, ORG, "b1", again, source="", by="") == 1
        going = asyncio.create_task(EntryKeeper(banks.engine, TABLE).forget(later))
        await asyncio.wait([going], timeout=0.5)
        assert not going.done()  # it waits for the row
    assert await going == 0
    assert len((await api.ask(ORG, LIST_HASHES, HashesQuestion(bank_id="b1"))).entries) == 1


async def test_our_banks_elsewhere_are_remembered(api: InternalApi, banks: Banks) -> None:
    """After a restart too; they are records of their organisation."""
    own = StoredBanks(banks.engine)
    await own.add({"COOP_A": ORG, "COOP_B": "org2"})
    await own.add({"COOP_A": ORG})
    assert await StoredBanks(banks.engine).names() == {"COOP_A", "COOP_B"}
    counted = await api.ask(ORG, COUNT_HASH_RECORDS, RecordsQuestion())
    assert counted.tables == {"hma_banks": 1}
    await api.ask(ORG, REMOVE_HASH_RECORDS, RemoveRecords())
    assert await own.names() == {"COOP_B"}


async def test_marks_of_what_was_removed_go_after_a_week(api: InternalApi, banks: Banks) -> None:
    """What was removed long ago leaves no row, what was removed just now does, and what is there
    stays."""
    await add(api, 1, 2, 3)
    page = await api.ask(ORG, LIST_HASHES, HashesQuestion(bank_id="b1"))
    ids = tuple(entry.id for entry in page.entries[:2])
    await api.ask(ORG, CHANGE_HASHES, ChangeHashes(bank_id="b1", entry_ids=ids, state="REMOVED"))
    async with banks.engine.begin() as connection:
        old = (
            "UPDATE hashes.entries SET changed_at = now() - interval '8 days' WHERE entry_id = :id"
        )
        await connection.execute(text(old), {"id": int(ids[0])})
    keeper = EntryKeeper(banks.engine, TABLE)
    assert await keeper.forget(datetime.now(UTC)) == 1
    assert await keeper.forget(datetime.now(UTC) + timedelta(days=8)) == 1
    async with banks.engine.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM hashes.entries")) == 1


async def test_an_organisations_records_go(api: InternalApi, banks: Banks) -> None:
    """They are counted and removed as a whole; another's stay, and so does the match of theirs."""
    await add(api, 1, 2)
    await add(api, 1, org="org2")
    counted = await api.ask(ORG, COUNT_HASH_RECORDS, RecordsQuestion())
    assert counted.tables == {"banks": 1, "entries": 2}
    assert not (await api.ask(ORG, REMOVE_HASH_RECORDS, RemoveRecords())).more
    assert (await api.ask(ORG, COUNT_HASH_RECORDS, RecordsQuestion())).tables == {}
    theirs = await api.ask("org2", COUNT_HASH_RECORDS, RecordsQuestion())
    assert theirs.tables == {"banks": 1, "entries": 1}


async def test_a_bank_keeps_its_entries_for_thirty_days(api: InternalApi, banks: Banks) -> None:
    """Without its document it matches nothing; restored within that time it matches as before, and
    the time begins anew when it is deleted again; afterwards its entries are gone everywhere."""
    await add(api, 1, 2, bank_id="b1")
    await add(api, 3, bank_id="b2")
    both, without = TABLE, table_of((Kind.HASH_BANK, bank("b2")))
    now = datetime.now(UTC)

    async def kept(table: ConfigTable, days: int) -> list[int]:
        await EntryKeeper(banks.engine, table).empty(now + timedelta(days=days))
        await banks.follower.look()
        matcher = banks.matcher(TABLE)
        return [n for n in (1, 2, 3) if await matcher.match(ORG, some(pdq(n)), seed="s")]

    assert await banks.matcher(without).match(ORG, some(pdq(1)), seed="s") == ()
    assert await kept(without, 0) == [1, 2, 3]
    assert await kept(without, 29) == [1, 2, 3]
    assert await kept(both, 30) == [1, 2, 3]
    assert await kept(without, 40) == [1, 2, 3]
    assert await kept(without, 69) == [1, 2, 3]
    assert await kept(without, 71) == [3]
    assert (await add(api, 1, bank_id="b1")).added == 1
