"""Which answers are sent as gzip."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from coop_review_api.http.compression import Compressed
from coop_runtime.process.asgi import Receive, Scope, Send

LONG = json.dumps({"items": ["the same"] * 500}).encode()


def app(parts: list[bytes], kind: str = "application/json", **more: str) -> Any:
    """An application that answers so, in these parts."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        headers = {"content-type": kind, "content-length": str(len(b"".join(parts))), **more}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        for number, part in enumerate(parts):
            more_body = number < len(parts) - 1
            await send({"type": "http.response.body", "body": part, "more_body": more_body})

    return answer


async def get(
    application: Any, path: str = "/v1/jobs", accepted: str = "gzip"
) -> tuple[httpx.Response, bytes]:
    served = Compressed(application, is_secret=lambda one: one == "/v1/session")
    transport = httpx.ASGITransport(served)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://review") as client,
        client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer,
    ):
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize("body", [LONG, LONG * 20])
async def test_json_is_sent_as_gzip(body: bytes) -> None:
    """It says the same, in less; and a cache is told what the answer depends on."""
    answer, raw = await get(app([body]))
    assert gzip.decompress(raw) == body
    assert len(raw) < len(body) / 5
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(raw)
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("application", "path", "accepted"),
    [
        pytest.param(app([LONG]), "/v1/jobs", "identity", id="who does not take it"),
        pytest.param(app([LONG]), "/v1/jobs", "gzip;q=0", id="who refuses it"),
        pytest.param(app([LONG]), "/v1/session", "gzip", id="with the session's token"),
        pytest.param(app([b"{}"]), "/v1/jobs", "gzip", id="small"),
        pytest.param(app([LONG], "image/webp"), "/v1/jobs", "gzip", id="no JSON"),
        pytest.param(app([LONG], "text/event-stream"), "/v1/events", "gzip", id="without end"),
        pytest.param(app([LONG, LONG]), "/v1/jobs", "gzip", id="in parts"),
    ],
)
async def test_what_else_is_sent_as_it_is(application: Any, path: str, accepted: str) -> None:
    """Byte for byte."""
    answer, raw = await get(application, path, accepted)
    assert raw in (LONG, LONG + LONG, b"{}")
    assert "content-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(raw)


@pytest.mark.engines
async def test_the_answers_with_the_sessions_token_are_not_compressed(admin: Any) -> None:
    """All others are, the description of the API for one."""
    for path, encoding in (("/v1/session", None), ("/v1/openapi.json", "gzip")):
        answer = await admin.call("GET", path, headers={"Accept-Encoding": "gzip"})
        assert answer.headers.get("content-encoding") == encoding
