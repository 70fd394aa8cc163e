"""What benchmarks of review are made of: a database with every schema, an organisation with queues,
reviewers with sessions, jobs, the services as processes.
"""

from __future__ import annotations

import asyncio
import base64
import os
import uuid
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher.migrations import run as migrate_dispatch
from coop_contracts.config import (
    Action,
    Field,
    FieldRoles,
    ItemType,
    Kind,
    OrgSettings,
    Queue,
    ScalarType,
)
from coop_contracts.event import ItemRef, ReviewRequested, RuleRef, SubmittedItem
from coop_contracts.ids import item_key, new_id
from coop_contracts.permission import Role
from coop_local.stack import EngineAddresses
from coop_queues.migrations import run as migrate_queues
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.log import lock
from coop_review_api.http.authentication import COOKIE, CSRF_HEADER
from coop_review_api.http.csrf import csrf_token_of
from coop_review_api.kernel.session_limit import SessionLimits
from coop_review_api.migrations import run as migrate_review
from coop_review_api.organisation import creation as organisation
from coop_review_api.people import session, user
from coop_review_api.people.password import Passwords
from coop_runtime.database.engine import bootstrap, engine_of, owner_of, service_url, transaction
from coop_runtime.kafka.message import Message, message_of
from coop_runtime.secret.vault import Vault
from tests.bench import environment as stand

KEY = os.urandom(32)
TYPE = "post"
ACTION = "remove"

T = TypeVar("T")

_ROLES = ("coop_review", "coop_queues", "coop_dispatch")
_PASSWORDS = dict.fromkeys((*_ROLES, *map(owner_of, _ROLES)), "bench")


@dataclass(frozen=True)
class Reviewer:
    """A session."""

    user_id: str
    cookie: str
    csrf: str

    def client(self, url: str, *, timeout: float = 10.0) -> httpx.AsyncClient:
        """A client of that API in this session."""
        return httpx.AsyncClient(
            base_url=url,
            cookies={COOKIE: self.cookie},
            headers={CSRF_HEADER: self.csrf},
            timeout=timeout,
            trust_env=False,
        )


@dataclass(frozen=True)
class Desk:
    """An organisation that reviews."""

    org_id: str
    queue_ids: tuple[str, ...]
    reviewers: tuple[Reviewer, ...]
    urls: Mapping[str, str]
    """Database URLs by role."""


def environment_of(
    addresses: EngineAddresses, desk: Desk, role: str, **more: str
) -> dict[str, str]:
    """The environment of a service process that uses the database as `role`."""
    return stand.environment_of(
        addresses,
        COOP_POSTGRES=desk.urls[role],
        COOP_SECRET_KEYS=base64.b64encode(KEY).decode(),
        COOP_EGRESS_ALLOW="127.0.0.0/8",
        COOP_REVIEW_SECURE_COOKIES="false",
        COOP_LOG_LEVEL="ERROR",
        **more,
    )


async def furnish(
    addresses: EngineAddresses, *, queues: int, reviewers: int, callback: str, undo_window: float
) -> Desk:
    """A migrated database and an organisation in it: `queues` queues, an action that calls
    `callback`, and `reviewers` people with sessions."""
    bootstrap(addresses.postgres_admin, _PASSWORDS)
    urls = {role: service_url(addresses.postgres_admin, role, "bench") for role in _PASSWORDS}
    migrate_queues(urls["coop_queues_owner"])
    migrate_review(urls["coop_review_owner"])
    migrate_dispatch(urls["coop_dispatch_owner"])
    async with database(urls["coop_review"]) as engine:
        org_id = await _organisation(engine)
        queue_ids = await _documents(engine, org_id, queues, callback, undo_window)
        people = [await _reviewer(engine, org_id) for _ in range(reviewers)]
    return Desk(org_id=org_id, queue_ids=queue_ids, reviewers=tuple(people), urls=urls)


