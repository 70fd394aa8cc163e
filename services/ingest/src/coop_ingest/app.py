"""ingest's composition root: what is built, and how it is wired. Nothing else is here.

api    public HTTP on `ingest_port`; reads coop.config.v1; publishes items, reports, appeals,
       action orders; hears of verdicts in Redis; asks review-api's `lookup` about items
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from redis.asyncio import Redis

from coop_contracts.config import Kind, OrgSettings
from coop_ingest.api.action import ActionRoute
from coop_ingest.api.appeal import AppealRoute
from coop_ingest.api.application import build_application
from coop_ingest.api.content import ContentRoute
from coop_ingest.api.edge import Edge, EdgeRoute
from coop_ingest.api.item import ItemRoute
from coop_ingest.api.items import ItemsRoute
from coop_ingest.api.policy import PoliciesRoute
from coop_ingest.api.related import RelatedReader
from coop_ingest.api.report import ReportRoute
from coop_ingest.body import Intake
from coop_ingest.catalog import Catalog
from coop_ingest.credential import Credentials
from coop_ingest.gate import RequestGate
from coop_ingest.idempotency import Idempotency, SubmissionIds
from coop_ingest.in_flight import BytesInFlight
from coop_ingest.item_reader import ItemReader
from coop_ingest.lookup import Lookups
from coop_ingest.publisher import Broker, Publisher
from coop_ingest.rate_limit import Rate, RateLimiter
from coop_ingest.settings import Settings
from coop_ingest.verdict import Verdicts
from coop_runtime.internal.client import InternalApi
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.asgi import App as AsgiApp
from coop_runtime.process.metric import measured
from coop_runtime.process.service import Service
from coop_runtime.redis.client import redis_client
from coop_runtime.redis.key_use import KeyUse
from coop_runtime.redis.server import require_one_server

NAME = "ingest"
KINDS = (
    Kind.ITEM_TYPE,
    Kind.ITEM_TYPE_VERSION,
    Kind.POLICY,
    Kind.ACTION,
    Kind.API_KEY,
    Kind.SETTINGS,
    Kind.HASH_BANK,
)
_REDIS_SECONDS = 0.5


def build_api(
    settings: Settings,
    *,
    table: ConfigTable,
    publisher: Publisher,
    redis: Redis,
    use: KeyUse,
    verdicts: Verdicts,
    lookups: Lookups,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    monotonic: Callable[[], float] = time.monotonic,
) -> AsgiApp:
    """The public ASGI application. `table` must not have been loaded yet, or be replayed: the index
    of API keys is built from its changes."""
    credentials = Credentials(now, use)
    table.subscribe(credentials.apply)
    catalog = Catalog(table, allow_private_hosts=settings.ingest_allow_private_urls)
    gate = RequestGate(
        table=table,
        credentials=credentials,
        limiter=RateLimiter(redis, rates_of(table, settings), now=monotonic),
        intake=Intake(
            max_body=settings.ingest_max_body,
            in_flight=BytesInFlight(
                settings.ingest_max_bytes_in_flight, now=monotonic, weights=settings.tenant_weights
            ),
        ),
        idempotency=Idempotency(redis),
    )
    reader = ItemReader(catalog, max_item=settings.ingest_max_item)

    def related(org_id: str, ids: SubmissionIds) -> RelatedReader:
        return RelatedReader(
            org_id=org_id,
            ids=ids,
            table=table,
            catalog=catalog,
            reader=reader,
            max_items=settings.ingest_max_items,
        )

    items = ItemsRoute(
        gate=gate,
        table=table,
        reader=reader,
        publisher=publisher,
        max_items=settings.ingest_max_items,
        now=now,
    )
    content = ContentRoute(
        gate=gate,
        table=table,
        reader=reader,
        publisher=publisher,
        verdicts=verdicts,
        timeout=settings.ingest_sync_timeout,
        now=now,
    )
    item = ItemRoute(gate=gate, lookups=lookups)
    report = ReportRoute(gate=gate, table=table, related=related, publisher=publisher, now=now)
    appeal = AppealRoute(gate=gate, table=table, related=related, publisher=publisher, now=now)
    action = ActionRoute(gate=gate, table=table, related=related, publisher=publisher, now=now)
    policies = PoliciesRoute(gate=gate, table=table)
    routes = (
        EdgeRoute("POST", "/items/async/", "post-items", items.handle, items.needs, hot=True),
        EdgeRoute("POST", "/content/", "post-content", content.handle, content.needs),
        EdgeRoute("GET", "/items/{typeId}/{id}", "get-item", item.handle, item.needs),
        EdgeRoute("POST", "/report", "submit-report", report.handle, report.needs),
        EdgeRoute("POST", "/report/appeal", "submit-appeal", appeal.handle, appeal.needs),
        EdgeRoute("POST", "/actions/", "post-actions", action.handle, action.needs),
        EdgeRoute("GET", "/policies/", "get-policies", policies.handle, policies.needs),
    )
    edge = Edge(routes, build_application(routes))
    return measured(edge, route=edge.route_of)


def rates_of(table: ConfigTable, settings: Settings) -> Callable[[str], Rate]:
    """An organisation's own rate where it has one, else the operator's default."""

    def rate_of(org_id: str) -> Rate:
        document = table.get(org_id, Kind.SETTINGS, "settings")
        own = document.requests_per_second if isinstance(document, OrgSettings) else None
        rate = max(1, settings.ingest_requests_per_second if own is None else own)
        return Rate(rate, max(1, int(rate * settings.ingest_burst)))

    return rate_of


def publisher_of(settings: Settings, broker: Broker) -> Publisher:
    """The publisher onto that broker, within the settings' limits."""
    return Publisher(
        broker, ack_timeout=settings.ingest_ack_timeout, max_event=settings.ingest_max_event
    )


def connect_redis(settings: Settings) -> Redis:
    """A client that gives up quickly: whoever asks it has a way to go on without it."""
    return redis_client(settings.redis, timeout=_REDIS_SECONDS, name=NAME)


def api(settings: Settings) -> Service:
    """The process of the role `api`."""
    service = Service(NAME, settings)
    table = ConfigTable(settings, kinds=KINDS)
    producer = Producer(settings, client_id=NAME, delivery_timeout=settings.ingest_ack_timeout)
    publisher = publisher_of(settings, producer)
    redis = connect_redis(settings)
    use = KeyUse()
    verdicts = Verdicts(limit=settings.ingest_sync_waiting, weights=settings.tenant_weights)
    lookups = Lookups(
        InternalApi(
            settings.lookup_url,
            settings.internal_token.get_secret_value(),
            timeout=settings.ingest_lookup_timeout,
            connections=settings.ingest_lookups,
        ),
        limit=settings.ingest_lookups,
        weights=settings.tenant_weights,
    )
    application = build_api(
        settings,
        table=table,
        publisher=publisher,
        redis=redis,
        use=use,
        verdicts=verdicts,
        lookups=lookups,
    )
    service.add_start(partial(require_one_server, settings.redis))
    service.add_start(producer.start)
    service.add_stop(producer.stop)
    service.add_stop(redis.aclose)
    service.add_stop(lookups.aclose)
    service.add_task("config", table.run)
    service.add_task("key-use", partial(use.run, redis))
    service.add_task("verdicts", partial(verdicts.run, redis))
    service.add_readiness("config", table.ready)
    service.add_readiness("broker", publisher.ready)
    service.serve(application, settings.ingest_host, settings.ingest_port)
    return service
