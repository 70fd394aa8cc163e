"""People who are signed in."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.permission import Role
from coop_review_api.http.authentication import COOKIE, CSRF_HEADER
from coop_review_api.http.context import Context
from coop_review_api.http.csrf import csrf_token_of
from coop_review_api.organisation.creation import Created
from coop_review_api.people import session, user
from coop_review_api.people.table import login_throttle
from coop_runtime.database.engine import transaction

from .application import client_of

_numbers = itertools.count()


@dataclass
class Person:
    """Someone signed in, with a client that sends cookie and CSRF token."""

    http: httpx.AsyncClient
    user_id: str
    email: str

    def view(self, name: str) -> dict[str, Any]:
        """How others see them; `name` is one word."""
        return {"id": self.user_id, "name": name, "initials": name[:1], "active": True}

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


@pytest.fixture
async def fresh_throttle(engine: AsyncEngine) -> None:
    """Nobody has guessed anything: every test comes from the same address."""
    async with transaction(engine) as connection:
        await connection.execute(delete(login_throttle))
