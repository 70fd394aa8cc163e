"""The outermost layer: no route, wrong method, faults, policies, the document."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from coop_contracts.config import Kind, Policy
from coop_runtime.kafka.config_table import ConfigTable

POST = {"id": "p1", "typeId": "post", "data": {"text": "hello"}}
AUTH = {"x-api-key": "key-of-org1"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/v1/", 404),
        ("POST", "/api/v1/items", 404),
        ("POST", "/api/v2/items/async/", 404),
        ("GET", "/docs", 404),
        ("DELETE", "/api/v1/items/async/", 405),
        ("POST", "/api/v1/items/post/p1", 405),
        ("PUT", "/api/v1/report", 405),
        ("POST", "/api/v1/policies", 405),
    ],
)
async def test_no_route_is_an_error_in_the_public_format(
    ingest: Any, method: str, path: str, status: int
) -> None:
    """404 and 405 look like every other error."""
    response = await ingest.client.request(method, path, headers=AUTH)
    (error,) = response.json()["errors"]
    assert response.status_code == error["status"] == status
    assert error["requestId"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert ("allow" in response.headers) == (status == 405)


async def test_no_answer_is_sniffed(ingest: Any) -> None:
    """Whatever is answered, from the hot path, the others, and the document, says so once."""
    answers = [
        await ingest.items(POST),
        await ingest.post("/items/async/", b"no JSON"),
        await ingest.post("/report", b"no JSON"),
        await ingest.client.get("/api/v1/policies/", headers=AUTH),
        await ingest.client.get("/api/v1/openapi.json"),
    ]
    assert [one.status_code for one in answers] == [202, 400, 400, 200, 200]
    for one in answers:
        assert one.headers.get_list("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize("path", ["/items/async/", "/report"])
async def test_a_fault_is_500_and_tells_nothing(
    ingest: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A fault of ours is 500 in the public format, without what went wrong."""

    def fail(_org: str) -> int:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(ingest.table, "revision", fail)
    report = {
        "reporter": {"kind": "user", "id": "u", "typeId": "user"},
        "reportedAt": "2026-01-01T00:00:00Z",
        "reportedItem": POST,
    }
    response = await ingest.post(path, {"items": [POST]} if path != "/report" else report)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["type"]) == (500, ["/errors/internal-server-error"])
    assert "secret" not in response.text


@pytest.mark.parametrize("path", ["/api/v1/policies", "/api/v1/policies/"])
async def test_policies(ingest: Any, path: str) -> None:
    """The organisation's policies by name, and nobody else's."""
    ingest.configure(Kind.POLICY, Policy(id="x", name="Other"), "x", "org2")
    response = await ingest.client.get(path, headers=AUTH)
    assert response.json() == {
        "policies": [
            {"id": "scam", "name": "Scam", "parentId": "spam"},
            {"id": "spam", "name": "Spam", "parentId": None},
        ]
    }
    assert (await ingest.client.get(path)).status_code == 401


async def test_nothing_is_judged_before_the_configuration_is_whole(
    ingest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the configuration is read every key is unknown: the answer is 503, not 401."""
    monkeypatch.setattr(ConfigTable, "ready", lambda _self: False)
    response = await ingest.items(POST)
    assert response.status_code == 503
    assert response.headers["retry-after"]


async def test_the_document_is_valid_and_has_every_route(ingest: Any) -> None:
    """The OpenAPI document is valid and documents the hot route like the rest."""
    document = (await ingest.client.get("/api/v1/openapi.json")).json()
    validate(document)
    assert set(document["paths"]) == {
        "/api/v1/items/async/",
        "/api/v1/content/",
        "/api/v1/items/{typeId}/{id}",
        "/api/v1/report",
        "/api/v1/report/appeal",
        "/api/v1/actions/",
        "/api/v1/policies/",
    }
    items = document["paths"]["/api/v1/items/async/"]["post"]
    assert set(items["responses"]) >= {"202", "400", "401", "413", "429", "503"}
    schemas = document["components"]["schemas"]
    assert schemas["Items"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Item"}
    appeal = document["paths"]["/api/v1/report/appeal"]["post"]
    assert "200" not in appeal["responses"]


async def test_with_a_collector_the_request_has_a_span(
    ingest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where spans are exported the events continue the caller's trace through our span."""
    monkeypatch.setattr("coop_runtime.process.telemetry.exporting", lambda: True)
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert (await ingest.items(POST, headers=headers)).status_code == 202
    sent = dict(ingest.broker.messages[0].headers)["traceparent"].decode()
    assert sent.split("-")[1] == trace
