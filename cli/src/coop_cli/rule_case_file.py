"""Files of test cases for rules.

    folder: .              # of pulled files; its item types, banks and rules are there to be used
    itemTypes: […]         # more of them, written as in a pulled file; a string is a file's path
    textBanks: […]
    locationBanks: […]
    rules: […]
    cases:
      - name: a link in the first message
        item:
          type: Post
          data: {text: "look at https://spam.example"}
          creator: {id: u1, type: User}           # optional, as id and at
        signals: {OPEN_AI_HATE_TEXT_MODEL: 0.9}   # what remote signals say; {error: …} for none
        rules: [Spam links]                       # optional: judge these only
        passes: [Spam links]                      # exactly those that pass
        unknown: []                               # exactly those that cannot be decided

Guarantees: what is wrong with a file is said with its place; nothing is taken for something else.
Must not: judge rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from coop_cli.rule_file import FileKind, Names, from_file
from coop_cli.rule_folder import FileError, read_folder, read_rule_file
from coop_cli.yaml_text import YamlError, read_yaml
from coop_contracts.config import ItemType, LocationBank, Rule, TextBank

CaseScore = float | bool | str

S = TypeVar("S", bound=Struct)


class _Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Creator(_Strict, frozen=True, kw_only=True):
    """An item's author; `type` is an item type's name."""

    id: str
    type: str


class CaseItem(_Strict, frozen=True, kw_only=True):
    """`type` is an item type's name, `data` as a platform sends it."""

    type: str
    data: dict[str, Any]
    id: str = "item"
    creator: Creator | None = None


class NoValue(_Strict, frozen=True, kw_only=True):
    """A signal that gives no value, and why."""

    error: str


class RuleCase(_Strict, frozen=True, kw_only=True):
    name: str
    item: CaseItem
    passes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    rules: tuple[str, ...] | None = None
    signals: dict[str, CaseScore | NoValue] = {}
    at: datetime | None = None


class _File(_Strict, frozen=True, kw_only=True, rename="camel"):
    cases: tuple[RuleCase, ...]
    folder: str | None = None
    item_types: tuple[str | dict[str, Any], ...] = ()
    text_banks: tuple[str | dict[str, Any], ...] = ()
    location_banks: tuple[str | dict[str, Any], ...] = ()
    rules: tuple[str | dict[str, Any], ...] = ()


@dataclass
class CaseSet:
    """What cases are judged with; documents by id."""

    cases: tuple[RuleCase, ...] = ()
    item_types: dict[str, ItemType] = field(default_factory=dict)
    text_banks: dict[str, TextBank] = field(default_factory=dict)
    location_banks: dict[str, LocationBank] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    places: dict[str, str] = field(default_factory=dict)
    """Where each rule is written, by id."""


def read_case_file(path: Path) -> CaseSet:
    """The cases and what they need. Raises FileError."""
    try:
        read = msgspec.convert(read_yaml(path.read_text(encoding="utf-8")), _File)
    except (OSError, UnicodeDecodeError, YamlError, msgspec.ValidationError) as error:
        raise FileError(f"{path}: {error}") from None
    found = CaseSet(cases=read.cases)
    documents = {
        FileKind.ITEM_TYPE: _written(path, read, FileKind.ITEM_TYPE, read.item_types),
        FileKind.TEXT_BANK: _written(path, read, FileKind.TEXT_BANK, read.text_banks),
        FileKind.LOCATION_BANK: _written(path, read, FileKind.LOCATION_BANK, read.location_banks),
        FileKind.RULE: _written(path, read, FileKind.RULE, read.rules),
    }
    for kind, entries in documents.items():
        for place, data in entries:
            document_id = str(data.get("id") or data["name"])
            if found.names.by_id.get(kind, {}).get(document_id) is not None:
                raise FileError(f"{place}: there are two of {data['name']}")
            found.names.add(kind, document_id, str(data["name"]))
    for kind, entries in documents.items():
        for place, data in entries:
            _add(found, kind, place, data)
    return found


def _written(
    path: Path, read: _File, kind: FileKind, listed: tuple[str | dict[str, Any], ...]
) -> list[tuple[str, Mapping[str, Any]]]:
    """The documents of a kind, each with where it is written."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    if read.folder is not None:
        folder = path.parent / read.folder
        found += [(str(file.path), file.data) for file in read_folder(folder, kind)]
    for number, entry in enumerate(listed):
        if isinstance(entry, str):
            file = read_rule_file(path.parent / entry, kind)
            found.append((str(file.path), file.data))
        elif isinstance(entry.get("name"), str):
            found.append((f"{path}: {kind} {number + 1}", entry))
        else:
            raise FileError(f"{path}: {kind} {number + 1} has no name")
    return found


def _add(found: CaseSet, kind: FileKind, place: str, data: Mapping[str, Any]) -> None:
    document_id = str(data.get("id") or data["name"])
    if kind is FileKind.RULE:
        # Actions and policies are of no concern here, and their names not known.
        parts = ("actions", "actionParameters", "policies")
        data = {key: value for key, value in data.items() if key not in parts}
    document, unknown = from_file(kind, data, found.names)
    missing = [name for name in unknown if name.kind != "hash-banks"]
    if missing:
        raise FileError("\n".join(f"{place}: {name}" for name in missing))
    fields = {**document, "id": document_id}
    match kind:
        case FileKind.ITEM_TYPE:
            found.item_types[document_id] = _as(ItemType, {"version": "", **fields}, place)
        case FileKind.TEXT_BANK:
            found.text_banks[document_id] = _as(TextBank, fields, place)
        case FileKind.LOCATION_BANK:
            locations = [
                {"id": str(n), **one} for n, one in enumerate(fields.get("locations") or [])
            ]
            fields["locations"] = locations
            found.location_banks[document_id] = _as(LocationBank, fields, place)
        case FileKind.RULE:
            found.rules[document_id] = _as(Rule, {"status": "LIVE", **fields}, place)
            found.places[document_id] = place


def _as(type_: type[S], fields: Mapping[str, Any], place: str) -> S:
    try:
        return msgspec.convert(fields, type_)
    except msgspec.ValidationError as error:
        raise FileError(f"{place}: {error}") from None
