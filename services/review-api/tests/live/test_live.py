"""Live events: what a page is told, when it is over, what it costs."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update

from coop_contracts.permission import Role
from coop_review_api.directory.table import users
from coop_review_api.http.authentication import COOKIE
from coop_review_api.live import hub as hubs
from coop_review_api.live.hub import Hub
from coop_review_api.live.snapshot import take_snapshot
from coop_review_api.people import session
from coop_review_api.people.table import sessions
from coop_review_api.process.application import limited
from coop_runtime.database.engine import transaction
from coop_runtime.process.error import Retryable

from ..process.test_process import environment, free_port, until_ready
from ..world.application import application_of

pytestmark = pytest.mark.engines

ANYONE = ["session", "config", "build", "notifications", "tasks"]
REVIEWERS = ["jobs", "comments", "presence"]
PATIENCE = 20.0  # seconds; nothing takes so long


class Page:
    """A page that listens, through the whole application."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.over = False
        self.reads = asyncio.Event()
        self.reads.set()
        self.leaves = asyncio.Event()
        self._more = asyncio.Event()
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.body += message.get("body", b"")
        self._more.set()

    @property
    def events(self) -> list[tuple[str, Any]]:
        found = []
        for part in self.body.decode().split("\n\n")[:-1]:
            if part.startswith("event: "):
                name, _, data = part.removeprefix("event: ").partition("\ndata: ")
                found.append((name, json.loads(data)))
        return found

    def latest(self, name: str) -> Any:
        return next((data for one, data in reversed(self.events) if one == name), None)

    async def until(self, name: str, wanted: Any) -> None:
        """Until the newest event of this name says that."""
        async with asyncio.timeout(PATIENCE):
            while not wanted(self.latest(name)):
                await self.more()

    async def more(self) -> None:
        """Until something is sent."""
        self._more.clear()
        await self._more.wait()


