"""Wiring of the role `api`: the HTTP API on review_port.

Must not: decide anything.
"""

from __future__ import annotations

from functools import partial

from redis.asyncio import Redis

from coop_media.store import DerivativeStore
from coop_queues.store import Claims, OrderIndex, client_of
from coop_review_api.analytics.open_job import LevelMemory
from coop_review_api.analytics.route import FigureConcurrency
from coop_review_api.automation.deletion import Deletions
from coop_review_api.automation.follower import ClearsReports
from coop_review_api.configuration.check import DocumentChecks
from coop_review_api.configuration.scale import RuleScale
from coop_review_api.cybertip.reporter import CybertipReporter
from coop_review_api.delivery.dead_letter import DeadLetters
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.enforcement.origin import BulkOrigins
from coop_review_api.explanation.desk import Explanations
from coop_review_api.explanation.rule_cost import MeasuredRules, ScaleLimits
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.hash_bank.medium_file import MediumFiles
from coop_review_api.hash_bank.upload import HashUploads
from coop_review_api.history.reader import ItemReader
from coop_review_api.http.build import Build
from coop_review_api.http.console_file import read_console
from coop_review_api.http.context import Context
from coop_review_api.http.csp_report_route import CspReports, ReportLimits
from coop_review_api.http.upload import UploadLimits, Uploads
from coop_review_api.investigation.retention import horizon_of
from coop_review_api.job_context.route import context_of_job
from coop_review_api.kernel.clock import now
from coop_review_api.live.hub import Hub
from coop_review_api.live.presence import Presence, PresenceLimits
from coop_review_api.media.access import SecondReviews
from coop_review_api.media.gallery import Gallery
from coop_review_api.media.keeper import KeepingLimits, MediaKeeper
from coop_review_api.media.seen import RevealedMedia
from coop_review_api.partial_item.partial_item import PartialItems
from coop_review_api.people import session
from coop_review_api.people.password import Passwords
from coop_review_api.process.application import build, limited
from coop_review_api.process.document_check import document_checks
from coop_review_api.process.limit import limits
from coop_review_api.process.readiness import database_ready
from coop_review_api.quality import second_review
from coop_review_api.quality.follower import SamplesDecisions
from coop_review_api.quality.route import AgreementConcurrency
from coop_review_api.review.claimed_view import ClaimContexts
from coop_review_api.review.desk import Desk
from coop_review_api.review.origin import Origins
from coop_review_api.settings import Settings
from coop_review_api.signal.signals import Signals
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_review_api.tally.reader import TallyReader
from coop_review_api.translation.translator import Translator
from coop_runtime.database.engine import engine_of
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.kafka.letter_count import count_letters
from coop_runtime.process.metric import measured
from coop_runtime.process.service import Service
from coop_runtime.process.settings import refuse
from coop_runtime.redis.server import require_one_server
from coop_runtime.secret.vault import Vault
from coop_signals.trial import AccountTrials

NAME = "review-api"
_LETTERS_SECONDS = 4.0  # how long the broker may take to say how many there are


def derivatives_of(settings: Settings, vault: Vault) -> DerivativeStore:
    """The store of `COOP_OBJECT_STORE`; ends the process where that is none."""
    try:
        return DerivativeStore.of(settings.object_store, vault)
    except (ValueError, OSError) as error:
        refuse(f"settings: COOP_OBJECT_STORE: {error}")


