"""Fixtures of review-api's tests: a migrated database, the application, organisations, people."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
import psycopg
import pytest
from fastapi import FastAPI
from psycopg import sql
from redis.asyncio import Redis
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import Kind, OrgSettings
from coop_contracts.event import ConfigChanged, ItemRef, ReportEntry, SubmittedItem
from coop_contracts.permission import Role
from coop_queues import store
from coop_queues.job import JobEntry, JobKind, Placement, Routing
from coop_queues.migrations import run as migrate_queues
from coop_queues.order import client_of as redis_client_of
from coop_queues.store import Claims, OrderIndex
from coop_review_api.analytics.route import FiguresTurn
from coop_review_api.automation.deletion import Deletions
from coop_review_api.automation.follower import ClearsReports
from coop_review_api.automation.worker import AutomationLimits
from coop_review_api.configuration.check import SETTINGS_ID, DocumentChecks
from coop_review_api.configuration.log import lock
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.enforcement.origin import BulkOrigins
from coop_review_api.explanation.desk import Explanations
from coop_review_api.http.authentication import COOKIE, CSRF_HEADER
from coop_review_api.http.context import Context
from coop_review_api.http.csrf import csrf_token_of
from coop_review_api.http.upload import UploadLimits, Uploads
from coop_review_api.kernel.schema import outbox
from coop_review_api.live.hub import Hub
from coop_review_api.migrations import run as migrate_review
from coop_review_api.organisation import creation as organisation
from coop_review_api.organisation.creation import Created
from coop_review_api.partial_item.partial_item import PartialItems
from coop_review_api.people import session, user
from coop_review_api.people.forgotten_password import ForgottenPasswordLimits
from coop_review_api.people.password import Passwords
from coop_review_api.people.table import login_throttle
from coop_review_api.process.application import build, limited
from coop_review_api.process.document_check import DOCUMENT_CHECKS
from coop_review_api.quality.follower import SamplesDecisions
from coop_review_api.quality.route import AgreementTurn
from coop_review_api.review.desk import Desk
from coop_review_api.review.origin import Origins
from coop_review_api.settings import Settings
from coop_review_api.signal.signals import Signals
from coop_review_api.single_sign_on.address import Addresses
from coop_review_api.single_sign_on.client import SingleSignOn
from coop_runtime.database.engine import bootstrap, engine_of, service_url, transaction
from coop_runtime.egress.guard import EgressGuard
from coop_runtime.secret.vault import Vault

ROLES = {"coop_review": "review-password", "coop_queues": "queues-password"}
PASSWORD = "correct horse battery"


class Clock:
    """The present, which a test may move."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def forward(self, **delta: float) -> None:
        self.offset += timedelta(**delta)


