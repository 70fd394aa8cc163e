"""The organisations' item types, compiled once per version.

Guarantees: what is answered is the configuration table's state at that moment; a type is compiled
on first use after a change, and kept. The number of old versions kept is bounded.
Must not: keep a type that the table no longer has.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

from coop_contracts.config import ItemType, Kind
from coop_items import CompiledItemType, compile_item_type
from coop_runtime.kafka.config_table import ConfigTable

MAX_OLD_VERSIONS = 1_000


class Catalog:
    """Item types by organisation and id."""

    def __init__(self, table: ConfigTable, *, allow_private_hosts: bool = False) -> None:
        self._table = table
        self._allow_private_hosts = allow_private_hosts
        self._current: dict[tuple[str, str], CompiledItemType] = {}
        self._old: OrderedDict[tuple[str, str], CompiledItemType] = OrderedDict()

    def knows(self, org_id: str, type_id: str) -> bool:
        """Whether the organisation has an item type of that id."""
        return self._table.get(org_id, Kind.ITEM_TYPE, type_id) is not None

    def kind_of(self, org_id: str, type_id: str) -> str | None:
        """CONTENT, USER or THREAD; None when there is no such type."""
        document = self._table.get(org_id, Kind.ITEM_TYPE, type_id)
        return document.kind if isinstance(document, ItemType) else None

    def named(self, org_id: str, name: str) -> str | None:
        """The id of the type with that name; None when there is none."""
        for type_id, document in self._table.all(org_id, Kind.ITEM_TYPE).items():
            if isinstance(document, ItemType) and document.name == name:
                return type_id
        return None

    def default_user_type(self, org_id: str) -> str | None:
        """The id of the type that users have of whom only an id is said."""
        for type_id, document in self._table.all(org_id, Kind.ITEM_TYPE).items():
            if isinstance(document, ItemType) and document.is_default_user_type:
                return type_id
        return None

    def find(self, org_id: str, type_id: str, version: str | None) -> CompiledItemType | None:
        """The type in its current version, or the one asked for; None when there is none.

        Raises coop_items.InvalidItemType when its definition cannot be compiled.
        """
        key = (org_id, type_id)
        document = self._table.get(org_id, Kind.ITEM_TYPE, type_id)
        if not isinstance(document, ItemType):
            self._current.pop(key, None)
            return None
        if version is not None and version != document.version:
            return self._find_version(org_id, f"{type_id}@{version}")
        compiled = self._current.get(key)
        if compiled is None or compiled.item_type is not document:
            compiled = self._current[key] = self._compile(org_id, document)
        return compiled

    def _find_version(self, org_id: str, version_id: str) -> CompiledItemType | None:
        key = (org_id, version_id)
        document = self._table.get(org_id, Kind.ITEM_TYPE_VERSION, version_id)
        if not isinstance(document, ItemType):
            self._old.pop(key, None)
            return None
        compiled = self._old.pop(key, None)
        if compiled is None or compiled.item_type is not document:
            compiled = self._compile(org_id, document)
        self._old[key] = compiled
        if len(self._old) > MAX_OLD_VERSIONS:
            self._old.popitem(last=False)
        return compiled

    def _compile(self, org_id: str, document: ItemType) -> CompiledItemType:
        return compile_item_type(
            document,
            is_known_type=partial(self.knows, org_id),
            allow_private_hosts=self._allow_private_hosts,
        )
