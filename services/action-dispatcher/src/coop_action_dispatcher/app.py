"""The composition root: builds the dispatcher process from its settings. Wiring only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from coop_action_dispatcher import strike_index
from coop_action_dispatcher.dispatcher_wiring import assemble
from coop_action_dispatcher.handler import RequestHandler
from coop_action_dispatcher.reversal import ReversalHandler
from coop_action_dispatcher.schema import outbox
from coop_action_dispatcher.sender import MAX_READ
from coop_action_dispatcher.settings import Settings
from coop_action_dispatcher.signer import Signer
from coop_action_dispatcher.strike_index import StrikeIndex
from coop_action_dispatcher.strike_keeper import StrikeKeeper
from coop_action_dispatcher.strike_store import Strikes
from coop_contracts.config import SYSTEM_ORG, Kind
from coop_contracts.event import ActionRequested, CallbackRequested, EffectsReversed
from coop_runtime.database.engine import engine_of
from coop_runtime.database.outbox import Relay
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.kafka.consumer import Consumer
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.service import Service
from coop_runtime.redis.server import require_one_server
from coop_runtime.secret.vault import Vault

NAME = "action-dispatcher"

_KINDS = (
    Kind.ACTION,
    Kind.POLICY,
    Kind.ITEM_TYPE,
    Kind.ITEM_TYPE_VERSION,
    Kind.WEBHOOK_KEY,
    Kind.SETTINGS,
)
_CONNECTIONS = 16  # one for each loop that may talk to the database at the same moment
_SIGNERS = 2  # threads; RSA runs outside the interpreter's lock


def dispatcher(settings: Settings) -> Service:
    """The process that delivers: consumer, scheduler, relay of its outbox."""
    settings.require("postgres", "secret_keys")
    service = Service(NAME, settings)
    engine = engine_of(
        settings.postgres, pool_size=settings.postgres_pool or _CONNECTIONS, application_name=NAME
    )
    producer = Producer(settings, client_id=NAME)
    config = ConfigTable(settings, kinds=_KINDS)
    poster = EgressGuard.of(settings).poster(timeout=settings.delivery_timeout, max_read=MAX_READ)
    executor = ThreadPoolExecutor(_SIGNERS, thread_name_prefix="signer")
    strikes = Strikes(config)
    dispatcher = assemble(
        settings.tuning,
        engine=engine,
        config=config,
        vault=Vault.of(settings),
        poster=poster,
        signer=Signer(executor, workers=_SIGNERS),
        strikes=strikes,
    )
    consumer = Consumer(
        settings,
        group=NAME,
        event_type=ActionRequested,
        handler=RequestHandler(dispatcher.accept, config),
        producer=producer,
    )

    callbacks = Consumer(
        settings,
        group=f"{NAME}-callbacks",
        event_type=CallbackRequested,
        handler=RequestHandler(dispatcher.accept, config),
        producer=producer,
    )
    reversals = Consumer(
        settings,
        group=f"{NAME}-reversals",
        event_type=EffectsReversed,
        handler=ReversalHandler(engine, strikes),
        producer=producer,
    )
    redis = strike_index.client_of(settings.redis)

    def changed(change: ConfigChange) -> None:
        if change.org_id != SYSTEM_ORG and config.ready():
            dispatcher.config_changed(change.org_id)

    async def consume() -> None:
        for org_id in config.org_ids():
            dispatcher.config_changed(org_id)
        await consumer.run()

    async def close() -> None:
        await poster.aclose()
        await redis.aclose()
        executor.shutdown(wait=False)
        await engine.dispose()

    config.subscribe(changed)
    service.add_start(partial(require_one_server, settings.redis))
    service.add_start(producer.start)
    service.add_stop(close)
    service.add_stop(producer.stop)
    service.add_task("config", config.run)
    service.add_readiness("config", config.ready)
    service.add_readiness("database", dispatcher.ready)
    service.add_readiness("consumer", consumer.ready)
    # Requests are understood by the configuration: not one before it is whole.
    whole = (config.wait_ready,)
    service.add_task("dispatch", dispatcher.run, after=whole)
    service.add_task("consume", consume, after=whole)
    service.consume("callbacks", callbacks, after=whole)
    service.consume("reversals", reversals, after=whole)
    service.add_task("strike-expiry", StrikeKeeper(engine, strikes).run)
    service.add_task("strike-index", StrikeIndex(engine, redis, strikes.committed).run)
    service.add_task("relay", Relay(engine, outbox, producer).run)
    return service