@dataclass
class Person:
    """Someone signed in, with a client that sends cookie and CSRF token."""

    http: httpx.AsyncClient
    user_id: str
    email: str

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        if body is not None:
            more["json"] = body
        return await self.http.request(method, path, **more)

    async def make(self, path: str, body: Any) -> dict[str, Any]:
        """Create a document; its view."""
        answer = await self.call("POST", path, body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def decide(self, queue_id: str, components: Any) -> str:
        """Claim the queue's next job and decide it; the decision's id."""
        claim = (await self.call("POST", f"/v1/queues/{queue_id}/claims")).json()
        body = {"leaseToken": claim["lease"]["token"], "components": components}
        return str((await self.make(f"/v1/jobs/{claim['job']['id']}/decisions", body))["id"])


@pytest.fixture(scope="session")
def review_admin_url(postgres_server_url: str) -> Iterator[str]:
    """A superuser's URL of a database with both schemas migrated."""
    name = f"review_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = urlunsplit(urlsplit(postgres_server_url)._replace(path=f"/{name}"))
    bootstrap(url, ROLES)
    migrate_queues(service_url(url, "coop_queues", ROLES["coop_queues"]))
    migrate_review(service_url(url, "coop_review", ROLES["coop_review"]))
    yield url
    with psycopg.connect(postgres_server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def review_url(review_admin_url: str) -> str:
    return service_url(review_admin_url, "coop_review", ROLES["coop_review"])


@pytest.fixture
async def engine(review_url: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(review_url, pool_size=10, application_name="test")
    yield made
    await made.dispose()


class KnownPasswords(Passwords):
    """Real hashes, but the one of `PASSWORD` is made once: every test has an organisation with it,
    and a hash costs a sixth of a second."""

    _known = ""

    async def hash(self, password: str) -> str:
        if password != PASSWORD:
            return await super().hash(password)
        self._known = self._known or await super().hash(password)
        return self._known


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    made = KnownPasswords()
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vault() -> Vault:
    return Vault([b"k" * 32])


class Dispatcher:
    """The dispatcher's internal API as far as a test says: what it answers, what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, httpx.Response | Exception] = {}
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.get(request.url.path, httpx.Response(404, json={"detail": "none"}))
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def dispatcher() -> Dispatcher:
    return Dispatcher()


@pytest.fixture
async def context(
    engine: AsyncEngine,
    redis_url: str,
    review_url: str,
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
    order = OrderIndex.of(redis_url)
    redis = redis_client_of(redis_url)
    claims = Claims(engine, order)
    signals = Signals.of(settings, vault)
    # A busy machine is not a platform that is away.
    partial_items = PartialItems(engine, EgressGuard(["127.0.0.1"]), vault, deadline=30)
    dispatch = Dispatch("http://dispatch", "token", transport=httpx.MockTransport(dispatcher))
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
            AgreementTurn: AgreementTurn(),
            AutomationLimits: AutomationLimits(),
            Desk: Desk(
                engine=engine,
                order=order,
                claims=claims,
                clock=clock,
                lease=600,
                skip=1800,
                deletions=Deletions(engine, order, partial_items, clock=clock),
                origins=Origins(BulkOrigins()),
                followers=(ClearsReports(), SamplesDecisions()),
            ),
            Dispatch: dispatch,
            DocumentChecks: DOCUMENT_CHECKS,
            Explanations: Explanations(engine, clock=clock, signals=signals.catalogue),
            FiguresTurn: FiguresTurn(),
            ForgottenPasswordLimits: ForgottenPasswordLimits(),
            Hub: Hub(
                engine,
                session_limits=settings.session_limits,
                limits=settings.live_limits,
                clock=clock,
            ),
            PartialItems: partial_items,
            Passwords: passwords,
            Redis: redis,
            Signals: signals,
            SingleSignOn: single_sign_on,
            Uploads: Uploads(UploadLimits()),
        },
    )
    await single_sign_on.aclose()
    await signals.aclose()
    await dispatch.aclose()
    await partial_items.aclose()
    await claims.close()
    await order.close()
    await redis.aclose()


P = TypeVar("P")


def with_part(context: Context, kind: type[P], part: P) -> Context:
    """The context with another part of this type."""
    return replace(context, parts={**context.parts, kind: part})


@pytest.fixture
def app(context: Context) -> FastAPI:
    return build(context)


@pytest.fixture
async def http(app: FastAPI, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a session."""
    async with client_of(app, context) as client:
        yield client


def client_of(app: FastAPI, context: Context) -> httpx.AsyncClient:
    served = limited(app, max_body=context.settings.review_max_body)
    transport = httpx.ASGITransport(served)
    return httpx.AsyncClient(transport=transport, base_url="http://review")


@pytest.fixture
async def fresh_throttle(engine: AsyncEngine) -> None:
    """Nobody has guessed anything: every test comes from the same address."""
    async with transaction(engine) as connection:
        await connection.execute(delete(login_throttle))


_numbers = itertools.count()


@pytest.fixture
async def org(context: Context) -> Created:
    return await make_org(context)


async def make_org(context: Context) -> Created:
    """An organisation whose decisions leave at once, unless a test wants the undo window."""
    async with transaction(context.engine) as connection:
        made = await organisation.create(
            connection,
            name="Acme",
            admin_email=f"admin-{uuid.uuid4().hex}@acme.example",
            admin_password=PASSWORD,
            vault=context.vault,
            passwords=context.part(Passwords),
            clock=context.clock,
        )
        configuration = await lock(connection, made.org_id, author="test", clock=context.clock)
        settings = OrgSettings(id=SETTINGS_ID, name="Acme", undo_window=0)
        await configuration.save(Kind.SETTINGS, settings)
    return made


SignIn = Callable[..., Awaitable[Person]]


@pytest.fixture
async def sign_in(app: FastAPI, context: Context, org: Created) -> AsyncIterator[SignIn]:
    """Makes an account of a role (of `org` unless another is given) and signs it in."""
    clients: list[httpx.AsyncClient] = []

    async def make(role: str, org_id: str | None = None) -> Person:
        email = f"{role.lower()}-{next(_numbers)}-{uuid.uuid4().hex[:8]}@acme.example"
        async with transaction(context.engine) as connection:
            account = await user.create(
                connection,
                org_id=org_id or org.org_id,
                email=email,
                name=str(role),
                role=role,
                password_hash="no password",
                author="test",
                now=context.clock(),
            )
            token, _ = await session.create(
                connection,
                user_id=account.user_id,
                ip="127.0.0.1",
                now=context.clock(),
                limits=context.session_limits,
            )
        client = client_of(app, context)
        client.cookies.set(COOKIE, token)
        client.headers[CSRF_HEADER] = csrf_token_of(token)
        clients.append(client)
        return Person(http=client, user_id=account.user_id, email=email)

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
async def admin(sign_in: SignIn) -> Person:
    return await sign_in(Role.ADMIN)


class Kit:
    """What tests build documents from."""

    password = PASSWORD
    callback = "https://platform.example/hook"

    def __init__(self, context: Context) -> None:
        self._context = context

    async def make_org(self) -> Created:
        return await make_org(self._context)

    @staticmethod
    def pointers(answer: httpx.Response) -> list[str]:
        """What a refused input was told to be wrong."""
        assert answer.status_code == 422, answer.text
        return [error["pointer"] for error in answer.json()["errors"]]

    def item_type(self, name: str = "Post", **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "kind": "CONTENT",
            "fields": [
                {"name": "text", "type": "STRING", "required": True},
                {"name": "author", "type": "RELATED_ITEM"},
            ],
            "fieldRoles": {"creatorId": "author"},
            **more,
        }

    def contains(self, **matching: Any) -> dict[str, Any]:
        """A condition set: all text contains one of `strings`, or of `textBankIds`."""
        leaf = {
            "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
            "signal": {
                "id": '{"type":"TEXT_MATCHING_CONTAINS_TEXT"}',
                "type": "TEXT_MATCHING_CONTAINS_TEXT",
            },
            "matchingValues": matching,
            "comparator": "EQUALS",
            "threshold": "true",
        }
        return {"conjunction": "OR", "conditions": [leaf]}

    def rule(self, type_id: str, **more: Any) -> dict[str, Any]:
        return {
            "name": "Spam rule",
            "status": "DRAFT",
            "itemTypeIds": [type_id],
            "conditionSet": self.contains(strings=["spam"]),
            **more,
        }

    def action(self, type_id: str, **more: Any) -> dict[str, Any]:
        return {
            "name": "Remove",
            "itemTypeIds": [type_id],
            "callbackUrl": self.callback,
            **more,
        }


@pytest.fixture
def kit(context: Context) -> Kit:
    return Kit(context)


Published = Callable[[str], Awaitable[list[ConfigChanged]]]


@pytest.fixture
def published(engine: AsyncEngine) -> Published:
    """What the outbox holds of an organisation's configuration, in order."""

    async def read(org_id: str) -> list[ConfigChanged]:
        async with transaction(engine) as connection:
            values = await connection.scalars(
                select(outbox.c.value)
                .where(outbox.c.topic == ConfigChanged.topic)
                .order_by(outbox.c.id)
            )
            events = [msgspec.json.decode(value, type=ConfigChanged) for value in values]
        return [event for event in events if event.org_id == org_id]

    return read


Place = Callable[..., Awaitable[str]]


@pytest.fixture
def place(context: Context, org: Created) -> Place:
    """Puts a job into a queue as routing does; its id."""

    async def put(queue_id: str, type_id: str, item_id: str | None = None, **entry: Any) -> str:
        item_id = item_id or f"item-{next(_numbers)}-{uuid.uuid4().hex[:8]}"
        kind = entry.pop("kind", JobKind.DEFAULT)
        ranking = entry.pop("ranking", store.Ranking())
        reporter = entry.pop("reporter", "reporter-1")
        report_id = str(uuid.uuid4())
        placement = Placement(
            org_id=org.org_id,
            queue_id=queue_id,
            kind=kind,
            ranking=ranking,
            item=SubmittedItem(
                id=item_id,
                type_id=type_id,
                type_version="2026-01-01T00:00:00.000000Z",
                data=msgspec.Raw(b'{"text": "buy now \\u0000"}'),
                creator=ItemRef(id="author-1", type_id="user"),
            ),
            entry=JobEntry(
                entry_id=report_id,
                source="REPORT",
                at=context.clock(),
                routing=Routing(how="DEFAULT", config_revision=1),
                report=ReportEntry(
                    report_id=report_id,
                    reported_at=context.clock(),
                    reporter=ItemRef(id=reporter, type_id="user"),
                    reason="spam",
                ),
                correlation_id="report-cause",
                **entry,
            ),
        )
        async with transaction(context.engine) as connection:
            placed = await store.place(connection, placement)
        await context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    return put
