"""One organisation beside another that floods: accepted to evaluated, one rules engine.

The quiet organisation sends `_RATE` items a second, each alone. The other one has 40 rules of 25
regexes that no literal lets pass over, and puts 320 items of about 50 KB, 20 s of work, on the log
at once. The delay is from the broker's acknowledgement of the item to the arrival of its result;
the bound is the ratio of the 99th percentiles, with and without the flood, in one run.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from statistics import quantiles
from typing import Any

import msgspec
from confluent_kafka import Consumer

from coop_contracts.config import Kind, Rule
from coop_contracts.event import ItemSubmitted, RulesEvaluated
from coop_contracts.ids import item_key
from coop_local.stack import EngineAddresses
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from tests.bench import environment as stand
from tests.bench.result import show
from tests.bench.rules_load import ORG, Documents, Load

_FLOOD = "flood"
_RATE = 50
_SECONDS = 20
_FLOODS = 320
_RUNS = 3


class _Result(msgspec.Struct):
    org_id: str = msgspec.field(name="orgId")
    submission_id: str = msgspec.field(name="submissionId")


class _Results(threading.Thread):
    """When each submission's result arrived, by `perf_counter`."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(daemon=True)
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "bench-fairness",
                "auto.offset.reset": "latest",
                "fetch.wait.max.ms": 5,
                "log_level": 2,
            }
        )
        self._consumer.subscribe([RulesEvaluated.topic])
        self._ending = threading.Event()
        self.arrived: dict[str, float] = {}
        self.flooded = 0

    def run(self) -> None:
        decode = msgspec.json.Decoder(_Result).decode
        while not self._ending.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error() or message.value() is None:
                continue
            result = decode(message.value() or b"")
            if result.org_id == _FLOOD:
                self.flooded += 1
            self.arrived[result.submission_id] = time.perf_counter()

    def end(self) -> None:
        self._ending.set()
        self.join(10)
        self._consumer.close()


def _heavy_rules() -> Documents:
    """40 rules of 25 regexes."""
    name = "TEXT_MATCHING_CONTAINS_REGEX"
    rules: Documents = []
    for index in range(40):
        patterns = [
            f"(?:[a-z]+ ){{{n % 4 + 1}}}[a-z]*[0-9]{{{n + 6}}}[^a-z]{{{index + 1}}}"
            for n in range(25)
        ]
        condition: dict[str, Any] = {
            "input": {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": "post"},
            "signal": {"id": f'{{"type":"{name}"}}', "type": name},
            "matchingValues": {"strings": patterns},
        }
        rule = Rule(
            id=f"heavy{index}",
            name=f"Heavy {index}",
            status="LIVE",  # type: ignore[arg-type]
            item_type_ids=("post",),
            condition_set={"conjunction": "AND", "conditions": [condition]},
        )
        rules.append((Kind.RULE, rule))
    return rules


def _flood(load: Load) -> list[ItemSubmitted]:
    text = load.text(2_000)
    return [
        msgspec.structs.replace(
            item,
            org_id=_FLOOD,
            item=msgspec.structs.replace(
                item.item,
                data=msgspec.Raw(msgspec.json.encode({"text": f"{n} " + text * 25})),
            ),
        )
        for n, item in enumerate(load.item() for _ in range(_FLOODS))
    ]


class _Sender:
    def __init__(self, addresses: EngineAddresses) -> None:
        settings = RuntimeSettings(
            kafka=addresses.kafka, kafka_idempotence=addresses.kafka_idempotence, internal_port=0
        )
        self.producer = Producer(settings, client_id="bench-fairness")

    async def send(self, items: Sequence[ItemSubmitted]) -> None:
        messages = [
            message_of(item, key=item_key(item.org_id, "post", item.item.id)) for item in items
        ]
        await self.producer.publish(messages, timeout=60)


async def _quiet(sender: _Sender, load: Load) -> dict[str, float]:
    """When each of the quiet organisation's items was accepted."""
    accepted: dict[str, float] = {}
    began = time.perf_counter()
    sending: set[asyncio.Task[None]] = set()

    async def one(item: ItemSubmitted) -> None:
        await sender.send([item])
        accepted[item.submission_id] = time.perf_counter()

    for n in range(_RATE * _SECONDS):
        await asyncio.sleep(max(0.0, began + n / _RATE - time.perf_counter()))
        task = asyncio.create_task(one(load.item()))
        sending.add(task)
        task.add_done_callback(sending.discard)
    await asyncio.gather(*sending)
    return accepted


async def _run(addresses: EngineAddresses, load: Load, results: _Results) -> tuple[float, float]:
    """The 99th percentiles in milliseconds: alone, beside the flood."""
    sender = _Sender(addresses)
    await sender.producer.start()
    await _quiet(sender, load)  # to warm up
    alone = await _quiet(sender, load)
    flood = _flood(load)
    before = results.flooded
    flooding = asyncio.create_task(sender.send(flood))
    beside = await _quiet(sender, load)
    await flooding
    until = time.monotonic() + 120
    wanted = {*alone, *beside}
    while results.flooded - before < _FLOODS or not wanted <= results.arrived.keys():
        if time.monotonic() > until:
            raise TimeoutError(f"{results.flooded - before} of {_FLOODS} of the flood evaluated")
        await asyncio.sleep(0.1)
    await sender.producer.stop()
    return _p99(alone, results), _p99(beside, results)


def _p99(accepted: dict[str, float], results: _Results) -> float:
    delays = [results.arrived[one] - at for one, at in accepted.items()]
    return quantiles(delays, n=100)[98] * 1000


def main() -> None:
    """Prints one line."""
    load = Load()
    with stand.engines() as addresses:
        quiet = stand.Organisation(id=ORG, api_key="bench", item_type="unused")
        flood = stand.Organisation(id=_FLOOD, api_key="flood", item_type="unused")
        stand.seed(addresses, quiet, *load.documents(20))
        item_type = load.documents(0)[:1]
        stand.seed(addresses, flood, *item_type, *_heavy_rules())
        internal = stand.free_port()
        environment = stand.environment_of(addresses, COOP_INTERNAL_PORT=str(internal))
        ready = f"http://127.0.0.1:{internal}/readyz"
        with stand.service("coop_rules_engine", "engine", environment, ready_url=ready):
            results = _Results(addresses.kafka)
            results.start()
            runs = [asyncio.run(_run(addresses, load, results)) for _ in range(_RUNS)]
            results.end()
    show(
        "fairness_p99_beside_a_flood",
        [beside / alone for alone, beside in runs],
        unit="times the p99 alone",
        bound="<= 2",
        compared_to={
            "p99_alone_ms": round(sorted(alone for alone, _ in runs)[_RUNS // 2], 1),
            "p99_beside_ms": round(sorted(beside for _, beside in runs)[_RUNS // 2], 1),
        },
    )


if __name__ == "__main__":
    main()
