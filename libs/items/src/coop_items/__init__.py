"""Item types compiled to validators: coercion, roles, errors with exact pointers.

Guarantees: an item type is read once per version; what is checked per item is generated Python.
Must not: open a socket, resolve a name or know a web framework.
"""

from coop_items.check import Checked, CompiledItemType, Variant
from coop_items.compiler import InvalidItemType, compile_item_type
from coop_items.definition import check_item_type_definition

__all__ = [
    "Checked",
    "CompiledItemType",
    "InvalidItemType",
    "Variant",
    "check_item_type_definition",
    "compile_item_type",
]
