"""What waits in Coop for people: out of its Redis, or out of a file of JSON lines.

    {org}:<queue>:wait | active | paused         lists of ids     pending
    {org}:<queue>:delayed | prioritized          sorted sets      pending
    {org}:<queue>:failed                         sorted set       lost to reviewers: pending, too
    {org}:<queue>:<id>                           hash             `data` is the job, as JSON

A line of a file is `{"queueId": "…", "job": {…}}`, where `job` is such a `data`.

Guarantees: nothing is written there; of each queue the ids are of one moment; no more than a page
of jobs is held. What is no JSON is a job that is none: whoever maps it says so.
Must not: put the address, which may have a password, into a message.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from redis.exceptions import RedisError

from coop_review_api.moving.reader import SourceError
from coop_runtime.redis.client import redis_client

PAGE: Final = 100
_TIMEOUT: Final = 10.0  # seconds that Coop's Redis may take
_LINE: Final = 64 * 1024 * 1024  # bytes of a line at most

_LISTS: Final = ("wait", "active", "paused")
_SETS: Final = ("delayed", "prioritized", "failed")


@dataclass(frozen=True, kw_only=True)
class WaitingJob:
    """A job in its queue. `at` says where it was found: a key, or a line."""

    queue_id: str
    at: str
    job: Any


class Waiting(Protocol):
    """Where jobs wait."""

    def pages(self) -> AsyncIterator[Sequence[WaitingJob]]:
        """All of them. Raises `SourceError`."""


class WaitingInRedis:
    """The queues of an organisation in Coop's Redis."""

    def __init__(self, url: str, org_id: str, queue_ids: Sequence[str]) -> None:
        self._url = url
        self._org_id = org_id
        self._queue_ids = queue_ids

    async def pages(self) -> AsyncIterator[Sequence[WaitingJob]]:
        """All of them, queue by queue, the oldest first. Raises `SourceError`."""
        try:
            client = redis_client(self._url, timeout=_TIMEOUT, connections=1)
        except ValueError:
            raise SourceError("the address of Coop's Redis is none") from None
        try:
            for queue_id in self._queue_ids:
                ids = await self._ids(client, queue_id)
                for start in range(0, len(ids), PAGE):
                    yield await self._jobs(client, queue_id, ids[start : start + PAGE])
        except (RedisError, OSError) as error:
            raise SourceError(f"Coop's Redis cannot be read: {type(error).__name__}") from None
        finally:
            await client.aclose()

    async def _ids(self, client: Any, queue_id: str) -> list[bytes]:
        prefix = self._prefix(queue_id)
        async with client.pipeline(transaction=True) as asked:
            for name in _LISTS:
                asked.lrange(prefix + name, 0, -1)
            for name in _SETS:
                asked.zrange(prefix + name, 0, -1)
            found = await asked.execute()
        # New ones come in at the left of a list.
        ids = [one for part in found[: len(_LISTS)] for one in reversed(part)]
        return list(dict.fromkeys([*ids, *(one for part in found[len(_LISTS) :] for one in part)]))

    async def _jobs(self, client: Any, queue_id: str, ids: Sequence[bytes]) -> Sequence[WaitingJob]:
        """Those that are there still."""
        prefix = self._prefix(queue_id).encode()
        async with client.pipeline(transaction=False) as asked:
            for one in ids:
                asked.hget(prefix + one, "data")
            found = await asked.execute()
        return [
            WaitingJob(queue_id=queue_id, at=one.decode(errors="replace"), job=_decoded(data))
            for one, data in zip(ids, found, strict=True)
            if data is not None
        ]

    def _prefix(self, queue_id: str) -> str:
        return f"{{{self._org_id}}}:{queue_id}:"


class WaitingInFile:
    """Jobs that somebody wrote down."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def pages(self) -> AsyncIterator[Sequence[WaitingJob]]:
        """All of them, in the file's order. Raises `SourceError`."""
        page: list[WaitingJob] = []
        try:
            with self._path.open("rb") as lines:
                number = 0
                while line := lines.readline(_LINE):
                    number += 1
                    if line.strip():
                        page.append(_of_line(line, number))
                    if len(page) == PAGE:
                        yield page
                        page = []
        except OSError as error:
            raise SourceError(f"the file of jobs cannot be read: {error.strerror}") from None
        if page:
            yield page


def _of_line(line: bytes, number: int) -> WaitingJob:
    given = _decoded(line)
    given = given if isinstance(given, dict) else {}
    queue_id = given.get("queueId")
    return WaitingJob(
        queue_id=queue_id if isinstance(queue_id, str) else "",
        at=f"line {number}",
        job=given.get("job"),
    )


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
