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
from typing import NamedTuple, cast

from msgspec.structs import replace

from coop_contracts.config import ItemType, Kind, OrgSettings, Queue, RoutingRule, TextBank
from coop_contracts.event import SubmittedItem
from coop_routing import metric
from coop_routing.route import RouteTable, default_queue
from coop_rules.compiler import CompilerCache, compile_program
from coop_rules.program import EnabledRule
from coop_runtime.config_table import ConfigChange, ConfigTable
from coop_runtime.log import logger

KINDS = (
    Kind.ROUTING_RULE,
    Kind.QUEUE,
    Kind.ITEM_TYPE,
    Kind.ITEM_TYPE_VERSION,
    Kind.TEXT_BANK,
    Kind.SETTINGS,
)
"""What routing has to know."""

_log = logger("coop_routing.table")


class _Key(NamedTuple):
    org_id: str
    item_type_id: str
    for_appeals: bool


class RouteTables:
    """Makes and keeps the tables. Lives in one event loop; `close` it at the end."""

    def __init__(self, config: ConfigTable, *, limit: int = 2000) -> None:
        self._config = config
        self._limit = limit
        self._stamps: defaultdict[str, int] = defaultdict(int)
        self._kept: OrderedDict[_Key, tuple[int, RouteTable]] = OrderedDict()
        # One thread: the compiler's cache belongs to one at a time.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="compiler")
        self._cache = CompilerCache()
        config.subscribe(self._changed)

    def _changed(self, change: ConfigChange) -> None:
        if change.kind in KINDS:
            self._stamps[change.org_id] += 1

    def stamp(self, org_id: str) -> int:
        """A number that rises when a table of the organisation could change."""
        return self._stamps[org_id]

    def has_queues(self, org_id: str) -> bool:
        """Whether the organisation has a queue at all."""
        return bool(self._config.all(org_id, Kind.QUEUE))

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
        queues = {id_: cast(Queue, q) for id_, q in self._all(key, Kind.QUEUE).items()}
        revision = self._config.revision(key.org_id)
        item_type = self._item_type(key.org_id, item)
        rules = self._rules(key)
        banks = {id_: cast(TextBank, bank) for id_, bank in self._all(key, Kind.TEXT_BANK).items()}
        known = item_type is not None
        table = RouteTable(
            revision=revision,
            queue_ids=frozenset(queues),
            default_queue_id=default_queue(queues, for_appeals=key.for_appeals),
            ncmec_queue_id=self._ncmec_queue(key.org_id),
            note=f"item type {key.item_type_id} is gone" if rules and not known else None,
        )
        if not rules or item_type is None:
            return table
        metric.TABLES.inc()
        program = await asyncio.get_running_loop().run_in_executor(
            self._thread,
            lambda: compile_program(
                [enabled for enabled, _ in rules],
                item_type=item_type,
                text_banks=banks,
                org_id=key.org_id,
                cache=self._cache,
                routing=True,
            ),
        )
        for rule_id, problems in program.problems.items():
            _log.warning(
                "a routing rule no longer fits",
                org_id=key.org_id,
                rule_id=rule_id,
                problems=[f"{p.pointer}: {p.reason}" for p in problems],
            )
        return RouteTable(
            revision=revision,
            queue_ids=table.queue_ids,
            default_queue_id=table.default_queue_id,
            ncmec_queue_id=table.ncmec_queue_id,
            program=program,
            destinations=tuple(destination for _, destination in rules),
        )

    def _ncmec_queue(self, org_id: str) -> str | None:
        settings = self._config.get(org_id, Kind.SETTINGS, "settings")
        return settings.ncmec_queue_id if isinstance(settings, OrgSettings) else None

    def _all(self, key: _Key, kind: Kind) -> dict[str, object]:
        return dict(self._config.all(key.org_id, kind))

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

    def _rules(self, key: _Key) -> list[tuple[EnabledRule, str]]:
        """The rules for this type with their destinations, in the order they are tried."""
        found = []
        for document in self._config.all(key.org_id, Kind.ROUTING_RULE).values():
            rule = cast(RoutingRule, document)
            if rule.for_appeals != key.for_appeals or key.item_type_id not in rule.item_type_ids:
                continue
            revision = self._config.revision_of(key.org_id, Kind.ROUTING_RULE, rule.id)
            enabled = EnabledRule.of(rule, revision)
            if enabled is not None:
                found.append((rule.sequence_number, rule.id, enabled, rule.destination_queue_id))
        found.sort(key=lambda entry: entry[:2])
        return [(enabled, destination) for _, _, enabled, destination in found]
