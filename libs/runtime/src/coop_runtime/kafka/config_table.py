"""The configuration of every organisation, in memory, kept up to date from the config topic.

    loading ──end of the topic reached and log head seen──▶ ready (for good)

Guarantees: a document is replaced only by a newer revision of itself; a record that cannot be read
is logged, counted and leaves the previous document in place; once ready it serves what it has, also
while the broker is away (`coop_config_stale_seconds` says how old that may be).
Must not: be written to by anyone but the topic; decrypt anything.

Reading and callbacks happen in the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from coop_contracts.config import DOCUMENT_TYPES, Document, Kind
from coop_contracts.event import ConfigChanged
from coop_runtime.kafka import metric
from coop_runtime.kafka.config_reader import ConfigReader
from coop_runtime.process.log import logger
from coop_runtime.process.settings import RuntimeSettings

_STOP_SECONDS = 5.0
_NOTHING: Mapping[str, Document] = MappingProxyType({})

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """One document has a new revision, or is gone (`document` is None)."""

    org_id: str
    kind: Kind
    id: str
    document: Document | None
    revision: int


class ConfigTable:
    """`kinds`: what this service needs; documents of other kinds are not kept."""

    def __init__(
        self, settings: RuntimeSettings | None, *, kinds: Collection[Kind] | None = None
    ) -> None:
        self._settings = settings
        self._kinds = frozenset(Kind if kinds is None else kinds) | {Kind.LOG_HEAD}
        self._documents: dict[tuple[str, Kind], dict[str, Document]] = {}
        self._revisions: dict[tuple[str, Kind, str], int] = {}
        self._newest: dict[str, int] = {}
        self._newest_of_all = -1
        self._subscribers: list[Callable[[ConfigChange], None]] = []
        self._end_reached = False
        self._head_seen = False
        self._ready = asyncio.Event()
        if settings is not None:
            metric.CONFIG_READY.set(0)
        self._event_decoder = msgspec.json.Decoder(ConfigChanged)
        self._document_decoders = {
            kind: msgspec.json.Decoder(DOCUMENT_TYPES[kind] | None) for kind in self._kinds
        }

    @classmethod
    def of(cls, changes: Iterable[ConfigChange]) -> ConfigTable:
        """A table that is ready and holds `changes`, without a broker: for tests and tools."""
        table = cls(None)
        for change in changes:
            table.apply(change)
        table._ready.set()
        return table

    def subscribe(self, callback: Callable[[ConfigChange], None]) -> None:
        """Call `callback` after each applied change, in order, during the load too."""
        self._subscribers.append(callback)

    def ready(self) -> bool:
        return self._ready.is_set()

    async def wait_ready(self, timeout: float) -> None:  # noqa: ASYNC109 - the caller's deadline
        """Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            await self._ready.wait()

    def get(self, org_id: str, kind: Kind, id: str) -> Document | None:  # noqa: A002
        return self._documents.get((org_id, kind), _NOTHING).get(id)

    def all(self, org_id: str, kind: Kind) -> Mapping[str, Document]:
        """The documents of a kind by id: a live view, not to be kept across an await."""
        return (
            MappingProxyType(self._documents[org_id, kind])
            if ((org_id, kind) in self._documents)
            else _NOTHING
        )

    def revision(self, org_id: str) -> int:
        """The newest revision seen of the organisation, of whatever kind; 0 for none."""
        return self._newest.get(org_id, 0)

    def revision_of(self, org_id: str, kind: Kind, id: str) -> int:  # noqa: A002
        """The revision of the document held, or of its deletion; 0 for none."""
        return self._revisions.get((org_id, kind, id), 0)

    def org_ids(self) -> Collection[str]:
        """Every organisation of which anything was seen, the system's own too."""
        return self._newest.keys()

    def apply(self, change: ConfigChange) -> bool:
        """Take one change in; False when what is held is as new."""
        key = (change.org_id, change.kind, change.id)
        held = self._revisions.get(key)
        if held is not None and change.revision <= held:
            return False
        self._revisions[key] = change.revision
        self._see(change.org_id, change.revision)
        documents = self._documents.setdefault(key[:2], {})
        if change.document is None:
            documents.pop(change.id, None)
        else:
            documents[change.id] = change.document
        for callback in self._subscribers:
            try:
                callback(change)
            except Exception:  # noqa: BLE001 - logged and counted
                # One document that a service cannot use must not keep the others from it.
                metric.CONFIG_REJECTED.labels("subscriber_error").inc()
                _log.exception(
                    "config subscriber failed",
                    org_id=change.org_id,
                    kind=change.kind,
                    id=change.id,
                    revision=change.revision,
                )
        return True

    async def run(self) -> None:
        """Read the topic until cancelled. Raises KafkaException when the client cannot go on."""
        if self._settings is None:
            raise RuntimeError("this table was built without a broker")
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        reader = ConfigReader(
            self._settings,
            deliver=lambda values: call(self._take, values, reader.applied),
            reached=lambda: call(self._reach_end),
        )

        def call(function: Callable[..., None], *arguments: Any) -> None:
            try:
                loop.call_soon_threadsafe(function, *arguments)
            except RuntimeError:
                reader.stop()  # the loop is closed

        def read() -> None:
            error: BaseException | None = None
            try:
                reader.run()
            except BaseException as raised:  # noqa: BLE001 - handed to the event loop
                error = raised
            call(_finish, ended, error)

        threading.Thread(target=read, name="config reader", daemon=True).start()
        try:
            await asyncio.shield(ended)
        finally:
            reader.stop()
            await asyncio.wait([ended], timeout=_STOP_SECONDS)

    def _take(self, values: list[bytes], applied: Callable[[], None]) -> None:
        try:
            for value in values:
                self._take_one(value)
        finally:
            applied()
        self._check_ready()

    def _take_one(self, value: bytes) -> None:
        try:
            event = self._event_decoder.decode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            metric.CONFIG_REJECTED.labels("undecodable").inc()
            _log.error("config record cannot be read", error=str(error))
            return
        self._see(event.org_id, event.revision)
        try:
            kind = Kind(event.kind)
        except ValueError:
            # Written by a newer version: nothing here can depend on it.
            metric.CONFIG_REJECTED.labels("unknown_kind").inc()
            _log.warning("config kind unknown", org_id=event.org_id, kind=event.kind, id=event.id)
            return
        if kind is Kind.LOG_HEAD:
            self._head_seen = True
        if kind not in self._kinds:
            return
        try:
            document = self._document_decoders[kind].decode(event.document)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            metric.CONFIG_REJECTED.labels("invalid_document").inc()
            _log.error(
                "config document cannot be read",
                org_id=event.org_id,
                kind=kind,
                id=event.id,
                revision=event.revision,
                error=str(error),
            )
            return
        self.apply(ConfigChange(event.org_id, kind, event.id, document, event.revision))

    def _see(self, org_id: str, revision: int) -> None:
        if revision > self._newest.get(org_id, -1):
            self._newest[org_id] = revision
        if revision > self._newest_of_all:
            self._newest_of_all = revision
            metric.CONFIG_REVISION.set(revision)

    def _reach_end(self) -> None:
        self._end_reached = True
        self._check_ready()

    def _check_ready(self) -> None:
        if self._end_reached and self._head_seen and not self._ready.is_set():
            self._ready.set()
            metric.CONFIG_READY.set(1)
            _log.info("configuration is whole", documents=len(self._revisions))


def _finish(ended: asyncio.Future[None], error: BaseException | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)
