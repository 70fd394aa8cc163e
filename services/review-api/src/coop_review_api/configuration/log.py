"""The configuration log: the only door through which configuration changes.

Guarantees: a change takes the organisation's row lock, is checked against the state it will be
applied to, gets the next revision, and is appended to `config_log`, `config_current`, the audit log
and the outbox in the caller's one transaction. Revisions of an organisation have no gaps and their
order is the order of the topic. The log is append-only (a trigger refuses anything else). A rule
that would act on more than one person may decide is not saved without a second one's approval.
Must not: commit; publish; hold the lock across anything but database work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import msgspec
from msgspec import Raw
from sqlalchemy import Text, cast, delete, insert, literal, null, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import DOCUMENT_TYPES, Document, ItemType, Kind, Rule
from coop_contracts.event import ConfigChanged
from coop_contracts.ids import new_id
from coop_review_api.configuration import approval
from coop_review_api.configuration.approval import Approval, Forecast
from coop_review_api.configuration.catalogue import Catalogue, load_catalogue
from coop_review_api.configuration.check import (
    DocumentChecks,
    Examined,
    check_delete,
    kinds_to_check,
)
from coop_review_api.configuration.table import config_current, config_log, orgs
from coop_review_api.kernel import audit, metric
from coop_review_api.kernel.clock import Clock
from coop_review_api.kernel.error import (
    Conflict,
    Fault,
    Invalid,
    NeedsApproval,
    NotFound,
    RevisionMismatch,
)
from coop_review_api.kernel.schema import outbox
from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.database.outbox import append
from coop_runtime.kafka.message import message_of

MAX_DOCUMENT_BYTES = 900_000
"""Encoded size; a Kafka message holds 1 MB by default, the envelope included."""

_IDENTITY = ("org_id", "kind", "id")
_REPLACED = ("revision", "document", "author", "time")

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, kw_only=True)
class Entry(Generic[D]):
    """A document and the revision of its last change."""

    document: D
    revision: int
    author: str
    time: datetime


class LockedConfiguration:
    """One organisation's configuration while this transaction holds its lock: see `lock`."""

    def __init__(
        self,
        connection: AsyncConnection,
        org_id: str,
        *,
        head: int,
        author: str,
        clock: Clock,
        signals: SignalCatalogue | None = None,
        checks: DocumentChecks | None = None,
    ) -> None:
        self.org_id = org_id
        self.head = head
        self.author = author
        self.now = clock()
        self.connection = connection
        self._signals = signals or SignalCatalogue.builtin()
        self._checks = checks or DocumentChecks()

    async def catalogue(self, *kinds: Kind) -> Catalogue:
        return await load_catalogue(self.connection, self.org_id, kinds)

    async def get(self, kind: Kind, type_: type[D], document_id: str) -> Entry[D]:
        """The current document; `NotFound` if there is none."""
        found = await read(self.connection, self.org_id, kind, type_, document_id)
        if found is None:
            raise NotFound(f"no {kind} {document_id}")
        return found

    async def save(
        self,
        kind: Kind,
        document: D,
        *,
        expected: int | None = None,
        version: str | None = None,
        approved: bool = False,
    ) -> Entry[D]:
        """Create or replace a document.

        `expected`: the revision the author saw; another one raises `RevisionMismatch`. Returns what
        was saved: an item type gets its version here (`version`, where another system had given it
        one, unless a later one is there). `approved`: a second person agreed (`rule_proposal`);
        without, a rule that needs one raises `NeedsApproval`.
        """
        previous = await self.check(kind, document, expected=expected)
        if isinstance(document, Rule) and not approved:
            needed = await self.approval_of(previous.document if previous else None, document)
            if needed is not None:
                raise NeedsApproval(expected=needed.forecast.items, above=needed.above)
        if isinstance(document, ItemType):
            before = previous.document if previous else None
            earlier = before if isinstance(before, ItemType) else None
            if version is None or (earlier is not None and earlier.version >= version):
                version = _next_version(self.now, earlier)
            document = msgspec.structs.replace(document, version=version)
            # The version first: whoever reads the new item type can already look it up.
            kept = msgspec.structs.replace(document, id=f"{document.id}@{version}")
            await self._append(Kind.ITEM_TYPE_VERSION, kept.id, kept)
        revision = await self._append(kind, document.id, document)
        return Entry(document=document, revision=revision, author=self.author, time=self.now)

    async def check(
        self, kind: Kind, document: D, *, expected: int | None = None
    ) -> Entry[Document] | None:
        """Raise what saving it would raise, but for `NeedsApproval`; the entry it would replace."""
        previous = await read(self.connection, self.org_id, kind, DOCUMENT_TYPES[kind], document.id)
        _expect(expected, previous)
        self._checks.check_save(
            kind,
            Examined(
                document=document,
                previous=previous.document if previous else None,
                catalogue=await self.catalogue(*kinds_to_check(kind)),
                signals=self._signals,
            ),
        )
        return previous

    async def approval_of(self, before: Document | None, after: Rule) -> Approval | None:
        """What a second person would have to agree to; None where nobody has to."""
        if not approval.reaches_further(before if isinstance(before, Rule) else None, after):
            return None
        above = await approval.approval_above(self.connection, self.org_id)
        if above is None:
            return None
        forecast = await self.forecast(after)
        if forecast.items is not None and forecast.items <= above:
            return None
        return Approval(forecast=forecast, above=above)

    async def forecast(self, rule: Rule) -> Forecast:
        """On how many items a day it is expected to act."""
        found = await self._checks.foretell(self.connection, self.org_id, rule, self.now)
        return approval.limited(rule, found)

    async def delete(self, kind: Kind, document_id: str, *, expected: int | None = None) -> int:
        """Delete a document nothing refers to; returns the revision."""
        previous = await self.get(kind, DOCUMENT_TYPES[kind], document_id)
        _expect(expected, previous)
        check_delete(kind, previous.document, catalogue=await self.catalogue(*kinds_to_check(kind)))
        return await self._append(kind, document_id, None)

    async def restate(self, kind: Kind, document_id: str, document: Document | None) -> int:
        """Append a document unchecked under a new revision: unchanged (log_head), or a rule that
        is stopped (notification.alarm), a routing rule that has another place (routing_order), a
        bank whose places are known anew (signal.place_keeper), what an operator says of the
        organisation, whatever else may be wrong with it, or what was a draft or an earlier version
        in another system (moving)."""
        return await self._append(kind, document_id, document)

    def raise_head(self, revision: int) -> None:
        """Let the next revision be above one that the topic already knows (log_head)."""
        self.head = max(self.head, revision)

    async def _append(self, kind: Kind, document_id: str, document: Document | None) -> int:
        encoded = None if document is None else msgspec.json.encode(document)
        if encoded is not None and len(encoded) > MAX_DOCUMENT_BYTES:
            reason = f"{len(encoded)} bytes, more than the {MAX_DOCUMENT_BYTES} a document may have"
            raise Invalid([Fault("", reason)])
        self.head += 1
        # Documents travel as text: they are already JSON, and decode to typed structs elsewhere.
        row = {
            "org_id": self.org_id,
            "revision": self.head,
            "kind": str(kind),
            "id": document_id,
            "document": null() if encoded is None else cast(literal(encoded.decode()), JSONB),
            "author": self.author,
            "time": self.now,
        }
        await self.connection.execute(insert(config_log).values(row))
        current = upsert(config_current).values(row)
        replaced = {name: current.excluded[name] for name in _REPLACED}
        await self.connection.execute(
            current.on_conflict_do_update(index_elements=_IDENTITY, set_=replaced)
        )
        await self.connection.execute(
            update(orgs).where(orgs.c.org_id == self.org_id).values(head_revision=self.head)
        )
        event = changed_event(
            self.org_id,
            kind,
            document_id,
            revision=self.head,
            document=encoded,
            author=self.author,
            time=self.now,
        )
        metric.CONFIG_CHANGES.labels(str(kind)).inc()
        await append(
            self.connection,
            outbox,
            [message_of(event, key=config_key(self.org_id, kind, document_id))],
        )
        await audit.record(
            self.connection,
            org_id=self.org_id,
            actor=self.author,
            action="config.deleted" if document is None else "config.saved",
            target=(str(kind), document_id),
            detail={"revision": self.head},
            time=self.now,
        )
        return self.head


