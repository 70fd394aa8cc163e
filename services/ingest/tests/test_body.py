"""Reading bodies: limits, cut-off bodies, memory."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
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


def deflated(data: bytes) -> bytes:
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return raw.compress(data) + raw.flush()


PACKED = [
    (b"gzip", gzip.compress),
    (b"GZip", gzip.compress),
    (b"x-gzip", gzip.compress),
    (b"deflate", zlib.compress),
    (b"deflate", deflated),
    (b"identity", bytes),
]


@pytest.mark.parametrize(("packing", "pack"), PACKED)
@pytest.mark.parametrize("size", [0, 2, 65_535, 65_536, 200_001])
async def test_a_packed_body_is_unpacked(packing: bytes, pack: Any, size: int) -> None:
    """Whatever its size, what is read is what was packed; its bytes are given back."""
    in_flight = BytesInFlight(1_000_000, now=lambda: 0.0)
    intake = Intake(max_body=1_000_000, in_flight=in_flight)
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    packed = pack(data)
    assert await intake.read(chunks([packed]), head(content_encoding=packing), "org") == data
    assert in_flight.total == size


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"{}",
        gzip.compress(b"{}", mtime=0)[:-1],
        gzip.compress(b"{}", mtime=0) + b"more",
        gzip.compress(b"", mtime=0) * 101,
        zlib.compress(b"{}")[:-1],
        zlib.compress(b"{}") * 2,
    ],
    ids=lambda packed: f"{len(packed)}-bytes",
)
@pytest.mark.parametrize("packing", [b"gzip", b"deflate"])
async def test_a_damaged_body_is_nothing(packed: bytes, packing: bytes) -> None:
    """Cut off, not packed as it says, or with something behind its end: 400."""
    in_flight = BytesInFlight(10_000, now=lambda: 0.0)
    intake = Intake(max_body=10_000, in_flight=in_flight)
    with pytest.raises(Refusal) as caught:
        await intake.read(chunks([packed]), head(content_encoding=packing), "org")
    assert caught.value.errors[0].status == 400
    assert in_flight.total == 0


async def test_a_body_of_several_members_is_one() -> None:
    """As gzip itself reads them."""
    in_flight = BytesInFlight(1_000, now=lambda: 0.0)
    intake = Intake(max_body=1_000, in_flight=in_flight)
    packed = gzip.compress(b"ab") + gzip.compress(b"cd")
    assert await intake.read(chunks([packed]), head(content_encoding=b"gzip"), "org") == b"abcd"


@pytest.mark.parametrize(("packing", "pack"), PACKED[:-1])
async def test_a_bomb_is_cut_off(packing: bytes, pack: Any) -> None:
    """What comes out is bounded like any body, and never held in full."""
    in_flight = BytesInFlight(4_000_000, now=lambda: 0.0)
    intake = Intake(max_body=1_000_000, in_flight=in_flight)
    bomb = pack(b"\0" * 100_000_000)
    assert len(bomb) < 200_000
    tracemalloc.start()
    with pytest.raises(Refusal) as caught:
        await intake.read(chunks([bomb]), head(content_encoding=packing), "org")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.errors[0].status == 413
    assert most < 3_000_000
    assert in_flight.total == 0


async def test_what_comes_out_counts_as_in_flight() -> None:
    """Small packed bodies do not fill the memory of others."""
    in_flight = BytesInFlight(15_000, now=lambda: 0.0)
    intake = Intake(max_body=10_000, in_flight=in_flight)
    packed = gzip.compress(b"x" * 10_000)
    await intake.read(chunks([packed]), head(content_encoding=b"gzip"), "org")
    with pytest.raises(Refusal) as caught:
        await intake.read(chunks([packed]), head(content_encoding=b"gzip"), "org")
    assert caught.value.errors[0].status == 503
    assert in_flight.total == 10_000


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
        {"content_encoding": b"br"},
        {"content_encoding": b"gzip, gzip"},
    ],
)
def test_what_cannot_be_read_is_refused(values: dict[str, bytes]) -> None:
    """Other types, other charsets and other packings are 415."""
    with pytest.raises(Refusal) as caught:
        check_media_type(head(**values))
    assert caught.value.errors[0].status == 415


def test_the_head_has_what_matters() -> None:
    """Only the headers in use are taken, by their ASGI names."""
    found = read_head({"headers": [(b"x-api-key", b"k"), (b"cookie", b"c"), (b"accept", b"a")]})
    assert found == RequestHead(b"k", None, None, None, None, None)
