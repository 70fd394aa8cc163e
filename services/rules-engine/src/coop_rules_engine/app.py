"""The composition root: builds the rules engine process from its settings. Wiring only."""

from __future__ import annotations

from coop_contracts.event import ItemSubmitted
from coop_rules_engine.handler import ItemHandler
from coop_rules_engine.registry import KINDS, Registry
from coop_rules_engine.settings import Settings
from coop_runtime.config_table import ConfigTable
from coop_runtime.consumer import Consumer
from coop_runtime.producer import Producer
from coop_runtime.service import Service

NAME = "rules-engine"

_CONFIG_TIMEOUT = 3600.0  # seconds; until then the process is alive and not ready


def engine(settings: Settings) -> Service:
    """The process that evaluates."""
    service = Service(NAME, settings)
    producer = Producer(settings, client_id=NAME)
    config = ConfigTable(settings, kinds=KINDS)
    registry = Registry(config)
    consumer = Consumer(
        settings,
        group=NAME,
        event_type=ItemSubmitted,
        handler=ItemHandler(registry, producer),
        producer=producer,
        max_batch=settings.rules_batch,
        in_flight=settings.rules_batches_in_flight,
    )

    async def consume() -> None:
        # Not one item before the configuration is whole and every known organisation compiled.
        await config.wait_ready(_CONFIG_TIMEOUT)
        await registry.compiled(_CONFIG_TIMEOUT)
        await consumer.run()

    service.add_start(producer.start)
    service.add_stop(producer.stop)
    service.add_task("config", config.run)
    service.add_task("compile", registry.run)
    service.add_task("consume", consume)
    service.add_readiness("config", config.ready)
    service.add_readiness("rules", registry.ready)
    service.add_readiness("consumer", consumer.ready)
    return service
