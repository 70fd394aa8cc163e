"""Wiring of the role `lookup`: what platforms may know of their own items, asked by ingest.

Must not: decide anything; be reachable from outside.
"""

from __future__ import annotations

from coop_review_api.history.reader import ItemReader
from coop_review_api.investigation.platform_route import lookups
from coop_review_api.investigation.retention import horizon_of
from coop_review_api.kernel.clock import now
from coop_review_api.process.readiness import database_ready
from coop_review_api.settings import LookupSettings
from coop_runtime.database.engine import engine_of
from coop_runtime.process.metric import measured
from coop_runtime.process.service import Service

NAME = "review-lookup"


def lookup(settings: LookupSettings) -> Service:
    """The process that answers ingest."""
    settings.require("postgres", "internal_token")
    service = Service(NAME, settings)
    engine = engine_of(
        settings.postgres, pool_size=settings.postgres_pool or 10, application_name=f"coop-{NAME}"
    )
    application = lookups(
        engine,
        ItemReader(engine, horizon_of(now), clock=now),
        clock=now,
        token=settings.internal_token.get_secret_value(),
    )
    service.add_readiness("database", lambda: database_ready(engine))
    service.add_stop(engine.dispose)
    service.serve(measured(application), settings.review_lookup_host, settings.review_lookup_port)
    return service
