"""Keeping the config topic whole, and saying so.

Every service waits for the log head before it serves: the statement that the topic holds the
configuration log up to some point. Only review-api can make it, because only it has the log.

    read the topic to its end ─▶ per organisation, under its lock: what is missing or older on the
    topic goes into the outbox again ─▶ the head goes in behind it ─▶ the relay publishes

Going through the outbox keeps one order of everything on the topic: a document said again can never
overtake a newer one, because a change and a repetition of one organisation exclude each other.

    topic is whole             only a head is published
    topic lost (a broker in    everything is said again; services catch up
    memory was restarted)
    topic is ahead of the log  (the database came from a backup) the log's documents are restated
                               under revisions above the topic's, so that every service takes them
    organisations that only    reported, never removed: more likely the wrong database than
    the topic knows            organisations that should go

Must not: publish by itself; hold the lock of more than one organisation at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from coop_contracts.config import DOCUMENT_TYPES, SYSTEM_ORG, Document, Kind, LogHead
from coop_contracts.event import ConfigChanged
from coop_review_api.configuration.log import changed_event, config_key, lock
from coop_review_api.configuration.table import config_current, config_log, orgs
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import NotFound
from coop_review_api.kernel.schema import outbox
from coop_runtime.database.engine import transaction
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import Message, message_of

HEAD_ID = "head"
AUTHOR = "system"
_BATCH = 200


class DocumentKey(NamedTuple):
    org_id: str
    kind: str
    id: str


class KnownDocument(NamedTuple):
    """What the topic says of a document."""

    revision: int
    deleted: bool


@dataclass
class TopicState:
    """The newest revision of each document on the topic."""

    documents: dict[DocumentKey, KnownDocument] = field(default_factory=dict)
    head: int = 0

    def see(self, event: ConfigChanged) -> None:
        """Take in one record, in the topic's order."""
        if event.org_id == SYSTEM_ORG:
            if event.kind == Kind.LOG_HEAD:
                self.head = max(self.head, event.revision)
            return
        key = DocumentKey(event.org_id, event.kind, event.id)
        known = self.documents.get(key)
        if known is None or event.revision >= known.revision:
            self.documents[key] = KnownDocument(event.revision, bytes(event.document) == b"null")

    def forget(self, key: bytes) -> None:
        """Take in a tombstone: of a document of an organisation that was removed."""
        org_id, _, of_org = key.decode(errors="replace").partition("/")
        kind, _, document_id = of_org.partition("/")
        self.documents.pop(DocumentKey(org_id, kind, document_id), None)

    def of_org(self, org_id: str) -> dict[DocumentKey, KnownDocument]:
        return {key: known for key, known in self.documents.items() if key.org_id == org_id}


@dataclass(frozen=True, kw_only=True)
class HeadReport:
    """What `ensure_head` found and did."""

    repeated: int
    restated: int
    unknown_orgs: tuple[str, ...]
    head: int


class _Row(NamedTuple):
    key: DocumentKey
    revision: int
    document: bytes | None
    author: str
    time: datetime


async def ensure_head(engine: AsyncEngine, topic: TopicState, *, clock: Clock) -> HeadReport:
    """Put into the outbox what the topic lacks, then the head. May be repeated at any time."""
    async with transaction(engine) as connection:
        org_ids = list(await connection.scalars(select(orgs.c.org_id).order_by(orgs.c.org_id)))
    repeated = restated = 0
    for org_id in org_ids:
        try:
            async with transaction(engine) as connection:
                more_repeated, more_restated = await _ensure_org(
                    connection, org_id, topic.of_org(org_id), clock=clock
                )
        except NotFound:  # removed since the list was read
            continue
        repeated += more_repeated
        restated += more_restated
    async with transaction(engine) as connection:
        head = await _append_head(connection, topic, clock())
    unknown = {key.org_id for key in topic.documents} - set(org_ids)
    return HeadReport(
        repeated=repeated, restated=restated, unknown_orgs=tuple(sorted(unknown)), head=head
    )


async def _ensure_org(
    connection: AsyncConnection,
    org_id: str,
    known: Mapping[DocumentKey, KnownDocument],
    *,
    clock: Clock,
) -> tuple[int, int]:
    configuration = await lock(connection, org_id, author=AUTHOR, clock=clock)
    rows = {row.key: row for row in await _current(connection, org_id)}
    ahead = [
        key
        for key, there in known.items()
        if there.revision > (rows[key].revision if key in rows else 0)
    ]
    if ahead:
        configuration.raise_head(max(known[key].revision for key in ahead))
        for key in sorted(ahead):
            kind = Kind(key.kind)
            row = rows.get(key)
            await configuration.restate(kind, key.id, _decode(kind, row.document if row else None))
    missing = [
        row for key, row in rows.items() if key not in ahead and _is_missing(row, known.get(key))
    ]
    await _repeat(connection, missing)
    return len(missing), len(ahead)


def _is_missing(row: _Row, there: KnownDocument | None) -> bool:
    if there is None:
        return row.document is not None
    return there.revision < row.revision


async def _repeat(connection: AsyncConnection, rows: Iterable[_Row]) -> None:
    # In the order of the log, so that a reader never sees a reference before its target.
    ordered = sorted(rows, key=lambda row: row.revision)
    for start in range(0, len(ordered), _BATCH):
        batch = ordered[start : start + _BATCH]
        await append(connection, outbox, [_message_of(row) for row in batch])


def _message_of(row: _Row) -> Message:
    kind = Kind(row.key.kind)
    document = _decode(kind, row.document)
    event = changed_event(
        row.key.org_id,
        kind,
        row.key.id,
        revision=row.revision,
        document=None if document is None else msgspec.json.encode(document),
        author=row.author,
        time=row.time,
    )
    return message_of(event, key=config_key(row.key.org_id, kind, row.key.id))


def _decode(kind: Kind, document: bytes | None) -> Document | None:
    if document is None:
        return None
    return msgspec.json.decode(document, type=DOCUMENT_TYPES[kind])


async def _current(connection: AsyncConnection, org_id: str) -> list[_Row]:
    found = await connection.execute(
        select(
            config_current.c.kind,
            config_current.c.id,
            config_current.c.revision,
            cast(config_current.c.document, Text).label("document"),
            config_current.c.author,
            config_current.c.time,
        ).where(config_current.c.org_id == org_id)
    )
    return [
        _Row(
            DocumentKey(org_id, row.kind, row.id),
            row.revision,
            None if row.document is None else row.document.encode(),
            row.author,
            row.time,
        )
        for row in found
    ]


async def _append_head(connection: AsyncConnection, topic: TopicState, now: datetime) -> int:
    newest = await connection.scalar(select(func.max(config_log.c.log_id)))
    # At least 1: a fresh installation without organisations has a whole, empty configuration.
    revision = max(topic.head, newest or 0, 1)
    head = LogHead(id=HEAD_ID, published_at=now)
    event = changed_event(
        SYSTEM_ORG,
        Kind.LOG_HEAD,
        HEAD_ID,
        revision=revision,
        document=msgspec.json.encode(head),
        author=AUTHOR,
        time=now,
    )
    key = config_key(SYSTEM_ORG, Kind.LOG_HEAD, HEAD_ID)
    await append(connection, outbox, [message_of(event, key=key)])
    return revision