async def begin(connection: AsyncConnection, org_id: str, *, slug: str | None = None) -> None:
    """A new organisation, whose configuration is empty. `slug`: what people name it by. Raises
    `Conflict` where another is named so."""
    made = await connection.scalar(
        upsert(orgs)
        .values(org_id=org_id, slug=slug)
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(orgs.c.org_id)
    )
    if made is None:
        raise Conflict(f"another organisation is named {slug}")


async def forget(connection: AsyncConnection, org_id: str) -> bool:
    """The end of an organisation that has nothing any more but its logs, which go with it; False
    where there is none. By the logs' owner: nobody else deletes of them."""
    await connection.execute(text("SELECT review.remove_logs(:org)"), {"org": org_id})
    gone = await connection.execute(delete(orgs).where(orgs.c.org_id == org_id))
    return gone.rowcount > 0


async def lock(
    connection: AsyncConnection,
    org_id: str,
    *,
    author: str,
    clock: Clock,
    signals: SignalCatalogue | None = None,
    checks: DocumentChecks | None = None,
) -> LockedConfiguration:
    """Take the organisation's lock until the transaction ends. `author` is a user's id or `cli`;
    `signals` are those that rules may name (None: the built-in ones), `checks` what documents are
    checked for (None: those of this slice's own kinds, which alone can be saved then)."""
    head = await connection.scalar(
        select(orgs.c.head_revision).where(orgs.c.org_id == org_id).with_for_update()
    )
    if head is None:
        raise NotFound("no such organisation")
    return LockedConfiguration(
        connection,
        org_id,
        head=head,
        author=author,
        clock=clock,
        signals=signals,
        checks=checks,
    )


