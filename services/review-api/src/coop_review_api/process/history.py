"""Wiring of the role `history`: every item that was sent, kept where it can be found.

Must not: decide anything; hold up what decides (its consumer groups are its own).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from coop_contracts.event import (
    ActionRequested,
    AppealSubmitted,
    DecisionMade,
    Event,
    ItemSubmitted,
    ReportSubmitted,
)
from coop_review_api.history.handler import HISTORY_KINDS, ItemHistory, Wanted
from coop_review_api.history.retention import HistoryKeeper
from coop_review_api.history.store import ItemStore
from coop_review_api.kernel.clock import now
from coop_review_api.process.readiness import database_ready
from coop_review_api.settings import HistorySettings
from coop_runtime.database.engine import engine_of
from coop_runtime.database.partition import Partitions
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.consumer import Consumer, ConsumerTuning
from coop_runtime.kafka.pipeline import Handler
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.service import Service

NAME = "review-api-history"

_REPORTS = 50  # with up to 400 items each


def history(settings: HistorySettings) -> Service:
    """The process that keeps items: its consumers, and the keeper of what they wrote."""
    settings.require("postgres")
    service = Service(NAME, settings)
    engine = engine_of(
        settings.postgres, pool_size=settings.postgres_pool or 6, application_name=f"coop-{NAME}"
    )
    producer = Producer(settings, client_id=NAME)  # of dead letters
    config = ConfigTable(settings, kinds=HISTORY_KINDS)
    wanted = Wanted(config)
    partitions = Partitions(engine)
    kept = ItemHistory(ItemStore(engine, partitions), wanted, clock=now)
    keeper = HistoryKeeper(
        engine,
        partitions,
        clock=now,
        org_ids=wanted.org_ids,
        days_of=wanted.days_of,
        window=timedelta(seconds=settings.review_history_window),
        every=settings.review_history_check,
    )
    service.add_start(producer.start)
    service.add_stop(engine.dispose)
    service.add_stop(producer.stop)
    service.add_readiness("database", lambda: database_ready(engine))
    service.add_readiness("config", config.ready)
    service.add_task("config", config.run)
    # What an item is found by, and for how long, its organisation says.
    whole = (config.wait_ready,)
    for name, consumer in _consumers(settings, kept, producer).items():
        service.consume(name, consumer, after=whole)
    service.add_task("retention", keeper.run, after=whole)
    return service


def _consumers(
    settings: HistorySettings, kept: ItemHistory, producer: Producer
) -> dict[str, Consumer[Any]]:
    """By name, which is also the end of the group's."""
    batch = settings.review_history_batch
    handlers: dict[str, tuple[type[Event], Handler[Any], int]] = {
        "items": (ItemSubmitted, kept.submitted, batch),
        "reports": (ReportSubmitted, kept.reported, min(batch, _REPORTS)),
        "appeals": (AppealSubmitted, kept.appealed, min(batch, _REPORTS)),
        "actions": (ActionRequested, kept.requested, batch),
        "decisions": (DecisionMade, kept.decided, batch),
    }
    return {
        name: Consumer(
            settings,
            group=f"{NAME}-{name}",
            event_type=event_type,
            handler=handler,
            producer=producer,
            tuning=ConsumerTuning(max_batch=max_batch, patient=True),
        )
        for name, (event_type, handler, max_batch) in handlers.items()
    }
