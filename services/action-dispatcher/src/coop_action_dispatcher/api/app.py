"""The composition root of the role `api`. Wiring only.

Guarantees: without a token it does not start.
"""

from __future__ import annotations

from sqlalchemy import text

from coop_action_dispatcher.api.application import build, guarded
from coop_action_dispatcher.api.context import Context
from coop_action_dispatcher.connection import prepare
from coop_action_dispatcher.settings import ApiSettings
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.process.metric import measured
from coop_runtime.process.service import Service

NAME = "dispatch-api"


def api(settings: ApiSettings) -> Service:
    """The process that answers questions about deliveries and endpoints, for review-api."""
    settings.require("postgres", "internal_token")
    service = Service(NAME, settings)
    engine = engine_of(settings.postgres, pool_size=5, application_name=NAME)

    prepare(engine)

    async def database_ready() -> bool:
        async with transaction(engine, within=1) as connection:
            await connection.execute(text("SELECT 1"))
        return True

    application = guarded(
        build(Context(engine=engine)), token=settings.internal_token.get_secret_value()
    )
    service.add_readiness("database", database_ready)
    service.add_stop(engine.dispose)
    service.serve(measured(application), settings.dispatch_host, settings.dispatch_port)
    return service
