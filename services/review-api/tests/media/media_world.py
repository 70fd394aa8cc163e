"""A platform's host of media, harmless media made by code, and jobs that show them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

import av
import httpx
import msgspec
from PIL import Image, ImageDraw

from coop_contracts.event import (
    ItemRef,
    ItemSubmitted,
    MatchedBank,
    MediaSignal,
    MediaSignals,
    SubmittedItem,
)
from coop_contracts.ids import new_id
from coop_queues import store
from coop_queues.job import JobEntry, JobKind, Placement, Routing
from coop_review_api.history.store import ItemStore
from coop_review_api.history.version import Indexing, ItemShape, versions_of
from coop_review_api.review.desk import Desk
from coop_runtime.database.engine import transaction
from coop_runtime.database.partition import Partitions
from coop_runtime.kafka.message import Received

SECRET = b"ORIGINAL-BYTES-OF-THE-PLATFORM"


def picture(size: tuple[int, int] = (800, 600)) -> bytes:
    """A red disc on blue; its file says more than its pixels."""
    image = Image.new("RGB", size, (20, 40, 160))
    box = (size[0] // 4, size[1] // 4, 3 * size[0] // 4, 3 * size[1] // 4)
    ImageDraw.Draw(image).ellipse(box, fill=(220, 30, 30))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, comment=SECRET)
    return out.getvalue() + SECRET


def film(seconds: int = 2, *, flashes: bool = False, said: bytes = b"") -> bytes:
    """A square that wanders; it comes and goes with each frame where the film `flashes`, and is all
    that there is. `said`: a caption of its second half second."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        container.metadata["title"] = "TITLE-OF-THE-PLATFORM"
        stream: Any = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        words: Any = container.add_mux_stream("mov_text") if said else None
        for number in range(seconds * 10):
            image = Image.new("RGB", (160, 120), (10, 90, 40))
            box = (0, 0, 160, 120) if flashes else (number * 4, 40, number * 4 + 30, 70)
            if not flashes or number % 2:
                ImageDraw.Draw(image).rectangle(box, fill="white")
            frame: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if said:
            packet: Any = av.Packet(len(said).to_bytes(2, "big") + said)
            packet.stream, packet.time_base = words, Fraction(1, 1000)
            packet.pts = packet.dts = packet.duration = 500
            container.mux(packet)
    return out.getvalue()


