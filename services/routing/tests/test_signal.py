"""Rules that need more than the item: banks in parts, areas, plugins, models, strikes."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import (
    Bounds,
    Geometry,
    Kind,
    Location,
    LocationBank,
    Point,
    ScalarType,
    TextBank,
)
from coop_contracts.event import ItemRef
from coop_queues.store import OrderIndex, jobs_of_item
from coop_routing.entry_router import MAX_INPUTS, EntryRouter
from coop_routing.handler import Placer
from coop_routing.placement import traits_of
from coop_routing.route import Route
from coop_routing.route_table import RouteTables
from coop_rules.matching.bank import split_text_bank
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules.signal.signal import SignalType
from coop_runtime.database.engine import transaction
from coop_signals import strike
from coop_signals.strike import StrikeReader

from .conftest import (
    Configuration,
    Models,
    NoStrikes,
    contains,
    hateful,
    item,
    leaf,
    report,
    router_of,
    rule,
    scores,
    strikes,
)
from .test_place_batch import received

PATIENCE = 20.0  # seconds for what should happen soon, on a machine that may be busy


async def routed(entry_router: EntryRouter, org: str, **fields: Any) -> Route:
    event = report(org, "1", item(**fields))
    entry = await entry_router.open(org, event.item, traits_of(event), at=event.time)
    await entry_router.settle([entry])
    return entry.route()


async def test_a_bank_in_parts(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """A text bank that is too large for one message matches with all its entries; while a part is
    missing its rule cannot be decided, and the record says why."""
    bank = TextBank(id="bank", name="Words", type="STRING", strings=())
    whole, chunks = split_text_bank(bank, [f"word-{n:06}-{'x' * 40}" for n in range(5000)])
    assert len(chunks) > 2
    bank_rule = contains()
    bank_rule["conditions"][0]["matchingValues"] = {"textBankIds": ["bank"]}
    configuration.put(Kind.BANK_CHUNK, *chunks[1:])
    configuration.put(Kind.TEXT_BANK, whole)
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "spam", bank_rule))
    last = f"so WORD-004999-{'x' * 40}"
    without = await routed(entry_router, org, text=last)
    assert (without.queue_id, without.routing.tried) == ("default", 1)
    [undecided] = without.routing.undecided
    assert undecided.rule.id == "r1"
    assert "a part of bank Words is not here" in undecided.reasons[0]
    configuration.put(Kind.BANK_CHUNK, chunks[0])
    for text in (last, f"word-000000-{'x' * 40}"):
        assert (await routed(entry_router, org, text=text)).queue_id == "spam"
    assert (await routed(entry_router, org, text="word")).queue_id == "default"


async def test_a_location_bank(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """A geohash within an area of a location bank passes, one elsewhere does not."""
    corner = Point(lat=53.0, lng=14.0)
    berlin = Location(
        id="berlin",
        geometry=Geometry(center=Point(lat=52.5, lng=13.4)),
        bounds=Bounds(northeast_corner=corner, southwest_corner=Point(lat=52.0, lng=13.0)),
    )
    configuration.put(
        Kind.LOCATION_BANK, LocationBank(id="bank", name="Cities", locations=(berlin,))
    )
    within = scores("GEO_CONTAINED_WITHIN", "place", "EQUALS", "true")
    within["conditions"][0]["matchingValues"] = {"locationBankIds": ["bank"]}
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", within))
    assert (await routed(entry_router, org, place="u33db2")).queue_id == "urgent"
    assert (await routed(entry_router, org, place="gcpvj0")).queue_id == "default"


async def test_a_plugins_signal(configuration: Configuration, models: Models, org: str) -> None:
    """A signal that a plugin brought is known to the tables, and its provider asked."""
    signal = SignalType(
        name="TEXT_LENGTH",
        inputs=frozenset({ScalarType.STRING}),
        output="NUMBER",
        cost=2,
        lane="SLOW",
        external=True,
        integration="LENGTHS",
    )
    tables = RouteTables(configuration.table, SignalCatalogue.builtin().with_plugins([signal]))
    models.signals |= {"TEXT_LENGTH"}
    models.scores = {"long": 100}
    configuration.put(
        Kind.ROUTING_RULE, rule("r1", 1, "spam", scores("TEXT_LENGTH", "text", "GREATER_THAN", 9))
    )
    entry_router = router_of(tables, models, NoStrikes(), seconds=PATIENCE)
    assert (await routed(entry_router, org, text="long")).queue_id == "spam"
    models.signals -= {"TEXT_LENGTH"}
    nobody = await routed(entry_router, org, text="long")
    assert nobody.queue_id == "default"
    assert "nobody to ask" in nobody.routing.undecided[0].reasons[0]
    tables.close()


async def test_a_model_is_asked_and_its_value_recorded(
    configuration: Configuration, entry_router: EntryRouter, models: Models, org: str
) -> None:
    """Google's priority of an image decides, and is in the record of the routing."""
    high = scores("GOOGLE_CONTENT_SAFETY_API_IMAGE", "picture", "GREATER_THAN_OR_EQUALS", "HIGH")
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", high))
    models.scores = {"https://a/1.png": "VERY_HIGH", "https://a/2.png": "LOW"}
    found = await routed(entry_router, org, picture={"url": "https://a/1.png"})
    assert (found.queue_id, found.routing.how, found.routing.tried) == ("urgent", "RULE", 1)
    [value] = found.routing.signals
    assert (value.signal, value.score) == ("GOOGLE_CONTENT_SAFETY_API_IMAGE", "VERY_HIGH")
    other = await routed(entry_router, org, picture={"url": "https://a/2.png"})
    assert (other.queue_id, other.routing.signals[0].score) == ("default", "LOW")
    models.asked.clear()
    assert (await routed(entry_router, org)).queue_id == "default"
    assert models.asked == []


