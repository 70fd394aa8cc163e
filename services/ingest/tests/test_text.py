"""Bodies whose text is not in order: what is kept, and what the answer says of it."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Field, ItemType, Kind

PATH = "/items/async/"
REPLACED = "x-coop-replaced-characters"


def batch(*texts: bytes) -> bytes:
    """A batch of posts, their texts as they stand in JSON."""
    items = (
        b'{"id":"p%d","typeId":"post","data":{"text":"%b"}}' % (index, text)
        for index, text in enumerate(texts)
    )
    return b'{"items":[' + b",".join(items) + b"]}"


@pytest.mark.parametrize("query", ["", "?partial=true"])
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (rb"claim now \ud83d", "claim now \ufffd"),
        (rb"\uDE00 now", "\ufffd now"),
        (rb"a\u0000b", "a\ufffdb"),
        (b"caf\xe9", "caf\ufffd"),
        (b"cut \xf0\x9f\x98", "cut \ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    ],
)
async def test_a_text_that_cannot_be_kept_takes_nobody_with_it(
    ingest: Any, query: str, sent: bytes, kept: str
) -> None:
    """It is kept with U+FFFD, its neighbours as they are, and the answer says where."""
    response = await ingest.post(PATH + query, batch(b"fine", sent, b"fine"))
    assert response.status_code == 202
    assert response.headers[REPLACED] == "/items/1/data/text"
    texts = [msgspec.json.decode(event.item.data)["text"] for event in ingest.broker.events]
    assert texts == ["fine", kept, "fine"]


@pytest.mark.parametrize(
    "sent", [rb"\ud83d\ude00", rb"\\ud83d", rb"\\u0000", "\U0001f600".encode()]
)
async def test_what_can_be_kept_is_not_spoken_of(ingest: Any, sent: bytes) -> None:
    """A whole emoji, and backslashes that were meant, stay as they are."""
    response = await ingest.post(PATH, batch(sent))
    assert response.status_code == 202
    assert REPLACED not in response.headers
    assert b"\xef\xbf\xbd" not in bytes(ingest.broker.events[0].item.data)


async def test_names_and_ids_too(ingest: Any) -> None:
    """Whatever the text is of; the pointer of a name has the replacement."""
    body = rb'{"items":[{"id":"a\u0000","typeId":"post","data":{"text":"x","n\ud800":"1"}}]}'
    response = await ingest.post(PATH, body)
    assert response.headers[REPLACED] == "/items/0/id, /items/0/data/n%EF%BF%BD"
    assert response.headers["x-coop-unknown-fields"] == "n%EF%BF%BD"
    assert ingest.broker.events[0].item.id == "a\ufffd"


async def test_the_header_is_bounded(ingest: Any) -> None:
    """A thousand of them do not make a header that a client refuses."""
    response = await ingest.post(PATH, batch(*[rb"\ud83d"] * 1000))
    assert response.status_code == 202
    assert len(response.headers[REPLACED]) <= 1024
    assert response.headers[REPLACED].endswith(", ...")


async def test_in_a_large_body_the_places_are_not_looked_for(ingest: Any) -> None:
    """Above a megabyte the answer only says that there are some."""
    body = batch(*[b"x" * 200_000] * 6, rb"\ud83d")
    response = await ingest.post(PATH, body)
    assert (response.status_code, response.headers[REPLACED]) == (202, "...")


async def test_a_byte_order_mark_is_skipped(ingest: Any) -> None:
    """RFC 8259 lets a reader skip it, and .NET writes it."""
    response = await ingest.post(PATH, b"\xef\xbb\xbf" + batch(b"x"))
    assert response.status_code == 202
    assert REPLACED not in response.headers


async def test_a_packed_body_is_read(ingest: Any) -> None:
    """Through the whole application."""
    body = gzip.compress(batch(b"packed"))
    response = await ingest.post(PATH, body, headers={"content-encoding": "gzip"})
    assert response.status_code == 202
    assert len(ingest.broker.events) == 1
    bomb = gzip.compress(b" " * (11 * 1024 * 1024))
    response = await ingest.post(PATH, bomb, headers={"content-encoding": "gzip"})
    assert response.status_code == 413


async def test_of_a_repeated_name_the_last_value_counts(ingest: Any) -> None:
    """In the body, in an item, in its data and inside a field that nobody knows."""
    body = (
        b'{"items":[],"items":[{"id":"no","id":"p1","typeId":"no","typeId":"post","data":{},'
        b'"data":{"text":1,"text":"x","deep":{"a":1,"a":2},"likes":"no","likes":"0x10"}}]}'
    )
    response = await ingest.post(PATH, body)
    assert response.status_code == 202
    (event,) = ingest.broker.events
    assert event.item.id == "p1"
    assert msgspec.json.decode(event.item.data) == {"text": "x", "deep": {"a": 2}, "likes": 16}


async def test_a_doubtful_value_is_kept_and_named(ingest: Any) -> None:
    """Of the good items of a batch, by their pointers."""
    post = {"id": "p1", "typeId": "post", "data": {"text": "x", "createdAt": "2026-02-30T00:00Z"}}
    response = await ingest.items({**post, "data": {"text": "x"}}, post)
    assert response.status_code == 202
    assert response.headers["x-coop-doubtful-values"] == "/items/1/data/createdAt"


@pytest.mark.parametrize("path", ["/API/V1/Items/Async/", "/api/v1/ITEMS/async"])
async def test_the_case_of_a_path_does_not_matter(ingest: Any, path: str) -> None:
    """As in Coop's router, for the hot route and the others."""
    headers = {"x-api-key": "key-of-org1", "content-type": "application/json"}
    response = await ingest.client.post(path, content=batch(b"x"), headers=headers)
    assert response.status_code == 202
    assert (await ingest.client.get("/api/V1/Policies", headers=headers)).status_code == 200


async def test_the_ids_of_a_platform_keep_their_digits(ingest: Any) -> None:
    """Two numbers above 2^63 are two ids."""
    kind = ItemType(
        id="n", name="N", kind="CONTENT", version="v", fields=(Field(name="i", type="ID"),)
    )
    ingest.configure(Kind.ITEM_TYPE, kind, "n")
    numbers = [2**63 - 1, 12345678901234567890, 12345678901234567891, 2**64 - 1, 10**30 + 1]
    response = await ingest.items(
        *({"id": f"p{n}", "typeId": "n", "data": {"i": n}} for n in numbers[:4]),
    )
    assert response.status_code == 202
    last = b'{"items":[{"id":"p","typeId":"n","data":{"i":%d}}]}' % numbers[4]
    assert (await ingest.post(PATH, last)).status_code == 202
    found = [msgspec.json.decode(event.item.data)["i"] for event in ingest.broker.events]
    assert found == [str(number) for number in numbers]
