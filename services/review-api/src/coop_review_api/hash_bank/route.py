"""What hash banks hold, and what they would match.

    GET  /v1/hash-bank-sizes                     how many hashes each bank has
    GET  /v1/hash-banks/{id}/hashes              a page of them
    POST /v1/hash-banks/{id}/hashes              add hashes
    POST /v1/hash-banks/{id}/hashes/import       add those of a CSV file; the answer is its progress
    POST /v1/hash-banks/{id}/hashes/changes      disable, enable, remove
    POST /v1/hash-banks/{id}/files               add a file by its hashes
    POST /v1/hash-banks/{id}/media               add a medium that is shown in a job
    POST /v1/hash-matches, /v1/hash-matches/file which banks would match hashes, or a file

Guarantees: a bank that the organisation has no document of is not there; who changed what leaves an
audit row before it is asked of hma-bridge; adding is adding once, so that whatever failed can be
sent again; a file goes to the bridge, is hashed there, and is kept nowhere. A medium of child abuse
is added by who may see it, and that is on record as a look.
Must not: give the bridge an address.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.exceptions import HTTPException

from coop_contracts.hash_bank import (
    ADD_FILE,
    ADD_HASHES,
    CHANGE_HASHES,
    COUNT_HASHES,
    LIST_HASHES,
    MATCH_MEDIUM,
    MAX_HASHES,
    AddFile,
    AddHashes,
    BanksQuestion,
    ChangeHashes,
    HashesQuestion,
    MatchMedium,
)
from coop_contracts.permission import Permission
from coop_media.fault import MediaBusy, MediaFault
from coop_review_api.configuration.document_resource import HASH_BANK_RESOURCE
from coop_review_api.hash_bank import file as hash_file
from coop_review_api.hash_bank.bridge import HashBridge
from coop_review_api.hash_bank.medium_file import MediumFiles
from coop_review_api.hash_bank.upload import HashUploads
from coop_review_api.hash_bank.view import (
    FileAddedView,
    HashBankSizesView,
    HashBankSizeView,
    HashChangeBody,
    HashesAddedView,
    HashesBody,
    HashesChangedView,
    HashMatchBody,
    HashMatchView,
    HashPageView,
    HashView,
    ImportProgressView,
    MediumBody,
    Note,
)
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import JsonBody
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.page import Cursor, Limit, decode_number, encode_cursor
from coop_review_api.http.upload import Uploads
from coop_review_api.kernel import audit
from coop_review_api.kernel.error import Fault, Invalid, MediaUnavailable, ReviewError, Unavailable
from coop_review_api.kernel.principal import Principal
from coop_review_api.media.access import medium_of
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["hash banks"])

Reader = Annotated[Principal, Depends(HASH_BANK_RESOURCE.read)]
Writer = Annotated[Principal, Depends(HASH_BANK_RESOURCE.write)]
_adds_media = requires(Permission.VIEW_CHILD_SAFETY_DATA, Permission.MUTATE_LIVE_RULES)
MediumAdder = Annotated[Principal, Depends(_adds_media)]
BankId = Annotated[str, Path(max_length=128)]
NoteQuery = Annotated[Note, Query(description="What is noted beside each hash.")]

_hashes_body = JsonBody(HashesBody)
_change_body = JsonBody(HashChangeBody)
_medium_body = JsonBody(MediumBody)
_match_body = JsonBody(HashMatchBody)

_ANY_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_FILE: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/octet-stream": _ANY_FILE}}
}
_CSV: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"text/csv": _ANY_FILE}}
}


@router.get("/hash-bank-sizes", operation_id="listHashBankSizes", response_model=HashBankSizesView)
async def list_hash_bank_sizes(request: Request, principal: Reader) -> HashBankSizesView:
    """How many hashes each bank has."""
    told = await _bridge(request).ask(principal.org_id, COUNT_HASHES, BanksQuestion())
    banks = [
        HashBankSizeView(bank_id=one.bank_id, active=one.active, disabled=one.disabled)
        for one in told.banks
    ]
    return HashBankSizesView(banks=banks)


@router.get("/hash-banks/{bank_id}/hashes", operation_id="listHashes", response_model=HashPageView)
async def list_hashes(
    request: Request,
    principal: Reader,
    bank_id: BankId,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> HashPageView:
    """The bank's hashes, newest first."""
    await _check_bank(request, principal, bank_id)
    asked = HashesQuestion(bank_id=bank_id, before=decode_number(cursor), limit=limit)
    told = await _bridge(request).ask(principal.org_id, LIST_HASHES, asked)
    last = told.entries[-1].id if told.entries and told.more else None
    return HashPageView(
        items=[HashView.of(one) for one in told.entries],
        next_cursor=None if last is None else encode_cursor(last),
    )


