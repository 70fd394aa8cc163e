"""Known pictures while what knows them is away for three minutes, and text rules beside them.

Everything from ingest to the webhook is a process: ingest, rules engine, bridge, dispatcher. Two
hundred pictures are sent in each part, spread over it, and `_RATE` texts a second that a rule acts
on. The parts: all is well; a Hasher-Matcher-Actioner refuses connections, then hangs; all is well;
the bridge's PostgreSQL refuses, then hangs; all is well. What is shown: pictures that were acted on
once, of all; how many of them were acted on only after the outage; and the 99th percentile of
accepted to webhook of the texts, during the outages over that without.

`COOP_BENCH_OUTAGE`: seconds of a part, 180. `COOP_BENCH_OUTAGE_RATE`: texts a second, 25.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import time
from dataclasses import dataclass
from statistics import quantiles
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx
import numpy as np
from PIL import Image

from coop_contracts.config import (
    Action,
    Document,
    Field,
    HashBank,
    ItemType,
    Kind,
    Rule,
    RuleStatus,
    ScalarType,
)
from coop_contracts.hash_bank import ADD_FILE, AddFile
from coop_hma_bridge.migrations import run as migrate
from coop_local.stack import EngineAddresses
from coop_media.pdq import pdq_of_image
from coop_runtime.database.engine import bootstrap, owner_of, service_url
from coop_runtime.internal.client import InternalApi
from tests.bench import delivery_load
from tests.bench import environment as stand
from tests.bench.outage_load import Others, Serving, Way, serving
from tests.bench.result import show

Part = Literal["well", "hma", "index"]

_PARTS: Final[tuple[Part, ...]] = ("well", "hma", "well", "index", "well")
_SECONDS: Final = float(os.environ.get("COOP_BENCH_OUTAGE", "180"))
_RATE: Final = float(os.environ.get("COOP_BENCH_OUTAGE_RATE", "25"))
_PICTURES: Final = 200
_KNOWN: Final = 10  # different pictures, of each place that knows some
_STALE: Final = 5  # seconds until a bridge without its database waits; by default 60
_AFTER: Final = 120.0
_TOKEN: Final = "bench"
_ROLE: Final = "coop_hashes"


@dataclass
class World:
    """What the parts run in."""

    others: Others
    loop: Serving
    ways: dict[Part, Way]
    items: str
    org: stand.Organisation
    media: str


def documents(webhook: str) -> list[tuple[Kind, Document]]:
    """A type with a picture, a bank, and a rule for texts and one for pictures."""
    item_type = ItemType(
        id="picture",
        name="Picture",
        kind="CONTENT",
        version="2026-01-01T00:00:00.000000Z",
        fields=(
            Field(name="text", type=ScalarType.STRING),
            Field(name="image", type=ScalarType.IMAGE),
        ),
    )
    bank = HashBank(id="bank", name="Known", hma_name="COOP_BENCH_KNOWN")
    action = Action(id="remove", name="Remove", item_type_ids=("picture",), callback_url=webhook)
    text = _signal("TEXT_MATCHING_CONTAINS_TEXT", "text", {"strings": ["lottery"]})
    image = _signal("IMAGE_SIMILARITY_MATCH", "image", {"imageBankIds": ["bank"]})
    rules = [
        Rule(
            id=name,
            name=name,
            status=RuleStatus.LIVE,
            item_type_ids=("picture",),
            condition_set={"conjunction": "AND", "conditions": [condition]},
            action_ids=("remove",),
        )
        for name, condition in (("text", text), ("image", image))
    ]
    found: list[tuple[Kind, Document]] = [(Kind.ITEM_TYPE, item_type), (Kind.HASH_BANK, bank)]
    return [*found, (Kind.ACTION, action), *((Kind.RULE, rule) for rule in rules)]


def _signal(name: str, field: str, matching: dict[str, Any]) -> dict[str, Any]:
    return {
        "input": {"type": "CONTENT_FIELD", "name": field, "contentTypeId": "picture"},
        "signal": {"id": f'{{"type":"{name}"}}', "type": name},
        "matchingValues": matching,
    }


def _png(seed: int) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize((320, 240), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


async def _send(world: World, client: httpx.AsyncClient, item: str, data: dict[str, str]) -> float:
    body = {"items": [{"id": item, "typeId": "picture", "data": data}]}
    # What is sent again because a connection was closed under it is the same submission.
    headers = {"x-api-key": world.org.api_key, "idempotency-key": item}
    for _ in range(3):
        with contextlib.suppress(httpx.TransportError):
            answer = await client.post(world.items, json=body, headers=headers)
            break
    if answer.status_code != 202:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
    return time.perf_counter()


async def _part(
    world: World, client: httpx.AsyncClient, number: int, part: Part
) -> dict[str, float]:
    """When each item was accepted. Its way is cut in the first half, and hangs in the other."""
    accepted: dict[str, float] = {}
    sending: set[asyncio.Task[None]] = set()

    async def one(item: str, data: dict[str, str]) -> None:
        accepted[item] = await _send(world, client, item, data)

    def start(item: str, data: dict[str, str]) -> None:
        task = asyncio.create_task(one(item, data))
        sending.add(task)

    way = world.ways.get(part)
    if way is not None:
        world.loop.turn(way, "refuses")
        # Pictures that come before it is noticed are matched by what is known.
        await asyncio.sleep(_STALE + 2)
    began, pictures, texts = time.perf_counter(), 0, round(_SECONDS * _RATE)
    for n in range(texts):
        await asyncio.sleep(max(0.0, began + n / _RATE - time.perf_counter()))
        if way is not None and n == texts // 2:
            world.loop.turn(way, "hangs")
        start(f"text-{number}-{n}", {"text": f"message {n}: you won the lottery"})
        while pictures < _PICTURES * (n + 1) // texts:
            seed = pictures % (2 * _KNOWN) if part == "well" else pictures % _KNOWN
            seed += _KNOWN if part == "index" else 0
            url = f"{world.media}/{seed}?{number}-{pictures}"
            start(f"picture-{number}-{pictures}", {"text": "a picture", "image": url})
            pictures += 1
    await asyncio.gather(*sending)
    if way is not None:
        world.loop.turn(way, "well")
    return accepted


async def _all(world: World) -> list[dict[str, Any]]:
    parts = []
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for n in range(100):
            await _send(world, client, f"warm-{n}", {"text": "the lottery"})
        for number, part in enumerate(_PARTS):
            accepted = await _part(world, client, number, part)
            ended = time.perf_counter()
            until = time.monotonic() + _AFTER
            while not accepted.keys() <= world.others.arrived.keys():
                if time.monotonic() > until:
                    break
                await asyncio.sleep(0.2)
            parts.append({"part": part, "accepted": accepted, "ended": ended})
        await asyncio.sleep(5)  # for what would come twice
    return parts


def _p99(world: World, parts: list[dict[str, Any]], *kinds: Part) -> float:
    delays = [
        world.others.arrived[item] - at
        for one in parts
        if one["part"] in kinds
        for item, at in one["accepted"].items()
        if item.startswith("text")
    ]
    p99: float = quantiles(delays, n=100)[98]
    return p99 * 1000


def _show(world: World, parts: list[dict[str, Any]]) -> None:
    others, well = world.others, _p99(world, parts, "well")
    for kind in ("hma", "index"):
        (one,) = (one for one in parts if one["part"] == kind)
        pictures = [item for item in one["accepted"] if item.startswith("picture")]
        arrived = [others.arrived[item] for item in pictures if item in others.arrived]
        late = [at - one["ended"] for at in arrived if at > one["ended"]]
        show(
            f"pictures_acted_on_once_after_{kind}_was_away",
            [sum(others.times[item] == 1 for item in pictures)],
            unit=f"of {len(pictures)} known pictures sent in {_SECONDS:g} s of outage",
            bound="all",
            compared_to={
                "only_after_the_outage": len(late),
                "the_last_after_s": round(max(late, default=0.0), 1),
            },
        )
    everything = {item for one in parts for item in one["accepted"]}
    runs = [_p99(world, parts, kind) / well for kind in ("hma", "index")]
    show(
        "text_rules_beside_an_outage",
        runs,
        unit="times the p99 without",
        bound="<= 1.2",
        compared_to={
            "p99_without_ms": round(well, 1),
            "p99_of_each_part_ms": [round(_p99(world, [one], one["part"]), 1) for one in parts],
            "items": len(everything),
            "acted_on_once": sum(others.times[item] == 1 for item in everything),
        },
    )


def bridge_database(addresses: EngineAddresses) -> str:
    """The URL of the bridge's role on a migrated schema."""
    url = addresses.postgres_admin
    bootstrap(url, {_ROLE: "bench", owner_of(_ROLE): "bench"})
    migrate(service_url(url, owner_of(_ROLE), "bench"))
    return service_url(url, _ROLE, "bench")


