"""Wiring of the role `api`: the HTTP API on review_port.

Must not: decide anything.
"""

from __future__ import annotations

from coop_queues.order import client_of
from coop_queues.store import Claims, OrderIndex
from coop_review_api.api.application import build, limited
from coop_review_api.automation.deletion import Deletions
from coop_review_api.automation.partial_item import PartialItems
from coop_review_api.clock import now
from coop_review_api.context import Context
from coop_review_api.dispatch import Dispatch
from coop_review_api.explanation.desk import Explanations
from coop_review_api.password import Passwords
from coop_review_api.readiness import database_ready
from coop_review_api.review import Desk
from coop_review_api.settings import Settings
from coop_review_api.signal import Signals
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_runtime import database
from coop_runtime.egress import EgressGuard
from coop_runtime.metric import measured
from coop_runtime.secret import Vault
from coop_runtime.service import Service

NAME = "review-api"


def run_api(settings: Settings) -> int:
    """Serve the API until stopped."""
    settings.require("postgres")
    service = Service(NAME, settings)
    engine = database.engine_of(
        settings.postgres, pool_size=settings.review_pool, application_name=f"coop-{NAME}"
    )
    order = OrderIndex.of(settings.redis)
    redis = client_of(settings.redis)
    claims = Claims(engine, order)
    passwords = Passwords()
    vault = Vault.of(settings)
    signals = Signals.of(settings, vault)
    partial_items = PartialItems(engine, EgressGuard.of(settings), vault)
    dispatch = Dispatch(settings.dispatch_url, settings.internal_token.get_secret_value())
    single_sign_on = SingleSignOn.of(settings, now)
    context = Context(
        settings=settings,
        engine=engine,
        vault=vault,
        passwords=passwords,
        desk=Desk(
            engine=engine,
            order=order,
            claims=claims,
            clock=now,
            lease=settings.review_lease,
            skip=settings.review_skip,
            at_most=settings.review_max_claims,
            deletions=Deletions(engine, order, partial_items, clock=now),
        ),
        clock=now,
        session_limits=settings.session_limits,
        signals=signals,
        dispatch=dispatch,
        explanations=Explanations(engine, clock=now, signals=signals.catalogue),
        partial_items=partial_items,
        single_sign_on=single_sign_on,
        redis=redis,
    )

    async def close() -> None:
        passwords.close()
        await signals.aclose()
        await single_sign_on.aclose()
        await dispatch.aclose()
        await partial_items.aclose()
        await claims.close()
        await order.close()
        await redis.aclose()
        await engine.dispose()

    service.add_readiness("database", lambda: database_ready(engine))
    service.add_stop(close)
    application = build(context)
    service.add_stopping(application.state.live.stop)
    served = limited(application, max_body=settings.review_max_body)
    service.serve(measured(served), settings.review_host, settings.review_port)
    return service.run()
