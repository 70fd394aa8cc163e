"""`POST /items/async/`: what is kept, what is refused, and what the answers say."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coop_contracts.config import Field, ItemType, Kind, OrgSettings
from coop_contracts.event import ItemRef

PATH = "/items/async/"
POST = {"id": "p1", "typeId": "post", "data": {"text": "hello"}}
AUTHOR = {"id": "u1", "typeId": "user", "name": "N"}


def errors_of(response: Any) -> list[tuple[int, str | None]]:
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert set(body) == {"errors"}
    assert body["errors"]
    assert response.status_code == body["errors"][0]["status"]
    for error in body["errors"]:
        assert {"status", "type", "title", "requestId"} <= set(error)
        assert all(kind.startswith("/errors/") for kind in error["type"])
    return [(error["status"], error.get("pointer")) for error in body["errors"]]


async def test_an_accepted_item_is_an_event_with_coerced_data(ingest: Any) -> None:
    """202 and an empty body; the event carries the coerced item, its creator and its ids."""
    data = {
        "text": "hé",
        "author": AUTHOR,
        "likes": "12",
        "tags": ["a", ""],
        "createdAt": 0,
        "link": None,
    }
    response = await ingest.items({**POST, "data": data})
    assert (response.status_code, response.content) == (202, b"")
    (message,) = ingest.broker.messages
    (event,) = ingest.broker.events
    assert message.topic == "coop.items.v1"
    assert message.key == b"org1/post/p1"
    headers = dict(message.headers)
    assert headers["event-id"].decode() == event.event_id
    assert headers["event-type"] == b"item-submitted"
    assert len(headers["traceparent"]) == 55
    assert event.org_id == "org1"
    assert event.time == ingest.clock.time
    assert event.submission_id == event.correlation_id == event.item.submission_id
    assert event.request_id.startswith("post-items:")
    assert event.config_revision == ingest.table.revision("org1")
    assert event.item.type_version == "2026-01-01T00:00:00.000000Z"
    assert event.item.creator == ItemRef("u1", "user")
    assert msgspec.json.decode(event.item.data) == {
        "text": "hé",
        "author": AUTHOR,
        "likes": 12,
        "tags": ["a", ""],
        "createdAt": "1970-01-01T00:00:00.000Z",
    }


async def test_a_batch_keeps_its_order(ingest: Any) -> None:
    """The events of a request are published in the order of its items, each with its own id."""
    response = await ingest.items(*({**POST, "id": str(i)} for i in range(1000)))
    assert response.status_code == 202
    assert [event.item.id for event in ingest.broker.events] == [str(i) for i in range(1000)]
    assert len({event.submission_id for event in ingest.broker.events}) == 1000


async def test_an_empty_batch_is_accepted(ingest: Any) -> None:
    """No items are nothing to publish, and no error."""
    assert (await ingest.items()).status_code == 202
    assert ingest.broker.messages == []


async def test_the_callers_trace_is_continued(ingest: Any) -> None:
    """A traceparent that came with the request is the trace of its events."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    sent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    await ingest.items(POST, headers=sent)
    headers = dict(ingest.broker.messages[0].headers)
    assert headers["traceparent"].decode().split("-")[1] == trace


@pytest.mark.parametrize("path", ["/items/async/", "/items/async"])
async def test_the_trailing_slash_is_optional(ingest: Any, path: str) -> None:
    """Both spellings are the same route."""
    assert (await ingest.items(POST, path=path)).status_code == 202


@pytest.mark.parametrize(
    "selector",
    [
        {"typeId": "post"},
        {"typeId": "post", "typeVersion": "2026-01-01T00:00:00.000000Z"},
        {"typeId": "post", "typeVersion": None, "type": None},
        {"type": {"id": "post"}},
        {"type": {"id": "post", "version": "2026-01-01T00:00:00.000000Z"}},
        {"type": {"id": "post", "schemaVariant": "original"}},
    ],
)
async def test_both_ways_to_name_the_type(ingest: Any, selector: dict[str, Any]) -> None:
    """Flat and nested selectors mean the same."""
    response = await ingest.items({"id": "p1", "data": {"text": "x"}, **selector})
    assert response.status_code == 202
    assert ingest.broker.events[0].item.type_id == "post"


