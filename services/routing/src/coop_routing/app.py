"""The composition root: builds the router process from its settings. Wiring only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from coop_contracts.event import AppealSubmitted, ReportSubmitted, ReviewRequested
from coop_queues.store import OrderIndex, Reconciler
from coop_routing.handler import Placer
from coop_routing.park import Unparker
from coop_routing.settings import Settings
from coop_routing.table import KINDS, RouteTables
from coop_runtime.config_table import ConfigTable
from coop_runtime.consumer import Consumer
from coop_runtime.database import engine_of
from coop_runtime.producer import Producer
from coop_runtime.service import Service

NAME = "routing"

_CONFIG_TIMEOUT = 3600.0  # seconds; until then the process is alive and not ready


def router(settings: Settings) -> Service:
    """The process that routes: three consumers, the reconciler of Redis, the unparker."""
    settings.require("postgres")
    service = Service(NAME, settings)
    engine = engine_of(settings.postgres, pool_size=6, application_name=NAME)
    order = OrderIndex.of(settings.redis)
    producer = Producer(settings, client_id=NAME)
    config = ConfigTable(settings, kinds=KINDS)
    tables = RouteTables(config)
    placer = Placer(engine, order, tables)
    unparker = Unparker(engine, order, tables, period=settings.routing_park)

    def consumer(group: str, event_type: type[Any]) -> Consumer[Any]:
        return Consumer(
            settings,
            group=group,
            event_type=event_type,
            handler=placer,
            producer=producer,
            max_batch=settings.routing_batch,
        )

    consumers = {
        "reports": consumer("routing.reports", ReportSubmitted),
        "appeals": consumer("routing.appeals", AppealSubmitted),
        "review-requests": consumer("routing.review-requests", ReviewRequested),
    }

    def consume(one: Consumer[Any]) -> Any:
        async def run() -> None:
            # Nothing is routed by half a configuration.
            await config.wait_ready(_CONFIG_TIMEOUT)
            await one.run()

        return run

    async def unpark() -> None:
        await config.wait_ready(_CONFIG_TIMEOUT)
        await unparker.run()

    async def database() -> bool:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1 FROM queues.jobs LIMIT 1"))
        return True

    async def close() -> None:
        tables.close()
        await order.close()
        await engine.dispose()

    service.add_start(producer.start)
    service.add_stop(close)
    service.add_stop(producer.stop)
    service.add_task("config", config.run)
    for name, one in consumers.items():
        service.add_task(name, consume(one))
        service.add_readiness(name, one.ready)
    service.add_task("unpark", unpark)
    service.add_task("reconcile", Reconciler(engine, order, period=settings.routing_reconcile).run)
    service.add_readiness("config", config.ready)
    service.add_readiness("database", database)
    return service
