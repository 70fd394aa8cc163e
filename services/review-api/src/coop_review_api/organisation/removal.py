"""The end of an organisation: everything that there is of it, in every place.

    suspended? ─▶ ncmec-reporter, dispatcher, hma-bridge (their own APIs) ─▶ queue store ─▶ Redis
      ─▶ documents, as deletions
      ─▶ the relay has published them ─▶ tombstones on the config topic ─▶ its folder of the object
      store ─▶ the schema `review` ─▶ its logs, and the organisation ─▶ counted again

The reporter is asked before anything goes: it refuses while evidence has to be kept. What it set in
motion goes first, while it is suspended, so that nothing of it acts any more; its
documents next, so that no service knows it; what tells of it last.

Guarantees: each owner's records are removed by that owner's own means; stopped anywhere, it goes on
when it is asked again, also of an organisation that is no more; what is left is counted, not
believed. That it was removed, by whom and how much, is in the audit chain of no organisation.
Must not: touch an organisation that is not suspended. Events on other topics than `config` go with
those topics' retention: a log is not rewritten.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_contracts.config import DOCUMENT_TYPES, Kind
from coop_contracts.cybertip import COUNT_CYBERTIP_RECORDS, REMOVE_CYBERTIP_RECORDS
from coop_contracts.dispatch import COUNT_RECORDS, REMOVE_RECORDS, RecordsQuestion, RemoveRecords
from coop_contracts.event import ConfigChanged
from coop_contracts.hash_bank import COUNT_HASH_RECORDS, REMOVE_HASH_RECORDS
from coop_contracts.topic import all_topics
from coop_media.store import DerivativeStore, StoreUnavailable
from coop_queues.store import RECORDS as QUEUE_RECORDS
from coop_review_api.configuration.log import config_key, forget, lock
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.configuration.relation import CURRENT, ORGS
from coop_review_api.configuration.topic import ConfigTopic
from coop_review_api.cybertip.reporter import CybertipReporter
from coop_review_api.delivery.dispatch import Dispatch
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.kernel import audit
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import Conflict, Unavailable
from coop_review_api.organisation.record import RECORDS
from coop_review_api.organisation.state import AUTHOR
from coop_runtime.database.engine import transaction
from coop_runtime.database.org_record import OUTBOX, OrgRecords
from coop_runtime.kafka.message import RawMessage
from coop_runtime.kafka.producer import Producer

_WITHIN: Final = 3600.0  # seconds that one schema may take
_PUBLISHED_WITHIN: Final = 60.0
_SCANNED: Final = 1000
_OBJECTS: Final = 10_000

Contents = Mapping[str, Mapping[str, int]]
"""Numbers by place (`review`, `queues`, `dispatch`, `hashes`, `ncmec`, `redis`, `config topic`,
`object store`) and table; of objects at most `_OBJECTS` are counted."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where something of an organisation is."""

    engine: AsyncEngine
    dispatch: Dispatch
    bridge: HashBridge
    reporter: CybertipReporter
    redis: Redis
    producer: Producer
    topic: ConfigTopic
    derivatives: DerivativeStore


async def contents(places: Places, org_id: str) -> Contents:
    """What there is of it now."""
    found: dict[str, Mapping[str, int]] = {}
    async with transaction(places.engine, within=_WITHIN) as connection:
        found["review"] = await RECORDS.count(connection, org_id)
        found["queues"] = await QUEUE_RECORDS.count(connection, org_id)
    told = await places.dispatch.ask(org_id, COUNT_RECORDS, RecordsQuestion())
    found["dispatch"] = told.tables
    hashes = await places.bridge.ask(org_id, COUNT_HASH_RECORDS, RecordsQuestion())
    found["hashes"] = hashes.tables
    reports = await places.reporter.ask(org_id, COUNT_CYBERTIP_RECORDS, RecordsQuestion())
    found["ncmec"] = reports.tables
    keys = [key async for key in places.redis.scan_iter(_pattern(org_id), count=_SCANNED)]
    found["redis"] = {"keys": len(keys)} if keys else {}
    documents = (await places.topic.read()).of_org(org_id)
    found["config topic"] = {"documents": len(documents)} if documents else {}
    objects = await _objects(places, org_id)
    found["object store"] = {"objects": len(objects)} if objects else {}
    return {place: numbers for place, numbers in found.items() if numbers}


def kept_by_topics() -> Mapping[str, str]:
    """The topics that keep events of an organisation for a while, with how long."""
    return {one.topic: one.retention for one in all_topics() if one.retention != "compacted"}