@pytest.mark.parametrize(
    ("selector", "pointer"),
    [
        ({}, "/items/0/typeId"),
        ({"typeId": "post", "type": {"id": "post"}}, "/items/0/type"),
        ({"typeVersion": "v", "type": {"id": "post"}}, "/items/0/type"),
        ({"typeId": "nope"}, "/items/0/typeId"),
        ({"type": {"id": "nope"}}, "/items/0/type/id"),
        ({"typeId": "other-user"}, "/items/0/typeId"),
        ({"typeId": "post", "typeVersion": "old"}, "/items/0/typeVersion"),
        ({"type": {"id": "post", "version": "old"}}, "/items/0/type/version"),
        ({"typeId": 7}, "/items/0/typeId"),
        ({"typeId": "post", "typeSchemaVariant": "whole"}, "/items/0/typeSchemaVariant"),
        ({"type": {"schemaVariant": "partial"}}, "/items/0/type"),
    ],
)
async def test_a_type_that_cannot_be_used(
    ingest: Any, selector: dict[str, Any], pointer: str
) -> None:
    """Both selectors, none, an unknown type, another org's, an unknown version: an exact error."""
    response = await ingest.items({"id": "p1", "data": {"text": "x"}, **selector})
    assert errors_of(response) == [(400, pointer)]
    assert ingest.broker.messages == []


async def test_an_unknown_type_has_an_error_type_of_its_own(ingest: Any) -> None:
    """Unknown item types are told apart from bad data by the error's type."""
    (error,) = (await ingest.items({**POST, "typeId": "nope"})).json()["errors"]
    assert error["type"] == ["/errors/unrecognized-content-type", "/errors/invalid-user-input"]


async def test_an_old_version_is_checked_as_it_was(ingest: Any) -> None:
    """A submission may name a version; it is checked against that version's fields."""
    old = ItemType(
        id="post",
        name="Post",
        kind="CONTENT",
        version="old",
        fields=(Field(name="title", type="STRING", required=True),),
    )
    ingest.configure(Kind.ITEM_TYPE_VERSION, old, "post@old")
    item = {"id": "p1", "typeId": "post", "typeVersion": "old", "data": {"title": "x"}}
    assert (await ingest.items(item)).status_code == 202
    assert ingest.broker.events[0].item.type_version == "old"
    assert errors_of(await ingest.items({**item, "data": {}})) == [(400, "/items/0/data/title")]
    ingest.configure(Kind.ITEM_TYPE_VERSION, None, "post@old")
    assert errors_of(await ingest.items(item)) == [(400, "/items/0/typeVersion")]


async def test_a_changed_type_acts_on_the_next_request(ingest: Any) -> None:
    """The compiled validator follows the configuration table."""
    fields = (Field(name="text", type="STRING"), Field(name="new", type="STRING", required=True))
    assert (await ingest.items(POST)).status_code == 202
    changed = ItemType(id="post", name="Post", kind="CONTENT", version="2", fields=fields)
    ingest.configure(Kind.ITEM_TYPE, changed, "post")
    assert errors_of(await ingest.items(POST)) == [(400, "/items/0/data/new")]
    ingest.configure(Kind.ITEM_TYPE, None, "post")
    assert errors_of(await ingest.items(POST)) == [(400, "/items/0/typeId")]


async def test_a_type_that_cannot_be_compiled_spares_the_others(ingest: Any) -> None:
    """A broken definition is an internal error of its own items only."""
    ingest.configure(
        Kind.ITEM_TYPE,
        ItemType(id="bad", name="Bad", kind="CONTENT", version="v", fields=()),
        "bad",
    )
    assert errors_of(await ingest.items({**POST, "typeId": "bad"})) == [(500, "/items/0/typeId")]
    assert (await ingest.items(POST)).status_code == 202


