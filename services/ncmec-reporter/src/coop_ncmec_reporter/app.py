"""The composition root: builds the reporter's process from its settings. Wiring only."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind
from coop_contracts.event import CybertipRequested
from coop_ncmec_reporter.api.application import build
from coop_ncmec_reporter.api.context import Context
from coop_ncmec_reporter.check import DocumentCheck
from coop_ncmec_reporter.destroyer import Destroyer
from coop_ncmec_reporter.evidence import EvidenceStore
from coop_ncmec_reporter.fetch import Fetcher
from coop_ncmec_reporter.filer import Filer, Schedule, utc_now
from coop_ncmec_reporter.gathering import Fetch, Gathering
from coop_ncmec_reporter.handler import CybertipHandler
from coop_ncmec_reporter.keeper import FilingKeeper
from coop_ncmec_reporter.keeping import Keeping
from coop_ncmec_reporter.ncmec_call import NcmecCalls
from coop_ncmec_reporter.orphan import OrphanSweep
from coop_ncmec_reporter.place import Places
from coop_ncmec_reporter.preserving import Preserving, Telling
from coop_ncmec_reporter.schema import OUTBOX
from coop_ncmec_reporter.schema_watch import SchemaWatch
from coop_ncmec_reporter.sending import Sending
from coop_ncmec_reporter.settings import Settings
from coop_ncmec_reporter.signed_call import Platforms
from coop_runtime.database.engine import engine_of
from coop_runtime.database.outbox import Relay
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.internal.gate import Gate
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.consumer import ConsumerTuning
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.log import logger
from coop_runtime.process.metric import measured
from coop_runtime.process.service import Service
from coop_runtime.process.settings import refuse
from coop_runtime.secret.vault import Vault
from coop_runtime.stream.subscriber import StreamConsumer

NAME = "ncmec-reporter"
KINDS = (Kind.NCMEC_SETTINGS, Kind.WEBHOOK_KEY)
"""What the reporter has to know."""

_log = logger(__name__)


def filer_of(
    engine: AsyncEngine,
    vault: Vault,
    places: Places,
    evidence: EvidenceStore,
    fetch: Fetch,
    check: DocumentCheck,
    preserving: Preserving,
    *,
    schedule: Schedule,
    fetches: tuple[float, ...] | None = None,
) -> Filer:
    """Who files, with all of its steps, by the clock of who preserves."""
    clock = preserving.clock
    more = {} if fetches is None else {"fetches": fetches}
    gathering = Gathering(
        engine, vault, places.platforms, evidence, fetch, check, clock=clock, **more
    )
    calls = NcmecCalls(engine, clock=clock)
    watch = SchemaWatch(engine, check, calls, clock=clock)
    sending = Sending(engine, vault, evidence, places.client, watch, calls=calls, clock=clock)
    steps = {
        "REQUESTED": gathering.ask,
        "HOLDING": gathering.hold,
        "READY": gathering.prepare,
        "OPENING": sending.open,
        "FILLING": sending.fill,
        "FINISHING": sending.finish,
        "RETRACTING": sending.retract,
        "FILED": preserving.hand_over,
    }
    return Filer(engine, steps, revision=places.platforms.revision, schedule=schedule, clock=clock)


def reporter(settings: Settings) -> Service:
    """The process that files: a consumer, the filer, the outbox's relay, an API for review-api."""
    settings.require("postgres", "internal_token")
    production = settings.ncmec_environment == "production"
    if production and settings.ncmec_xsd is None:
        refuse("settings: COOP_NCMEC_XSD must be set: real reports are checked by NCMEC's schema")
    vault = Vault.of(settings)
    service = Service(NAME, settings)
    # A report that is worked on takes a connection for its steps and one for its lease.
    pool = settings.postgres_pool or 7 + 2 * settings.ncmec_at_once
    engine = engine_of(settings.postgres, pool_size=pool, application_name=NAME)
    producer = Producer(settings, client_id=NAME)
    config = ConfigTable(settings, kinds=KINDS)
    guard = EgressGuard.of(settings)
    platforms = Platforms(guard, vault, config)
    fetcher = Fetcher(guard, most=settings.ncmec_evidence_most)
    places = Places(
        platforms=platforms,
        test_url=settings.ncmec_test_url,
        production_url=settings.ncmec_production_url,
        production=production,
        outside=settings.ncmec_outside,
    )
    check = DocumentCheck(settings.ncmec_xsd)
    if not check.has_schema:
        _log.warning("schema validation is off: COOP_NCMEC_XSD names no file; tests only are filed")
    evidence = EvidenceStore(settings.ncmec_evidence, vault, most=settings.ncmec_evidence_most)
    preserving = Preserving(
        engine, vault, platforms, clock=utc_now, telling=Telling(at_once=settings.ncmec_at_once)
    )
    filer = filer_of(
        engine,
        vault,
        places,
        evidence,
        fetcher,
        check,
        preserving,
        schedule=Schedule(lease=settings.ncmec_lease, at_once=settings.ncmec_at_once),
    )
    keeping = Keeping(
        keep=timedelta(days=settings.ncmec_keep_days),
        answer=timedelta(days=settings.ncmec_confirm_days),
    )
    keeper = FilingKeeper(engine, places, filer.wake, keeping, check, clock=utc_now)
    destroyer = Destroyer(engine, evidence, clock=utc_now)
    orphans = OrphanSweep(
        engine, evidence, after=timedelta(days=settings.ncmec_orphan_days), clock=utc_now
    )
    consumer = StreamConsumer(
        settings,
        group=f"{NAME}.cybertips",
        event_type=CybertipRequested,
        handler=CybertipHandler(engine, vault, filer.wake, clock=utc_now),
        producer=producer,
        tuning=ConsumerTuning(max_batch=20),
    )
    relay = Relay(engine, OUTBOX, producer)

    async def close() -> None:
        await platforms.aclose()
        await fetcher.aclose()
        await engine.dispose()

    context = Context(
        engine=engine,
        vault=vault,
        wake=filer.wake,
        clock=utc_now,
        keeping=keeping,
        destroyer=destroyer,
        places=places,
        check=check,
    )
    application = Gate(build(context), token=settings.internal_token.get_secret_value())
    service.add_start(producer.start)
    service.add_stop(close)
    service.add_stop(producer.stop)
    service.add_task("config", config.run)
    service.add_task("relay", relay.run)
    # Nothing is filed by half a configuration.
    service.add_task("filer", filer.run, after=(config.wait_ready,))
    service.add_task("preserving", preserving.run, after=(config.wait_ready,))
    service.add_task("keeper", keeper.run, after=(config.wait_ready,))
    service.add_task("destroyer", destroyer.run)
    service.add_task("orphans", orphans.run)
    service.consume("cybertips", consumer, after=(config.wait_ready,))
    service.add_readiness("config", config.ready)
    service.add_readiness("relay", relay.ready)
    service.serve(measured(application), settings.ncmec_host, settings.ncmec_port)
    return service
