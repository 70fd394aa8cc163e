"""Reading bodies: limits, cut-off bodies, memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from coop_ingest.body import Intake, RequestHead, check_media_type, read_head
from coop_ingest.in_flight import LEAST, PATIENCE, BytesInFlight
from coop_ingest.refusal import ClientGone, Refusal


def receiver(*messages: dict[str, Any]) -> Any:
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    receive.left = left  # type: ignore[attr-defined]
    return receive


def chunks(parts: Iterable[bytes], *, whole: bool = True) -> Any:
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if whole:
        messages[-1]["more_body"] = False
    else:
        messages.append({"type": "http.disconnect"})
    return receiver(*messages)


def head(**values: bytes) -> RequestHead:
    return RequestHead(b"", *(values.get(name) for name in RequestHead._fields[1:]))


@pytest.fixture
def intake() -> Intake:
    return Intake(max_body=10, in_flight=BytesInFlight(200_000, now=lambda: 0.0))


@pytest.mark.parametrize("parts", [[b"{}"], [b""], [b"{", b"", b"}"], [b"0123456789"]])
async def test_a_whole_body(intake: Intake, parts: list[bytes]) -> None:
    """A body is its chunks in order, up to the limit."""
    assert await intake.read(chunks(parts), head(), "org") == b"".join(parts)


@pytest.mark.parametrize("parts", [[b"{"], [b"{", b"}"], []])
async def test_a_body_cut_off_is_nothing(intake: Intake, parts: list[bytes]) -> None:
    """A body whose end never came is not used, and its bytes are given back."""
    with pytest.raises(ClientGone):
        await intake.read(chunks(parts, whole=False), head(content_length=b"9"), "org")
    assert await intake.read(chunks([b"0123456789"]), head(), "org") == b"0123456789"


async def test_a_long_body_is_not_read_to_its_end(intake: Intake) -> None:
    """Past the limit nothing more is received."""
    receive = chunks([b"0123", b"4567", b"8901", b"2345", b"6789"])
    with pytest.raises(Refusal) as caught:
        await intake.read(receive, head(), "org")
    assert caught.value.errors[0].status == 413
    assert len(receive.left) == 2


@pytest.mark.parametrize(
    ("declared", "status"), [(b"11", 413), (b"9" * 30, 413), (b"-1", 400), (b"x", 400)]
)
async def test_a_declared_length_is_enough_to_refuse(
    intake: Intake, declared: bytes, status: int
) -> None:
    """A body that is declared too long, or nonsense, is refused without receiving any of it."""
    receive = chunks([b"{}"])
    with pytest.raises(Refusal) as caught:
        await intake.read(receive, head(content_length=declared), "org")
    assert caught.value.errors[0].status == status
    assert len(receive.left) == 1


async def test_all_bodies_together_are_bounded() -> None:
    """Past the bound on bytes in flight the answer is 503 until bytes are given back."""
    intake = Intake(max_body=10, in_flight=BytesInFlight(15, now=lambda: 0.0))
    first = await intake.read(chunks([b"0123456789"]), head(), "org")
    with pytest.raises(Refusal) as caught:
        await intake.read(chunks([b"012345"]), head(), "org")
    assert caught.value.errors[0].status == 503
    intake.release("org", len(first))
    assert await intake.read(chunks([b"0123456789"]), head(), "org")


async def test_a_slow_body_gives_its_room_to_another() -> None:
    """When there is no more room, a body that stands still is cut off with 408; the one that needed
    the room is read."""
    seconds = 0.0
    intake = Intake(max_body=LEAST, in_flight=BytesInFlight(LEAST, now=lambda: seconds))
    still: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    first = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> dict[str, Any]:
        return first.pop() if first else await still

    slow = asyncio.create_task(intake.read(receive, head(), "slow"))
    await asyncio.sleep(0)
    seconds = PATIENCE
    assert await intake.read(chunks([b"{}"]), head(), "other") == b"{}"
    with pytest.raises(Refusal) as caught:
        await slow
    assert caught.value.errors[0].status == 408


async def test_a_body_cut_off_publishes_nothing(ingest: Any) -> None:
    """A whole item followed by a lost connection is not accepted."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    for path in ("/api/v1/items/async/", "/api/v1/report"):
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"x-api-key", b"key-of-org1"), (b"content-length", b"900")],
        }
        half = b'{"items":[{"id":"p1","typeId":"post","data":{"text":"x"}}'
        await ingest.app(scope, chunks([half, b""], whole=False), send)
    assert ingest.broker.messages == []
    assert [m["status"] for m in sent if m["type"] == "http.response.start"] == [400, 400]


@pytest.mark.parametrize(
    "values",
    [
        {"content_type": b"text/plain"},
        {"content_type": b"application/json; charset=utf-16"},
        {"content_encoding": b"gzip"},
    ],
)
def test_what_is_not_plain_json_is_refused(values: dict[str, bytes]) -> None:
    """Other types, other charsets and compressed bodies are 415."""
    with pytest.raises(Refusal) as caught:
        check_media_type(head(**values))
    assert caught.value.errors[0].status == 415


def test_the_head_has_what_matters() -> None:
    """Only the headers in use are taken, by their ASGI names."""
    found = read_head({"headers": [(b"x-api-key", b"k"), (b"cookie", b"c"), (b"accept", b"a")]})
    assert found == RequestHead(b"k", None, None, None, None, None)