async def _teach(port: int, org: str, others: Others) -> None:
    """The second half of the pictures to the bank here, the first to HMA's."""
    api = InternalApi(f"http://127.0.0.1:{port}", _TOKEN, timeout=20)
    for seed in range(2 * _KNOWN):
        content = others.files[f"/{seed}"]
        if seed < _KNOWN:
            others.known.add(pdq_of_image(Image.open(io.BytesIO(content))).bits)
        else:
            await api.ask(org, ADD_FILE, AddFile(bank_id="bank", content=content))
    await api.aclose()


def main() -> None:
    """Prints three lines."""
    org = stand.new_organisation()
    with stand.engines() as addresses, serving() as loop:
        others = Others()
        others.files = {f"/{seed}": _png(seed) for seed in range(2 * _KNOWN)}
        port = loop.listen(others)
        origin = f"http://127.0.0.1:{port}"
        postgres, database = delivery_load.database(addresses), bridge_database(addresses)
        own = urlsplit(database).port
        assert own is not None
        ways: dict[Part, Way] = {"hma": Way(port), "index": Way(own)}
        ports = {part: loop.listen(way) for part, way in ways.items()}
        urls = {"unused": f"{origin}/webhook"}
        known = [*delivery_load.documents(org, urls), *documents(f"{origin}/webhook")]
        stand.seed(addresses, org, *known)
        free = [stand.free_port() for _ in range(2)]
        roles = {
            ("coop_ingest", "api"): {
                "COOP_INGEST_PORT": str(free[0]),
                "COOP_INGEST_ALLOW_PRIVATE_URLS": "true",
            },
            ("coop_rules_engine", "engine"): {},
            ("coop_rules_engine", "slow"): delivery_load.environment_of(addresses, ""),
            ("coop_hma_bridge", "bridge"): {
                "COOP_POSTGRES": database.replace(f":{own}", f":{ports['index']}"),
                "COOP_HMA_URL": f"http://127.0.0.1:{ports['hma']}",
                "COOP_HASH_STALE": str(_STALE),
                "COOP_HASH_PORT": str(free[1]),
                "COOP_INTERNAL_TOKEN": _TOKEN,
                "COOP_EGRESS_ALLOW": "127.0.0.0/8",
                "COOP_LOG_LEVEL": "ERROR",
            },
            ("coop_action_dispatcher", "dispatcher"): delivery_load.environment_of(
                addresses, postgres
            ),
        }
        with contextlib.ExitStack() as stack:
            for (module, role), more in roles.items():
                internal = str(stand.free_port())
                environment = stand.environment_of(addresses, COOP_INTERNAL_PORT=internal) | more
                ready = f"http://127.0.0.1:{internal}/readyz"
                stack.enter_context(
                    stand.service(module, role, environment, ready_url=ready, deadline=60)
                )
            asyncio.run(_teach(free[1], org.id, others))
            items = f"http://127.0.0.1:{free[0]}/api/v1/items/async/"
            world = World(others, loop, ways, items, org, origin)
            _show(world, asyncio.run(_all(world)))


if __name__ == "__main__":
    main()
