"""The composition roots: build the rules engine's processes from their settings. Wiring only."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any, Literal

from coop_contracts.config import Kind
from coop_contracts.event import EvaluationDeferred, ItemSubmitted
from coop_rules_engine.backtest.backtests import Backtests
from coop_rules_engine.counter.limit import Limiter
from coop_rules_engine.counter.rebuild import Rebuilder
from coop_rules_engine.counter.redis_store import CounterStore
from coop_rules_engine.counter.value import CounterValues, RegistryRules
from coop_rules_engine.lane.crowd import announce
from coop_rules_engine.lane.deferred import DeferredHandler, Evaluate
from coop_rules_engine.lane.fast import ItemHandler
from coop_rules_engine.lane.media import MediaEvaluation
from coop_rules_engine.lane.slow import RemoteEvaluation
from coop_rules_engine.lane.verdict import Verdicts
from coop_rules_engine.rules.registry import KINDS, Registry
from coop_rules_engine.settings import BacktestSettings, Settings
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.consumer import Consumer, ConsumerTuning
from coop_runtime.kafka.fair import LINE_SECONDS, LINED_BATCHES, FairHandler, FairLimits
from coop_runtime.kafka.pipeline import SETTLE_SECONDS
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.fairness import ProcessorShares, ShareLimits
from coop_runtime.process.service import Service
from coop_runtime.redis.server import require_one_server
from coop_runtime.secret.vault import Vault
from coop_signals import plugin
from coop_signals.media_value import CATCH_UP_SECONDS, MediaValues
from coop_signals.providers import Providers

NAME = "rules-engine"
SLOW = "rules-engine-slow"
BACKTEST = "rules-engine-backtest"

_DEFERRED_BATCH = 50
_DEFERRED_BATCHES = 1_000


# How long one thread may keep the interpreter from the others that want it: a compilation runs
# beside the evaluation, and each wait for a turn adds this to an item's time.
SWITCH_SECONDS = 0.001


class _Parts:
    """What both lanes' processes are made of."""

    def __init__(self, name: str, settings: Settings, *more: Kind) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self.service = Service(name, settings)
        self.producer = Producer(settings, client_id=name)
        self.config = ConfigTable(settings, kinds=(*KINDS, *more))
        self.known = plugin.load()
        self.registry = Registry(self.config, self.known.catalogue)
        self.store = CounterStore.of(settings.redis)
        self.rebuilder = Rebuilder(
            self.store,
            RegistryRules(self.registry),
            settings,
            window=settings.rules_rebuild_window,
        )
        self.limiter = Limiter(self.store, self.rebuilder)
        self.verdicts = Verdicts(self.store.client)
        service = self.service
        service.add_start(partial(require_one_server, settings.redis))
        service.add_start(self.producer.start)
        service.add_stop(self.store.close)
        service.add_stop(self.producer.stop)
        service.add_task("config", self.config.run)
        service.add_task("compile", self.registry.run)
        service.add_task("rebuild", self.rebuilder.run)
        service.add_task("verdicts", self.verdicts.run)
        service.add_readiness("config", self.config.ready)
        service.add_readiness("rules", self.registry.ready)

    def consume(self, name: str, consumer: Consumer[Any]) -> None:
        """Not one item before the configuration is whole and every known organisation compiled."""
        self.service.consume(name, consumer, after=(self.config.wait_ready, self.registry.compiled))


def _size(event: ItemSubmitted) -> int:
    return len(memoryview(event.item.data))


def engine(settings: Settings) -> Service:
    """The fast lane: the process that evaluates every item."""
    parts = _Parts(NAME, settings)
    share = settings.rules_processor_share
    handler: FairHandler[ItemSubmitted] = FairHandler(
        ItemHandler(
            parts.registry,
            parts.producer,
            CounterValues(parts.store, parts.rebuilder),
            parts.limiter,
            parts.verdicts,
        ),
        ProcessorShares(
            ShareLimits(rate=share, burst=share), settings.weight_of, now=time.monotonic
        ),
        FairLimits(
            entries=settings.rules_line_items,
            size=settings.rules_line_bytes,
            unsettled=settings.rules_batches_in_flight,
        ),
        group=NAME,
        size_of=_size,
    )
    consumer = Consumer(
        settings,
        group=NAME,
        event_type=ItemSubmitted,
        handler=handler,
        producer=parts.producer,
        tuning=ConsumerTuning(
            max_batch=settings.rules_batch, in_flight=LINED_BATCHES, settle_timeout=LINE_SECONDS
        ),
    )
    parts.consume("consumer", consumer)
    parts.service.add_task("lines", handler.lines.run)
    parts.service.add_task("announce", partial(announce, handler.long_lines, parts.store.client))
    parts.service.add_stop(handler.stop)
    return parts.service


def slow(settings: Settings) -> Service:
    """The lanes that wait: for the hashes of media, and for remote models."""
    vault = Vault.of(settings)
    parts = _Parts(SLOW, settings, Kind.INTEGRATION)
    providers = Providers.of(
        settings, parts.config, vault, redis=parts.store.client, known=parts.known
    )
    media = MediaValues(settings, name="rules-engine.media-signals")

    def consumer(
        lane: Literal["MEDIA", "SLOW"], evaluate: Evaluate, wait: float
    ) -> Consumer[EvaluationDeferred]:
        return Consumer(
            settings,
            group=f"{NAME}.{lane.lower()}",
            event_type=EvaluationDeferred,
            handler=DeferredHandler(
                evaluate,
                parts.producer,
                parts.limiter,
                parts.verdicts,
                lane=lane,
                window=settings.rules_window,
            ),
            producer=parts.producer,
            tuning=ConsumerTuning(
                max_batch=_DEFERRED_BATCH,
                in_flight=_DEFERRED_BATCHES,
                settle_timeout=wait + SETTLE_SECONDS,
            ),
        )

    awaiting = MediaEvaluation(parts.registry, media, deadline=settings.rules_media_deadline)
    remote = RemoteEvaluation(
        parts.registry,
        providers,
        deadline=settings.rules_slow_deadline,
        patience=settings.rules_slow_patience,
        share=settings.rules_share,
    )
    parts.service.add_task("media-signals", media.run)
    parts.consume(
        "media", consumer("MEDIA", awaiting, settings.rules_media_deadline + CATCH_UP_SECONDS)
    )
    longest = settings.rules_slow_patience + settings.rules_slow_deadline
    parts.consume("slow", consumer("SLOW", remote, longest))
    parts.service.add_stop(providers.aclose)
    return parts.service


def backtest(settings: BacktestSettings) -> Service:
    """Rules tried on the past, beside everything that is live."""
    service = Service(BACKTEST, settings)
    producer = Producer(settings, client_id=BACKTEST)
    config = ConfigTable(settings, kinds=(*KINDS, Kind.ITEM_TYPE_VERSION))
    backtests = Backtests(settings, config, producer, plugin.load().catalogue)
    service.add_start(producer.start)
    service.add_stop(producer.stop)
    service.add_task("config", config.run)
    service.add_task("backtests", backtests.run)
    service.add_readiness("config", config.ready)
    service.add_readiness("backtests", backtests.ready)
    return service
