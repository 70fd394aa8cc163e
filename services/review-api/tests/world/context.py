"""What an api process is made of, for one test: its own clock, platform and order of jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_media.store import DerivativeStore
from coop_queues.store import Claims, OrderIndex
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
from coop_review_api.http.context import Context
from coop_review_api.http.csp_report_route import CspReports, ReportLimits
from coop_review_api.http.upload import UploadLimits, Uploads
from coop_review_api.investigation.retention import horizon_of
from coop_review_api.job_context.route import context_of_job
from coop_review_api.live.hub import Hub
from coop_review_api.live.presence import Presence, PresenceLimits
from coop_review_api.media.access import SecondReviews
from coop_review_api.media.gallery import Gallery
from coop_review_api.media.seen import RevealedMedia
from coop_review_api.partial_item.partial_item import PartialItems
from coop_review_api.people import session
from coop_review_api.people.password import Passwords
from coop_review_api.process.document_check import document_checks
from coop_review_api.process.limit import limits
from coop_review_api.quality import second_review
from coop_review_api.quality.follower import SamplesDecisions
from coop_review_api.quality.route import AgreementConcurrency
from coop_review_api.review.claimed_view import ClaimContexts
from coop_review_api.review.desk import Desk
from coop_review_api.review.origin import Origins
from coop_review_api.settings import Settings
from coop_review_api.signal.signals import Accounts, Signals
from coop_review_api.single_sign_on.address import Addresses
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_review_api.tally.reader import TallyReader
from coop_review_api.translation.translator import Translator
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.secret.vault import Vault
from coop_signals import InstalledSignals, load
from coop_signals.providers import Providers
from coop_signals.strike import StrikeReader
from coop_signals.trial import AccountTrials

from .clock import Clock
from .dispatcher import Dispatcher


@pytest.fixture
def vault() -> Vault:
    return Vault([b"k" * 32])


@pytest.fixture(scope="session")
def installed_signals() -> InstalledSignals:
    """The signals that are installed."""
    return load()


@pytest.fixture
async def context(
    engine: AsyncEngine,
    redis: Redis,
    redis_url: str,
    review_url: str,
    installed_signals: InstalledSignals,
    passwords: Passwords,
    clock: Clock,
    vault: Vault,
    dispatcher: Dispatcher,
) -> AsyncIterator[Context]:
    settings = Settings(
        postgres=review_url,
        redis=redis_url,
        review_secure_cookies=False,
        review_live_every=0.1,
        review_live_lifetime=1,  # the tests' client waits for the whole of an answer
    )
    order = OrderIndex(redis)  # each rests by itself when Redis fails
    claims = Claims(engine, order)
    accounts = Accounts()
    providers = Providers.of(settings, accounts, vault, known=installed_signals)
    presence = Presence(redis, clock=clock, limits=PresenceLimits())
    signals = Signals(installed_signals, providers, accounts, StrikeReader.of(redis_url))
    # A busy machine is not a platform that is away.
    partial_items = PartialItems(engine, EgressGuard(["127.0.0.1"]), vault, deadline=30)
    gallery = Gallery(
        engine, EgressGuard(["127.0.0.1"]), DerivativeStore.of("memory:///", vault), clock=clock
    )
    nobody = settings.model_copy(update={"signal_open_ai_url": "http://127.0.0.1:1"})
    dispatch = Dispatch("http://dispatch", "token", transport=httpx.MockTransport(dispatcher))
    bridge = HashBridge("http://bridge", "token", transport=httpx.MockTransport(dispatcher))
    medium_files = MediumFiles(EgressGuard(["127.0.0.1"]))
    reporter = CybertipReporter(
        "http://reporter", "token", transport=httpx.MockTransport(dispatcher)
    )
    addresses = Addresses(api="http://review", console="http://console")
    single_sign_on = SingleSignOn(addresses, EgressGuard(["127.0.0.1"]), clock)
    yield Context(
        settings=settings,
        engine=engine,
        vault=vault,
        clock=clock,
        session_limits=settings.session_limits,
        find_session=session.find,
        signals=signals.catalogue,
        parts={
            **limits(),
            AccountTrials: AccountTrials(nobody, EgressGuard([]), vault, installed_signals),
            AgreementConcurrency: AgreementConcurrency(),
            Build: Build("build-1"),
            ClaimContexts: ClaimContexts(context_of_job),
            CspReports: CspReports(ReportLimits(burst=10_000)),
            Desk: Desk(
                engine=engine,
                order=order,
                claims=claims,
                clock=clock,
                lease=600,
                skip=1800,
                finder=ItemReader(engine, horizon_of(clock), clock=clock),
                deletions=Deletions(engine, order, partial_items, clock=clock),
                origins=Origins(BulkOrigins()),
                followers=(ClearsReports(), SamplesDecisions()),
                seen=RevealedMedia(),
            ),
            CybertipReporter: reporter,
            DeadLetters: DeadLetters(list, clock=clock),
            Dispatch: dispatch,
            DocumentChecks: document_checks(EgressGuard(["127.0.0.1"])),
            Explanations: Explanations(engine, clock=clock, signals=signals.catalogue),
            FigureConcurrency: FigureConcurrency(),
            Gallery: gallery,
            HashBridge: bridge,
            HashUploads: HashUploads(),
            Hub: Hub(
                engine,
                session_limits=settings.session_limits,
                limits=settings.live_limits,
                clock=clock,
                presence=presence,
                build="build-1",
            ),
            ItemReader: ItemReader(engine, horizon_of(clock), clock=clock),
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
    await gallery.aclose()
    await single_sign_on.aclose()
    await signals.aclose()
    await dispatch.aclose()
    await bridge.aclose()
    await medium_files.aclose()
    await reporter.aclose()
    await partial_items.aclose()
    await claims.close()