@router.post(
    "/hash-banks/{bank_id}/hashes",
    operation_id="addHashes",
    response_model=HashesAddedView,
    openapi_extra=_hashes_body.openapi(),
)
async def add_hashes(
    request: Request,
    principal: Writer,
    bank_id: BankId,
    body: Annotated[HashesBody, Depends(_hashes_body)],
) -> HashesAddedView:
    """Add hashes that somebody has."""
    await _recorded(request, principal, bank_id, "hash-bank.extended", hashes=len(body.hashes))
    asked = AddHashes(
        bank_id=bank_id,
        hashes=tuple(hash_file.new_hash(one.hash, one.note) for one in body.hashes),
        source="HASHES",
        added_by=principal.user_id,
    )
    told = await _bridge(request).ask(principal.org_id, ADD_HASHES, asked)
    return HashesAddedView(added=told.added, known=told.known)


@router.post(
    "/hash-banks/{bank_id}/hashes/import",
    operation_id="importHashes",
    response_class=Response,
    openapi_extra=_CSV,
    responses={
        200: {
            "description": "A line for each step (ImportProgressView), the last with `finished`.",
            "content": {"application/jsonl": {"schema": {"type": "string"}}},
        }
    },
)
async def import_hashes(request: Request, principal: Writer, bank_id: BankId) -> Response:
    """Add the hashes of a CSV file. One with a fault changes nothing."""
    await _check_bank(request, principal, bank_id)
    _check_type(request, "text/csv")
    uploads = part_of(request, HashUploads)
    async with uploads.room():
        found = await asyncio.to_thread(hash_file.read, await uploads.received(request))
    if found.faulty:
        faults = [Fault(f"/{fault.line}", fault.reason) for fault in found.faults]
        if found.faulty > len(faults):
            faults.append(Fault("", f"and {found.faulty - len(faults)} more"))
        raise Invalid(faults)
    await _recorded(request, principal, bank_id, "hash-bank.extended", hashes=len(found))
    lines = _imported(_bridge(request), principal, bank_id, found)
    return StreamingResponse(lines, media_type="application/jsonl")


async def _imported(
    bridge: HashBridge, principal: Principal, bank_id: str, found: hash_file.HashFile
) -> AsyncIterator[bytes]:
    left = found.hashes()
    said = ImportProgressView(rows=len(found), done=0, added=0, known=0)
    while some := await asyncio.to_thread(lambda: tuple(islice(left, MAX_HASHES))):
        asked = AddHashes(bank_id=bank_id, hashes=some, source="FILE", added_by=principal.user_id)
        try:
            told = await bridge.ask(principal.org_id, ADD_HASHES, asked)
        except ReviewError as error:
            yield _line(said.model_copy(update={"error": str(error)}))
            return
        counted = {"done": said.done + len(some), "added": said.added + told.added}
        said = said.model_copy(update=counted | {"known": said.known + told.known})
        if said.done < said.rows:
            yield _line(said)
    yield _line(said.model_copy(update={"finished": True}))


def _line(said: ImportProgressView) -> bytes:
    return said.model_dump_json(by_alias=True).encode() + b"\n"


@router.post(
    "/hash-banks/{bank_id}/hashes/changes",
    operation_id="changeHashes",
    response_model=HashesChangedView,
    openapi_extra=_change_body.openapi(),
)
async def change_hashes(
    request: Request,
    principal: Writer,
    bank_id: BankId,
    body: Annotated[HashChangeBody, Depends(_change_body)],
) -> HashesChangedView:
    """Let hashes match again, match no more, or go."""
    changed = {"ids": body.ids, "state": body.state}
    await _recorded(request, principal, bank_id, "hash-bank.changed", **changed)
    asked = ChangeHashes(bank_id=bank_id, entry_ids=tuple(body.ids), state=body.state)
    told = await _bridge(request).ask(principal.org_id, CHANGE_HASHES, asked)
    return HashesChangedView(changed=told.changed)


