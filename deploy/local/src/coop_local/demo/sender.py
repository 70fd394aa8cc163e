"""Sends a corpus to ingest as a platform would: in batches, at a bounded rate, with repeats.

Guarantees: every batch carries an Idempotency-Key, so that a repeated request is one submission;
a batch counts as accepted only after its 202. Gives up on a batch after a deadline and says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from coop_local.demo.corpus import CorpusMessage

_GIVE_UP_S = 120.0
_PAUSE_S = 0.25


class RequestRefused(Exception):
    """ingest answered that the request itself is wrong; repeating it would not help."""


class CorpusSender:
    """One platform. `accepted_at` maps item id → Unix seconds of the 202. `authors` of messages by
    their label; of others somebody new each time."""

    def __init__(
        self,
        *,
        ingest_url: str,
        api_key: str,
        item_types: dict[str, str],
        prefix: str,
        authors: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=ingest_url,
            headers={"X-API-KEY": api_key},
            timeout=httpx.Timeout(10.0),
            trust_env=False,
        )
        self._types = item_types
        self._prefix = prefix
        self._authors = authors or {}
        self.sent = 0
        self.accepted_at: dict[str, float] = {}
        self.reports: dict[str, str] = {}  # report id → item id
        self.repeated = 0

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    def item(self, number: int, message: CorpusMessage) -> dict[str, Any]:
        """One post of the corpus, as the API takes it."""
        author = {"id": self._author(number, message.label), "typeId": self._types["Profile"]}
        return {
            "id": f"{self._prefix}{number:06d}",
            "typeId": self._types["Post"],
            "data": {
                "text": message.text,
                "author": author,
                "created_at": datetime.now(UTC).isoformat(),
                "likes": number % 50,
            },
        }

    def _author(self, number: int, label: str | None) -> str:
        known = self._authors.get(label or "")
        return known[number % len(known)] if known else f"{self._prefix}user-{number % 97}"

    async def send(
        self, messages: Sequence[CorpusMessage], *, rate: float, batch: int, report_every: int
    ) -> None:
        """Sends all messages at `rate` items a second, `batch` items a request; reports each
        `report_every`-th item as a user would (0: none). At most 8 requests are under way."""
        slots = asyncio.Semaphore(8)
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for first in range(0, len(messages), batch):
                numbered = list(enumerate(messages[first : first + batch], first))
                await asyncio.sleep(max(0.0, started + first / rate - time.monotonic()))
                await slots.acquire()
                task = group.create_task(self._send_batch(numbered, report_every))
                task.add_done_callback(lambda _: slots.release())

    async def _send_batch(
        self, numbered: list[tuple[int, CorpusMessage]], report_every: int
    ) -> None:
        items = [self.item(number, message) for number, message in numbered]
        self.sent += len(items)
        await self._post("/api/v1/items/async/", {"items": items}, key=items[0]["id"])
        accepted = time.time()
        for item in items:
            self.accepted_at[item["id"]] = accepted
        for (number, _), item in zip(numbered, items, strict=True):
            if report_every and number % report_every == report_every - 1:
                await self._report(number, item)

    async def _report(self, number: int, item: dict[str, Any]) -> None:
        body = {
            "reporter": {
                "kind": "user",
                "typeId": self._types["Profile"],
                "id": self._author(number + 1, "ham"),
            },
            "reportedAt": datetime.now(UTC).isoformat(),
            "reportedForReason": {"reason": "I do not want to see this"},
            "reportedItem": item,
        }
        answer = await self._post("/api/v1/report", body, key=f"report-{item['id']}")
        self.reports[answer.json()["reportId"]] = item["id"]

    async def _post(self, path: str, body: Any, *, key: str) -> httpx.Response:
        deadline = time.monotonic() + _GIVE_UP_S
        while True:
            pause = _PAUSE_S
            try:
                response = await self._http.post(path, json=body, headers={"Idempotency-Key": key})
                if response.is_success:
                    return response
                problem = f"{response.status_code} {response.text[:300]}"
                if response.status_code < 500 and response.status_code not in (409, 429):
                    raise RequestRefused(f"POST {path}: {problem}")
                pause = max(pause, min(2.0, float(response.headers.get("retry-after", 0))))
            except httpx.TransportError as error:
                problem = repr(error)
            if time.monotonic() > deadline:
                raise TimeoutError(f"POST {path} failed for {_GIVE_UP_S:.0f} s: {problem}")
            self.repeated += 1
            await asyncio.sleep(pause)