async def test_the_partial_variant_requires_no_field(ingest: Any) -> None:
    """`partial` items may lack required fields."""
    item = {"id": "p1", "typeId": "post", "typeSchemaVariant": "partial", "data": {}}
    assert (await ingest.items(item)).status_code == 202
    assert ingest.broker.events[0].item.schema_variant == "partial"


async def test_one_bad_item_refuses_the_batch_with_every_error(ingest: Any) -> None:
    """All or nothing; every error of every item is listed with its exact pointer."""
    response = await ingest.items(
        POST,
        {"id": "", "typeId": "post", "data": {"likes": "", "tags": ["a", 7, None]}},
        {"typeId": "post", "data": []},
        7,
        {**POST, "id": "x" * 513},
    )
    assert errors_of(response) == [
        (400, "/items/1/id"),
        (400, "/items/1/data/text"),
        (400, "/items/1/data/likes"),
        (400, "/items/1/data/tags/1"),
        (400, "/items/1/data/tags/2"),
        (400, "/items/2/id"),
        (400, "/items/2/data"),
        (400, "/items/3"),
        (400, "/items/4/id"),
    ]
    assert ingest.broker.messages == []


async def test_partial_keeps_the_good_items(ingest: Any) -> None:
    """`?partial=true` keeps what is valid, and lists the ids and the errors."""
    response = await ingest.items(
        POST, {**POST, "id": ""}, {**POST, "id": "p3"}, path="/items/async/?partial=true"
    )
    assert response.status_code == 202
    body = response.json()
    assert body["accepted"] == ["p1", "p3"]
    assert [error["pointer"] for error in body["errors"]] == ["/items/1/id"]
    assert [event.item.id for event in ingest.broker.events] == ["p1", "p3"]


async def test_partial_with_nothing_good(ingest: Any) -> None:
    """`?partial=true` answers 202 also when no item is kept; another value is an error."""
    response = await ingest.items({**POST, "id": ""}, path="/items/async?partial=true")
    assert (response.status_code, response.json()["accepted"]) == (202, [])
    assert errors_of(await ingest.items(POST, path="/items/async/?partial=yes"))[0][0] == 400
    assert ingest.broker.messages == []


async def test_unknown_fields_are_kept_and_reported(ingest: Any) -> None:
    """Unknown fields are in the event, and named in a header that any client can read."""
    response = await ingest.items(
        {**POST, "data": {"text": "x", "extra": {"a": 1}, "größe, m": 2}},
        {**POST, "data": {"text": "x", "extra": 3}},
    )
    assert response.headers["x-coop-unknown-fields"] == "extra, gr%C3%B6%C3%9Fe%2C%20m"
    assert msgspec.json.decode(ingest.broker.events[0].item.data)["extra"] == {"a": 1}


async def test_the_header_of_unknown_fields_is_bounded(ingest: Any) -> None:
    """Thousands of unknown fields do not make a header that a client refuses."""
    data = {"text": "x"} | {f"field{i}": i for i in range(2000)}
    header = (await ingest.items({**POST, "data": data})).headers["x-coop-unknown-fields"]
    assert len(header) <= 1024
    assert header.endswith(", ...")
    long = {"text": "x", "y" * 3000: 1}
    header = (await ingest.items({**POST, "data": long})).headers["x-coop-unknown-fields"]
    assert header == "..."