@router.post(
    "/hash-banks/{bank_id}/files",
    operation_id="addFileHashes",
    response_model=FileAddedView,
    openapi_extra=_FILE,
)
async def add_file(
    request: Request, principal: Writer, bank_id: BankId, note: NoteQuery = ""
) -> FileAddedView:
    """Add a picture or a film by its hashes. The file itself is not kept."""
    await _check_bank(request, principal, bank_id)
    _check_type(request, "application/octet-stream")
    await _recorded(request, principal, bank_id, "hash-bank.extended", files=1)
    uploads = part_of(request, Uploads)
    async with uploads.room():
        content = await uploads.received(request)
        asked = AddFile(
            bank_id=bank_id, content=content, note=note, source="FILE", added_by=principal.user_id
        )
        told = await _bridge(request).ask(principal.org_id, ADD_FILE, asked)
    return FileAddedView.of(told)


@router.post(
    "/hash-banks/{bank_id}/media",
    operation_id="addMediumHashes",
    response_model=FileAddedView,
    openapi_extra=_medium_body.openapi(),
)
async def add_medium(
    request: Request,
    principal: MediumAdder,
    bank_id: BankId,
    body: Annotated[MediumBody, Depends(_medium_body)],
) -> FileAddedView:
    """Add a medium that I am shown, by its hashes: copies of it are found from now on."""
    await _check_bank(request, principal, bank_id)
    medium = await medium_of(context_of(request), principal, body.ref)
    detail = {"media": 1, "job": medium.job_id, "itemId": medium.item.id}
    await _recorded(request, principal, bank_id, "hash-bank.extended", **detail)
    try:
        content = await part_of(request, MediumFiles).content(medium)
    except MediaFault as fault:
        raise MediaUnavailable(
            fault.state, str(fault), retry_after=max(1, round(fault.retry_after))
        ) from None
    except MediaBusy as busy:
        raise Unavailable(str(busy), retry_after=busy.retry_after) from None
    asked = AddFile(
        bank_id=bank_id,
        content=content,
        note=body.note,
        source="JOB" if medium.job_id else "INVESTIGATION",
        added_by=principal.user_id,
    )
    return FileAddedView.of(await _bridge(request).ask(principal.org_id, ADD_FILE, asked))


@router.post(
    "/hash-matches",
    operation_id="matchHashes",
    response_model=HashMatchView,
    openapi_extra=_match_body.openapi(),
)
async def match_hashes(
    request: Request, principal: Reader, body: Annotated[HashMatchBody, Depends(_match_body)]
) -> HashMatchView:
    """Which banks would match a medium with these hashes."""
    if body.pdq is None and body.md5 is None:
        raise Invalid([Fault("", "give a pdq, an md5, or both")])
    asked = MatchMedium(pdq=body.pdq, md5=body.md5)
    told = await _bridge(request).ask(principal.org_id, MATCH_MEDIUM, asked)
    return HashMatchView.of(told)


@router.post(
    "/hash-matches/file",
    operation_id="matchFile",
    response_model=HashMatchView,
    openapi_extra=_FILE,
)
async def match_file(request: Request, principal: Reader) -> HashMatchView:
    """Which banks would match a file. It is not kept."""
    _check_type(request, "application/octet-stream")
    uploads = part_of(request, Uploads)
    async with uploads.room():
        asked = MatchMedium(content=await uploads.received(request))
        told = await _bridge(request).ask(principal.org_id, MATCH_MEDIUM, asked)
    return HashMatchView.of(told)


def is_upload(method: str, path: str) -> bool:
    """Whether a request's body is not read before its sender is known."""
    parts = path.split("/")[1:]
    if method != "POST" or parts[:1] != ["v1"]:
        return False
    if parts[1:] == ["hash-matches", "file"]:
        return True
    if len(parts) < 4 or parts[1] != HASH_BANK_RESOURCE.path:
        return False
    return parts[3:] in (["files"], ["hashes", "import"])


def _bridge(request: Request) -> HashBridge:
    return part_of(request, HashBridge)


def _check_type(request: Request, wanted: str) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != wanted:
        raise HTTPException(415, f"send {wanted}")


async def _check_bank(request: Request, principal: Principal, bank_id: str) -> None:
    """Raises `NotFound`."""
    async with transaction(context_of(request).engine) as connection:
        await HASH_BANK_RESOURCE.documents.read(connection, principal, bank_id)


async def _recorded(
    request: Request, principal: Principal, bank_id: str, action: str, **detail: Any
) -> None:
    """Raises `NotFound`."""
    context = context_of(request)
    documents = HASH_BANK_RESOURCE.documents
    async with transaction(context.engine) as connection:
        await documents.read(connection, principal, bank_id)
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action=action,
            target=(str(documents.kind), bank_id),
            detail=detail,
            time=context.clock(),
        )
