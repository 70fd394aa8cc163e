"""Saving an item type: each rule of its definition."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.config import Container, Field, FieldRoles, ItemType
from coop_items import check_item_type_definition

TEXT = Field(name="text", type="STRING")
REF = Field(name="ref", type="RELATED_ITEM")
AT = Field(name="at", type="DATETIME")
ICON = Field(name="icon", type="IMAGE")


def pointers(*fields: Field, **more: Any) -> list[str | None]:
    more = {"name": "Post", "kind": "CONTENT", **more}
    kind = ItemType(id="t", fields=fields, version="v", **more)
    return [error.pointer for error in check_item_type_definition(kind)]


def mapping(key: Any, kind: Any = "MAP", value: Any = "STRING") -> Container:
    return Container(container_type=kind, key_scalar_type=key, value_scalar_type=value)


@pytest.mark.parametrize(
    ("fields", "more", "expected"),
    [
        ([TEXT], {}, []),
        ([], {}, ["/fields"]),
        ([TEXT, TEXT], {}, ["/fields/1/name"]),
        ([TEXT], {"name": " "}, ["/name"]),
        ([TEXT], {"name": "x" * 256}, ["/name"]),
        ([TEXT], {"description": "x" * 256}, ["/description"]),
        ([Field(name="", type="STRING")], {}, ["/fields/0/name"]),
        ([Field(name="a\0", type="STRING")], {}, ["/fields/0/name"]),
        ([Field(name="\ud800", type="STRING")], {}, ["/fields/0/name"]),
        ([Field(name="x" * 256, type="STRING")], {}, ["/fields/0/name"]),
        ([Field(name=str(i), type="STRING") for i in range(501)], {}, ["/fields"]),
        ([Field(name="a", type="ARRAY")], {}, ["/fields/0/container"]),
        (
            [Field(name="a", type="STRING", container=mapping("STRING"))],
            {},
            ["/fields/0/container"],
        ),
        ([Field(name="a", type="MAP", container=mapping("STRING"))], {}, []),
        ([Field(name="a", type="ARRAY", container=mapping(None, "ARRAY"))], {}, []),
        (
            [Field(name="a", type="ARRAY", container=mapping("ID", "ARRAY"))],
            {},
            ["/fields/0/container/keyScalarType"],
        ),
        (
            [Field(name="a", type="MAP", container=mapping(None))],
            {},
            ["/fields/0/container/keyScalarType"],
        ),
        (
            [Field(name="a", type="MAP", container=mapping("IMAGE"))],
            {},
            ["/fields/0/container/keyScalarType"],
        ),
        (
            [Field(name="a", type="MAP", container=mapping(None, "ARRAY"))],
            {},
            ["/fields/0/container/containerType"],
        ),
        ([TEXT], {"hidden_fields": ("text", "gone")}, ["/hiddenFields/1"]),
        ([TEXT], {"field_roles": FieldRoles(display_name="text")}, []),
        ([TEXT], {"field_roles": FieldRoles(display_name="gone")}, ["/fieldRoles/displayName"]),
        ([TEXT], {"field_roles": FieldRoles(creator_id="text")}, ["/fieldRoles/creatorId"]),
        (
            [Field(name="a", type="ARRAY", container=mapping(None, "ARRAY"))],
            {"field_roles": FieldRoles(display_name="a")},
            ["/fieldRoles/displayName"],
        ),
        (
            [ICON],
            {"field_roles": FieldRoles(profile_icon="icon")},
            ["/fieldRoles/profileIcon"],
        ),
        ([ICON], {"kind": "USER", "field_roles": FieldRoles(profile_icon="icon")}, []),
        (
            [REF],
            {"kind": "USER", "field_roles": FieldRoles(creator_id="ref")},
            ["/fieldRoles/creatorId"],
        ),
        ([REF], {"kind": "THREAD", "field_roles": FieldRoles(creator_id="ref")}, []),
        (
            [REF, AT],
            {"kind": "THREAD", "field_roles": FieldRoles(thread_id="ref", created_at="at")},
            ["/fieldRoles/threadId"],
        ),
        ([REF], {"field_roles": FieldRoles(thread_id="ref")}, ["/fieldRoles/threadId"]),
        (
            [REF, AT],
            {"field_roles": FieldRoles(parent_id="ref", created_at="at")},
            ["/fieldRoles/parentId"],
        ),
        (
            [REF],
            {"field_roles": FieldRoles(parent_id="ref", thread_id="ref")},
            ["/fieldRoles/parentId", "/fieldRoles/threadId"],
        ),
        (
            [REF, AT],
            {"field_roles": FieldRoles(parent_id="ref", thread_id="ref", created_at="at")},
            [],
        ),
    ],
)
def test_each_rule_of_a_definition(
    fields: list[Field], more: dict[str, Any], expected: list[str]
) -> None:
    """A definition that breaks a rule is refused with a pointer to the place."""
    assert pointers(*fields, **more) == expected
