"""`GET /items/{typeId}/{id}`: what is known of a platform's own item, or why it is not told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from coop_contracts import export
from coop_contracts.config import ApiScope
from coop_contracts.event import ItemRef
from coop_ingest.api.edge import Edge, EdgeRoute
from coop_ingest.api.item import _item
from coop_ingest.refusal import Refusal

from .conftest import KEYS

RECORD = export.api_examples("lookup")["getItem"]["answers"]


def knows(ingest: Any, answer: Any = RECORD, status: int = 200) -> None:
    ingest.known = lambda _: httpx.Response(status, json=answer)


async def test_what_is_known_is_told(ingest: Any) -> None:
    """200 with the record as review-api gave it, data and all; the question names the key's
    organisation, the item, and shows the secret."""
    knows(ingest)
    response = await ingest.get("/items/post/p1")
    assert response.status_code == 200
    assert response.json() == RECORD
    (request,) = ingest.asked
    assert request.url.path == "/internal/v1/orgs/org1/item"
    assert dict(request.url.params) == {"typeId": "post", "itemId": "p1"}
    assert request.headers["authorization"] == "Bearer secret"
    await ingest.get("/items/post/p1", key=KEYS["org2"])
    assert ingest.asked[-1].url.path == "/internal/v1/orgs/org2/item"


@pytest.mark.parametrize(
    ("path", "type_id", "item_id"),
    [
        ("post/a/b", "post", "a/b"),
        ("post/a%2Fb", "post", "a/b"),
        ("post/a/", "post", "a"),
        ("post/a%2F", "post", "a/"),
        ("post/a%2F/", "post", "a/"),
        ("a%2Fb/c", "a/b", "c"),
        ("post/%25zz", "post", "%zz"),
        ("post/a%20b%3Fc%23d", "post", "a b?c#d"),
        ("post/%F0%9F%98%80", "post", "\U0001f600"),
        ("post/thread", "post", "thread"),
        ("Post/Mixed", "Post", "Mixed"),
    ],
)
async def test_an_id_is_what_the_platform_sent(
    ingest: Any, path: str, type_id: str, item_id: str
) -> None:
    """Slashes, blanks and signs of addresses in ids, encoded or not, arrive as they were meant."""
    knows(ingest)
    assert (await ingest.get(f"/Items/{path}")).status_code == 200
    assert dict(ingest.asked[-1].url.params) == {"typeId": type_id, "itemId": item_id}


@pytest.mark.parametrize("path", ["/items/post", "/items/post/", "/items//p1", "/items/async/"])
async def test_a_path_that_names_no_item(ingest: Any, path: str) -> None:
    """404, and nobody is asked."""
    assert (await ingest.get(path)).status_code == 404
    assert ingest.asked == []


def test_a_path_that_is_not_utf_8_is_refused() -> None:
    """It would be another id."""
    with pytest.raises(Refusal) as refused:
        _item(b"/api/v1/items/post/%ff")
    assert refused.value.errors[0].status == 400
    assert _item(b"/api/v1/items/post/%C3%A9") == ItemRef(id="é", type_id="post")


async def test_an_id_that_is_too_long_is_nobodys(ingest: Any) -> None:
    """404 without a question."""
    assert (await ingest.get("/items/post/" + "x" * 513)).status_code == 404
    assert ingest.asked == []


async def test_unknown_is_404(ingest: Any) -> None:
    """In the public format, whoever else may have such an item."""
    knows(ingest, {"title": "Not Found"}, 404)
    response = await ingest.get("/items/post/p1")
    assert response.status_code == 404
    (error,) = response.json()["errors"]
    assert error["type"] == ["/errors/not-found"]
    assert error["requestId"].startswith("get-item:")


def _raise(_: httpx.Request) -> Any:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    "known",
    [
        _raise,
        lambda _: httpx.Response(401, json={"detail": "the token is missing or wrong"}),
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(503, json={"detail": "the database is not available"}),
        lambda _: httpx.Response(422),
        lambda _: httpx.Response(200, content=b"<html>"),
        lambda _: httpx.Response(200, json={**RECORD, "decisions": 1}),
    ],
)
async def test_no_answer_is_503(ingest: Any, known: Any) -> None:
    """Away, unwilling or not to be understood: 503 with Retry-After, and no word of why."""
    ingest.known = known
    response = await ingest.get("/items/post/p1")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "2"
    assert "token" not in response.text
    knows(ingest)
    assert (await ingest.get("/items/post/p1")).status_code == 200


async def test_look_ups_are_bounded(make_ingest: Callable[..., Any]) -> None:
    """An organisation that has its share under way gets 429; another is answered."""
    ingest = make_ingest(ingest_lookups=3)
    gate = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if "/org1/" in request.url.path:
            await gate.wait()
        return httpx.Response(200, json=RECORD)

    ingest.known = answer
    asked = [asyncio.create_task(ingest.get("/items/post/p1")) for _ in range(2)]
    async with asyncio.timeout(20):
        while len(ingest.asked) < 2:  # noqa: ASYNC110 - it says nothing by itself
            await asyncio.sleep(0.005)
    refused = await ingest.get("/items/post/p1")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert (await ingest.get("/items/post/p1", key=KEYS["org2"])).status_code == 200
    gate.set()
    assert [(await one).status_code for one in asked] == [200, 200]
    assert (await ingest.get("/items/post/p1")).status_code == 200


def test_its_metric_is_one_of_a_closed_set() -> None:
    """However many ids are asked for, the route has one name."""

    async def never(*_: Any) -> Any:
        raise AssertionError

    path = "/items/{typeId}/{id}"
    edge = Edge([EdgeRoute("GET", path, "get-item", never, ApiScope.ITEMS_READ)], never)
    names = {
        edge.route_of({"path": f"/api/v1{one}"})
        for one in ("/items/post/p1", "/items/post/p2", "/Items/x/y/z")
    }
    assert names == {f"/api/v1{path}"}


def test_the_example_has_every_part() -> None:
    """The record that these tests tell has a decision and an action with its delivery."""
    assert RECORD["decisions"]
    assert RECORD["actions"][0]["delivery"]
    assert json.dumps(RECORD["data"])
