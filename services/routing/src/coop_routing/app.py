"""The composition root: builds the router process from its settings. Wiring only."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import text

from coop_contracts.config import Kind
from coop_contracts.event import AppealSubmitted, ReportSubmitted, ReviewRequested
from coop_queues.reading import JOBS
from coop_queues.store import ClaimRetention, OrderIndex, Ranker, Reconciler
from coop_routing.entry_router import EntryRouter
from coop_routing.handler import Placer
from coop_routing.park import Unparker
from coop_routing.placement import Cause
from coop_routing.ranking import RANKING_KINDS
from coop_routing.route_table import TABLE_KINDS, RouteTables
from coop_routing.settings import Settings
from coop_runtime.database.engine import engine_of
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.fair import LINE_SECONDS, LINED_BATCHES, FairHandler, FairLimits
from coop_runtime.kafka.membership import ConsumerTuning
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.fairness import ProcessorShares, ShareLimits
from coop_runtime.process.service import Service
from coop_runtime.redis.server import require_one_server
from coop_runtime.secret.vault import Vault
from coop_runtime.stream.subscriber import StreamConsumer
from coop_signals import plugin
from coop_signals.media_value import MediaValues
from coop_signals.providers import Providers
from coop_signals.strike import StrikeReader

NAME = "routing"
KINDS = (*TABLE_KINDS, *RANKING_KINDS, Kind.INTEGRATION)
"""What routing has to know."""


def _size(event: Cause) -> int:
    """The larger part of an event: the data of its item."""
    return len(memoryview(event.item.data))


def router(settings: Settings) -> Service:
    """The process that routes: three consumers, the reconciler of Redis, the unparker."""
    settings.require("postgres")
    service = Service(NAME, settings)
    engine = engine_of(
        settings.postgres, pool_size=settings.postgres_pool or 6, application_name=NAME
    )
    order = OrderIndex.of(settings.redis)
    producer = Producer(settings, client_id=NAME)
    known = plugin.load()
    config = ConfigTable(settings, kinds=KINDS)
    tables = RouteTables(config, known.catalogue)
    providers = Providers.of(settings, config, Vault.of(settings), known=known)
    strikes = StrikeReader.of(settings.redis)
    retention = timedelta(days=settings.routing_claim_retention_days)
    media = MediaValues(settings, name="routing.media-signals")
    entry_router = EntryRouter(
        tables,
        providers,
        strikes,
        media,
        seconds=settings.routing_signal_deadline,
        media_seconds=settings.routing_media_deadline,
    )
    placer = Placer(engine, order, entry_router)
    unparker = Unparker(engine, order, tables, entry_router, period=settings.routing_park)
    ranker = Ranker(engine, order, tables.rankings, period=settings.routing_rank)

    share = settings.routing_processor_share
    shares = ProcessorShares(
        ShareLimits(rate=share, burst=share), settings.weight_of, now=time.monotonic
    )
    limits = FairLimits(
        entries=settings.routing_line_events,
        size=settings.routing_line_bytes,
        unsettled=settings.routing_in_flight,
    )

    def consumer(group: str, event_type: type[Any]) -> StreamConsumer[Any]:
        handler: FairHandler[Any] = FairHandler(placer, shares, limits, group=group, size_of=_size)
        service.add_task(f"{group}.lines", handler.lines.run)
        service.add_stop(handler.stop)
        return StreamConsumer(
            settings,
            group=group,
            event_type=event_type,
            handler=handler,
            producer=producer,
            tuning=ConsumerTuning(
                max_batch=settings.routing_batch,
                in_flight=LINED_BATCHES,
                settle_timeout=LINE_SECONDS,
            ),
        )

    consumers = {
        "reports": consumer("routing.reports", ReportSubmitted),
        "appeals": consumer("routing.appeals", AppealSubmitted),
        "review-requests": consumer("routing.review-requests", ReviewRequested),
    }

    async def database() -> bool:
        async with engine.connect() as connection:
            await connection.execute(text(f"SELECT 1 FROM {JOBS} LIMIT 1"))  # noqa: S608
        return True

    async def close() -> None:
        tables.close()
        await providers.aclose()
        await strikes.aclose()
        await order.close()
        await engine.dispose()

    service.add_start(partial(require_one_server, settings.redis))
    service.add_start(producer.start)
    service.add_stop(close)
    service.add_stop(producer.stop)
    service.add_task("config", config.run)
    service.add_task("media-signals", media.run)
    # Nothing is routed by half a configuration; a ranking of one would be taken back at once.
    whole = (config.wait_ready,)
    for name, one in consumers.items():
        service.consume(name, one, after=whole)
    service.add_task("unpark", unparker.run, after=whole)
    service.add_task("rank", ranker.run, after=whole)
    service.add_task("reconcile", Reconciler(engine, order, period=settings.routing_reconcile).run)
    service.add_task("keep", ClaimRetention(engine, retention=retention).run)
    service.add_readiness("config", config.ready)
    service.add_readiness("database", database)
    return service
