"""Tells the story: sends it to ingest once, then decides some of what came into the queues.

Guarantees: told twice is told once: ids and Idempotency-Keys are the story's own, and the file
`told` remembers which chapters are over; interrupted, the next start goes on; a fault of a service
is waited out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import structlog

from coop_local.demo.console_client import ConsoleError
from coop_local.demo.state import DemoState
from coop_local.demo.story import content
from coop_local.demo.story.desk import StoryDesk
from coop_local.demo.story.item import StoryItems
from coop_local.engine import write_private

_log = structlog.get_logger()
_BATCH: Final = 50
_PAUSE_S: Final = 1.0


class Told(msgspec.Struct):
    """When the telling began, and the chapters that are over."""

    began: datetime
    chapters: list[str]


class Storyteller:
    """`media_url` is where the platform's own pictures lie; `told_file` what it remembers."""

    def __init__(
        self, *, ingest_url: str, review_url: str, media_url: str, told_file: Path
    ) -> None:
        self._ingest_url = ingest_url
        self._review_url = review_url
        self._media_url = media_url
        self._file = told_file

    async def tell(self, state: DemoState) -> None:
        """All of it, or what is left of it."""
        told = self._told()
        items = StoryItems(
            content.read(),
            now=told.began,
            media_url=self._media_url,
            types=state.ids["item-types"],
            policies=state.ids["policies"],
        )
        desk = StoryDesk(self._review_url, state)
        headers = {"X-API-KEY": state.api_key}
        async with httpx.AsyncClient(
            base_url=self._ingest_url, headers=headers, timeout=10, trust_env=False
        ) as ingest:
            chapters: dict[str, Callable[[], Awaitable[None]]] = {
                "people": lambda: _send_items(ingest, items.people()),
                "posts": lambda: _send_items(ingest, items.published()),
                "messages": lambda: _send_items(ingest, list(items.messages())),
                "reports": lambda: _send_each(ingest, "/api/v1/report", items.reports()),
                "decisions": desk.decide,
                "cybertips": desk.report,
                "appeals": lambda: self._appeal(ingest, desk, items),
            }
            for name, chapter in chapters.items():
                if name in told.chapters:
                    continue
                await _patiently(chapter)
                told.chapters.append(name)
                write_private(self._file, msgspec.json.encode(told).decode())
        _log.info("the story is told")

    async def _appeal(self, ingest: httpx.AsyncClient, desk: StoryDesk, items: StoryItems) -> None:
        published = {item["id"]: item for item in items.published()}
        await _send_each(ingest, "/api/v1/report/appeal", await desk.appeals(published))

    def _told(self) -> Told:
        if self._file.exists():
            return msgspec.json.decode(self._file.read_bytes(), type=Told)
        return Told(began=datetime.now(UTC), chapters=[])


async def _patiently(chapter: Callable[[], Awaitable[None]]) -> None:
    """Until it works. A refusal is the story's own mistake, and ends it."""
    while True:
        try:
            await chapter()
        except (httpx.TransportError, ConsoleError) as error:
            if isinstance(error, ConsoleError) and error.status < 500 and error.status != 409:
                raise
            await asyncio.sleep(_PAUSE_S)
        except httpx.HTTPStatusError as error:
            if error.response.status_code < 500 and error.response.status_code != 429:
                raise RuntimeError(f"the story was refused: {error.response.text}") from error
            await asyncio.sleep(_PAUSE_S)
        else:
            return


async def _send_items(ingest: httpx.AsyncClient, items: Sequence[dict[str, Any]]) -> None:
    for batch in _batches(items):
        await _post(ingest, "/api/v1/items/async/", {"items": batch}, key=f"story-{batch[0]['id']}")


async def _send_each(
    ingest: httpx.AsyncClient, path: str, bodies: Sequence[dict[str, Any]]
) -> None:
    for number, body in enumerate(bodies):
        await _post(ingest, path, body, key=f"story{path}-{number}")


async def _post(ingest: httpx.AsyncClient, path: str, body: Any, *, key: str) -> None:
    answer = await ingest.post(path, json=body, headers={"Idempotency-Key": key})
    answer.raise_for_status()


def _batches(items: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for first in range(0, len(items), _BATCH):
        yield items[first : first + _BATCH]
