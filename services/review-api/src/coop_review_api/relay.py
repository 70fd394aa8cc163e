"""Wiring of the role `relay`: publishes the outbox, lets held decisions go, carries bulk
actions and automations out, writes exports, sends mails, anchors the audit chains, keeps the
config topic whole.

Must not: decide anything.
"""

from __future__ import annotations

from coop_queues.store import OrderIndex
from coop_review_api.audit_anchor import Anchorer
from coop_review_api.automation.worker import AutomationWorker
from coop_review_api.clock import now
from coop_review_api.config_topic import ConfigTopic
from coop_review_api.enforcement.hold import Releaser
from coop_review_api.enforcement.worker import BulkWorker
from coop_review_api.export.worker import Exporter
from coop_review_api.head_keeper import HeadKeeper
from coop_review_api.notification.keeper import Keeper
from coop_review_api.notification.mailer import Mailer
from coop_review_api.readiness import database_ready
from coop_review_api.schema import outbox
from coop_review_api.settings import RelaySettings
from coop_runtime import database
from coop_runtime.log import logger
from coop_runtime.outbox import Relay
from coop_runtime.producer import Producer
from coop_runtime.secret import Vault
from coop_runtime.service import Service

NAME = "review-api-relay"

_log = logger("coop.review_api.relay")


def run_relay(settings: RelaySettings) -> int:
    """Publish and keep until stopped."""
    settings.require("postgres", "secret_keys")
    service = Service(NAME, settings)
    engine = database.engine_of(settings.postgres, pool_size=10, application_name=f"coop-{NAME}")
    order = OrderIndex.of(settings.redis)
    producer = Producer(settings, client_id=NAME)
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
    service.add_stop(order.close)
    service.add_stop(engine.dispose)
    service.add_stop(producer.stop)
    service.add_task("outbox", relay.run)
    service.add_task("log-head", keeper.run)
    service.add_task("release", Releaser(engine, clock=now).run)
    service.add_task("bulk", BulkWorker(engine, clock=now, rate=settings.review_bulk_rate).run)
    vault = Vault.of(settings)
    service.add_task("exports", Exporter(engine, clock=now).run)
    service.add_task("audit", Anchorer(engine, vault, clock=now).run)
    service.add_task("automations", AutomationWorker(engine, order, clock=now).run)
    service.add_task("prune", Keeper(engine, clock=now).run)
    mail_server = settings.mail_server
    if mail_server is None:
        _log.info("no mails are sent: COOP_SMTP_HOST is not set")
    else:
        service.add_task("mail", Mailer(engine, mail_server, clock=now, vault=vault).run)
    return service.run()