async def change(
    connection: AsyncConnection,
    org_id: str,
    kind: Kind,
    document_id: str,
    document: Document | None,
    *,
    author: str,
    clock: Clock,
    expected_revision: int | None = None,
) -> int:
    """Lock, check, append: one whole change. Returns the document's revision."""
    configuration = await lock(connection, org_id, author=author, clock=clock)
    if document is None:
        return await configuration.delete(kind, document_id, expected=expected_revision)
    if document.id != document_id:
        raise Conflict(f"the document says its id is {document.id}, not {document_id}")
    return (await configuration.save(kind, document, expected=expected_revision)).revision


async def read(
    connection: AsyncConnection, org_id: str, kind: Kind, type_: type[D], document_id: str
) -> Entry[D] | None:
    """The current document, or None."""
    row = (
        await connection.execute(
            select(
                cast(config_current.c.document, Text).label("document"),
                config_current.c.revision,
                config_current.c.author,
                config_current.c.time,
            ).where(
                config_current.c.org_id == org_id,
                config_current.c.kind == kind,
                config_current.c.id == document_id,
                config_current.c.document.is_not(None),
            )
        )
    ).one_or_none()
    if row is None:
        return None
    return Entry(
        document=msgspec.json.decode(row.document, type=type_),
        revision=row.revision,
        author=row.author,
        time=row.time,
    )


async def is_known(connection: AsyncConnection, org_id: str, kind: Kind, document_id: str) -> bool:
    """Whether there is, or was, a document of this id."""
    found = await connection.scalar(
        select(config_current.c.revision).where(
            config_current.c.org_id == org_id,
            config_current.c.kind == kind,
            config_current.c.id == document_id,
        )
    )
    return found is not None


def config_key(org_id: str, kind: Kind, document_id: str) -> str:
    """The Kafka key of a document: compaction keeps the newest of each."""
    return f"{org_id}/{kind}/{document_id}"


def changed_event(
    org_id: str,
    kind: Kind,
    document_id: str,
    *,
    revision: int,
    document: bytes | None,
    author: str,
    time: datetime,
) -> ConfigChanged:
    """The event of one row of the log; `document` is its JSON, or None when deleted."""
    event_id = new_id()
    return ConfigChanged(
        event_id=event_id,
        org_id=org_id,
        time=time,
        correlation_id=event_id,
        revision=revision,
        kind=str(kind),
        id=document_id,
        document=Raw(b"null" if document is None else document),
        author=author,
    )


def _expect(expected: int | None, previous: Entry[Document] | None) -> None:
    current = previous.revision if previous else 0
    if expected is not None and expected != current:
        raise RevisionMismatch(expected=expected, current=current)


def _next_version(now: datetime, previous: ItemType | None) -> str:
    """The time of the change, and never the version before it again."""
    version = format_version(now)
    if previous is not None and previous.version >= version:
        before = datetime.fromisoformat(previous.version)
        return format_version(before + timedelta(microseconds=1))
    return version


def format_version(time: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ` in UTC (coop-compatible item type versions)."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