# Bad input and failure


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        (b"", None, "ends too early (byte 0)"),
        (b"{", None, "ends too early (byte 1)"),
        (b'{"items":[{"id":"p1","typeId":"post","data":{"text":"he', None, "ends too early"),
        (b'{"items":[nope]}', None, "(byte 11)"),
        (b'{"items":[]} x', None, "trailing characters (byte"),
        (b"\xff\xfe", None, "(byte 0)"),
        (b"[]", None, "must be a JSON object"),
        (b"null", None, "must be a JSON object"),
        (b"{}", "/items", "required"),
        (b'{"items":{}}', "/items", "Expected `array`"),
        (b'{"items":[{"id":"p1","typeId":"post","data":{"likes":NaN}}]}', None, "(byte"),
        (b'{"items":[{"id":"p1","typeId":"post","data":{"likes":-Infinity}}]}', None, "(byte"),
        (
            b'{"items":[{"id":"p1","typeId":"post","data":{"text":"x","likes":1e999}}]}',
            "/items/0/data/likes",
            "out of range",
        ),
        (b'{"items":' + b"[" * 100_000, None, "nests too deep"),
        (
            b'{"items":[{"id":"p1","typeId":"post","data":{"text":"x","deep":'
            + b"[" * 40
            + b"]" * 40
            + b"}}]}",
            "/items/0/data/deep" + "/0" * 32,
            "nests deeper than 32",
        ),
        (
            b'{"items":[{"id":"p1","typeId":"post","data":{"text":"x","n":' + b"9" * 5000 + b"}}]}",
            "/items/0/data",
            "out of range",
        ),
        (b'{"items":[{"id":7,"typeId":"post","data":{"text":"x"}}]}', "/items/0/id", "Expected"),
        (b'{"items":[{"id":"","typeId":"post","data":{"text":"x"}}]}', "/items/0/id", "empty"),
        (b'{"items":[{"id":"p1","typeId":"post","data":{}}]}', "/items/0/data/text", "required"),
        (b'{"items":[{"id":"p1","typeId":"no","data":{}}]}', "/items/0/typeId", "no item type"),
        (
            b'{"items":[{"id":"p1","typeId":"post","data":{"text":7}}]}',
            "/items/0/data/text",
            "must be a string",
        ),
        (
            b'{"items":[{"id":"p1","typeId":"post","data":{"text":"a\\ud800b","tags":[null]}}]}',
            "/items/0/data/tags/0",
            "must not be null",
        ),
        (
            b'{"items":[{"id":"p1","typeId":"post","data":{"text":"a\\ud800}}]}',
            None,
            "ends too early",
        ),
        (b'{"items":[{"id":"p1","typeId":"post","data":{"text":"a\x00"}}]}', None, "(byte"),
        (
            b'{"items":[{"id":"p1","typeId":"post","data":{"text":"x","link":"http://[::1]/"}}]}',
            "/items/0/data/link",
            "private",
        ),
    ],
)
async def test_bad_input(ingest: Any, body: bytes, pointer: str | None, says: str) -> None:
    """Bad JSON and bad data are a clear 400 with position or pointer; nothing is published."""
    response = await ingest.post(PATH, body)
    assert errors_of(response) == [(400, pointer)]
    assert says in response.json()["errors"][0]["detail"]
    assert ingest.broker.messages == []


async def test_an_11_mb_body_is_refused(ingest: Any) -> None:
    """A body over the limit is 413, whether its length is declared or not."""
    body = b" " * (11 * 1024 * 1024)
    assert errors_of(await ingest.post(PATH, body)) == [(413, None)]

    async def chunks() -> Any:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    response = await ingest.client.post(
        "/api/v1/items/async/", content=chunks(), headers={"x-api-key": "key-of-org1"}
    )
    assert errors_of(response) == [(413, None)]
    assert response.headers["connection"] == "close"
    assert ingest.broker.messages == []


async def test_1001_items_are_refused(ingest: Any) -> None:
    """A batch over the limit is 413 as a whole, also with partial=true."""
    items = [{**POST, "id": str(i)} for i in range(1001)]
    assert errors_of(await ingest.items(*items)) == [(413, "/items")]
    response = await ingest.items(*items, path="/items/async/?partial=true")
    assert errors_of(response) == [(413, "/items")]
    assert ingest.broker.messages == []


async def test_an_item_over_256_kb_is_refused(ingest: Any) -> None:
    """An item over the limit is 413 with a pointer; the largest below it is kept."""
    room = 256 * 1024 - len(msgspec.json.encode({**POST, "data": {"text": ""}}))
    fits, over = ({**POST, "data": {"text": "x" * n}} for n in (room, room + 1))
    assert (await ingest.items(fits)).status_code == 202
    assert errors_of(await ingest.items(POST, over)) == [(413, "/items/1")]


