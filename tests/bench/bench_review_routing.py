"""The router, one process: from reports on the log to jobs in queues, committed, with their turns.

The reports are on the log before the router starts, so it always has more than it can do; the time
runs from the first entry in the database to the last. Twenty queues of every order, fifty routing
rules on text and policy of which most reports pass none; four in five reports make a job, the
others join one.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import time
from datetime import UTC, datetime
from statistics import median
from typing import Any

import msgspec
import psutil
import psycopg

from coop_contracts.config import (
    Document,
    Kind,
    Policy,
    Queue,
    QueueOrder,
    QueueWeights,
    RoutingRule,
)
from coop_contracts.event import ItemRef, ReportReason, ReportSubmitted, SubmittedItem
from coop_contracts.ids import item_key, new_id
from coop_local.stack import EngineAddresses
from coop_queues.migrations import run as migrate
from coop_runtime.database.engine import bootstrap, service_url
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.settings import RuntimeSettings
from tests.bench import bare_placing
from tests.bench import environment as stand
from tests.bench.result import show

_RUNS = 3
_REPORTS = 20_000
_QUEUES = 20
_RULES = 50
_POLICIES = 10
_SECONDS = 120.0
_VERSION = "2026-01-01T00:00:00.000000Z"


def _documents() -> list[tuple[Kind, Document]]:
    orders = list(QueueOrder)
    found: list[tuple[Kind, Document]] = [
        (
            Kind.QUEUE,
            Queue(
                id=f"q-{n}",
                name=f"Queue {n}",
                is_default_queue=n == 0,
                order=orders[n % len(orders)],
                weights=QueueWeights(report=5, reporter=10, severity=60),
                target_minutes=24 * 60,
            ),
        )
        for n in range(_QUEUES)
    ]
    found += [
        (Kind.POLICY, Policy(id=f"p-{n}", name=f"Policy {n}", penalty="HIGH"))
        for n in range(_POLICIES)
    ]
    found += [(Kind.ROUTING_RULE, _rule(n)) for n in range(_RULES)]
    return found


def _rule(number: int) -> RoutingRule:
    word: dict[str, Any] = {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
        "signal": {
            "id": '{"type":"TEXT_MATCHING_CONTAINS_WORD"}',
            "type": "TEXT_MATCHING_CONTAINS_WORD",
        },
        "matchingValues": {"strings": [f"word{number}", f"other{number}"]},
    }
    policy: dict[str, Any] = {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "Relevant Policy"},
        "comparator": "EQUALS",
        "threshold": f"p-{number % _POLICIES}",
    }
    return RoutingRule(
        id=f"r-{number:02}",
        name=f"Rule {number}",
        sequence_number=number,
        item_type_ids=("post",),
        condition_set={"conjunction": "AND", "conditions": [word, policy]},
        destination_queue_id=f"q-{number % _QUEUES}",
    )


def _report(org_id: str, run: int, number: int, dice: random.Random) -> Message:
    at = datetime.now(UTC)
    item_id = f"{run}-{number if number % 5 else number // 5}"
    words = [f"word{dice.randrange(1000)}" if dice.random() < 0.05 else "plain" for _ in range(40)]
    data = {
        "text": " ".join(words),
        "author": {"id": f"u-{number % 500}", "typeId": "post"},
        "created_at": "2026-01-01T00:00:00Z",
    }
    report_id = f"{run}-{number}"
    event = ReportSubmitted(
        event_id=new_id(),
        org_id=org_id,
        time=at,
        correlation_id=report_id,
        report_id=report_id,
        reporter=ItemRef(f"u-{dice.randrange(10_000)}", "post"),
        reported_at=at,
        item=SubmittedItem(
            id=item_id,
            type_id="post",
            type_version=_VERSION,
            data=msgspec.Raw(msgspec.json.encode(data)),
            creator=ItemRef(f"u-{number % 500}", "post"),
        ),
        config_revision=1,
        reason=ReportReason(policy_id=f"p-{dice.randrange(_POLICIES)}", reason="rude"),
    )
    return message_of(event, key=item_key(org_id, "post", item_id))


def _publish(addresses: EngineAddresses, messages: list[Message]) -> None:
    settings = RuntimeSettings(
        kafka=addresses.kafka, kafka_idempotence=addresses.kafka_idempotence, internal_port=0
    )

    async def publish() -> None:
        producer = Producer(settings, client_id="bench-reports")
        await producer.start()
        for start in range(0, len(messages), 1000):
            await producer.publish(messages[start : start + 1000], timeout=30)
        await producer.stop()

    asyncio.run(publish())


def _placed(database: psycopg.Connection[Any], org_id: str) -> int:
    row = database.execute(
        "SELECT count(*) FROM queues.entries WHERE org_id = %s", [org_id]
    ).fetchone()
    return int(row[0]) if row else 0


def _run(
    addresses: EngineAddresses,
    url: str,
    org: stand.Organisation,
    run: int,
    engine: bare_placing.Engine,
) -> tuple[float, float, float]:
    """Reports placed a second; milliseconds of CPU for each, the router's and with PostgreSQL's."""
    dice = random.Random(run)
    _publish(addresses, [_report(org.id, run, n, dice) for n in range(_REPORTS)])
    internal = stand.free_port()
    environment = stand.environment_of(
        addresses,
        COOP_POSTGRES=url,
        COOP_SECRET_KEYS=base64.b64encode(os.urandom(32)).decode(),
        COOP_INTERNAL_PORT=str(internal),
    )
    ready = f"http://127.0.0.1:{internal}/livez"
    with psycopg.connect(url, autocommit=True) as database:
        before = _placed(database, org.id)
        with stand.service("coop_routing", "router", environment, ready_url=ready) as one:
            process, until = psutil.Process(one.pid), time.monotonic() + _SECONDS
            while (first := _placed(database, org.id) - before) == 0:
                _wait(until)
            began, used = time.perf_counter(), sum(process.cpu_times()[:2])
            engine_used = engine.used()
            while _placed(database, org.id) - before < _REPORTS:
                _wait(until)
            seconds = time.perf_counter() - began
            cpu = sum(process.cpu_times()[:2]) - used
            both = cpu + bare_placing.since(engine_used, engine.used())
    count = _REPORTS - first
    return count / seconds, cpu / count * 1000, both / count * 1000


def _wait(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError(f"not placed in {_SECONDS} s")
    time.sleep(0.02)


def main() -> None:
    """Prints two lines."""
    org = stand.new_organisation()
    with stand.engines() as addresses:
        stand.seed(addresses, org, *_documents())
        roles = ("coop_queues", "coop_queues_owner", "coop_review")
        bootstrap(addresses.postgres_admin, dict.fromkeys(roles, "bench"))
        migrate(service_url(addresses.postgres_admin, "coop_queues_owner", "bench"))
        url = service_url(addresses.postgres_admin, "coop_queues", "bench")
        runs, bare = [], []
        with psycopg.connect(addresses.postgres_admin, autocommit=True) as admin:
            engine = bare_placing.Engine(admin)
            for run in range(_RUNS):
                runs.append(_run(addresses, url, org, run, engine))
                reports = _REPORTS * (run + 1)  # all that is there
                bare.append(bare_placing.cost(admin, engine, org.id, reports) * 1000)
    show(
        "routing_reports_placed",
        [rate for rate, _, _ in runs],
        unit="reports/s placed by one process",
        bound=">= 2000",
        compared_to={"router_cpu_ms_a_report": median(cpu for _, cpu, _ in runs)},
    )
    show(
        "routing_over_bare",
        [both / base for (_, _, both), base in zip(runs, bare, strict=True)],
        unit="times the CPU, PostgreSQL's too, of the same rows by one prepared statement a batch",
        bound="<= 3",
        compared_to={"cpu_ms_of_the_rows": round(median(bare), 3)},
    )


if __name__ == "__main__":
    main()
