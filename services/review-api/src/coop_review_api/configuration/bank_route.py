"""The entries of text and location banks: change a few, import a file, export one.

    PATCH  /v1/<path>/{id}           add and remove entries
    POST   /v1/<path>/{id}/import    a CSV or JSON file replaces the entries, or adds to them
    GET    /v1/<path>/{id}/export    the entries as a file

Guarantees: a file with a fault changes nothing, and each fault is named with its line or place; an
import is read only after its sender's permission was seen, and few of them at a time; an export
leaves an audit row.
Must not: hold the database's lock while a file is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.exceptions import HTTPException

from coop_contracts.config import Location, LocationBank, TextBank
from coop_review_api.configuration import warning
from coop_review_api.configuration.bank_document import (
    BankChangeView,
    LocationBankPatchBody,
    TextBankPatchBody,
)
from coop_review_api.configuration.bank_file import (
    FileFormat,
    ReadLocations,
    ReadStrings,
    read_locations,
    read_strings,
    write_locations,
    write_strings,
)
from coop_review_api.configuration.bank_kind import with_id
from coop_review_api.configuration.changing import changing
from coop_review_api.configuration.document_model import WarningView
from coop_review_api.configuration.document_resource import (
    LOCATION_BANK_RESOURCE,
    TEXT_BANK_RESOURCE,
)
from coop_review_api.configuration.resource import Resource
from coop_review_api.http.body import Body, JsonBody
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.http.route import add_route
from coop_review_api.http.upload import Uploads
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["banks"])

_MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
_FORMATS: dict[str, FileFormat] = {"text/csv": "csv", "application/json": "json"}

B = TypeVar("B", TextBank, LocationBank)
Entries = Sequence[Any]
Mode = Literal["replace", "add"]


def _format_of(request: Request) -> FileFormat:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found = _FORMATS.get(kind)
    if found is None:
        raise HTTPException(415, "send text/csv or application/json")
    return found


class _Entries(Protocol[B]):
    """What is special to the entries of a kind of bank."""

    resource: Resource[B]

    def of(self, bank: B) -> Entries: ...

    def with_entries(self, bank: B, entries: Entries) -> B: ...

    def key(self, entry: Any) -> str:
        """What makes an entry the same as another."""
        ...

    def added(self, body: Any) -> Entries:
        """What a change sent to be added."""
        ...

    def read(self, raw: bytes, form: FileFormat, bank: B) -> ReadStrings | ReadLocations: ...

    def write(self, bank: B, form: FileFormat) -> bytes: ...


class _Strings(_Entries[TextBank]):
    resource = TEXT_BANK_RESOURCE

    def of(self, bank: TextBank) -> Entries:
        return bank.strings

    def with_entries(self, bank: TextBank, entries: Entries) -> TextBank:
        return msgspec.structs.replace(bank, strings=tuple(entries))

    def key(self, entry: str) -> str:
        return entry

    def added(self, body: TextBankPatchBody) -> Entries:
        return body.add

    def read(self, raw: bytes, form: FileFormat, bank: TextBank) -> ReadStrings:
        return read_strings(raw, form, bank.type)

    def write(self, bank: TextBank, form: FileFormat) -> bytes:
        return write_strings(bank.strings, form)


class _Locations(_Entries[LocationBank]):
    resource = LOCATION_BANK_RESOURCE

    def of(self, bank: LocationBank) -> Entries:
        return bank.locations

    def with_entries(self, bank: LocationBank, entries: Entries) -> LocationBank:
        return msgspec.structs.replace(bank, locations=tuple(entries))

    def key(self, entry: Location) -> str:
        return entry.id

    def added(self, body: LocationBankPatchBody) -> Entries:
        sent = [one.model_dump(by_alias=True, mode="json") for one in body.add]
        return msgspec.convert([with_id(one) for one in sent], list[Location])

    def read(
        self,
        raw: bytes,
        form: FileFormat,
        bank: LocationBank,  # noqa: ARG002 - of a text bank its type matters
    ) -> ReadLocations:
        return read_locations(raw, form)

    def write(self, bank: LocationBank, form: FileFormat) -> bytes:
        return write_locations(bank.locations, form)


async def _change(
    request: Request,
    principal: Principal,
    entries: _Entries[B],
    document_id: str,
    new: Callable[[Entries], Entries],
    *,
    expected: int | None,
) -> BankChangeView:
    """Save the bank with other entries: `new` makes them of those it has."""
    documents = entries.resource.documents
    async with changing(context_of(request), principal) as configuration:
        current = await configuration.get(documents.kind, documents.type, document_id)
        whole = await documents.whole(configuration.connection, principal.org_id, current)
        before = {entries.key(entry): entry for entry in entries.of(whole.document)}
        after = new(entries.of(whole.document))
        entry = await documents.commit(
            configuration,
            principal,
            before=current.document,
            after=entries.with_entries(whole.document, after),
            expected=expected,
        )
    kept = {entries.key(one): one for one in after}
    saved = entry.document
    warnings = warning.bank(saved) if isinstance(saved, TextBank) else []
    return BankChangeView(
        id=document_id,
        revision=entry.revision,
        entry_count=len(kept),
        added=sum(before.get(key) != one for key, one in kept.items()),
        removed=sum(kept.get(key) != one for key, one in before.items()),
        warnings=[WarningView(pointer=one.pointer, reason=one.reason) for one in warnings],
    )


def _merged(entries: _Entries[B], old: Entries, add: Entries, remove: Sequence[str]) -> Entries:
    found = {entries.key(entry): entry for entry in old}
    for key in remove:
        found.pop(key, None)
    found |= {entries.key(entry): entry for entry in add}
    return list(found.values())


_IF_MATCH = Header(default=None, alias="If-Match")
_FILE = {
    "text/csv": {"schema": {"type": "string", "format": "binary"}},
    "application/json": {"schema": {}},
}


def _add_routes(entries: _Entries[Any], patch: type[Body]) -> None:
    _add_change(entries, JsonBody(patch))
    _add_import(entries)
    _add_export(entries)


def _add_change(entries: _Entries[Any], body_of: JsonBody[Any]) -> None:
    resource = entries.resource
    writer, sent = Depends(resource.write), Depends(body_of)

    async def change_entries(
        request: Request,
        response: Response,
        document_id: str,
        principal: Principal = writer,
        body: Any = sent,
        if_match: str | None = _IF_MATCH,
    ) -> BankChangeView:
        add = entries.added(body)
        changed = await _change(
            request,
            principal,
            entries,
            document_id,
            lambda old: _merged(entries, old, add, body.remove),
            expected=expected_revision(if_match),
        )
        response.headers["ETag"] = etag_of(changed.revision)
        return changed

    add_route(
        router,
        f"/{resource.path}/{{document_id}}",
        change_entries,
        "PATCH",
        f"change{resource.noun}Entries",
        BankChangeView,
        openapi_extra=body_of.openapi(),
    )


def _add_import(entries: _Entries[Any]) -> None:
    resource = entries.resource
    writer = Depends(resource.write)

    async def import_entries(
        request: Request,
        response: Response,
        document_id: str,
        principal: Principal = writer,
        mode: Mode = "replace",
        if_match: str | None = _IF_MATCH,
    ) -> BankChangeView:
        form = _format_of(request)
        expected = expected_revision(if_match)
        async with transaction(context_of(request).engine) as connection:
            bank = (await resource.documents.read(connection, principal, document_id)).document
        uploads = part_of(request, Uploads)
        async with uploads.room():
            raw = await uploads.received(request)
            read = await asyncio.to_thread(entries.read, raw, form, bank)
        _refuse_faults(read)
        added: Entries = read.strings if isinstance(read, ReadStrings) else read.locations
        changed = await _change(
            request,
            principal,
            entries,
            document_id,
            lambda old: added if mode == "replace" else _merged(entries, old, added, ()),
            expected=expected,
        )
        response.headers["ETag"] = etag_of(changed.revision)
        return changed.model_copy(update={"duplicates": read.duplicates, "blank": read.blank})

    add_route(
        router,
        f"/{resource.path}/{{document_id}}/import",
        import_entries,
        "POST",
        f"import{resource.noun}",
        BankChangeView,
        openapi_extra={"requestBody": {"required": True, "content": _FILE}},
    )


def _refuse_faults(read: ReadStrings | ReadLocations) -> None:
    if not read.faults:
        return
    faults = [Fault(fault.place, fault.reason) for fault in read.faults]
    if read.faulty > len(faults):
        faults.append(Fault("", f"and {read.faulty - len(faults)} more"))
    raise Invalid(faults)


def _add_export(entries: _Entries[Any]) -> None:
    resource = entries.resource
    reader = Depends(resource.read)

    async def export_entries(
        request: Request,
        document_id: str,
        principal: Principal = reader,
        form: Annotated[FileFormat, Query(alias="format")] = "csv",
    ) -> Response:
        context, documents = context_of(request), resource.documents
        async with transaction(context.engine) as connection:
            entry = await documents.read(connection, principal, document_id)
            entry = await documents.whole(connection, principal.org_id, entry)
        file = await asyncio.to_thread(entries.write, entry.document, form)
        async with transaction(context.engine) as connection:
            await audit.record(
                connection,
                org_id=principal.org_id,
                actor=principal.user_id,
                action="bank.exported",
                target=(str(documents.kind), document_id),
                detail={"revision": entry.revision, "format": form},
                time=context.clock(),
            )
        name = f"{resource.path}-{entry.document.id}.{form}"
        return Response(
            file,
            media_type=_MEDIA[form],
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "ETag": etag_of(entry.revision),
            },
        )

    add_route(
        router,
        f"/{resource.path}/{{document_id}}/export",
        export_entries,
        "GET",
        f"export{resource.noun}",
        None,
        response_class=Response,
        responses={200: {"content": _FILE, "description": "The file."}},
    )


_add_routes(_Strings(), TextBankPatchBody)
_add_routes(_Locations(), LocationBankPatchBody)


def is_import(method: str, path: str) -> bool:
    """Whether a request is an import, whose body is not read before its sender is known."""
    parts = path.split("/")
    return (
        method == "POST"
        and len(parts) == 5
        and parts[1] == "v1"
        and parts[2] in (TEXT_BANK_RESOURCE.path, LOCATION_BANK_RESOURCE.path)
        and parts[4] == "import"
    )
