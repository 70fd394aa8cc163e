"""HEAD, ETag and 304, Allow."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from coop_review_api.http.conditional import Conditional
from coop_runtime.process.asgi import Receive, Scope, Send


async def told(
    method: str,
    *,
    known: str | None = None,
    tag: str | None = '"7"',
    status: int = 200,
    is_list: bool = False,
) -> tuple[int, dict[str, str], bytes]:
    """What is sent, of an answer in two parts."""

    async def inner(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        headers += [(b"etag", tag.encode())] if tag else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        await send({"type": "http.response.body", "body": b"}"})

    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    headers = [(b"if-none-match", known.encode())] if known is not None else []
    scope = {"type": "http", "method": method, "path": "/v1/x", "headers": headers}
    await Conditional(inner, endless=(), tagged=lambda _: is_list)(scope, receive, send)
    start, *rest = sent
    assert rest[-1].get("more_body", False) is False
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], names, b"".join(message["body"] for message in rest)


@pytest.mark.parametrize("known", ['"7"', 'W/"7"', '"6", "7"', "*"])
async def test_what_the_asker_has_is_not_sent_again(known: str) -> None:
    """304 with the tag, and no body."""
    status, headers, body = await told("GET", known=known)
    assert (status, headers["etag"], body) == (304, '"7"', b"")
    assert "content-length" not in headers


@pytest.mark.parametrize("known", [None, '"6"', "7", ""])
async def test_what_the_asker_has_not_is_sent(known: str | None) -> None:
    """The whole answer, which may be kept by who asks each time."""
    status, headers, body = await told("GET", known=known)
    assert (status, body) == (200, b"{}")
    assert headers["cache-control"] == "private, no-cache"


async def test_without_a_tag_nothing_is_kept() -> None:
    """What has no revision says nothing of keeping it, and `*` does not name it."""
    status, headers, body = await told("GET", known="*", tag=None)
    assert (status, body) == (200, b"{}")
    assert "cache-control" not in headers


async def test_a_list_has_a_tag_of_what_it_says() -> None:
    """The same list the same tag; who has it gets 304; a refusal has none."""
    status, headers, body = await told("GET", tag=None, is_list=True)
    assert (status, body) == (200, b"{}")
    tag = headers["etag"]
    assert tag.startswith('W/"')
    status, headers, body = await told("GET", tag=None, is_list=True, known=tag)
    assert (status, headers["etag"], body) == (304, tag, b"")
    status, headers, body = await told("GET", tag=None, is_list=True, known=tag, status=403)
    assert (status, body) == (403, b"{}")
    assert "etag" not in headers


async def test_refusals_are_sent_whole() -> None:
    """A tag in a refusal (412 has one) is no reason to leave it out."""
    assert (await told("GET", known='"7"', status=404))[::2] == (404, b"{}")


async def test_head_is_get_without_its_body() -> None:
    """The same status and headers, the length of the body that is left out among them."""
    status, headers, body = await told("HEAD")
    assert (status, headers["content-length"], body) == (200, "2", b"")


@pytest.mark.engines
async def test_documents_are_read_once(admin: Any) -> None:
    """Of a document and of the settings: 304 until they are changed."""
    made = await admin.make("/v1/policies", {"name": "Spam"})
    for path, change in (
        (f"/v1/policies/{made['id']}", {"name": "Spam, too"}),
        ("/v1/settings", {"name": "Acme"}),
    ):
        first = await admin.call("GET", path)
        assert first.headers["cache-control"] == "private, no-cache"
        known = {"If-None-Match": first.headers["etag"]}
        again = await admin.call("GET", path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        head = await admin.call("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == first.headers["content-length"]
        assert (await admin.call("PUT", path, change)).status_code == 200
        assert (await admin.call("GET", path, headers=known)).status_code == 200


@pytest.mark.engines
async def test_lists_of_configuration_are_read_once(admin: Any) -> None:
    """Until something in them is changed; what is about people and content is never kept."""
    await admin.make("/v1/policies", {"name": "Spam"})
    first = await admin.call("GET", "/v1/policies")
    known = {"If-None-Match": first.headers["etag"]}
    assert (await admin.call("GET", "/v1/policies", headers=known)).status_code == 304
    await admin.make("/v1/policies", {"name": "Scam"})
    assert (await admin.call("GET", "/v1/policies", headers=known)).status_code == 200
    for path in ("/v1/users", "/v1/jobs", "/v1/audit-log"):
        answer = await admin.call("GET", path)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


@pytest.mark.engines
async def test_allow_names_all_that_an_address_takes(admin: Any, http: Any) -> None:
    """Of every route that has the path, not of the first alone."""
    answer = await admin.call("OPTIONS", "/v1/session")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, HEAD, POST"
    assert (await http.patch("/v1/policies")).headers["allow"] == "GET, HEAD, POST"
