"""Exchanges that fill banks: at a stub that answers as HMA 1.1.7 does, at a newer one, or at that
of COOP_TEST_HMA."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text

from coop_contracts.config import HashBank, Kind
from coop_contracts.event import MatchedBank
from coop_contracts.hash_bank import (
    ADD_EXCHANGE,
    LIST_EXCHANGES,
    MAX_EXCHANGES,
    PAUSE_EXCHANGE,
    REMOVE_EXCHANGE,
    SET_EXCHANGE_CREDENTIALS,
    AddExchange,
    ExchangeEntry,
    ExchangeField,
    ExchangeOffer,
    ExchangeSettings,
    ExchangesQuestion,
    PauseExchange,
    RemoveExchange,
    SetExchangeCredentials,
)
from coop_hma_bridge.api.application import build
from coop_hma_bridge.api.context import Context
from coop_hma_bridge.exchange import ExchangePlaces
from coop_hma_bridge.exchange_desk import Exchanges
from coop_hma_bridge.exchange_keeper import ExchangeBook, ExchangeKeeper
from coop_hma_bridge.file_hash import Ours
from coop_hma_bridge.hma import Hma
from coop_hma_bridge.hma_matcher import HmaMatcher
from coop_runtime.database.engine import transaction
from coop_runtime.internal.client import CallFailed, CallRefused, InternalApi
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable

from .conftest import ORG, Banks, BanksOf, HasherOf, bank
from .hma_stub import Stub
from .test_hma import PDQ, hashes, near

pytestmark = pytest.mark.engines

OTHER = "org2"
TOKEN = "the-token-of-an-exchange"
GROUP = ExchangeSettings(privacy_group="303636684709969")
WHOLE = ExchangePlaces(has_hma=True, ncmec_url="https://hashes.example", files="/lists")


@dataclass
class World:
    """A bridge beside a stub; two organisations with a bank `b1` each."""

    stub: Stub
    hma: Hma
    table: ConfigTable
    banks: Banks
    book: ExchangeBook
    keeper: ExchangeKeeper
    api: InternalApi
    revision: int = 1

    async def add(self, kind: Any = "THREAT_EXCHANGE", *, org: str = ORG, **more: Any) -> Any:
        given: dict[str, Any] = {"bank_id": "b1", "kind": kind, "added_by": "u"}
        if kind == "THREAT_EXCHANGE":
            given["settings"] = GROUP
        answer = await self.api.ask(org, ADD_EXCHANGE, AddExchange(**given | more))
        return answer.exchange

    async def listed(self, org: str = ORG) -> list[ExchangeEntry]:
        return (await self.api.ask(org, LIST_EXCHANGES, ExchangesQuestion())).exchanges

    async def match(self, org: str = ORG) -> tuple[MatchedBank, ...]:
        matcher = HmaMatcher(self.table, self.hma, self.book)
        return await matcher.match(org, hashes(), seed="s")

    async def pause(self, one: str, paused: bool = True, *, org: str = ORG) -> ExchangeEntry:
        asked = PauseExchange(bank_id="b1", exchange_id=one, paused=paused, by="u")
        return (await self.api.ask(org, PAUSE_EXCHANGE, asked)).exchange

    def put(self, found: HashBank | None) -> None:
        """The bank as it is now; None: it is gone."""
        self.revision += 1
        self.table.apply(ConfigChange(ORG, Kind.HASH_BANK, "b1", found, self.revision))


def table() -> ConfigTable:
    changes = [
        ConfigChange(org, Kind.HASH_BANK, "b1", msgspec.structs.replace(bank(), hma_name=name), 1)
        for org, name in ((ORG, "COOP_ORG1_B1"), (OTHER, "COOP_ORG2_B1"))
    ]
    return ConfigTable.of(changes)


WorldOf = Callable[..., Any]


@pytest.fixture
async def world_of(banks_of: BanksOf, hasher_of: HasherOf) -> AsyncIterator[WorldOf]:
    opened: list[Any] = []

    async def make(*, modern: bool = False, places: ExchangePlaces = WHOLE) -> World:
        stub, known, banks = Stub(modern=modern), table(), await banks_of()
        hma = Hma("http://hma", "secret", timeout=2, transport=httpx.MockTransport(stub))
        stub.banks = {"COOP_ORG1_B1": 1.0, "COOP_ORG2_B1": 1.0, "THEIRS": 1.0}
        book = ExchangeBook()
        keeper = ExchangeKeeper(banks.engine, known, hma, places, book)
        asked = (hma, keeper) if places.has_hma else (None, None)
        context = Context(
            ready=lambda: True,
            engine=banks.engine,
            matcher=banks.matcher(known),
            hasher=hasher_of(),
            follower=banks.follower,
            exchanges=Exchanges(banks.engine, known, places, *asked),
            config=known,
            hma=hma if asked[0] else None,
        )
        transport = httpx.ASGITransport(build(context))
        api = InternalApi("http://b", "", timeout=20, transport=transport)
        opened.extend((hma, api))
        await keeper.keep()
        return World(stub, hma, known, banks, book, keeper, api)

    yield make
    for one in opened:
        await one.aclose()


@pytest.fixture
async def world(world_of: WorldOf) -> World:
    found: World = await world_of()
    return found


KINDS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "NCMEC": (
        {
            "settings": ExchangeSettings(esp_ids=(7, 9)),
            "credentials": {"user": "me", "password": TOKEN},
        },
        "ncmec",
        {"environment": "https://hashes.example", "only_esp_ids": [7, 9]},
    ),
    "STOP_NCII": (
        {"credentials": {"fetchFunctionKey": TOKEN, "subscriptionKey": TOKEN}},
        "stop_ncii",
        {},
    ),
    "THREAT_EXCHANGE": (
        {"settings": GROUP, "credentials": {"apiToken": TOKEN}},
        "fb_threatexchange",
        {"privacy_group": 303636684709969},
    ),
    "FILE": (
        {"settings": ExchangeSettings(file="known.txt")},
        "local_file",
        {"filename": "/lists/known.txt"},
    ),
}


@pytest.mark.parametrize("modern", [False, True], ids=["1.1.7", "newer"])
@pytest.mark.parametrize("kind", KINDS)
async def test_an_exchange_of_each_kind_is_made_once(
    world_of: WorldOf, kind: str, modern: bool
) -> None:
    """With what the operator and the organisation say, and its credentials; asked for again it is
    the same, and what is known of it comes without a credential."""
    given, api, settings = KINDS[kind]
    world: World = await world_of(modern=modern)
    first, again = await world.add(kind, **given), await world.add(kind, **given)
    assert first.id == again.id
    name = f"COOP_ORG1_B1_X{first.id}"
    assert world.stub.exchanges == {name: {"name": name, "api": api, "enabled": True, **settings}}
    accounts = {(name if modern else api): 1} if "credentials" in given else {}
    assert world.stub.accounts.keys() == accounts.keys()
    (listed,) = await world.listed()
    assert (listed.kind, listed.condition, listed.added_by) == (kind, "WAITING", "u")
    assert listed.has_credentials is (True if accounts else None)
    assert TOKEN.encode() not in msgspec.json.encode(listed)
    assert await world.listed(OTHER) == []


async def test_what_it_fetched_is_matched_as_its_bank_is(world: World) -> None:
    """Under the id of the bank that it fills, together with what is in that; by nobody else; with
    the bank's ratio, and not while that is 0, when nothing is fetched either."""
    name = f"COOP_ORG1_B1_X{(await world.add()).id}"
    world.stub.contents = [(name, "pdq", near(3)), ("COOP_ORG1_B1", "pdq", near(5))]
    (found,) = await world.match()
    assert (found.bank_id, found.distance, found.signal_ids) == ("b1", 3, ("hma:1", "hma:2"))
    assert await world.match(OTHER) == ()
    off = msgspec.structs.replace(bank(ratio=0.0), hma_name="COOP_ORG1_B1")
    world.put(off)
    assert await world.keeper.keep() == 1
    assert (world.stub.banks[name], world.stub.exchanges[name]["enabled"]) == (0.0, False)
    assert await world.match() == ()
    world.put(msgspec.structs.replace(off, enabled_ratio=0.5))
    assert await world.keeper.keep() == 1
    assert (world.stub.banks[name], world.stub.exchanges[name]["enabled"]) == (0.5, True)
    assert await world.keeper.keep() == 0
    world.put(None)
    await world.keeper.keep()
    assert (world.stub.banks[name], world.stub.exchanges[name]["enabled"]) == (0.0, False)
    assert world.stub.banks["THEIRS"] == 1.0