async def test_nobody_is_asked_without_need(
    configuration: Configuration, entry_router: EntryRouter, models: Models, org: str
) -> None:
    """A model is asked only where a rule that needs it comes before the first that passes, and its
    other conditions leave it open."""
    both = {
        "conjunction": "AND",
        "conditions": [*contains("maybe")["conditions"], *hateful()["conditions"]],
    }
    configuration.put(
        Kind.ROUTING_RULE,
        rule("r1", 1, "spam", contains("buy")),
        rule("r2", 2, "urgent", both),
        rule("r3", 3, "spam", contains("fine")),
        rule("r4", 4, "urgent", hateful(), for_appeals=True),
    )
    for text, queue in (("buy", "spam"), ("hello", "default"), ("fine", "spam")):
        assert (await routed(entry_router, org, text=text)).queue_id == queue
    assert models.asked == []
    models.scores = {"maybe fine": 0.1}
    found = await routed(entry_router, org, text="maybe fine")
    assert (found.queue_id, found.routing.tried, models.asked) == ("spam", 3, ["maybe fine"])


async def test_a_rule_about_absence_waits_for_the_value(
    configuration: Configuration, entry_router: EntryRouter, models: Models, org: str
) -> None:
    """IS_UNAVAILABLE is judged when the model had its chance, not before."""
    absent = scores("OPEN_AI_HATE_TEXT_MODEL", "text", "IS_UNAVAILABLE", None)
    del absent["conditions"][0]["threshold"]
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", absent))
    models.scores = {"known": 0.1}
    assert (await routed(entry_router, org, text="known")).queue_id == "default"
    assert (await routed(entry_router, org, text="unknown")).queue_id == "urgent"


