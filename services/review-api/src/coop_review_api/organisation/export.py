"""All that review-api and the queue store know of an organisation, as files.

    DIR/<schema>.<table>.jsonl    one JSON object a row
    DIR/manifest.json             which organisation, when, how many rows of each, SHA-256 of each

Guarantees: the rows are those of one moment; the manifest is written last, so that a folder without
one is not whole; files are for their owner alone. What opens something (hashes of passwords and
tokens, sessions, secrets of second factors) is left out; ciphertext in documents stays ciphertext.
Must not: write into a folder that has something in it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_queues.store import RECORDS as QUEUE_RECORDS
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Conflict
from coop_review_api.organisation.record import RECORDS, SECRET
from coop_review_api.organisation.state import AUTHOR
from coop_runtime.database.engine import transaction
from coop_runtime.database.org_record import OrgRecords

_WITHIN = 3600.0  # seconds


class _File:
    """One table's rows on their way to disk."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.rows = 0

    def add(self, row: object) -> None:
        line = msgspec.json.encode(row) + b"\n"
        self._stream.write(line)
        self._digest.update(line)
        self.rows += 1

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


async def export(
    engine: AsyncEngine, org_id: str, folder: Path, *, now: datetime
) -> Mapping[str, int]:
    """Write the folder; the number of rows by table. Raises `Conflict` for a folder that has
    something in it."""
    _make(folder)
    files: dict[str, _File] = {}
    with ExitStack() as stack:
        async with transaction(engine, within=_WITHIN) as connection:
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            for schema, records in (("review", RECORDS), ("queues", QUEUE_RECORDS)):
                await _write(connection, schema, records, org_id, folder, stack, files)
    manifest = {
        "orgId": org_id,
        "exportedAt": now,
        "tables": {
            name: {"rows": one.rows, "sha256": one.sha256} for name, one in sorted(files.items())
        },
        "leftOut": sorted(SECRET),
    }
    async with transaction(engine) as connection:
        await audit.record(
            connection, org_id=org_id, actor=AUTHOR, action="organisation.exported", time=now
        )
    with _opened(folder / "manifest.json") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    return {name: one.rows for name, one in sorted(files.items())}


async def _write(
    connection: AsyncConnection,
    schema: str,
    records: OrgRecords,
    org_id: str,
    folder: Path,
    stack: ExitStack,
    files: dict[str, _File],
) -> None:
    async for table, row in records.rows(connection, org_id, hidden=SECRET):
        name = f"{schema}.{table}"
        if name not in files:
            files[name] = _File(stack.enter_context(_opened(folder / f"{name}.jsonl")))
        files[name].add(row)


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty")


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
