"""Route tables: an organisation's routing rules and queues, compiled for one item type.

Guarantees: a table is one revision's rules, banks and queues, never a mixture; a change of them is
obeyed by the next entry; compiling happens in a thread, so the event loop goes on; at most `limit`
tables are kept, the least recently used go.
Must not: fail for a rule that no longer fits: its outcome is unknown, so it does not pass.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar, cast

from msgspec.structs import replace

from coop_contracts.config import (
    BankChunk,
    Document,
    ItemType,
    Kind,
    LocationBank,
    OrgSettings,
    Queue,
    RoutingRule,
    TextBank,
)
from coop_contracts.event import SubmittedItem
from coop_routing import metric
from coop_routing.ranking import Rankings
from coop_rules.program.compiler import CompilerCache
from coop_rules.queue_choice import RouteTable, RoutingConfiguration, compile_table, rules_for
from coop_rules.signal.catalogue import SignalCatalogue
from coop_runtime.kafka.config_table import ConfigChange, ConfigTable
from coop_runtime.process.log import logger

TABLE_KINDS = (
    Kind.ROUTING_RULE,
    Kind.QUEUE,
    Kind.ITEM_TYPE,
    Kind.ITEM_TYPE_VERSION,
    Kind.TEXT_BANK,
    Kind.LOCATION_BANK,
    Kind.BANK_CHUNK,
    Kind.SETTINGS,
)
"""What tables are made of."""

_log = logger("coop_routing.route_table")

D = TypeVar("D", bound=Document)


class _Key(NamedTuple):
    org_id: str
    item_type_id: str
    for_appeals: bool


class RouteTables:
    """Makes and keeps the tables. Lives in one event loop; `close` it at the end. `catalogue`: the
    signals there are."""

    def __init__(
        self, config: ConfigTable, catalogue: SignalCatalogue | None = None, *, limit: int = 2000
    ) -> None:
        self._config = config
        self._catalogue = catalogue or SignalCatalogue.builtin()
        self._limit = limit
        self._stamps: defaultdict[str, int] = defaultdict(int)
        self._kept: OrderedDict[_Key, tuple[int, RouteTable]] = OrderedDict()
        # One thread: the compiler's cache belongs to one at a time.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="compiler")
        self._cache = CompilerCache()
        self.rankings = Rankings(config)
        config.subscribe(self._changed)

    def _changed(self, change: ConfigChange) -> None:
        if change.kind in TABLE_KINDS:
            self._stamps[change.org_id] += 1

    def stamp(self, org_id: str) -> int:
        """A number that rises when a table of the organisation could change."""
        return self._stamps[org_id]

    def has_queues(self, org_id: str) -> bool:
        """Whether the organisation has a queue at all."""
        return bool(self._config.all(org_id, Kind.QUEUE))

    def item_type(self, org_id: str, type_id: str) -> ItemType | None:
        """The type as it is now."""
        found = self._config.get(org_id, Kind.ITEM_TYPE, type_id)
        return found if isinstance(found, ItemType) else None

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def table(self, org_id: str, item: SubmittedItem, *, for_appeals: bool) -> RouteTable:
        """The table for items of this one's type, of the configuration as it is now."""
        key = _Key(org_id, item.type_id, for_appeals)
        stamp = self._stamps[org_id]
        kept = self._kept.get(key)
        if kept is not None and kept[0] == stamp:
            self._kept.move_to_end(key)
            return kept[1]
        table = await self._compile(key, item)
        self._kept[key] = (stamp, table)
        self._kept.move_to_end(key)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return table

    async def _compile(self, key: _Key, item: SubmittedItem) -> RouteTable:
        # Everything is read before the first await: one revision.
        material = self._material(key.org_id)
        item_type = self._item_type(key.org_id, item)

        def compiled() -> RouteTable:
            return compile_table(
                material,
                item_type,
                item_type_id=key.item_type_id,
                for_appeals=key.for_appeals,
                catalogue=self._catalogue,
                cache=self._cache,
            )

        if not rules_for(material, key.item_type_id, for_appeals=key.for_appeals):
            return compiled()  # nothing to wait for
        metric.TABLES.inc()
        table = await asyncio.get_running_loop().run_in_executor(self._thread, compiled)
        problems = {} if table.program is None else table.program.problems
        for rule_id, found in problems.items():
            _log.warning(
                "a routing rule no longer fits",
                org_id=key.org_id,
                rule_id=rule_id,
                problems=[f"{p.pointer}: {p.reason}" for p in found],
            )
        metric.LEFT_OUT.inc(len(table.failed))
        return table

    def _material(self, org_id: str) -> RoutingConfiguration:
        config = self._config
        settings = config.get(org_id, Kind.SETTINGS, "settings")
        return RoutingConfiguration(
            org_id=org_id,
            revision=config.revision(org_id),
            rules=tuple(
                (rule, config.revision_of(org_id, Kind.ROUTING_RULE, rule.id))
                for rule in self._all(org_id, Kind.ROUTING_RULE, RoutingRule).values()
            ),
            queues=self._all(org_id, Kind.QUEUE, Queue),
            settings=settings if isinstance(settings, OrgSettings) else None,
            text_banks=self._all(org_id, Kind.TEXT_BANK, TextBank),
            location_banks=self._all(org_id, Kind.LOCATION_BANK, LocationBank),
            chunks=self._all(org_id, Kind.BANK_CHUNK, BankChunk),
        )

    def _all(self, org_id: str, kind: Kind, type_: type[D]) -> dict[str, D]:
        found = self._config.all(org_id, kind)
        return {key: value for key, value in found.items() if isinstance(value, type_)}

    def _item_type(self, org_id: str, item: SubmittedItem) -> ItemType | None:
        """The type as it is now; for one that is gone, as it was for this item."""
        found = self._config.get(org_id, Kind.ITEM_TYPE, item.type_id)
        if found is None:
            version = f"{item.type_id}@{item.type_version}"
            found = self._config.get(org_id, Kind.ITEM_TYPE_VERSION, version)
        if found is None:
            return None
        # A version's document has the version in its id; conditions name the type.
        return replace(cast(ItemType, found), id=item.type_id)
