"""Coop's item types: each with its versions, its roles and the fields that reviewers do not see.

Guarantees: versions are the texts that Coop's jobs and items carry; a role that cannot be played
and a field that cannot be had are dropped, a field given twice stands once, and all is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import structs

from coop_contracts.config import Field, FieldRoles, ItemType, Kind
from coop_contracts.error import pointer
from coop_items import check_item_type_definition
from coop_review_api.configuration.log import format_version
from coop_review_api.moving.mapped import Finding, Mapped, Noter
from coop_review_api.moving.source import CoopSource, Row

_ROLES: Final = {
    "creator_id": "creator_id_field",
    "thread_id": "thread_id_field",
    "parent_id": "parent_id_field",
    "created_at": "created_at_field",
    "display_name": "display_name_field",
    "is_deleted": "is_deleted_field",
    "profile_icon": "profile_icon_field",
    "background_image": "background_image_field",
    "ip_address": "ip_address_field",
    "email": "email_field",
}
_CAMEL: Final = {
    "/fieldRoles/" + "".join([name.split("_")[0], *map(str.title, name.split("_")[1:])]): name
    for name in _ROLES
}


def item_types(source: CoopSource) -> Iterator[Mapped | Finding]:
    """The default user type first."""
    hidden = {
        row["item_type_id"]: list(row["hidden_fields"] or ())
        for row in source.of("manual_review_tool.manual_review_hidden_item_fields")
    }
    history: dict[str, list[Row]] = {}
    for row in source.of("public.item_types_history"):
        history.setdefault(row["id"], []).append(row)
    there = source.ids("public.item_types")
    for row in source.of("public.item_types"):
        yield _item_type(row, hidden.get(row["id"], []), history.get(row["id"], []))
    for type_id in sorted(history.keys() - there):
        newest = history[type_id][-1]
        note = Noter(Kind.ITEM_TYPE, type_id, newest["name"])
        note.differs("was deleted in Coop: its earlier versions stay there")
        yield from note.findings
    for type_id in sorted(hidden.keys() - there):
        note = Noter(Kind.ITEM_TYPE, type_id, type_id)
        note.differs("fields are hidden of an item type that Coop has no more: left out")
        yield from note.findings


def _item_type(row: Row, hidden: Sequence[str], history: Sequence[Row]) -> Mapped:
    note = Noter(Kind.ITEM_TYPE, row["id"], row["name"])
    document = _document(row, note)
    # What is wrong with an earlier version is not told again: nothing new is made of it.
    versions = tuple(_document(old, Noter("", "", "")) for old in history)
    names = {field.name for field in document.fields}
    for gone in [name for name in hidden if name not in names]:
        note.differs(f"hides the field {gone}, which there is no more: left out", "/hiddenFields")
    kept = tuple(dict.fromkeys(name for name in hidden if name in names))
    document = structs.replace(document, hidden_fields=kept)
    return Mapped(
        kind=Kind.ITEM_TYPE,
        document=document,
        versions=versions,
        findings=tuple(note.findings),
        source={"kind": row["kind"], "fields": row["fields"]},
    )


def _document(row: Row, note: Noter) -> ItemType:
    fields: dict[str, Field] = {}
    for index, given in enumerate(row["fields"] or ()):
        field = _field(given, note, pointer("fields", index))
        if field is not None and fields.setdefault(field.name, field) is not field:
            note.differs(f"has two fields {field.name}: the first is kept", "/fields")
    document = ItemType(
        id=row["id"],
        name=row["name"],
        description=row["description"] or "",
        kind=row["kind"],
        fields=tuple(fields.values()),
        field_roles=FieldRoles(
            **{name: row.get(column) or None for name, column in _ROLES.items()}
        ),
        is_default_user_type=bool(row["is_default_user"]),
        version=format_version(row["sys_period"]),
    )
    return _playable(document, note)


def _field(given: Any, note: Noter, at: str) -> Field | None:
    """None for one that items cannot have here: the others are worth more than none."""
    try:
        field = msgspec.convert(_without_nulls(given), Field)
    except msgspec.ValidationError:
        note.cannot("a field of a kind that is not known here is left out", at, given)
        return None
    alone = ItemType(id="", name="-", kind="CONTENT", version="", fields=(field,))
    faults = check_item_type_definition(alone)
    if faults:
        said = faults[0].detail or faults[0].title
        note.cannot(f"the field {field.name} is left out: {said}", at, given)
        return None
    return field


def _playable(document: ItemType, note: Noter) -> ItemType:
    """Without the roles that our check refuses; dropping one may make another impossible."""
    for _ in _ROLES:
        faults = [
            (error.pointer, error.detail or error.title)
            for error in check_item_type_definition(document)
            if error.pointer in _CAMEL
        ]
        if not faults:
            break
        for at, reason in faults:
            note.differs(f"{reason} The role is left out.", at or "")
        roles = structs.replace(
            document.field_roles, **{_CAMEL[at]: None for at, _ in faults if at is not None}
        )
        document = structs.replace(document, field_roles=roles)
    return document


def _without_nulls(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    return {name: _without_nulls(value) for name, value in given.items() if value is not None}