async def test_how_far_it_is_is_told(world: World) -> None:
    """Waiting, fetching, behind, current, or why not; and that nobody says while HMA is away."""
    name = f"COOP_ORG1_B1_X{(await world.add()).id}"
    fetched = {"last_fetch_complete_ts": 1772366400, "last_fetch_succeeded": True}
    seen = []
    for status in (
        {},
        {"running_fetch_start_ts": 1772366400},
        fetched | {"fetched_items": 7},
        fetched | {"fetched_items": 9, "up_to_date": True},
        fetched | {"last_fetch_succeeded": False},
    ):
        world.stub.fetches[name] = status
        (entry,) = await world.listed()
        seen.append((entry.condition, entry.hashes, entry.fault is not None))
    assert seen == [
        ("WAITING", 0, False),
        ("FETCHING", 0, False),
        ("BEHIND", 7, False),
        ("CURRENT", 9, False),
        ("FAILED", 0, True),
    ]
    assert entry.fetched_at is not None
    for broken in (httpx.Response(502, text="<html>"), httpx.Response(200, text="<html>")):
        world.stub.broken = broken
        (entry,) = await world.listed()
        assert (entry.condition, entry.fault) == (
            "UNKNOWN",
            "the Hasher-Matcher-Actioner does not answer",
        )


