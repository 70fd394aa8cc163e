"""What a journey does as the platform and as an administrator, by hand."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from coop_local.demo.console_client import ConsoleClient
from tests.local_stack import LocalStack

ITEMS = "/api/v1/items/async/"


def post_of(stack: LocalStack, text: str, *, item_id: str | None = None) -> dict[str, Any]:
    """A post as the API takes it."""
    types = stack.demo_file()["ids"]["item-types"]
    return {
        "id": item_id or f"journey-{uuid.uuid4().hex}",
        "typeId": types["Post"],
        "data": {
            "text": text,
            "author": {"id": "author-1", "typeId": types["Profile"]},
            "created_at": "2026-03-01T12:00:00Z",
        },
    }


def send(
    stack: LocalStack, *items: dict[str, Any], traceparent: str | None = None
) -> httpx.Response:
    """One request of the platform."""
    traced = {"traceparent": traceparent} if traceparent else {}
    return httpx.post(
        stack.url("ingest") + ITEMS,
        json={"items": list(items)},
        headers={"X-API-KEY": stack.demo_file()["apiKey"], **traced},
        timeout=20,
    )


def say(stack: LocalStack, path: str, body: dict[str, Any]) -> None:
    """Anything else that the platform says; it is taken."""
    answer = httpx.post(
        stack.url("ingest") + path,
        json=body,
        headers={"X-API-KEY": stack.demo_file()["apiKey"]},
        timeout=20,
    )
    assert answer.is_success, answer.text


def request_action(stack: LocalStack, order: dict[str, Any]) -> httpx.Response:
    """The platform asks for one of its actions."""
    return httpx.post(
        stack.url("ingest") + "/api/v1/actions/",
        json=order,
        headers={"X-API-KEY": stack.demo_file()["apiKey"]},
        timeout=20,
    )


def received(stack: LocalStack, item_id: str) -> list[dict[str, Any]]:
    """The verified webhooks that the platform received about an item."""
    answer = httpx.get(
        stack.url("demo-platform") + "/received", params={"itemPrefix": item_id}, timeout=10
    )
    found: list[dict[str, Any]] = answer.json()["deliveries"]
    return found


def eventually(condition: Callable[[], Any], what: str, *, within: float = 30.0) -> Any:
    """The condition's first true value. Fails naming `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.05)


async def eventually_found(
    ask: Callable[[], Awaitable[Any]], what: str, *, within: float = 30.0
) -> Any:
    """As `eventually`, for a question that is awaited."""
    deadline = time.monotonic() + within
    while True:
        found = await ask()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def administrator(stack: LocalStack) -> AsyncIterator[ConsoleClient]:
    """The signed-in administrator of the demo organisation."""
    admin = next(user for user in stack.demo_file()["users"] if user["role"] == "ADMIN")
    async with ConsoleClient(stack.url("review-api")) as console:
        await console.log_in(admin["email"], admin["password"])
        yield console
