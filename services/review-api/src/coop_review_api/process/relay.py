"""Wiring of the role `relay`: publishes the outbox, lets go held decisions and actions that waited
for evidence, carries bulk actions, automations, erasures and the platform's orders out, writes
exports, sends mails, anchors the audit chains, asks where places are, counts decisions and open
jobs, keeps the config topic whole, ends what is spent.

Must not: decide anything.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.event import ActionOrdered
from coop_media.store import DerivativeStore
from coop_queues.store import OrderIndex
from coop_review_api.audit.anchor import Anchorer
from coop_review_api.automation.worker import AutomationLimits, AutomationWorker
from coop_review_api.configuration.fading import FadingKeeper
from coop_review_api.configuration.head_keeper import HeadKeeper
from coop_review_api.configuration.topic import ConfigTopic
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.enforcement.order_handler import OrderHandler
from coop_review_api.enforcement.worker import BulkWorker
from coop_review_api.erasure.worker import ErasureLimits, ErasureWorker
from coop_review_api.export.store import ExportLimits
from coop_review_api.export.worker import Exporter
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.kernel.clock import now
from coop_review_api.kernel.ending import EndingKeeper
from coop_review_api.kernel.schema import outbox
from coop_review_api.notification.keeper import NotificationPruner
from coop_review_api.notification.mailer import Mailer
from coop_review_api.process.document_check import document_checks
from coop_review_api.process.endings import ENDINGS
from coop_review_api.process.erasers import erasers
from coop_review_api.process.fadings import FADING
from coop_review_api.process.readiness import database_ready
from coop_review_api.quality.needed import needed_jobs
from coop_review_api.review.counting import DecisionCounter
from coop_review_api.review.hold import Releaser
from coop_review_api.review.keeping_keeper import KeepingKeeper
from coop_review_api.review.spent_job import SpentJobs
from coop_review_api.review.withholding import WithheldKeeper
from coop_review_api.settings import RelaySettings
from coop_review_api.signal.place_keeper import PlaceKeeper
from coop_review_api.signal.signals import Accounts
from coop_review_api.tally.keeper import TallyKeeper
from coop_review_api.tally.open_job import OpenJobCounter
from coop_review_api.tally.past_deadline import PastDeadline
from coop_runtime.database.engine import engine_of
from coop_runtime.database.outbox import Relay
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.kafka.consumer import Consumer, ConsumerTuning
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.log import logger
from coop_runtime.process.service import Service
from coop_runtime.redis.server import require_one_server
from coop_runtime.secret.vault import Vault
from coop_signals.places import Places

NAME = "review-api-relay"

_log = logger("coop.review_api.relay")


def relay(settings: RelaySettings) -> Service:
    """The process that publishes, and does what nobody waits for."""
    settings.require("postgres", "secret_keys")
    service = Service(NAME, settings)
    engine = engine_of(
        settings.postgres, pool_size=settings.postgres_pool or 10, application_name=f"coop-{NAME}"
    )
    order = OrderIndex.of(settings.redis)
    producer = Producer(settings, client_id=NAME)
    outbox_relay = Relay(engine, outbox, producer)
    keeper = HeadKeeper(
        engine,
        ConfigTopic(settings),
        clock=now,
        check_every=settings.review_log_head_check,
    )
    service.add_readiness("database", lambda: database_ready(engine))
    service.add_readiness("outbox", outbox_relay.ready)
    service.add_readiness("log-head", keeper.ready)
    service.add_start(partial(require_one_server, settings.redis))
    service.add_start(producer.start)
    service.add_stop(order.close)
    service.add_stop(engine.dispose)
    service.add_stop(producer.stop)
    service.add_task("outbox", outbox_relay.run)
    service.add_task("log-head", keeper.run)
    service.add_task("release", Releaser(engine, clock=now).run)
    mails = settings.mail_server is not None
    service.add_task("withheld", WithheldKeeper(engine, clock=now, mail=mails).run)
    service.add_task("bulk", BulkWorker(engine, clock=now, rate=settings.review_bulk_rate).run)
    service.consume("orders", _orders(settings, engine, producer))
    automations = AutomationWorker(engine, order, clock=now, limits=AutomationLimits())
    vault = Vault.of(settings)
    accounts = Accounts()
    places = Places.of(settings, accounts, vault)
    checks = document_checks(EgressGuard.of(settings))
    place_keeper = PlaceKeeper(engine, places, accounts, clock=now, checks=checks)
    service.add_task("places", place_keeper.run)
    service.add_task("exports", Exporter(engine, clock=now, limits=ExportLimits()).run)
    dispatch = Dispatch(settings.dispatch_url, settings.internal_token.get_secret_value())
    bridge = HashBridge(settings.hash_url, settings.internal_token.get_secret_value())
    service.add_stop(dispatch.aclose)
    service.add_stop(bridge.aclose)
    erasing = ErasureWorker(
        engine,
        erasers(
            engine,
            order,
            dispatch=dispatch,
            bridge=bridge,
            derivatives=DerivativeStore.of(settings.object_store, vault),
        ),
        clock=now,
        limits=ErasureLimits.of(settings.review_erasure_settle),
    )
    service.add_task("erasures", erasing.run)
    service.add_task("audit", Anchorer(engine, vault, clock=now).run)
    service.add_task("automations", automations.run)
    spent = (SpentJobs(needed=needed_jobs, clock=now),)
    spent_keeper = FadingKeeper(engine, spent, setting="closedJobDays", clock=now)
    service.add_task("spent-jobs", spent_keeper.run)
    fading = FadingKeeper(engine, FADING, setting="recordDays", clock=now)
    service.add_task("fading", fading.run)
    service.add_task("keepings", KeepingKeeper(engine, order).run)
    service.add_task("decision-count", DecisionCounter(engine, clock=now).run)
    service.add_task("open-jobs", OpenJobCounter(engine, clock=now).run)
    service.add_task("past-deadline", PastDeadline(engine, clock=now).run)
    service.add_task("tallies", TallyKeeper(engine, clock=now).run)
    service.add_task("prune", NotificationPruner(engine, clock=now).run)
    service.add_task("endings", EndingKeeper(engine, ENDINGS, clock=now).run)
    mail_server = settings.mail_server
    if mail_server is None:
        _log.info("no mails are sent: COOP_SMTP_HOST is not set")
    else:
        service.add_task("mail", Mailer(engine, mail_server, clock=now, vault=vault).run)
    return service


def _orders(
    settings: RelaySettings, engine: AsyncEngine, producer: Producer
) -> Consumer[ActionOrdered]:
    return Consumer(
        settings,
        group=f"{NAME}-orders",
        event_type=ActionOrdered,
        handler=OrderHandler(engine),
        producer=producer,
        tuning=ConsumerTuning(in_flight=1),  # an item's orders stay in their order
    )
