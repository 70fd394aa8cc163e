"""Wiring: the roles of review-api.

    api      the HTTP API on review_port
    relay    publishes the outbox, keeps the config topic whole
    migrate  brings the schema to this code's revision, then ends
    admin    `create-org`: see `admin`

Must not: decide anything.
"""

from __future__ import annotations

from datetime import UTC, datetime

from coop_queues.store import Claims, OrderIndex
from coop_review_api.api.application import build, limited
from coop_review_api.config_topic import ConfigTopic
from coop_review_api.context import Context
from coop_review_api.head_keeper import HeadKeeper
from coop_review_api.password import Passwords
from coop_review_api.readiness import database_ready
from coop_review_api.review import Desk
from coop_review_api.schema import SCHEMA, outbox
from coop_review_api.settings import Settings
from coop_runtime import database
from coop_runtime.metric import measured
from coop_runtime.outbox import Relay
from coop_runtime.producer import Producer
from coop_runtime.secret import Vault
from coop_runtime.service import Service

NAME = "review-api"
MIGRATIONS = "coop_review_api:migrations"


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def run_api(settings: Settings) -> int:
    """Serve the API until stopped."""
    settings.require("postgres")
    service = Service(NAME, settings)
    engine = database.engine_of(
        settings.postgres, pool_size=settings.review_pool, application_name=f"coop-{NAME}"
    )
    order = OrderIndex.of(settings.redis)
    claims = Claims(engine, order)
    passwords = Passwords()
    context = Context(
        settings=settings,
        engine=engine,
        vault=Vault.of(settings),
        passwords=passwords,
        desk=Desk(
            engine=engine,
            order=order,
            claims=claims,
            clock=now,
            lease=settings.review_lease,
            skip=settings.review_skip,
        ),
        clock=now,
        session_limits=settings.session_limits,
    )

    async def close() -> None:
        passwords.close()
        await claims.close()
        await order.close()
        await engine.dispose()

    service.add_readiness("database", lambda: database_ready(engine))
    service.add_stop(close)
    application = limited(build(context), max_body=settings.review_max_body)
    service.serve(measured(application), settings.review_host, settings.review_port)
    return service.run()


def run_relay(settings: Settings) -> int:
    """Publish the outbox and keep the config topic whole until stopped."""
    settings.require("postgres")
    service = Service(f"{NAME}-relay", settings)
    engine = database.engine_of(
        settings.postgres, pool_size=3, application_name=f"coop-{NAME}-relay"
    )
    producer = Producer(settings, client_id=f"{NAME}-relay")
    relay = Relay(engine, outbox, producer)
    keeper = HeadKeeper(
        engine,
        ConfigTopic(settings),
        clock=now,
        check_every=settings.review_log_head_check,
    )
    service.add_readiness("database", lambda: database_ready(engine))
    service.add_readiness("outbox", relay.ready)
    service.add_readiness("log-head", keeper.ready)
    service.add_start(producer.start)
    service.add_stop(engine.dispose)
    service.add_stop(producer.stop)
    service.add_task("outbox", relay.run)
    service.add_task("log-head", keeper.run)
    return service.run()


def run_migrate(settings: Settings) -> int:
    """Migrate, and end."""
    settings.require("postgres")
    database.migrate(settings.postgres, script_location=MIGRATIONS, schema=SCHEMA)
    return 0