async def test_a_removed_one_matches_nothing_and_goes(world: World) -> None:
    """At once, also while HMA is away, when it goes there later; the bank's own contents stay, and
    it can be added anew."""
    first = await world.add()
    name = f"COOP_ORG1_B1_X{first.id}"
    world.stub.contents = [(name, "pdq", PDQ), ("COOP_ORG1_B1", "pdq", near(5))]
    remove = RemoveExchange(bank_id="b1", exchange_id=first.id)
    for org, asked in (
        (OTHER, remove),
        (ORG, msgspec.structs.replace(remove, bank_id="b2")),
        (ORG, msgspec.structs.replace(remove, exchange_id="x")),
    ):
        assert not (await world.api.ask(org, REMOVE_EXCHANGE, asked)).removed
    world.stub.broken = httpx.Response(502)
    assert (await world.api.ask(ORG, REMOVE_EXCHANGE, remove)).removed
    assert not (await world.api.ask(ORG, REMOVE_EXCHANGE, remove)).removed
    assert await world.listed() == []
    world.stub.broken = None
    (found,) = await world.match()
    assert found.signal_ids == ("hma:2",)
    await world.keeper.keep()
    assert name not in world.stub.exchanges
    assert world.stub.banks[name] == 0.0
    await world.keeper.keep()
    async with transaction(world.banks.engine) as connection:
        assert await connection.scalar(text("SELECT count(*) FROM hashes.exchanges")) == 0
    assert (await world.add()).id != first.id
    assert world.stub.banks["COOP_ORG1_B1"] == 1.0


