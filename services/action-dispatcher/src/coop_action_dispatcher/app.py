"""The composition root: builds the dispatcher process from its settings. Wiring only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from coop_action_dispatcher.courier import Courier
from coop_action_dispatcher.dispatcher import Dispatcher
from coop_action_dispatcher.handler import RequestHandler
from coop_action_dispatcher.keyring import Keyring
from coop_action_dispatcher.lease import Leases
from coop_action_dispatcher.schedule import Schedule
from coop_action_dispatcher.sender import MAX_READ, Sender
from coop_action_dispatcher.settings import Settings
from coop_action_dispatcher.slot import Slots
from coop_action_dispatcher.store import Store
from coop_action_dispatcher.table import SCHEMA, outbox
from coop_contracts.config import SYSTEM_ORG, Kind
from coop_contracts.event import ActionRequested
from coop_runtime.config_table import ConfigChange, ConfigTable
from coop_runtime.consumer import Consumer
from coop_runtime.database import engine_of
from coop_runtime.database import migrate as migrate_schema
from coop_runtime.egress import EgressGuard
from coop_runtime.outbox import Relay
from coop_runtime.producer import Producer
from coop_runtime.secret import Vault
from coop_runtime.service import Service

NAME = "action-dispatcher"

_KINDS = (
    Kind.ACTION,
    Kind.POLICY,
    Kind.ITEM_TYPE,
    Kind.ITEM_TYPE_VERSION,
    Kind.WEBHOOK_KEY,
)
_CONFIG_TIMEOUT = 3600.0  # seconds; until then the process is alive and not ready
_SIGNERS = 2  # threads; RSA runs outside the interpreter's lock


def dispatcher(settings: Settings) -> Service:
    """The process that delivers: consumer, scheduler, relay of its outbox."""
    settings.require("postgres", "secret_keys")
    service = Service(NAME, settings)
    engine = engine_of(settings.postgres, pool_size=8, application_name=NAME)
    producer = Producer(settings, client_id=NAME)
    config = ConfigTable(settings, kinds=_KINDS)
    client = EgressGuard.of(settings).client(
        timeout=settings.delivery_timeout, max_body=2 * MAX_READ, raw=True
    )
    executor = ThreadPoolExecutor(_SIGNERS, thread_name_prefix="signer")
    store = Store(engine)
    dispatcher = Dispatcher(
        store=store,
        leases=Leases(engine, owner=store.owner, owner_timeout=settings.delivery_owner_timeout),
        slots=Slots(
            total=settings.delivery_concurrency,
            per_endpoint=settings.delivery_endpoint_concurrency,
        ),
        courier=Courier(
            config=config,
            keyring=Keyring(Vault.of(settings), config, executor),
            sender=Sender(client, timeout=settings.delivery_timeout),
            schedule=Schedule(settings.retry_delays),
            bodies=store,
        ),
        revision=config.revision,
        heartbeat=settings.delivery_heartbeat,
        record_linger=settings.delivery_record_linger,
        drain=settings.stop_timeout / 2,
    )
    consumer = Consumer(
        settings,
        group=NAME,
        event_type=ActionRequested,
        handler=RequestHandler(dispatcher.accept, config),
        producer=producer,
    )

    def changed(change: ConfigChange) -> None:
        if change.org_id != SYSTEM_ORG and config.ready():
            dispatcher.config_changed(change.org_id)

    async def consume() -> None:
        # Requests are understood by the configuration: not one before it is whole.
        await config.wait_ready(_CONFIG_TIMEOUT)
        for org_id in config.org_ids():
            dispatcher.config_changed(org_id)
        await consumer.run()

    async def dispatch() -> None:
        await config.wait_ready(_CONFIG_TIMEOUT)
        await dispatcher.run()

    async def close() -> None:
        await client.aclose()
        executor.shutdown(wait=False)
        await engine.dispose()

    config.subscribe(changed)
    service.add_start(producer.start)
    service.add_stop(close)
    service.add_stop(producer.stop)
    service.add_task("config", config.run)
    service.add_task("dispatch", dispatch)
    service.add_task("consume", consume)
    service.add_task("relay", Relay(engine, outbox, producer).run)
    service.add_readiness("config", config.ready)
    service.add_readiness("database", dispatcher.ready)
    service.add_readiness("consumer", consumer.ready)
    return service


def migrate(settings: Settings) -> None:
    """Brings schema `dispatch` to the newest revision."""
    settings.require("postgres")
    migrate_schema(
        settings.postgres, script_location="coop_action_dispatcher:migrations", schema=SCHEMA
    )
