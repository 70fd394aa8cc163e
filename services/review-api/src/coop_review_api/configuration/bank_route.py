"""The entries of text and location banks: change a few, import a file, export one.

    PATCH  /v1/<path>/{id}           add and remove entries
    POST   /v1/<path>/{id}/import    a CSV or JSON file replaces the entries, or adds to them;
                                     ?dryRun=true says what that would change
    GET    /v1/<path>/{id}/export    the entries as a file

Guarantees: a file with a fault changes nothing, and each fault is named with its line or place; an
import is read only after its sender's permission was seen, and few of them at a time; an export
leaves an audit row.
Must not: hold the database's lock while a file is read.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.exceptions import HTTPException

from coop_review_api.configuration.bank_change import (
    BankEntries,
    Entries,
    LocationEntries,
    StringEntries,
    change,
    merged,
)
from coop_review_api.configuration.bank_document import (
    BankChangeView,
    LocationBankPatchBody,
    TextBankPatchBody,
)
from coop_review_api.configuration.bank_file import (
    FileFormat,
    ReadLocations,
    ReadStrings,
)
from coop_review_api.configuration.document_resource import (
    LOCATION_BANK_RESOURCE,
    TEXT_BANK_RESOURCE,
)
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

Mode = Literal["replace", "add"]


def _format_of(request: Request) -> FileFormat:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found = _FORMATS.get(kind)
    if found is None:
        raise HTTPException(415, "send text/csv or application/json")
    return found


_IF_MATCH = Header(default=None, alias="If-Match")
_FILE = {
    "text/csv": {"schema": {"type": "string", "format": "binary"}},
    "application/json": {"schema": {}},
}


def _add_routes(entries: BankEntries[Any], patch: type[Body]) -> None:
    _add_change(entries, JsonBody(patch))
    _add_import(entries)
    _add_export(entries)


def _add_change(entries: BankEntries[Any], body_of: JsonBody[Any]) -> None:
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
        changed = await change(
            context_of(request),
            principal,
            entries,
            document_id,
            lambda old: merged(entries, old, add, body.remove),
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


def _add_import(entries: BankEntries[Any]) -> None:
    resource = entries.resource
    writer = Depends(resource.write)

    async def import_entries(
        request: Request,
        response: Response,
        document_id: str,
        principal: Principal = writer,
        mode: Mode = "replace",
        dry_run: Annotated[bool, Query(alias="dryRun")] = False,
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
        changed = await change(
            context_of(request),
            principal,
            entries,
            document_id,
            lambda old: added if mode == "replace" else merged(entries, old, added, ()),
            expected=expected,
            dry_run=dry_run,
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


def _add_export(entries: BankEntries[Any]) -> None:
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


_add_routes(StringEntries(), TextBankPatchBody)
_add_routes(LocationEntries(), LocationBankPatchBody)


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
