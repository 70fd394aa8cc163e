"""Files and system compared: what is the same, what is new, what somebody changed meanwhile.

    file has no id          ─▶ NEW, or CONFLICT where the name is taken
    same as the system      ─▶ SAME
    differs, its revision   ─┬ is the system's  ─▶ CHANGED
                             └ is another       ─▶ CONFLICT (changed in the system since the pull)
    id not in the system    ─▶ CONFLICT (deleted, or of another system)
    in the system alone     ─▶ MISSING

Must not: change either.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from coop_cli.api_client import ReviewApi, part
from coop_cli.rule_file import MOVED, NAMED, FileKind, Names, Unknown, from_file, to_file
from coop_cli.rule_folder import RuleFile
from coop_cli.yaml_text import write_yaml

_ENTRIES = {FileKind.TEXT_BANK: "strings", FileKind.LOCATION_BANK: "locations"}


class SyncState(StrEnum):
    SAME = "same"
    NEW = "new"
    CHANGED = "changed"
    CONFLICT = "conflict"
    MISSING = "missing"


@dataclass
class System:
    """What the system has: documents by kind and id, as the API gives them, and names."""

    documents: dict[FileKind, dict[str, dict[str, Any]]]
    names: Names

    def file_of(self, kind: FileKind, document_id: str) -> dict[str, Any]:
        """The file's data of a document."""
        return to_file(kind, self.documents[kind][document_id], self.names)

    def put(self, kind: FileKind, document: dict[str, Any]) -> None:
        """The document is now like this."""
        self.documents[kind][document["id"]] = document
        self.names.add(kind, document["id"], document["name"])


def read_system(api: ReviewApi, kinds: Iterable[FileKind]) -> System:
    """Everything of these kinds, and the names of what rules refer to."""
    wanted = tuple(kinds)
    system = System({kind: {} for kind in wanted}, Names())
    for kind in dict.fromkeys((*NAMED, *wanted)):
        for entry in api.all(kind):
            system.names.add(kind, entry["id"], entry["name"])
            if kind in wanted:
                found = FileKind(kind)
                system.documents[found][entry["id"]] = _whole(api, found, entry)
    return system


def _whole(api: ReviewApi, kind: FileKind, entry: dict[str, Any]) -> dict[str, Any]:
    """Lists leave the entries of large banks out."""
    field = _ENTRIES.get(kind)
    if field is None or entry[field] is not None:
        return entry
    found: dict[str, Any] = api.get(f"/v1/{kind}/{part(entry['id'])}")
    return found


@dataclass(frozen=True)
class Comparison:
    """One document. `file` is None where it is in the system alone, `document_id` where it is in a
    file alone; `why` says what a conflict is about."""

    kind: FileKind
    state: SyncState
    name: str
    file: RuleFile | None = None
    document_id: str | None = None
    why: str = ""


def compare(files: Iterable[RuleFile], system: System) -> list[Comparison]:
    """All documents, in the order in which they are saved."""
    found = [_compare(file, system) for file in files]
    matched = {(one.kind, one.document_id) for one in found}
    for kind, documents in system.documents.items():
        for document_id, document in documents.items():
            if (kind, document_id) not in matched:
                found.append(
                    Comparison(kind, SyncState.MISSING, document["name"], document_id=document_id)
                )
    return sorted(found, key=lambda one: (MOVED.index(one.kind), one.name))


def _compare(file: RuleFile, system: System) -> Comparison:
    kind, documents = file.kind, system.documents[file.kind]
    if file.id is None or file.id not in documents:
        other = system.names.id(kind, file.name)
        if file.id is None and other is None:
            return Comparison(kind, SyncState.NEW, file.name, file)
        why = "the system has one of that name"
        if other is None:
            why = "its id is not in the system: deleted there, or of another system"
        return Comparison(kind, SyncState.CONFLICT, file.name, file, other, why)
    now = system.file_of(kind, file.id)
    if write_yaml(content(now)) == write_yaml(content(_normal(file, system))):
        return Comparison(kind, SyncState.SAME, file.name, file, file.id)
    if file.revision == now["revision"]:
        return Comparison(kind, SyncState.CHANGED, file.name, file, file.id)
    why = f"changed in the system since the pull (revision {file.revision} → {now['revision']})"
    return Comparison(kind, SyncState.CONFLICT, file.name, file, file.id, why)


def content(data: Mapping[str, Any]) -> dict[str, Any]:
    """What of a file is the document's own."""
    return {key: value for key, value in data.items() if key not in ("id", "revision")}


def difference(one: Comparison, system: System) -> list[str]:
    """The lines of a unified diff from the system to the file."""
    before, after = "", ""
    if one.document_id is not None:
        before = write_yaml(content(system.file_of(one.kind, one.document_id)))
    if one.file is not None:
        after = write_yaml(content(_normal(one.file, system)))
    where = str(one.file.path) if one.file is not None else "(no file)"
    return list(
        difflib.unified_diff(
            before.splitlines(), after.splitlines(), f"system/{one.kind}", where, lineterm=""
        )
    )


def _normal(file: RuleFile, system: System) -> dict[str, Any]:
    """The file's data as a pull would write it; as it is where it names what is to come."""
    document, unknown = from_file(file.kind, file.data, system.names)
    return dict(file.data) if unknown else to_file(file.kind, document, system.names)


def unknown_names(file: RuleFile, names: Names) -> list[Unknown]:
    """The names in a file that nothing has."""
    return from_file(file.kind, file.data, names)[1]