@dataclass
class Host:
    """Serves `files` by path, with ranges; `answers` are whole answers instead. `gate`: waited for
    before each answer, `came`: somebody asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ")[1]
                self.asked.append(path)
                self.came.set()
                await self.gate.wait()
                writer.write(self.answers.get(path) or self._answer(path, head))
                await writer.drain()
        writer.close()

    def _answer(self, path: str, head: str) -> bytes:
        content = self.files.get(path)
        if content is None:
            return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
        asked = re.search(r"range: bytes=(\d+)-(\d+)", head.lower())
        if asked is None:
            said = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(content)}"
            return f"{said}\r\n\r\n".encode() + content
        part = content[int(asked[1]) : int(asked[2]) + 1]
        span = f"bytes {asked[1]}-{int(asked[1]) + len(part) - 1}/{len(content)}"
        said = f"HTTP/1.1 206 OK\r\ncontent-range: {span}\r\ncontent-length: {len(part)}"
        return f"{said}\r\n\r\n".encode() + part


@asynccontextmanager
async def hosting() -> AsyncIterator[Host]:
    """A host on loopback."""
    host = Host()
    host.gate.set()
    open_: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_[task] = writer
        await host.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        host.gate.set()
        for writer in open_.values():
            writer.transport.abort()
        await asyncio.gather(*open_)
        await server.wait_closed()


@dataclass
class MediaWorld:
    """An organisation with a queue and a type of pictures."""

    admin: Any
    context: Any
    org_id: str
    host: Host
    type_id: str
    queue_id: str

    def item(self, item_id: str, **data: Any) -> SubmittedItem:
        return SubmittedItem(
            id=item_id,
            type_id=self.type_id,
            type_version="v",
            data=msgspec.Raw(msgspec.json.encode(data)),
            creator=ItemRef(id="author", type_id="user"),
        )

    async def place(
        self, item: SubmittedItem, *, csam: bool = False, severity: int = 0, **more: Any
    ) -> str:
        """A job about the item, of that severity; its id."""
        entry = JobEntry(
            entry_id=new_id(),
            source="RULE_EXECUTION",
            at=self.context.clock(),
            routing=Routing(how="DEFAULT", config_revision=1),
            csam=csam,
            policy_ids=("policy",),
        )
        placement = Placement(
            org_id=self.org_id,
            queue_id=self.queue_id,
            item=item,
            entry=entry,
            kind=JobKind.NCMEC if csam else JobKind.DEFAULT,
            ranking=store.Ranking(severities={"policy": severity}),
            **more,
        )
        async with transaction(self.context.engine) as connection:
            placed = await store.place(connection, placement)
        await self.context.part(Desk).order.apply(placed.changes)
        return placed.job_id

    async def remember(self, item: SubmittedItem) -> None:
        """The item in the history."""
        submission_id = new_id()
        event = ItemSubmitted(
            event_id=new_id(),
            org_id=self.org_id,
            time=self.context.clock(),
            correlation_id=submission_id,
            submission_id=submission_id,
            item=item,
            request_id="r",
            config_revision=1,
        )
        versions = versions_of(event, lambda _org, _item: Indexing(ItemShape(), searched=False))
        await ItemStore(self.context.engine, Partitions(self.context.engine)).add(versions)

    def looked_up(
        self,
        item_id: str,
        url: str,
        *banks: MatchedBank,
        at: datetime,
        error: str | None = None,
        org_id: str = "",
        of: str | None = None,
    ) -> Received[MediaSignals]:
        """What hma-bridge says of the item's medium; `of`: of that item's, which came beside."""
        signal = MediaSignal(
            url=url,
            field="photo",
            hashes={} if error else {"md5": "0" * 32},
            matched_banks=banks,
            error=error,
            item=None if of is None else ItemRef(of, self.type_id),
        )
        event = MediaSignals(
            event_id=new_id(),
            org_id=org_id or self.org_id,
            time=at,
            correlation_id="c",
            submission_id=new_id(),
            item=ItemRef(item_id, self.type_id),
            media=(signal,),
        )
        return Received(event, b"", event.topic, 0, 0, {}, -1)

    async def refs(self, person: Any, job_id: str) -> dict[str, str]:
        """The references in a job, by their pointers."""
        answer = await person.call("GET", f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return {one["pointer"]: one["ref"] for one in answer.json()["payload"]["media"]}

    async def shown(self, path: str = "/a.jpg", content: bytes | None = None) -> tuple[str, str]:
        """A new job with a picture: its id, and the picture's reference."""
        self.host.files[path] = content or picture()
        job_id = await self.place(self.item(new_id(), photo={"url": self.host.url(path)}))
        return job_id, (await self.refs(self.admin, job_id))["/item/data/photo"]


def address(ref: str, **query: Any) -> str:
    """A medium's."""
    return f"/v1/media/{ref}?" + "&".join(f"{name}={value}" for name, value in query.items())


async def reveal(person: Any, ref: str, job_id: str | None, stage: str = "clear") -> Any:
    """What choosing to see it gives."""
    purpose = {"investigation": True} if job_id is None else {"jobId": job_id}
    answer = await person.call("POST", f"/v1/media/{ref}/reveal", {"stage": stage, **purpose})
    assert answer.status_code == 200, answer.text
    return answer.json()


def image_of(answer: httpx.Response) -> Image.Image:
    return Image.open(io.BytesIO(answer.content))