async def test_a_paused_one_is_not_fetched_and_matches_on(world: World) -> None:
    """It says so, since when and by whom; pausing it again changes nothing; whoever switches it on
    there, it is switched off again; its bank's ratio goes up and down without it; resumed, it is
    fetched. Nobody else's is touched."""
    one, other = await world.add(), await world.add("FILE", settings=ExchangeSettings(file="a"))
    name, beside = f"COOP_ORG1_B1_X{one.id}", f"COOP_ORG1_B1_X{other.id}"
    world.stub.contents = [(name, "pdq", near(3))]
    for org, bad in ((OTHER, one.id), (ORG, "x"), (ORG, "999")):
        with pytest.raises(CallRefused) as refused:
            await world.pause(bad, org=org)
        assert refused.value.status == 404
    pause = (await world.pause(one.id)).pause
    assert pause is not None
    assert (pause.by, pause.holds) == ("u", True)
    assert not world.stub.exchanges[name]["enabled"]
    assert world.stub.exchanges[beside]["enabled"]
    assert len(await world.match()) == 1
    again = PauseExchange(bank_id="b1", exchange_id=one.id, paused=True, by="somebody else")
    assert (await world.api.ask(ORG, PAUSE_EXCHANGE, again)).exchange.pause == pause
    world.stub.exchanges[name]["enabled"] = True
    assert await world.keeper.keep() == 1
    assert not world.stub.exchanges[name]["enabled"]
    for ratio in (0.0, 0.5):
        found = msgspec.structs.replace(bank(ratio=ratio), hma_name="COOP_ORG1_B1")
        world.put(found)
        await world.keeper.keep()
        assert not world.stub.exchanges[name]["enabled"]
        assert world.stub.exchanges[beside]["enabled"] is (ratio > 0)
        assert world.stub.banks[name] == ratio
    assert (await world.add()).pause == pause
    assert (await world.pause(one.id, paused=False)).pause is None
    assert world.stub.exchanges[name]["enabled"]
    assert [entry.pause for entry in await world.listed()] == [None, None]


async def test_whether_a_pause_holds_is_what_is_seen_there(world: World) -> None:
    """Not while it is being fetched still; nobody says while HMA is away, and when that is back it
    is told, by whichever process; resumed meanwhile, it is not."""
    one = await world.add()
    name = f"COOP_ORG1_B1_X{one.id}"
    world.stub.fetches[name] = {"running_fetch_start_ts": 1772366400}
    entry = await world.pause(one.id)
    assert (entry.condition, entry.pause and entry.pause.holds) == ("FETCHING", False)
    world.stub.fetches[name] = {}
    (entry,) = await world.listed()
    assert entry.pause is not None
    assert entry.pause.holds is True
    await world.pause(one.id, paused=False)
    world.stub.broken = httpx.Response(502)
    entry = await world.pause(one.id)
    assert (entry.condition, entry.pause and entry.pause.holds) == ("UNKNOWN", None)
    assert world.stub.exchanges[name]["enabled"]
    world.stub.broken = None
    (entry,) = await world.listed()
    assert entry.pause is not None
    assert entry.pause.holds is False
    second = ExchangeKeeper(world.banks.engine, world.table, world.hma, WHOLE, ExchangeBook())
    assert await second.keep() == 1
    assert not world.stub.exchanges[name]["enabled"]
    await world.pause(one.id, paused=False)
    assert world.stub.exchanges[name]["enabled"]
    assert await second.keep() == 0


async def test_one_paused_before_it_was_made_is_made_when_it_is_resumed(world: World) -> None:
    """A row whose process was killed is no exchange there, and while it is paused it becomes none:
    there it would be fetched from the start."""

    def dies(request: httpx.Request) -> httpx.Response:
        if (request.method, request.url.path) == ("POST", "/c/exchanges"):
            raise httpx.ReadError("killed")
        return world.stub(request)

    world.hma._client._transport = httpx.MockTransport(dies)
    with pytest.raises(CallFailed):
        await world.add()
    world.hma._client._transport = httpx.MockTransport(world.stub)
    (entry,) = await world.listed()
    entry = await world.pause(entry.id)
    assert entry.pause is not None
    assert entry.pause.holds is True
    await world.keeper.keep()
    await world.add()
    assert world.stub.exchanges == {}
    await world.pause(entry.id, paused=False)
    (made,) = world.stub.exchanges.values()
    assert made["enabled"]