@asynccontextmanager
async def database(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine, disposed of afterwards."""
    engine = engine_of(url, pool_size=2, application_name="bench")
    try:
        yield engine
    finally:
        await engine.dispose()


def now() -> datetime:
    return datetime.now(UTC)


async def _organisation(engine: AsyncEngine) -> str:
    passwords = Passwords(parallel=1)
    try:
        async with transaction(engine) as connection:
            made = await organisation.create(
                connection,
                name="Bench",
                admin_email=f"{uuid.uuid4().hex}@bench.example",
                admin_password="correct horse battery staple",
                vault=Vault([KEY]),
                passwords=passwords,
                clock=now,
            )
    finally:
        passwords.close()
    return made.org_id


async def _documents(
    engine: AsyncEngine, org_id: str, queues: int, callback: str, undo_window: float
) -> tuple[str, ...]:
    queue_ids = tuple(f"queue-{number}" for number in range(queues))
    author = Field(name="author", type=ScalarType.RELATED_ITEM)
    item_type = ItemType(
        id=TYPE,
        name="Post",
        kind="CONTENT",
        version="2026-01-01T00:00:00.000000Z",
        fields=(Field(name="text", type=ScalarType.STRING, required=True), author),
        field_roles=FieldRoles(creator_id="author"),
    )
    action = Action(id=ACTION, name="Remove", item_type_ids=(TYPE,), callback_url=callback)
    async with transaction(engine) as connection:
        configuration = await lock(connection, org_id, author="bench", clock=now)
        await configuration.save(Kind.ITEM_TYPE, item_type)
        await configuration.save(Kind.ACTION, action)
        for queue_id in queue_ids:
            await configuration.save(Kind.QUEUE, Queue(id=queue_id, name=queue_id))
        settings = OrgSettings(id=SETTINGS_ID, name="Bench", undo_window=undo_window)
        await configuration.save(Kind.SETTINGS, settings)
    return queue_ids


async def _reviewer(engine: AsyncEngine, org_id: str) -> Reviewer:
    async with transaction(engine) as connection:
        account = await user.create(
            connection,
            org_id=org_id,
            email=f"{uuid.uuid4().hex}@bench.example",
            name="Reviewer",
            role=Role.MODERATOR,
            password_hash="no password",
            author="bench",
            now=now(),
        )
        token, _ = await session.create(
            connection,
            user_id=account.user_id,
            ip="127.0.0.1",
            now=now(),
            limits=SessionLimits(lifetime=timedelta(hours=12), idle=timedelta(hours=12)),
        )
    return Reviewer(account.user_id, token, csrf_token_of(token))


def item(number: int) -> SubmittedItem:
    """The `number`-th item."""
    return SubmittedItem(
        id=f"item-{number}",
        type_id=TYPE,
        type_version="2026-01-01T00:00:00.000000Z",
        data=msgspec.Raw(msgspec.json.encode({"text": f"the text of item {number}"})),
        creator=ItemRef(f"user-{number % 997}", "user"),
    )


def request(desk: Desk, queue_id: str, number: int) -> Message:
    """The message that asks for a job about the `number`-th item in that queue."""
    wanted = item(number)
    event = ReviewRequested(
        event_id=new_id(),
        org_id=desk.org_id,
        time=now(),
        correlation_id=new_id(),
        entry_id=str(uuid.uuid4()),
        item=wanted,
        source="RULE_EXECUTION",
        config_revision=1,
        rules=(RuleRef(id="rule-1", name="Spam in the text", revision=1),),
        queue_id=queue_id,
    )
    return message_of(event, key=item_key(desk.org_id, TYPE, wanted.id))


def decision(token: str, *, acts: bool) -> dict[str, Any]:
    """A decision's body: an action, or nothing."""
    component: dict[str, Any] = {"type": "IGNORE"}
    if acts:
        component = {"type": "CUSTOM_ACTION", "actionIds": [ACTION]}
    return {"leaseToken": token, "components": [component]}


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs to the end."""
    return asyncio.run(coroutine)
