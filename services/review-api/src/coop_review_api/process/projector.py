"""Wiring of the role `projector`: what the log says of submissions, media, strikes and backtests,
kept where it can be asked; alarms, acted on and told to people; actions that waited for evidence,
let go.

Must not: decide anything.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import (
    ActionDelivered,
    ActionRequested,
    AppealSubmitted,
    BacktestProgressed,
    CybertipSecured,
    EndpointChanged,
    Event,
    ItemSubmitted,
    MediaSignals,
    RulesEvaluated,
    RuleTripped,
    StrikesChanged,
)
from coop_review_api.backtest.result import BacktestResults
from coop_review_api.enforcement.origin import BulkOrigins
from coop_review_api.kernel.clock import now
from coop_review_api.media.match import MediaMatches
from coop_review_api.notification.alarm import Alarms
from coop_review_api.notification.strike import StrikeHistory
from coop_review_api.process.readiness import database_ready
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import Partitions
from coop_review_api.projection.retention import RetentionKeeper
from coop_review_api.review.appeal_news import AppealNews
from coop_review_api.review.origin import Origins
from coop_review_api.review.withholding import EvidenceNews
from coop_review_api.settings import ProjectorSettings
from coop_runtime.database.engine import engine_of
from coop_runtime.kafka.membership import ConsumerTuning
from coop_runtime.kafka.pipeline import Handler
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.service import Service
from coop_runtime.stream.subscriber import StreamConsumer

NAME = "review-api-projector"

_ALARMS = 20  # a batch is handled one by one, within the handler's deadline

_PATIENT = frozenset({"evaluations", "submissions", "actions", "deliveries", "strikes", "media"})
"""These get a record for every item, or nearly. Gathered, a record costs a fraction of what it does
alone."""


def projector(settings: ProjectorSettings) -> Service:
    """The process that projects: its consumers, and the keeper of what they wrote."""
    settings.require("postgres")
    service = Service(NAME, settings)
    engine = engine_of(
        settings.postgres, pool_size=settings.postgres_pool or 8, application_name=f"coop-{NAME}"
    )
    producer = Producer(settings, client_id=NAME)  # of dead letters
    partitions = Partitions(engine)
    retention = timedelta(days=settings.review_retention_days)
    keeper = RetentionKeeper(
        engine,
        partitions,
        clock=now,
        window=timedelta(seconds=settings.review_recent_window),
        retention=retention,
        every=settings.review_retention_check,
    )
    projection = Projection(engine, partitions, clock=now, retention=retention)
    service.add_start(producer.start)
    service.add_stop(engine.dispose)
    service.add_stop(producer.stop)
    service.add_readiness("database", lambda: database_ready(engine))
    for name, consumer in _consumers(settings, engine, projection, producer).items():
        service.consume(name, consumer)
    service.add_task("retention", keeper.run)
    return service


def _consumers(
    settings: ProjectorSettings, engine: AsyncEngine, projection: Projection, producer: Producer
) -> dict[str, StreamConsumer[Any]]:
    """By name, which is also the end of the group's."""
    alarms = Alarms(engine, clock=now, mail=settings.mail_server is not None)
    origins = Origins(BulkOrigins())
    batch = settings.review_projector_batch
    handlers: dict[str, tuple[type[Event], Handler[Any], int]] = {
        "evaluations": (RulesEvaluated, projection.evaluated, batch),
        "submissions": (ItemSubmitted, projection.submitted, batch),
        "actions": (ActionRequested, projection.requested, batch),
        "deliveries": (ActionDelivered, projection.delivered, batch),
        "strikes": (StrikesChanged, StrikeHistory(engine, clock=now), batch),
        "appeals": (AppealSubmitted, AppealNews(engine, origins, clock=now), _ALARMS),
        "backtests": (BacktestProgressed, BacktestResults(engine), batch),
        "media": (MediaSignals, MediaMatches(engine), batch),
        "evidence": (CybertipSecured, EvidenceNews(engine), batch),
        "rule-alarms": (RuleTripped, alarms.tripped, _ALARMS),
        "endpoint-alarms": (EndpointChanged, alarms.changed, _ALARMS),
    }
    return {
        name: StreamConsumer(
            settings,
            group=f"{NAME}-{name}",
            event_type=event_type,
            handler=handler,
            producer=producer,
            tuning=ConsumerTuning(max_batch=max_batch, patient=name in _PATIENT),
        )
        for name, (event_type, handler, max_batch) in handlers.items()
    }