def api(settings: Settings) -> Service:
    """The process that serves the API."""
    settings.require("postgres")
    service = Service(NAME, settings)
    engine = engine_of(
        settings.postgres, pool_size=settings.postgres_pool or 10, application_name=f"coop-{NAME}"
    )
    order = OrderIndex.of(settings.redis)
    redis = client_of(settings.redis)
    claims = Claims(engine, order)
    passwords = Passwords()
    vault = Vault.of(settings)
    signals = Signals.of(settings, vault)
    guard = EgressGuard.of(settings)
    partial_items = PartialItems(engine, guard, vault)
    dispatch = Dispatch(settings.dispatch_url, settings.internal_token.get_secret_value())
    hash_bridge = HashBridge(settings.hash_url, settings.internal_token.get_secret_value())
    medium_files = MediumFiles(guard)
    reporter = CybertipReporter(settings.ncmec_url, settings.internal_token.get_secret_value())
    single_sign_on = SingleSignOn.of(settings, now)
    console = read_console(settings.review_console) if settings.review_console else None
    build_id = Build.of(console)
    presence = Presence(redis, clock=now, limits=PresenceLimits())
    gallery = Gallery(engine, guard, derivatives_of(settings, vault), clock=now)
    finder = ItemReader(engine, horizon_of(now), clock=now)
    hub = Hub(
        engine,
        session_limits=settings.session_limits,
        limits=settings.live_limits,
        clock=now,
        presence=presence,
        build=build_id.id,
    )
    context = Context(
        settings=settings,
        engine=engine,
        vault=vault,
        clock=now,
        session_limits=settings.session_limits,
        find_session=session.find,
        signals=signals.catalogue,
        parts={
            **limits(),
            AccountTrials: AccountTrials(settings, guard, vault, signals.known),
            AgreementConcurrency: AgreementConcurrency(),
            Build: build_id,
            ClaimContexts: ClaimContexts(context_of_job),
            CspReports: CspReports(ReportLimits()),
            Desk: Desk(
                engine=engine,
                order=order,
                claims=claims,
                clock=now,
                lease=settings.review_lease,
                skip=settings.review_skip,
                at_most=settings.review_max_claims,
                deletions=Deletions(engine, order, partial_items, clock=now),
                origins=Origins(BulkOrigins()),
                followers=(ClearsReports(), SamplesDecisions()),
                seen=RevealedMedia(),
                finder=finder,
                files_real=settings.ncmec_environment == "production",
                evidence_wait=settings.review_evidence_wait,
            ),
            CybertipReporter: reporter,
            DeadLetters: DeadLetters(
                partial(count_letters, settings, NAME, seconds=_LETTERS_SECONDS), clock=now
            ),
            Dispatch: dispatch,
            DocumentChecks: document_checks(guard),
            Explanations: Explanations(engine, clock=now, signals=signals.catalogue),
            FigureConcurrency: FigureConcurrency(),
            Gallery: gallery,
            HashBridge: hash_bridge,
            HashUploads: HashUploads(),
            Hub: hub,
            ItemReader: finder,
            LevelMemory: LevelMemory(),
            MediumFiles: medium_files,
            PartialItems: partial_items,
            Passwords: passwords,
            Presence: presence,
            RuleScale: RuleScale(
                MeasuredRules(
                    engine,
                    signals=signals.catalogue,
                    limits=ScaleLimits(ceiling=settings.review_rule_cost_ceiling),
                ).weigh
            ),
            Redis: redis,
            Signals: signals,
            SecondReviews: SecondReviews(second_review.job_held_by),
            SingleSignOn: single_sign_on,
            TallyReader: TallyReader(),
            Translator: Translator(signals, redis, vault),
            Uploads: Uploads(UploadLimits()),
        },
    )

    async def close() -> None:
        passwords.close()
        await gallery.aclose()
        await signals.aclose()
        await single_sign_on.aclose()
        await dispatch.aclose()
        await hash_bridge.aclose()
        await medium_files.aclose()
        await reporter.aclose()
        await partial_items.aclose()
        await claims.close()
        await order.close()
        await redis.aclose()
        await engine.dispose()

    service.add_readiness("database", lambda: database_ready(engine))
    service.add_start(partial(require_one_server, settings.redis))
    service.add_stop(close)
    keeping = KeepingLimits(most=settings.review_media_bytes, days=settings.review_media_days)
    service.add_task("media", MediaKeeper(engine, gallery, keeping, clock=now).run)
    service.add_stopping(hub.stop)
    served = limited(
        build(context),
        max_body=settings.review_max_body,
        behind_tls=settings.review_public_url.startswith("https://"),
        console=console,
    )
    service.serve(measured(served), settings.review_host, settings.review_port)
    return service