async def test_a_dead_model_leaves_its_rule_undecided(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """By the deadline the rules after it decide; the record names the rule, and the reason."""
    configuration.put(
        Kind.ROUTING_RULE,
        rule("r1", 1, "urgent", hateful()),
        rule("r2", 2, "spam", contains("buy")),
    )
    found = await asyncio.wait_for(routed(entry_router, org, text="buy"), PATIENCE)
    assert (found.queue_id, found.routing.how) == ("spam", "RULE")
    assert found.routing.rule is not None
    assert (found.routing.rule.id, found.routing.tried) == ("r2", 2)
    [undecided] = found.routing.undecided
    assert (undecided.rule.id, undecided.reasons) == ("r1", ("no answer in time",))
    assert found.routing.signals[0].error == "no answer in time"


async def test_a_batch_waits_once(
    configuration: Configuration, tables: RouteTables, models: Models, org: str
) -> None:
    """A hundred entries that wait for a dead model wait for it at the same time."""
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", hateful()))
    entry_router = router_of(tables, models, NoStrikes(), seconds=1)
    events = [report(org, str(n), item(f"i{n}")) for n in range(100)]
    opened = [
        await entry_router.open(org, event.item, traits_of(event), at=event.time)
        for event in events
    ]
    began = time.monotonic()
    await entry_router.settle(opened)
    assert time.monotonic() - began < PATIENCE  # one after the other they would take 100 s
    assert not any(entry.waits for entry in opened)
    assert len(models.asked) == 100


async def test_an_item_of_many_values_is_asked_about_so_many(
    configuration: Configuration, entry_router: EntryRouter, models: Models, org: str
) -> None:
    """Of a field with a thousand values a bounded number is judged; the rest is unknown."""
    everything = scores("OPEN_AI_HATE_TEXT_MODEL", "text", "GREATER_THAN", 0.5)
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", everything))
    models.scores = {"fine": 0.1}
    event = report(org, "1", item(text=["fine"] * 1000))  # type: ignore[arg-type]
    entry = await entry_router.open(org, event.item, traits_of(event), at=event.time)
    await entry_router.settle([entry])
    assert len(models.asked) <= MAX_INPUTS
    assert entry.choice.queue_id == "default"


@pytest.mark.engines
async def test_what_waits_holds_up_nothing_else(
    engine: AsyncEngine,
    order: OrderIndex,
    configuration: Configuration,
    tables: RouteTables,
    models: Models,
    org: str,
) -> None:
    """Of one batch, what is decided is placed at once; what waits for a model, by its deadline."""
    configuration.put(
        Kind.ROUTING_RULE,
        rule("r1", 1, "spam", contains("buy")),
        rule("r2", 2, "urgent", hateful()),
    )
    placer = Placer(engine, order, router_of(tables, models, NoStrikes(), seconds=1))
    rest = await placer(
        received(report(org, "1", item("slow")), report(org, "2", item("fast", text="buy")))
    )
    assert rest is not None

    async def queues(item_id: str) -> list[str]:
        async with transaction(engine) as connection:
            found = await jobs_of_item(connection, org, ItemRef(item_id, "post"))
        return [job.queue_id for job in found]

    assert (await queues("fast"), await queues("slow")) == (["spam"], [])
    await asyncio.wait_for(rest, PATIENCE)
    assert await queues("slow") == ["default"]


@pytest.mark.engines
async def test_strikes_are_read_where_the_dispatcher_keeps_them(
    redis_url: str, configuration: Configuration, tables: RouteTables, models: Models, org: str
) -> None:
    """A user's live strikes at the time of the report decide; where Redis does not hold them all
    they are unknown, which is not none. A user item is its own author."""
    user, reader = ItemRef("u1", "user"), StrikeReader.of(redis_url)
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", strikes(3)))
    entry_router = router_of(tables, models, reader, seconds=PATIENCE)
    soon, past = (datetime.now(UTC) + timedelta(days=days) for days in (1, -1))
    with Redis.from_url(redis_url) as redis:
        kept = redis.get(strike.MARKER)
        run: Any = redis.info("server")
        raw = [[int(soon.timestamp() * 1000), 3], [int(past.timestamp() * 1000), 50]]
        redis.set(f"coop:strikes:{org}:user:u1", json.dumps(raw))
        try:
            redis.set(strike.MARKER, run["run_id"])
            found = await routed(entry_router, org, creator=user)
            assert (found.queue_id, found.routing.signals[0].score) == ("urgent", 3.0)
            assert (
                await routed(entry_router, org, creator=ItemRef("u2", "user"))
            ).queue_id == "default"
            redis.set(strike.MARKER, "another run")
            lost = await routed(entry_router, org, creator=user)
        finally:
            redis.set(strike.MARKER, kept) if kept else redis.delete(strike.MARKER)
    assert lost.queue_id == "default"
    assert lost.routing.undecided[0].reasons == (strike.NOT_WHOLE,)
    await reader.aclose()


async def test_strikes_of_an_absent_redis_are_unknown(
    configuration: Configuration, tables: RouteTables, models: Models, org: str
) -> None:
    """Without Redis the rule is undecided, at once, and the entry is placed all the same."""
    reader = StrikeReader.of("redis://127.0.0.1:1/0")
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", strikes(0)))
    entry_router = router_of(tables, models, reader, seconds=PATIENCE)
    found = await routed(entry_router, org, creator=ItemRef("u1", "user"))
    assert (found.queue_id, found.routing.undecided[0].reasons) == ("default", (strike.AWAY,))
    await reader.aclose()


async def test_a_signal_that_routing_cannot_have_is_said(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """A rule with such a condition, however it came to be saved, is undecided with the reason."""
    counts = leaf(
        input={"type": "FULL_ITEM"},
        signal={
            "id": '{"type":"AGGREGATION"}',
            "type": "AGGREGATION",
            "args": {
                "aggregationClause": {
                    "id": "a",
                    "aggregation": {"type": "COUNT"},
                    "groupBy": [],
                    "window": {"sizeMs": 60000, "hopMs": 1000},
                }
            },
        },
        comparator="GREATER_THAN",
        threshold=1,
    )
    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", counts))
    found = await routed(entry_router, org)
    assert found.queue_id == "default"
    assert "not for routing rules" in found.routing.undecided[0].reasons[0]


async def test_data_that_cannot_be_read_is_no_reason_to_lose_a_report(
    configuration: Configuration, entry_router: EntryRouter, org: str
) -> None:
    """It goes to the default queue, and the record says why no rule was tried."""
    from msgspec import Raw
    from msgspec.structs import replace

    configuration.put(Kind.ROUTING_RULE, rule("r1", 1, "urgent", contains("hello")))
    for raw in (b"[1]", b"[" * 100_000):
        event = report(org, "1", replace(item(), data=Raw(raw)))
        entry = await entry_router.open(org, event.item, traits_of(event), at=event.time)
        assert (entry.choice.queue_id, entry.choice.how) == ("default", "DEFAULT")
        assert "cannot be read" in str(entry.choice.note)