@asynccontextmanager
async def listening(app: Any, person: Any) -> AsyncIterator[tuple[Page, asyncio.Task[None]]]:
    page = Page()
    cookie = f"{COOKIE}={person.http.cookies[COOKIE]}"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/events",
        "raw_path": b"/v1/events",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"review"), (b"cookie", cookie.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    served = limited(app, max_body=1000)
    task = asyncio.create_task(served(scope, page.receive, page.send))
    try:
        yield page, task
    finally:
        page.leaves.set()
        page.reads.set()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([task])


async def ended(task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(PATIENCE):
        await task


def limit(context: Any, **limits: Any) -> None:
    """Other limits for pages that come from now on."""
    hub = context.part(Hub)
    hub.limits = replace(hub.limits, **limits)


@pytest.fixture
def app(context: Any) -> Any:
    """The application, whose streams last."""
    limit(context, lifetime=3600)
    return application_of(context)


@pytest.fixture
async def moderator(sign_in: Any) -> Any:
    return await sign_in(Role.MODERATOR)


async def test_a_page_is_told_of_counts_notifications_and_its_jobs(
    app: Any, moderator: Any, admin: Any, place: Any, org: Any, kit: Any, engine: Any
) -> None:
    """Everything at the start; then what changed: a job comes, is claimed, grows, is late, is
    given back; somebody is mentioned. A queue that is closed to the person is not in it."""
    closed = await admin.make("/v1/queues", {"name": "C", "reviewerIds": [admin.user_id]})
    post = (await admin.make("/v1/item-types", kit.item_type()))["id"]

    def of(items: Any, queue: str = org.default_queue_id) -> Any:
        return next(one for one in items["items"] if one["queueId"] == queue)

    async with listening(app, moderator) as (page, _):
        await page.until("queues", lambda data: data is not None)
        assert page.status == 200
        assert page.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert page.headers["cache-control"] == "no-store"
        assert closed["id"] not in page.body.decode()
        assert page.latest("jobs") == {"items": []}
        assert page.latest("notifications") == {"unread": 0}
        await place(closed["id"], post)
        job = await place(org.default_queue_id, post, "item-1")
        await page.until("queues", lambda data: of(data)["pending"] == 1)
        assert of(page.latest("queues"))["oldestCreatedAt"] is not None
        claim = (await moderator.call("POST", f"/v1/queues/{org.default_queue_id}/claims")).json()
        await page.until("queues", lambda data: of(data)["leased"] == 1)
        await page.until("jobs", lambda data: data["items"] != [])
        (one,) = page.latest("jobs")["items"]
        until = datetime.fromisoformat(claim["lease"]["expiresAt"])
        assert datetime.fromisoformat(one.pop("leaseExpiresAt")) == until
        assert one == {"jobId": job, "revision": 1, "reportCount": 1}
        await place(org.default_queue_id, post, "item-1")
        await page.until("jobs", lambda data: data["items"][0]["revision"] == 2)
        async with transaction(engine) as connection:
            late = text("UPDATE queues.jobs SET deadline = created_at WHERE job_id = :job")
            await connection.execute(late, {"job": job})
        await page.until("queues", lambda data: of(data)["overdue"] == 1)
        mention = {"body": "look", "mentions": [moderator.user_id]}
        await admin.make(f"/v1/jobs/{job}/comments", mention)
        await page.until("notifications", lambda data: data["unread"] == 1)
        token = {"X-Lease-Token": claim["lease"]["token"]}
        await moderator.call("DELETE", f"/v1/jobs/{job}/lease", headers=token)
        await page.until("jobs", lambda data: data["items"] == [])
        assert closed["id"] not in page.body.decode()


async def test_nothing_is_said_twice(
    app: Any, context: Any, moderator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What did not change is not sent again; a comment keeps the connection open."""
    async with listening(app, moderator) as (page, _):
        await page.until("queues", lambda data: data is not None)
        hub = context.part(Hub)
        show, rounds = hub._show, asyncio.Semaphore(0)

        async def counting() -> None:
            await show()
            rounds.release()

        monkeypatch.setattr(hub, "_show", counting)
        async with asyncio.timeout(PATIENCE):
            for _ in range(5):
                await rounds.acquire()
        assert [name for name, _ in page.events] == [*ANYONE, "queues", *REVIEWERS]


async def test_a_heartbeat_keeps_the_connection(app: Any, context: Any, moderator: Any) -> None:
    """A silent stream sends comments, which pages ignore and proxies do not."""
    limit(context, heartbeat=0.05)
    async with listening(app, moderator) as (page, _):
        async with asyncio.timeout(PATIENCE):
            while page.body.count(b"\n:\n\n") < 3:
                await page.more()
    assert page.body.startswith(b"retry: 3000\n\n")


@pytest.mark.parametrize("how", ["signed out", "expired", "idle", "disabled", "another role"])
async def test_a_stream_ends_with_its_session(
    app: Any, moderator: Any, engine: Any, clock: Any, how: str
) -> None:
    """Signed out, expired, unused for too long, account disabled, role changed: it is over."""
    async with listening(app, moderator) as (page, task):
        await page.until("queues", lambda data: data is not None)
        mine = sessions.c.user_id == moderator.user_id
        me = users.c.user_id == moderator.user_id
        changes = {
            "expired": update(sessions).where(mine).values(expires_at=datetime.now(UTC)),
            "disabled": update(users).where(me).values(status="DISABLED"),
            "another role": update(users).where(me).values(role="ANALYST"),
        }
        if how == "signed out":
            assert (await moderator.call("DELETE", "/v1/session")).status_code == 204
        elif how == "idle":
            clock.forward(hours=2)
        else:
            async with transaction(engine) as connection:
                await connection.execute(changes[how])
        await ended(task)


async def test_a_stream_ends_when_its_role_or_limits_change(
    app: Any, moderator: Any, admin: Any, clock: Any
) -> None:
    """The organisation takes a permission from the role, or shortens idle sessions: it acts on
    open streams."""
    async with listening(app, moderator) as (page, task):
        await page.until("queues", lambda data: data is not None)
        role = {"name": "Moderator", "permissions": ["VIEW_MRT"]}
        changed = await admin.call("PUT", "/v1/roles/MODERATOR", role)
        assert changed.status_code == 200, changed.text
        await ended(task)
    async with listening(app, moderator) as (page, task):
        await page.until("queues", lambda data: data is not None)
        settings = (await admin.call("GET", "/v1/settings")).json()
        body = {"name": settings["name"], "sessionIdleMinutes": 5}
        changed = await admin.call("PUT", "/v1/settings", body)
        assert changed.status_code == 200, changed.text
        clock.forward(minutes=6)
        await ended(task)


async def test_listening_keeps_no_session_alive(
    app: Any, moderator: Any, engine: Any, clock: Any
) -> None:
    """A page that listens, and connects again, is not a person who does something."""
    async with transaction(engine) as connection:
        mine = sessions.select().where(sessions.c.user_id == moderator.user_id)
        before = (await connection.execute(mine)).one().last_seen_at
    clock.forward(minutes=10)
    async with listening(app, moderator) as (page, _):
        await page.until("queues", lambda data: data is not None)
    async with transaction(engine) as connection:
        assert (await connection.execute(mine)).one().last_seen_at == before
    await moderator.call("GET", "/v1/queue-counts")
    async with transaction(engine) as connection:
        assert (await connection.execute(mine)).one().last_seen_at > before


async def test_who_may_not_review_hears_of_no_jobs(app: Any, sign_in: Any, admin: Any) -> None:
    """Without the permission to review there are no jobs, and queues for those who read metrics."""
    role = {"name": "Drafts", "permissions": ["MUTATE_NON_LIVE_RULES"]}
    drafting = await sign_in((await admin.make("/v1/roles", role))["id"])
    for person, heard in (
        (drafting, ANYONE),
        (await sign_in(Role.ANALYST), [*ANYONE, "queues"]),
    ):
        async with listening(app, person) as (page, _):
            await page.until("notifications", lambda data: data is not None)
            assert [name for name, _ in page.events] == heard


async def test_all_listeners_share_one_question(
    app: Any, context: Any, moderator: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty people listen, the database is asked as often as for one; nobody listens, it is not
    asked."""
    asked: list[int] = []
    rounds = asyncio.Semaphore(0)

    async def counting(connection: Any, watched: Any, *rest: Any, **more: Any) -> Any:
        asked.append(len(watched.user_ids))
        rounds.release()
        return await take_snapshot(connection, watched, *rest, **more)

    monkeypatch.setattr(hubs, "take_snapshot", counting)
    people = [moderator, *[await sign_in(Role.MODERATOR) for _ in range(19)]]
    async with AsyncStack() as stack:
        pages = [(await stack.enter(listening(app, person)))[0] for person in people]
        await asyncio.gather(*(page.until("jobs", lambda data: data is not None) for page in pages))
        began, first = time.monotonic(), len(asked)
        async with asyncio.timeout(PATIENCE):
            while asked[-1] < len(people) or len(asked) < first + 3:
                await rounds.acquire()
        took = time.monotonic() - began
        assert len(asked) - first <= took / 0.1 + 1
    count = len(asked)
    hub = context.part(Hub)
    assert hub._asking is not None
    async with asyncio.timeout(PATIENCE):
        await hub._asking
    assert len(asked) <= count + 1


class AsyncStack:
    """Several pages at once."""

    def __init__(self) -> None:
        self._open: list[Any] = []

    async def __aenter__(self) -> AsyncStack:
        return self

    async def enter(self, manager: Any) -> Any:
        entered = await manager.__aenter__()
        self._open.append(manager)
        return entered

    async def __aexit__(self, *_: object) -> None:
        for manager in reversed(self._open):
            await manager.__aexit__(None, None, None)


async def test_listeners_are_bounded(app: Any, moderator: Any, sign_in: Any, context: Any) -> None:
    """A person has so many streams, a process so many; who is refused gets a problem body."""
    limit(context, per_person=1)
    async with listening(app, moderator) as (page, _):
        await page.until("queues", lambda data: data is not None)
        async with listening(app, moderator) as (second, task):
            await ended(task)
            assert second.status == 429
            assert second.headers["content-type"] == "application/problem+json"
        limit(context, streams=1)
        other = await sign_in(Role.MODERATOR)
        async with listening(app, other) as (third, task):
            await ended(task)
            assert (third.status, third.headers["retry-after"]) == (503, "30")
    async with listening(app, other) as (page, _):
        await page.until("queues", lambda data: data is not None)


async def test_a_slow_page_is_dropped(app: Any, context: Any, moderator: Any) -> None:
    """A page that does not read for too long is let go, and counted as gone."""
    limit(context, send_timeout=0.05, heartbeat=0.05)
    async with listening(app, moderator) as (page, task):
        await page.until("queues", lambda data: data is not None)
        page.reads.clear()
        await ended(task)
        assert not context.part(Hub)._listeners


async def test_a_database_that_is_away_is_waited_for(
    app: Any, context: Any, moderator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams stay open through an outage, and say what there is once it is over."""
    calls: list[Any] = []

    async def failing(*given: Any, **more: Any) -> Any:
        calls.append(None)
        if len(calls) < 3:
            raise Retryable("away")
        return await take_snapshot(*given, **more)

    monkeypatch.setattr(hubs, "take_snapshot", failing)
    limit(context, after_outage=0.01)
    async with listening(app, moderator) as (page, _):
        await page.until("queues", lambda data: data is not None)


async def test_a_fault_ends_every_stream(
    app: Any, moderator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in the question leaves no page waiting for ever, and the next one can listen."""
    with monkeypatch.context() as patched:

        async def broken(*_: Any, **__: Any) -> Any:
            raise ZeroDivisionError

        patched.setattr(hubs, "take_snapshot", broken)
        async with listening(app, moderator) as (page, task):
            await ended(task)
            assert page.events == []
    async with listening(app, moderator) as (page, _):
        await page.until("queues", lambda data: data is not None)


async def test_another_organisation_hears_nothing(
    app: Any, admin: Any, sign_in: Any, kit: Any, org: Any
) -> None:
    """Counts are of one's own organisation."""
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    async with listening(app, admin) as (mine, _), listening(app, stranger) as (theirs, _):
        await mine.until("queues", lambda data: data is not None)
        await theirs.until("queues", lambda data: data is not None)
        assert org.default_queue_id in mine.body.decode()
        assert org.default_queue_id not in theirs.body.decode()


def test_the_process_stops_while_pages_listen(review_url: str, redis_url: str) -> None:
    """SIGTERM ends open streams in order; the process stops with 0 and in time."""
    email = f"owner-{time.monotonic_ns()}@acme.example"
    created = subprocess.run(
        [
            *(sys.executable, "-m", "coop_review_api", "create-org"),
            *("--name", "A", "--admin-email", email),
        ],
        env=environment(COOP_POSTGRES=review_url),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    password = json.loads(created.stdout)["admin"]["password"]
    port, internal = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "coop_review_api", "api"],
        env=environment(
            COOP_POSTGRES=review_url,
            COOP_REDIS=redis_url,
            COOP_REVIEW_PORT=str(port),
            COOP_INTERNAL_PORT=str(internal),
            COOP_REVIEW_SECURE_COOKIES="false",
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_ready(f"http://127.0.0.1:{internal}/readyz", process)
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, trust_env=False, timeout=PATIENCE) as client:
            body = {"email": email, "password": password}
            assert client.post("/v1/session", json=body).status_code == 200
            with client.stream("GET", "/v1/events") as stream:
                lines = stream.iter_lines()
                assert next(line for line in lines if line.startswith("event: "))
                process.send_signal(signal.SIGTERM)
                for _ in lines:
                    pass  # to the end, which is in order: httpx raises for what is cut off
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)


def test_a_session_that_is_looked_at_is_not_used() -> None:
    """The gate of this route alone does not touch the session."""
    from coop_review_api.http.authentication import signed_in, watching

    assert (signed_in.keeps_alive, watching.keeps_alive) == (True, False)
    assert session.find.__kwdefaults__ == {"touch": True}
