"""Organisations, for whoever runs the system.

    org create  --name NAME --admin-email ADDRESS [--slug SLUG] [--admin-password-file FILE]
    org list
    org suspend ORG      nothing goes in or out, nobody signs in; what waits, waits
    org resume  ORG
    org remove  ORG      says what there is, and removes nothing
    org remove  ORG --confirm ID
    org export  ORG --to FOLDER

ORG is an id, a slug or a mail domain. Each prints one JSON object; what is done meanwhile goes to
the standard error. Exit code 1 where something could not be done, or something was left.

Must not: be reachable over HTTP; whoever can run it has the database's address.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_media.store import DerivativeStore
from coop_review_api.configuration.topic import ConfigTopic
from coop_review_api.cybertip.reporter import CybertipReporter
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.kernel.clock import now
from coop_review_api.kernel.error import NotFound, ReviewError
from coop_review_api.organisation import export, removal, state
from coop_review_api.organisation.create_command import run_create_org
from coop_review_api.organisation.removal import Places
from coop_review_api.organisation.state import OrganisationState
from coop_review_api.settings import Settings
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.kafka.producer import Producer
from coop_runtime.process.error import Retryable
from coop_runtime.redis.client import redis_client
from coop_runtime.secret.vault import Vault

NAME = "coop-review-api-org"
_REDIS_SECONDS = 10.0


def run_org(arguments: Sequence[str]) -> int:
    """Carry the command out; the exit code."""
    if arguments[:1] == ["create"]:
        return run_create_org(arguments[1:])
    wanted = _parsed(arguments)
    settings = Settings.load().require("postgres")
    try:
        shown, done = asyncio.run(_carry_out(settings, wanted))
    except (ReviewError, Retryable, RedisError, OSError) as error:
        sys.stderr.write(f"org {wanted.command}: {error}\n")
        return 1
    sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
    return 0 if done else 1


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="coop_review_api org")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("create", help="make one: create --help")
    commands.add_parser("list", help="which there are")
    for name in ("suspend", "resume", "remove", "export"):
        command = commands.add_parser(name)
        command.add_argument("org", help="its id, its slug, or one of its domains")
        if name == "remove":
            command.add_argument("--confirm", help="the id once more: remove it")
        if name == "export":
            command.add_argument("--to", type=Path, required=True, help="a new folder")
    return parser.parse_args(arguments)


async def _carry_out(settings: Settings, wanted: argparse.Namespace) -> tuple[Any, bool]:
    engine = engine_of(settings.postgres, pool_size=2, application_name=NAME)
    try:
        if wanted.command == "list":
            async with transaction(engine) as connection:
                return {"items": await state.every(connection)}, True
        if wanted.command == "remove":
            return await _remove(settings, engine, wanted.org, wanted.confirm)
        async with transaction(engine) as connection:
            found = await state.named(connection, wanted.org)
        if wanted.command == "export":
            rows = await export.export(engine, found.org_id, wanted.to, now=now())
            return {"orgId": found.org_id, "folder": str(wanted.to), "rows": rows}, True
        async with transaction(engine) as connection:
            change = state.suspend if wanted.command == "suspend" else state.resume
            await change(connection, found.org_id, clock=now)
            return await state.named(connection, found.org_id), True
    finally:
        await engine.dispose()


async def _remove(
    settings: Settings, engine: AsyncEngine, name: str, confirmed: str | None
) -> tuple[Any, bool]:
    found: OrganisationState | None = None
    try:
        async with transaction(engine) as connection:
            found = await state.named(connection, name)
        org_id = found.org_id
    except NotFound:
        if confirmed != name:
            raise
        org_id = name  # an earlier removal was stopped, or something came late
    async with _places(settings, engine) as places:
        if confirmed is None:
            return {
                "organisation": found,
                "toBeRemoved": await removal.contents(places, org_id),
                "keptByTopics": removal.kept_by_topics(),
                "removeWith": f"org remove {name} --confirm {org_id}",
            }, True
        if confirmed != org_id:
            raise NotFound(
                f"--confirm names {confirmed}, and this is {org_id}: nothing was removed"
            )
        removed = await removal.contents(places, org_id)
        left = await removal.remove(places, org_id, clock=now, tell=_tell)
        shown = {
            "orgId": org_id,
            "removed": removed,
            "left": left,
            "keptByTopics": removal.kept_by_topics(),
        }
        return shown, not left


def _tell(what: str) -> None:
    sys.stderr.write(f"removing: {what}\n")


@asynccontextmanager
async def _places(settings: Settings, engine: AsyncEngine) -> AsyncIterator[Places]:
    dispatch = Dispatch(settings.dispatch_url, settings.internal_token.get_secret_value())
    bridge = HashBridge(settings.hash_url, settings.internal_token.get_secret_value())
    reporter = CybertipReporter(settings.ncmec_url, settings.internal_token.get_secret_value())
    redis = redis_client(settings.redis, timeout=_REDIS_SECONDS, name=NAME)
    producer = Producer(settings, client_id=NAME)
    topic = ConfigTopic(settings)
    await producer.start()
    try:
        yield Places(
            engine=engine,
            dispatch=dispatch,
            bridge=bridge,
            reporter=reporter,
            redis=redis,
            producer=producer,
            topic=topic,
            derivatives=DerivativeStore.of(settings.object_store, Vault.of(settings)),
        )
    finally:
        await producer.stop()
        await topic.close()
        await redis.aclose()
        await reporter.aclose()
        await bridge.aclose()
        await dispatch.aclose()
