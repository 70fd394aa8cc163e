"""The composition root: builds the bridge's process from its settings. Wiring only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from coop_contracts.config import Kind
from coop_contracts.event import ItemSubmitted, ReportSubmitted
from coop_hma_bridge.api.application import build
from coop_hma_bridge.api.context import Context
from coop_hma_bridge.bank import BankNumbers
from coop_hma_bridge.book import HashBook
from coop_hma_bridge.exchange import ExchangePlaces
from coop_hma_bridge.exchange_desk import Exchanges
from coop_hma_bridge.exchange_keeper import ExchangeBook, ExchangeKeeper
from coop_hma_bridge.file_hash import Hasher
from coop_hma_bridge.follower import Follower
from coop_hma_bridge.handler import MediaHandler
from coop_hma_bridge.hma import Hma
from coop_hma_bridge.hma_matcher import BothMatchers, HmaKeeper, HmaMatcher, StoredBanks
from coop_hma_bridge.keeper import EntryKeeper, SeenKeeper
from coop_hma_bridge.matcher import EmbeddedMatcher, Matcher, WeighedMatcher
from coop_hma_bridge.seen_writer import SeenWriter
from coop_hma_bridge.settings import Settings
from coop_hma_bridge.submission import SubmittedMedia
from coop_media.decoder import Decoders
from coop_media.fetch import Fetcher
from coop_media.limit import DecodeLimits, FetchLimits, MiB, PlaceLimits
from coop_runtime.database.engine import engine_of
from coop_runtime.database.partition import Partitions
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.internal.gate import Gate
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.consumer import ConsumerTuning
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.metric import measured
from coop_runtime.process.service import Service
from coop_runtime.stream.subscriber import StreamConsumer

NAME = "hma-bridge"
KINDS = (Kind.HASH_BANK, Kind.ITEM_TYPE, Kind.ITEM_TYPE_VERSION)
"""What the bridge has to know."""

_SETTLE_SECONDS = 86_400.0  # of a batch; what is ours to blame is waited out
_LINE_SECONDS = 3600.0  # that a medium may wait for its organisation's turn
_BATCHES = 10_000  # that may be under way because something of them waits; they hold nothing else
_NOBODY_LEFT_OUT = 1_000_000
_TOGETHER = 128 * MiB  # of files that are being fetched and hashed


def matching(
    settings: Settings,
    config: ConfigTable,
    follower: Follower,
    book: HashBook,
    numbers: BankNumbers,
    exchanges: ExchangeBook,
) -> tuple[Matcher, Hma | None]:
    """Where a medium is looked up, and the Hasher-Matcher-Actioner, if one is asked as well."""
    own = EmbeddedMatcher(
        config, book, numbers, stale=follower.stale, most_stale=settings.hash_stale
    )
    if not settings.hma_url:
        return WeighedMatcher(own), None
    hma = Hma(settings.hma_url, settings.hma_token.get_secret_value(), timeout=settings.hma_timeout)
    return WeighedMatcher(BothMatchers(own, HmaMatcher(config, hma, exchanges))), hma


def hashing(settings: Settings) -> tuple[Hasher, Callable[[], Awaitable[None]]]:
    """What fetches and hashes media, and how it is closed."""
    fetcher = Fetcher(
        EgressGuard.of(settings),
        FetchLimits(within=max(1.0, settings.hash_within * 0.4), together=_TOGETHER),
    )
    # The time that counts is the processor's: what waits for a core is not its file's fault.
    decoders = Decoders(DecodeLimits(within=60), hashing=True)
    hasher = Hasher(
        fetcher,
        decoders,
        places=PlaceLimits(
            places=settings.hash_places,
            of_one=settings.hash_places_of_one,
            kept=settings.hash_places // 4,
            waiting=_NOBODY_LEFT_OUT,
            within=_LINE_SECONDS,
        ),
        within=settings.hash_within,
        remember=settings.hash_remember,
    )

    async def close() -> None:
        await fetcher.aclose()
        decoders.close()

    return hasher, close


def bridge(settings: Settings) -> Service:
    """The process that hashes and matches: two consumers, the banks, an API for review-api."""
    settings.require("postgres", "internal_token")
    service = Service(NAME, settings)
    engine = engine_of(
        settings.postgres, pool_size=settings.postgres_pool or 6, application_name=NAME
    )
    producer = Producer(settings, client_id=NAME)
    config = ConfigTable(settings, kinds=KINDS)
    book, numbers = HashBook(), BankNumbers()
    follower = Follower(engine, book, numbers, every=settings.hash_follow)
    exchanges = ExchangeBook()
    matcher, hma = matching(settings, config, follower, book, numbers, exchanges)
    places = ExchangePlaces(
        has_hma=hma is not None, ncmec_url=settings.hma_ncmec_url, files=settings.hma_files
    )
    kept = None
    if hma is not None:
        kept = ExchangeKeeper(engine, config, hma, places, exchanges)
        service.add_task("exchanges", kept.run, after=(config.wait_ready,))
        service.add_task(
            "hma", HmaKeeper(config, hma, StoredBanks(engine)).run, after=(config.wait_ready,)
        )
        service.add_stop(hma.aclose)
    hasher, close = hashing(settings)
    partitions = Partitions(engine)
    seen = SeenWriter(engine, partitions, days=settings.hash_seen_days)
    handler = MediaHandler(
        SubmittedMedia(config),
        hasher,
        matcher,
        producer.publish,
        seen.add,
        places=settings.hash_under_way,
        of_one=max(1, settings.hash_under_way // 4),
        taken_in=settings.hash_taken_in,
    )

    def consumer(group: str, event_type: type[Any]) -> StreamConsumer[Any]:
        return StreamConsumer(
            settings,
            group=group,
            event_type=event_type,
            handler=handler,
            producer=producer,
            tuning=ConsumerTuning(
                max_batch=settings.hash_batch,
                in_flight=_BATCHES,
                settle_timeout=_SETTLE_SECONDS,
                independent=True,
            ),
            last_words=handler.last_words,
        )

    context = Context(
        ready=lambda: config.ready() and follower.ready(),
        engine=engine,
        matcher=matcher,
        hasher=hasher,
        follower=follower,
        exchanges=Exchanges(engine, config, places, hma, kept),
        config=config,
        hma=hma,
    )
    application = Gate(build(context), token=settings.internal_token.get_secret_value())
    service.add_start(producer.start)
    service.add_stop(engine.dispose)
    service.add_stop(close)
    service.add_stop(producer.stop)
    service.add_task("config", config.run)
    service.add_task("follow", follower.run)
    service.add_task("keep", EntryKeeper(engine, config).run, after=(config.wait_ready,))
    service.add_task("seen", seen.run)
    service.add_task("seen-days", SeenKeeper(engine, partitions, days=settings.hash_seen_days).run)
    # Nothing is matched against half a configuration, or half the banks.
    whole = (config.wait_ready, follower.wait_ready)
    service.consume("items", consumer("hma-bridge.items", ItemSubmitted), after=whole)
    service.consume("reports", consumer("hma-bridge.reports", ReportSubmitted), after=whole)
    service.add_readiness("config", config.ready)
    service.add_readiness("banks", follower.ready)
    service.add_readiness("media", handler.ready)
    service.serve(measured(application), settings.hash_host, settings.hash_port)
    return service