@pytest.mark.parametrize("at", ["before", "after"])
async def test_killed_while_it_is_added_it_is_made_by_the_keeper(world: World, at: str) -> None:
    """A row without an exchange becomes one; one that was made, and whose answer was lost, is that
    one."""
    answers = world.stub
    made: list[httpx.Response] = []

    def dies(request: httpx.Request) -> httpx.Response:
        if (request.method, request.url.path) == ("POST", "/c/exchanges"):
            if at == "after":
                made.append(answers(request))
            raise httpx.ReadError("killed")
        return answers(request)

    world.hma._client._transport = httpx.MockTransport(dies)
    with pytest.raises(CallFailed):
        await world.add()
    assert len(world.stub.exchanges) == len(made)
    world.hma._client._transport = httpx.MockTransport(answers)
    await world.keeper.keep()
    assert len(world.stub.exchanges) == 1
    (entry,) = await world.listed()
    assert (await world.add()).id == entry.id
    assert len(world.stub.exchanges) == 1


async def test_two_who_add_the_same_at_once_have_one(world: World) -> None:
    """One row, one exchange."""
    found = await asyncio.gather(*(world.add() for _ in range(6)))
    assert len({one.id for one in found}) == len(world.stub.exchanges) == 1


FAULTY: dict[str, tuple[str, dict[str, Any], str]] = {
    "no group": ("THREAT_EXCHANGE", {"settings": ExchangeSettings()}, "settings/privacyGroup"),
    "a word": (
        "THREAT_EXCHANGE",
        {"settings": ExchangeSettings(privacy_group="x")},
        "settings/privacyGroup",
    ),
    "a folder": ("FILE", {"settings": ExchangeSettings(file="../etc/passwd")}, "settings/file"),
    "above": ("FILE", {"settings": ExchangeSettings(file="..")}, "settings/file"),
    "foreign": ("STOP_NCII", {"settings": GROUP}, "settings/privacyGroup"),
    "zero": ("NCMEC", {"settings": ExchangeSettings(esp_ids=(0,))}, "settings/espIds"),
    "half": ("NCMEC", {"credentials": {"user": TOKEN}}, "credentials/password"),
    "unknown": ("NCMEC", {"credentials": {"apiToken": TOKEN}}, "credentials"),
    "NUL": ("THREAT_EXCHANGE", {"credentials": {"apiToken": f"{TOKEN}\0"}}, "credentials/apiToken"),
    "none": ("FILE", {"credentials": {"user": TOKEN}}, "credentials"),
}


@pytest.mark.parametrize(("kind", "given", "said"), FAULTY.values(), ids=FAULTY)
async def test_what_is_wrong_is_refused_by_its_field(
    world: World, kind: str, given: dict[str, Any], said: str
) -> None:
    """With its reason, without a credential; nothing is left of it, here or there."""
    given = {
        "settings": ExchangeSettings(file="a") if kind == "FILE" else ExchangeSettings()
    } | given
    if kind == "THREAT_EXCHANGE" and "credentials" in given:
        given["settings"] = GROUP
    with pytest.raises(CallRefused) as refused:
        await world.add(kind, **given)
    assert (refused.value.status, said in str(refused.value.detail)) == (422, True)
    assert TOKEN not in str(refused.value.detail)
    assert await world.listed() == []
    assert world.stub.exchanges == {}