async def test_an_item_that_grows_over_the_brokers_limit_is_refused(make_ingest: Any) -> None:
    """Coercion may make data larger; an event that the broker would refuse is 413 before that."""
    ingest = make_ingest(ingest_max_event=2000)
    assert errors_of(await ingest.items({**POST, "data": {"text": "x" * 2000}})) == [
        (413, "/items/0")
    ]
    assert ingest.broker.messages == []


@pytest.mark.parametrize("key", [None, "", "wrong", "KEY-OF-ORG1", "x" * 10_000])
async def test_no_valid_key(ingest: Any, key: str | None) -> None:
    """Without a valid key the answer is 401, and the body is not looked at."""
    assert errors_of(await ingest.post(PATH, b"not JSON", key=key)) == [(401, None)]
    assert ingest.broker.messages == []


async def test_a_key_opens_only_its_own_organisation(ingest: Any) -> None:
    """With another organisation's key this organisation's item types do not exist."""
    assert errors_of(await ingest.items(POST, key="key-of-org2")) == [(400, "/items/0/typeId")]
    item = {"id": "u", "typeId": "other-user", "data": {}}
    assert (await ingest.items(item, key="key-of-org2")).status_code == 202
    assert ingest.broker.events[0].org_id == "org2"


@pytest.mark.parametrize("stated", ["text/plain", "application/x-www-form-urlencoded", "text/json"])
async def test_another_media_type_is_refused(ingest: Any, stated: str) -> None:
    """A body that is not declared as JSON is 415."""
    response = await ingest.items(POST, headers={"content-type": stated})
    assert errors_of(response) == [(415, None)]


@pytest.mark.parametrize("stated", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_by_any_of_its_names(ingest: Any, stated: str) -> None:
    """Parameters and case of the media type do not matter."""
    assert (await ingest.items(POST, headers={"content-type": stated})).status_code == 202


async def test_no_acknowledgement_is_503(ingest: Any) -> None:
    """When the broker does not acknowledge, the answer is 503 with Retry-After, never 202."""
    ingest.broker.fails = True
    response = await ingest.items(POST)
    assert errors_of(response) == [(503, None)]
    assert response.headers["retry-after"] == "5"
    assert not ingest.publisher.ready()
    ingest.broker.fails = False
    assert (await ingest.items(POST)).status_code == 202
    assert ingest.publisher.ready()


async def test_202_waits_for_the_acknowledgement(ingest: Any) -> None:
    """As long as the broker has not acknowledged, there is no answer."""
    ingest.broker.acknowledge = asyncio.Event()
    answer = asyncio.create_task(ingest.items(POST))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not answer.done()
    ingest.broker.acknowledge.set()
    assert (await answer).status_code == 202


async def test_over_the_rate_is_429(ingest: Any) -> None:
    """Requests past the organisation's own rate are 429 with Retry-After until time has passed."""
    ingest.configure(
        Kind.SETTINGS, OrgSettings(id="settings", name="One", requests_per_second=3), "settings"
    )
    statuses = [(await ingest.items(POST)).status_code for _ in range(8)]
    assert statuses == [202] * 6 + [429] * 2
    refused = await ingest.items(POST)
    assert errors_of(refused) == [(429, None)]
    assert int(refused.headers["retry-after"]) >= 1
    ingest.clock.pass_seconds(1.01)
    assert [(await ingest.items(POST)).status_code for _ in range(4)] == [202] * 3 + [429]
    assert (await ingest.items(POST, key="key-of-org2")).status_code == 400


json_text = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "id", "data", "typeId", "type", "version", "text", "likes"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=st.binary(max_size=40) | json_text)
def test_no_body_is_too_strange(make_ingest: Any, body: Any) -> None:
    """Whatever is sent, the answer is 202 or errors in the public format; never a fault."""

    async def send() -> None:
        ingest = make_ingest()
        for content in (body, {"items": [body]}, {"items": [{**POST, "data": body}]}):
            response = await ingest.post(PATH, content)
            if response.status_code != 202:
                assert errors_of(response)[0][0] in (400, 413)
                assert ingest.broker.messages == []

    asyncio.run(send())
