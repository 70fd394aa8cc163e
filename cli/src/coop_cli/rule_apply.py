"""Making the system what the files say, one document after the other.

Guarantees: a document that somebody changed since it was seen is not overwritten (If-Match); after
each success its file has the system's own form, with its new revision; what fails stops what
follows, because it may depend on it.
Must not: delete anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from coop_cli.api_client import ApiRefused, ReviewApi, part
from coop_cli.rule_file import FileKind, Unknown, from_file
from coop_cli.rule_folder import RuleFile, write_file
from coop_cli.rule_sync import Comparison, System

MAX_BODY = 900_000
"""Bytes; a larger bank is imported as a file."""

_ENTRIES = {FileKind.TEXT_BANK: "strings", FileKind.LOCATION_BANK: "locations"}


class ApplyError(Exception):
    """A document that could not be saved: each line says where and why."""

    def __init__(self, file: RuleFile, lines: Sequence[str]) -> None:
        super().__init__("\n".join(f"{file.path}: {line}" for line in lines))


def apply(
    api: ReviewApi, system: System, wanted: Sequence[Comparison], said: Callable[[str], None]
) -> None:
    """Save the files of these, in their order. Raises ApplyError, ApiUnavailable."""
    for one in wanted:
        file = one.file
        if file is None:
            continue
        document, unknown = from_file(file.kind, file.data, system.names)
        if unknown:
            raise ApplyError(file, [str(name) for name in unknown])
        try:
            saved = _save(api, system, one, document)
        except ApiRefused as error:
            raise ApplyError(file, _lines(error)) from None
        system.put(file.kind, saved)
        write_file(file.path, system.file_of(file.kind, saved["id"]))
        done = "created" if one.document_id is None else "changed"
        said(f"{done} {file.kind.removesuffix('s')} {one.name} (revision {saved['revision']})")
        for warning in saved.get("warnings") or ():
            said(f"  warning: {warning['pointer']}: {warning['reason']}")


def missing_names(system: System, wanted: Sequence[Comparison]) -> list[tuple[RuleFile, Unknown]]:
    """The names in these files that nothing has, nor will have when the files are applied."""
    coming = {(one.kind, one.name) for one in wanted if one.document_id is None}
    return [
        (one.file, unknown)
        for one in wanted
        if one.file is not None
        for unknown in from_file(one.kind, one.file.data, system.names)[1]
        if (unknown.kind, unknown.name) not in coming
    ]


def _save(
    api: ReviewApi, system: System, one: Comparison, document: dict[str, Any]
) -> dict[str, Any]:
    kind = one.kind
    entries = _ENTRIES.get(kind)
    if entries is not None and len(msgspec.json.encode(document)) > MAX_BODY:
        return _import(api, system, one, document, entries)
    if one.document_id is None:
        answer = api.call("POST", f"/v1/{kind}", document)
    else:
        path = f"/v1/{kind}/{part(one.document_id)}"
        answer = api.call("PUT", path, document, revision=_seen(system, one))
    found: dict[str, Any] = answer.json()
    return found


def _import(
    api: ReviewApi, system: System, one: Comparison, document: dict[str, Any], entries: str
) -> dict[str, Any]:
    """Save a bank that is too large for one body: its entries as a file."""
    kind, document_id = one.kind, one.document_id
    if document_id is None:
        # Nothing refers to it yet, so nothing can see it half there.
        made = api.call("POST", f"/v1/{kind}", document | {entries: document[entries][:1]}).json()
        document_id, revision = made["id"], made["revision"]
    else:
        revision = _seen(system, one)
        before = system.documents[kind][document_id]
        others = {key for key in document if key != entries and document[key] != before.get(key)}
        if others:
            reason = f"too large to change {', '.join(sorted(others))} as well: change them there"
            raise ApiRefused(413, reason)
    path = f"/v1/{kind}/{part(document_id)}"
    api.call("POST", f"{path}/import", {entries: document[entries]}, revision=revision)
    found: dict[str, Any] = api.get(path)
    return found


def _seen(system: System, one: Comparison) -> int:
    """The revision of the document as it was read for the comparison."""
    assert one.document_id is not None
    return int(system.documents[one.kind][one.document_id]["revision"])


def _lines(error: ApiRefused) -> list[str]:
    if not error.refusals:
        return [str(error)]
    return [f"{refusal.pointer or '/'}: {refusal.reason}" for refusal in error.refusals]