async def test_without_one_who_fetches_it_is_said_what_is_needed(world_of: WorldOf) -> None:
    """In the embedded mode every kind, and with a Hasher-Matcher-Actioner those whose address or
    folder the operator has not given."""
    world: World = await world_of(places=ExchangePlaces(has_hma=False))
    offers = (await world.api.ask(ORG, LIST_EXCHANGES, ExchangesQuestion())).offers
    assert len(offers) == 4
    assert all("COOP_HMA_URL" in str(one.lack) for one in offers)
    with pytest.raises(CallRefused, match="COOP_HMA_URL") as refused:
        await world.add()
    assert refused.value.status == 409
    bare: World = await world_of(places=ExchangePlaces(has_hma=True))
    offers = (await bare.api.ask(ORG, LIST_EXCHANGES, ExchangesQuestion())).offers
    assert (
        ExchangeOffer(
            kind="THREAT_EXCHANGE",
            lack=None,
            settings=(ExchangeField(name="privacyGroup", required=True),),
            credentials=(ExchangeField(name="apiToken", required=True),),
        )
        in offers
    )
    for kind, needed in (("NCMEC", "COOP_HMA_NCMEC_URL"), ("FILE", "COOP_HMA_FILES")):
        settings = ExchangeSettings(file="a") if kind == "FILE" else ExchangeSettings()
        with pytest.raises(CallRefused, match=needed):
            await bare.add(kind, settings=settings)


async def test_what_hma_refuses_leaves_nothing(world: World) -> None:
    """A kind that it does not have, more than there may be, a bank that is not there."""
    world.stub.apis.remove("fb_threatexchange")
    with pytest.raises(CallRefused, match="fetches no fb_threatexchange"):
        await world.add()
    with pytest.raises(CallRefused, match="the bank is not known"):
        await world.add("STOP_NCII", bank_id="gone")
    assert await world.listed() == []
    for number in range(MAX_EXCHANGES):
        await world.add("FILE", settings=ExchangeSettings(file=f"{number}.txt"))
    with pytest.raises(CallRefused, match="at most"):
        await world.add("FILE", settings=ExchangeSettings(file="more.txt"))
    await world.add("FILE", settings=ExchangeSettings(file="0.txt"))
    assert len(await world.listed()) == len(world.stub.exchanges) == MAX_EXCHANGES


async def test_one_account_for_all_is_not_taken_from_another_organisation(
    world_of: WorldOf,
) -> None:
    """Where a kind has one account on the whole instance, the second organisation is told so and
    gets no exchange, with credentials or by those of the first; the account goes with the last
    exchange of who gave it. Where each exchange has its own, both have theirs."""
    world: World = await world_of()
    given: dict[str, Any] = {"credentials": {"apiToken": TOKEN}}
    mine = await world.add(**given)
    for credentials in ({"apiToken": "theirs"}, {}):
        with pytest.raises(CallRefused, match="another organisation"):
            await world.add(org=OTHER, credentials=credentials)
    assert world.stub.accounts == {"fb_threatexchange": {"api_token": TOKEN}}
    assert await world.listed(OTHER) == []
    assert len(world.stub.exchanges) == 1
    second = await world.add(settings=ExchangeSettings(privacy_group="2"))
    for one, left in ((mine, 1), (second, 0)):
        asked = RemoveExchange(bank_id="b1", exchange_id=one.id)
        await world.api.ask(ORG, REMOVE_EXCHANGE, asked)
        await world.keeper.keep()
        assert len(world.stub.accounts) == left
    theirs = await world.add(org=OTHER, credentials={"apiToken": "theirs"})
    assert world.stub.accounts == {"fb_threatexchange": {"api_token": "theirs"}}
    asked = RemoveExchange(bank_id="b1", exchange_id=theirs.id)
    await world.api.ask(OTHER, REMOVE_EXCHANGE, asked)
    await world.keeper.keep()
    newer: World = await world_of(modern=True)
    (first, second) = (await newer.add(**given), await newer.add(org=OTHER, **given))
    assert len(newer.stub.accounts) == 2
    other = SetExchangeCredentials(
        bank_id="b1", exchange_id=second.id, credentials={"apiToken": "another"}
    )
    with pytest.raises(CallRefused) as refused:
        await newer.api.ask(ORG, SET_EXCHANGE_CREDENTIALS, other)
    assert refused.value.status == 404
    await newer.api.ask(OTHER, SET_EXCHANGE_CREDENTIALS, other)
    assert newer.stub.accounts[f"COOP_ORG2_B1_X{second.id}"] == {"api_token": "another"}
    assert newer.stub.accounts[f"COOP_ORG1_B1_X{first.id}"] == {"api_token": TOKEN}


