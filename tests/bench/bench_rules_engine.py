"""The rules engine, one process, from Kafka to Kafka: 100 rules on items of about 1 KB, results
recorded.

The same rules on the same bytes in this process, by turns, are what the engine's processor time is
compared to: the share says what is left of it for everything that is not rules.

The items are on the log before the engine starts; the time runs from the first result that the
broker has to the last. Every text is new. `COOP_TEST_KAFKA` names a broker to use instead of an
embedded one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import Iterator, Sequence

import psutil
from confluent_kafka import Consumer, TopicPartition

from coop_contracts.event import ActionRequested, Event, ItemSubmitted, RulesEvaluated, encode
from coop_contracts.ids import item_key
from coop_local.stack import EngineAddresses
from coop_local.topics import create_topics
from coop_runtime.kafka.message import message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from tests.bench import environment as stand
from tests.bench.bench_rules import Setting
from tests.bench.result import show
from tests.bench.rules_load import ORG, Load

_RUNS = 3
_RULES = 100
_ITEMS = 40_000
_COMPARED = 4_000
_SECONDS = 120.0


@contextlib.contextmanager
def _engines() -> Iterator[EngineAddresses]:
    given = os.environ.get("COOP_TEST_KAFKA")
    if given is None:
        with stand.engines() as addresses:
            yield addresses
        return
    idempotence = os.environ.get("COOP_TEST_KAFKA_IDEMPOTENCE", "true") != "false"
    create_topics(given)
    yield EngineAddresses(kafka=given, kafka_idempotence=idempotence, redis="", postgres_admin="")


class _Counter:
    """How many records a topic has, by its high watermarks."""

    def __init__(self, bootstrap: str, event_type: type[Event]) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "bench-counter", "log_level": 2}
        )
        topic: str = event_type.topic  # type: ignore[attr-defined]  # every concrete event has one
        known = self._consumer.list_topics(topic, timeout=20).topics[topic]
        self._partitions = [TopicPartition(topic, partition) for partition in known.partitions]

    def count(self) -> int:
        return sum(
            self._consumer.get_watermark_offsets(partition, timeout=10)[1]
            for partition in self._partitions
        )

    def close(self) -> None:
        self._consumer.close()


async def _produce(addresses: EngineAddresses, items: Sequence[ItemSubmitted]) -> None:
    settings = RuntimeSettings(
        kafka=addresses.kafka, kafka_idempotence=addresses.kafka_idempotence, internal_port=0
    )
    producer = Producer(settings, client_id="bench-items")
    await producer.start()
    for start in range(0, len(items), 1000):
        messages = [
            message_of(event, key=item_key(ORG, "post", event.item.id))
            for event in items[start : start + 1000]
        ]
        await producer.publish(messages, timeout=30)
    await producer.stop()


def _run(addresses: EngineAddresses, load: Load, results: _Counter) -> tuple[float, float]:
    """Items a second, and items a second of the engine's own CPU."""
    before = results.count()
    asyncio.run(_produce(addresses, [load.item() for _ in range(_ITEMS)]))
    internal = stand.free_port()
    environment = stand.environment_of(addresses, COOP_INTERNAL_PORT=str(internal))
    ready = f"http://127.0.0.1:{internal}/livez"
    with stand.service("coop_rules_engine", "engine", environment, ready_url=ready) as process:
        engine = psutil.Process(process.pid)
        until = time.monotonic() + _SECONDS
        first, began, used = 0, 0.0, 0.0
        while (done := results.count() - before) < _ITEMS:
            if done and not first:
                first, began, used = done, time.perf_counter(), sum(engine.cpu_times()[:2])
            if time.monotonic() > until:
                raise TimeoutError(f"{done} of {_ITEMS} results after {_SECONDS} s")
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        cpu = sum(engine.cpu_times()[:2]) - used
    return (_ITEMS - first) / seconds, (_ITEMS - first) / cpu


def _in_process(setting: Setting, load: Load) -> float:
    """Items a second of CPU, without a log."""
    raws = [encode(load.item()) for _ in range(_COMPARED)]
    used = time.process_time()
    for raw in raws:
        setting.evaluate(raw)
    return _COMPARED / (time.process_time() - used)


def main() -> None:
    """Prints one line."""
    load = Load()
    documents = load.documents(_RULES)
    setting = Setting.of(load, documents)
    with _engines() as addresses:
        org = stand.Organisation(id=ORG, api_key="bench", item_type="unused")
        stand.seed(addresses, org, *documents)
        with (
            contextlib.closing(_Counter(addresses.kafka, RulesEvaluated)) as results,
            contextlib.closing(_Counter(addresses.kafka, ActionRequested)) as actions,
        ):
            requested = actions.count()
            runs, plain = [], []
            for _ in range(_RUNS):
                runs.append(_run(addresses, load, results))
                plain.append(_in_process(setting, load))
            requested = actions.count() - requested
    show(
        "rules_engine_kafka",
        [wall for wall, _ in runs],
        unit="items/s",
        bound=">= 8000",
        compared_to={
            "items_per_cpu_second": round(statistics.median(cpu for _, cpu in runs)),
            "in_process_per_cpu_second": round(statistics.median(plain)),
            "share_of_cpu_in_process": round(
                statistics.median(cpu / one for (_, cpu), one in zip(runs, plain, strict=True)),
                2,
            ),
            "rules": _RULES,
            "actions_per_item": round(requested / (_ITEMS * _RUNS), 3),
        },
    )


if __name__ == "__main__":
    main()
