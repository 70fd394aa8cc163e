"""Addresses and bodies that no honest client sends: refused by every route, never a 500."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from coop_contracts.permission import Role
from coop_review_api.http.body import JsonBody

from ..world.route import query_names

pytestmark = pytest.mark.engines

VALUES = [
    "%00",
    "%ED%A0%80",  # a lone surrogate, as UTF-8 would have it
    "%FF%FE",
    "-1",
    "9" * 40,
    "1e400",
    "NaN",
    "0001-01-01T00%3A00%3A00%2B14%3A00",
    "9999-12-31T23%3A59%3A59.999999-14%3A00",
    "%27%3B--",
    "..%2F..%2Fx",
    "x" * 600,
    "%F0%9F%92%A9",
]
POSITIONS = [
    "",
    " ",
    "x",
    "9" * 40,
    "-9223372036854775809",
    "9223372036854775808",
    "0001-01-01T00:00:00+14:00 x",
    "9999-12-31T23:59:59.999999-14:00 x",
    "2026-01-01T00:00:00+00:00",
    "2026-01-01T00:00:00 00000000-0000-0000-0000-000000000000",
    "[" * 400,
    "null",
    "a" * 1400,
    "\ud800",
    "\0",
    "x y z",
]
BODIES = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"\xff\xfe",
    b'"\\ud800"',
    b'{"\\u0000": "\\u0000"}',
    b"[" * 100_000,
    b'{"a": ' * 5_000 + b"1" + b"}" * 5_000,
    b'{"a": 1e400, "a": NaN}',
    b'{"a": ' + b"9" * 5_000 + b"}",
]


def routes(app: Any) -> list[APIRoute]:
    """Those that answer at once and end no session; of those that share their code (the kinds of
    documents) and take no body, one."""
    found: dict[Any, APIRoute] = {}
    for route in app.routes:
        if not isinstance(route, APIRoute) or route.path == "/v1/events":
            continue
        ends_session = route.path == "/v1/session" and "DELETE" in (route.methods or ())
        if ends_session or route.path.startswith("/v1/me"):
            continue
        found.setdefault((route.endpoint.__code__, *models(route)), route)
    return list(found.values())


def models(route: APIRoute) -> list[Any]:
    """What its body is read as."""
    return [
        dependency.call.model
        for dependency in route.dependant.dependencies
        if isinstance(dependency.call, JsonBody)
    ]


async def ask(person: Any, route: APIRoute, what: object, path: str, **more: Any) -> str | None:
    """What is wrong with the answer."""
    (method,) = route.methods or set()
    try:
        answer = await person.call(method, path, **more)
    except Exception as error:  # noqa: BLE001 - a bug, which a server would answer with 500
        return f"{route.methods} {route.path} {what!r:.80}: {error!r:.200}"
    if answer.status_code >= 500 and answer.status_code != 503:
        return f"{route.methods} {route.path} {what!r:.80}: {answer.status_code}"
    if answer.status_code >= 400 and answer.headers["content-type"] != "application/problem+json":
        return f"{route.methods} {route.path} {what!r:.80}: {answer.headers['content-type']}"
    return None


@pytest.mark.timeout(400)
@pytest.mark.parametrize("shard", range(3))
async def test_no_address_breaks_a_route(app: Any, sign_in: Any, shard: int) -> None:
    """Every path and query parameter may be anything; each error is a problem."""
    wrong = []
    for number, route in enumerate(routes(app)):
        if number % 3 != shard:
            continue
        person = await sign_in(Role.ADMIN)
        names = query_names(route)
        if not names and "{" not in route.path:
            continue
        for value in VALUES:
            path = re.sub(r"\{\w+\}", value, route.path_format)
            query = "&".join(f"{name}={value}" for name in names)
            wrong.append(await ask(person, route, value, f"{path}?{query}"))
    assert [one for one in wrong if one] == []


@pytest.mark.timeout(400)
async def test_no_cursor_breaks_a_list(app: Any, admin: Any) -> None:
    """A cursor that this API did not make is refused, or names a place in the list."""
    wrong, lists = [], 0
    for route in routes(app):
        if "cursor" not in query_names(route) or "GET" not in (route.methods or ()):
            continue
        lists += 1
        path = re.sub(r"\{\w+\}", "00000000-0000-7000-8000-000000000000", route.path_format)
        for position in POSITIONS:
            raw = position.encode("utf-8", "surrogatepass")
            cursor = base64.urlsafe_b64encode(raw).decode().rstrip("=")
            wrong.append(await ask(admin, route, position, f"{path}?cursor={cursor}"))
    assert [one for one in wrong if one] == []
    assert lists > 20


@pytest.mark.timeout(400)
async def test_no_body_breaks_a_route(app: Any, sign_in: Any) -> None:
    """What is not the JSON that a route takes is refused before anything happens."""
    wrong = []
    for route in routes(app):
        sent_as = models(route)
        if not sent_as:
            continue
        person = await sign_in(Role.ADMIN)
        path = re.sub(r"\{\w+\}", "00000000-0000-7000-8000-000000000000", route.path_format)
        # Each field what it should not be, all at once.
        fields = [field.alias or name for name, field in sent_as[0].model_fields.items()]
        unfit: tuple[object, ...] = ("\0", 1e308, [[]])
        made = [json.dumps(dict.fromkeys(fields, value)).encode() for value in unfit]
        for body in (*BODIES, *made):
            sent = {"content": body, "headers": {"content-type": "application/json"}}
            wrong.append(await ask(person, route, body, path, **sent))
    assert [one for one in wrong if one] == []