async def test_a_credential_is_nowhere_but_there(
    world_of: WorldOf, caplog: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in a row, an answer, a refusal or a line of a log; also when HMA fails with it."""
    caplog.set_level(logging.DEBUG)
    world: World = await world_of()
    entry = await world.add(credentials={"apiToken": TOKEN})
    given = SetExchangeCredentials(
        bank_id="b1", exchange_id=entry.id, credentials={"apiToken": TOKEN}
    )
    answer = await world.api.ask(ORG, SET_EXCHANGE_CREDENTIALS, given)
    said = [msgspec.json.encode(answer).decode()]
    world.stub.broken = httpx.Response(500, json={"message": f"no {TOKEN}"})
    with pytest.raises(CallFailed) as failed:
        await world.api.ask(ORG, SET_EXCHANGE_CREDENTIALS, given)
    said.append(str(failed.value))
    async with transaction(world.banks.engine) as connection:
        rows = (await connection.execute(text("SELECT * FROM hashes.exchanges"))).all()
    out, err = capfd.readouterr()
    assert world.stub.accounts == {"fb_threatexchange": {"api_token": TOKEN}}
    assert TOKEN not in " ".join((*said, str(rows), out, err, caplog.text))


async def test_before_they_were_read_nothing_is_said(world: World) -> None:
    """A look-up without them would miss what they fetched."""
    with pytest.raises(Ours):
        await HmaMatcher(world.table, world.hma, ExchangeBook()).match(ORG, hashes(), seed="s")


@pytest.mark.skipif("COOP_TEST_HMA" not in os.environ, reason="COOP_TEST_HMA names no HMA")
async def test_the_real_one(banks_of: BanksOf) -> None:
    """An exchange is made there, told of, switched off with its bank, and removed."""
    url, token = os.environ["COOP_TEST_HMA"], os.environ.get("COOP_TEST_HMA_TOKEN", "")
    hma, banks = Hma(url, token, timeout=10), await banks_of()
    unique = f"COOP_EXCHANGE_{random.getrandbits(32):08X}"
    known = ConfigTable.of(
        [
            ConfigChange(
                ORG, Kind.HASH_BANK, "b1", msgspec.structs.replace(bank(), hma_name=unique), 1
            )
        ]
    )
    book = ExchangeBook()
    keeper = ExchangeKeeper(banks.engine, known, hma, WHOLE, book)
    exchanges = Exchanges(banks.engine, known, WHOLE, hma, keeper)
    offered = msgspec.json.decode((await hma.ask("GET", "/c/exchanges/apis")).content)
    kinds = [kind for kind, (_, api, _) in KINDS.items() if api in offered]
    assert kinds, f"this HMA fetches none of ours: {offered}"
    for kind in kinds:
        settings = KINDS[kind][0].get("settings", ExchangeSettings())
        asked = AddExchange(bank_id="b1", kind=kind, settings=settings)  # type: ignore[arg-type]
        entry = await exchanges.add(ORG, asked)
        assert entry.condition in ("WAITING", "FETCHING", "FAILED")
        name = f"{unique}_X{entry.id}"
        assert name in await hma.banks()
        assert await exchanges.remove(ORG, "b1", int(entry.id))
        await keeper.keep()
        listed = msgspec.json.decode((await hma.ask("GET", "/c/exchanges")).content)
        assert name not in listed
        assert not (await hma.banks()).get(name)
    await hma.aclose()
