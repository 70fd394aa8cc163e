"""The composition root of the role `api`. Wiring only.

Guarantees: without a token it does not start.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlalchemy import text

from coop_action_dispatcher.api.application import build, guarded
from coop_action_dispatcher.api.context import Context
from coop_action_dispatcher.connection import prepare
from coop_action_dispatcher.keyring import Keyring
from coop_action_dispatcher.sender import MAX_READ, Sender
from coop_action_dispatcher.settings import ApiSettings
from coop_action_dispatcher.signer import Signer
from coop_action_dispatcher.trial import TRIAL_SECONDS, Trials
from coop_contracts.config import Kind
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.kafka.config_table import ConfigTable
from coop_runtime.process.metric import measured
from coop_runtime.process.service import Service
from coop_runtime.redis.client import redis_client
from coop_runtime.redis.server import require_one_server
from coop_runtime.secret.vault import Vault

NAME = "dispatch-api"

_REDIS_SECONDS = 2.0
_KINDS = (Kind.ACTION, Kind.POLICY, Kind.ITEM_TYPE, Kind.ITEM_TYPE_VERSION, Kind.WEBHOOK_KEY)


def api(settings: ApiSettings) -> Service:
    """The process that answers questions about deliveries and endpoints, and sends trials, for
    review-api."""
    settings.require("postgres", "internal_token", "secret_keys")
    service = Service(NAME, settings)
    engine = engine_of(
        settings.postgres, pool_size=settings.postgres_pool or 5, application_name=NAME
    )
    config = ConfigTable(settings, kinds=_KINDS)
    poster = EgressGuard.of(settings).poster(timeout=TRIAL_SECONDS, max_read=MAX_READ)
    executor = ThreadPoolExecutor(1, thread_name_prefix="signer")
    keyring = Keyring(Vault.of(settings), config, Signer(executor, workers=1))
    redis = redis_client(settings.redis, timeout=_REDIS_SECONDS, name=NAME)
    trials = Trials(config, keyring, Sender(poster))

    prepare(engine)

    async def database_ready() -> bool:
        async with transaction(engine, within=1) as connection:
            await connection.execute(text("SELECT 1"))
        return True

    async def close() -> None:
        await poster.aclose()
        executor.shutdown(wait=False)
        await redis.aclose()
        await engine.dispose()

    application = guarded(
        build(Context(engine=engine, trials=trials, redis=redis)),
        token=settings.internal_token.get_secret_value(),
    )
    # The configuration is for trials only: what people ask about is answered without it.
    service.add_task("config", config.run)
    service.add_readiness("database", database_ready)
    service.add_start(partial(require_one_server, settings.redis))
    service.add_stop(close)
    service.serve(measured(application), settings.dispatch_host, settings.dispatch_port)
    return service