async def remove(
    places: Places, org_id: str, *, clock: Clock, tell: Callable[[str], None]
) -> Contents:
    """Remove it; what is left of it, which should be nothing. Raises `Conflict` where it is not
    suspended, or reports to NCMEC have to be kept, `Unavailable` where a place does not answer."""
    before = await contents(places, org_id)
    await _check_suspended(places, org_id)
    tell("ncmec-reporter")
    while (await places.reporter.ask(org_id, REMOVE_CYBERTIP_RECORDS, RemoveRecords())).more:
        pass
    tell("dispatcher")
    while (await places.dispatch.ask(org_id, REMOVE_RECORDS, RemoveRecords())).more:
        pass
    tell("hma-bridge")
    while (await places.bridge.ask(org_id, REMOVE_HASH_RECORDS, RemoveRecords())).more:
        pass
    tell("queues")
    await _empty(places.engine, QUEUE_RECORDS, org_id)
    tell("redis")
    await _forget_keys(places.redis, org_id)
    tell("documents")
    await _delete_documents(places.engine, org_id, clock=clock)
    await _published(places.engine, org_id)
    await _entomb(places, org_id)
    tell("object store")
    # By what lies there, not by what rows say: one that no row knows would stay for ever.
    while objects := await _objects(places, org_id):
        try:
            await places.derivatives.delete(objects)
        except StoreUnavailable as error:
            raise Unavailable(f"the object store: {error}") from None
    tell("review")
    await _empty(places.engine, RECORDS, org_id)
    await _end(places.engine, org_id, before, clock=clock)
    return await contents(places, org_id)


async def _check_suspended(places: Places, org_id: str) -> None:
    async with transaction(places.engine) as connection:
        there = await connection.scalar(select(ORGS.of.c.org_id).where(ORGS.of.c.org_id == org_id))
        documents = await connection.scalar(
            select(CURRENT.of.c.id)
            .where(CURRENT.of.c.org_id == org_id, CURRENT.of.c.document.is_not(None))
            .limit(1)
        )
        suspended = (await settings_of(connection, org_id)).suspended_at is not None
    # Without documents it was suspended once: an earlier removal was stopped.
    if there is not None and documents is not None and not suspended:
        raise Conflict("suspend the organisation first, and let what is under way come to its end")


async def _objects(places: Places, org_id: str) -> list[str]:
    """Raises `Unavailable`."""
    try:
        return await places.derivatives.names(org_id, _OBJECTS)
    except StoreUnavailable as error:
        raise Unavailable(f"the object store: {error}") from None


async def _empty(engine: AsyncEngine, records: OrgRecords, org_id: str) -> None:
    while (await records.remove(engine, org_id, within=_WITHIN)).more:
        pass


async def _forget_keys(redis: Redis, org_id: str) -> None:
    keys = [key async for key in redis.scan_iter(_pattern(org_id), count=_SCANNED)]
    for start in range(0, len(keys), _SCANNED):
        await redis.unlink(*keys[start : start + _SCANNED])


async def _delete_documents(engine: AsyncEngine, org_id: str, *, clock: Clock) -> None:
    """Let every service forget them. The settings last: they say that it is suspended."""
    async with transaction(engine, within=_WITHIN) as connection:
        query = select(CURRENT.of.c.kind, CURRENT.of.c.id).where(
            CURRENT.of.c.org_id == org_id, CURRENT.of.c.document.is_not(None)
        )
        rows = (await connection.execute(query)).all()
        if not rows:
            return
        configuration = await lock(connection, org_id, author=AUTHOR, clock=clock)
        for row in sorted(rows, key=lambda row: (row.kind == Kind.SETTINGS, row.kind, row.id)):
            kind = Kind(row.kind)
            assert kind in DOCUMENT_TYPES
            await configuration.restate(kind, row.id, None)


async def _published(engine: AsyncEngine, org_id: str) -> None:
    """Wait until the relay has published what was said of it. Raises `Unavailable`."""
    deadline = time.monotonic() + _PUBLISHED_WITHIN
    waiting = text(f"SELECT count(*) FROM review.outbox AS t WHERE {OUTBOX}")  # noqa: S608
    while True:
        async with transaction(engine) as connection:
            if not await connection.scalar(waiting, {"org": org_id}):
                return
        if time.monotonic() > deadline:
            raise Unavailable("the relay of review-api does not publish: is it running?")
        await asyncio.sleep(0.2)


async def _entomb(places: Places, org_id: str) -> None:
    """A tombstone for each document that the topic knows: compaction takes them all."""
    known = (await places.topic.read()).of_org(org_id)
    messages = [
        RawMessage(
            ConfigChanged.topic, config_key(org_id, Kind(key.kind), key.id).encode(), None, []
        )
        for key in known
    ]
    if messages:
        await places.producer.publish(messages, timeout=_PUBLISHED_WITHIN)


async def _end(engine: AsyncEngine, org_id: str, before: Contents, *, clock: Clock) -> None:
    async with transaction(engine, within=_WITHIN) as connection:
        await connection.execute(text(f"SET LOCAL statement_timeout = '{_WITHIN:g}s'"))
        if not await forget(connection, org_id):
            return
        await audit.record(
            connection,
            org_id=None,
            actor=AUTHOR,
            action="organisation.removed",
            target=("organisation", org_id),
            detail={place: dict(numbers) for place, numbers in before.items()},
            time=clock(),
        )


def _pattern(org_id: str) -> str:
    return f"*{org_id}*"
