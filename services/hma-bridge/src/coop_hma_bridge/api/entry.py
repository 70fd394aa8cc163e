"""Routes of the entries of banks: how many, which, more, fewer.

Guarantees: an entry that is added here is matched by this process when the answer is given, and by
the others within `COOP_HASH_FOLLOW` seconds and a little.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from coop_contracts.hash_bank import (
    ADD_FILE,
    ADD_HASHES,
    CHANGE_HASHES,
    COUNT_HASHES,
    LIST_HASHES,
    AddFile,
    AddHashes,
    BankSize,
    BankSizes,
    BanksQuestion,
    ChangeHashes,
    FileAdded,
    HashEntry,
    HashesAdded,
    HashesChanged,
    HashesQuestion,
    HashPage,
    NewHash,
)
from coop_hma_bridge import store
from coop_hma_bridge.api.context import Context, context_of, when_ready
from coop_hma_bridge.entry import ACTIVE, DISABLED, HASH_BYTES, REMOVED
from coop_hma_bridge.file_hash import FileHashes
from coop_hma_bridge.store import Entry, NewEntry
from coop_media.fault import MediaBusy, MediaFault
from coop_media.file import MediaFile
from coop_media.form import HEAD, form_of
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on
from coop_runtime.process.error import Retryable

router = APIRouter(prefix=PREFIX, tags=["hash banks"], dependencies=[Depends(when_ready)])

_STATES = {"ACTIVE": ACTIVE, "DISABLED": DISABLED, "REMOVED": REMOVED}


@on(router, COUNT_HASHES)
async def count_hashes(
    request: Request, org_id: OrgId, asked: Annotated[BanksQuestion, asking(COUNT_HASHES)]
) -> Response:
    """How large the banks are."""
    del asked
    async with transaction(context_of(request).engine) as connection:
        found = await store.counts(connection, org_id)
    banks = [
        BankSize(bank_id=bank_id, active=one.active, disabled=one.disabled)
        for bank_id, one in found.items()
    ]
    return answer(COUNT_HASHES, BankSizes(banks=banks))


@on(router, LIST_HASHES)
async def list_hashes(
    request: Request, org_id: OrgId, asked: Annotated[HashesQuestion, asking(LIST_HASHES)]
) -> Response:
    """A page of a bank."""
    async with transaction(context_of(request).engine) as connection:
        found = await store.listed(
            connection, org_id, asked.bank_id, before=asked.before, most=asked.limit + 1
        )
    page = [entry_of(asked.bank_id, one) for one in found[: asked.limit]]
    return answer(LIST_HASHES, HashPage(entries=page, more=len(found) > asked.limit))


@on(router, ADD_HASHES)
async def add_hashes(
    request: Request, org_id: OrgId, asked: Annotated[AddHashes, asking(ADD_HASHES)]
) -> Response:
    """Hashes that somebody has."""
    entries = await asyncio.to_thread(lambda: [_new(one) for one in asked.hashes])
    added = await _add(
        context_of(request), org_id, asked.bank_id, entries, source=asked.source, by=asked.added_by
    )
    return answer(ADD_HASHES, HashesAdded(added=added, known=len(entries) - added))


@on(router, ADD_FILE)
async def add_file(
    request: Request, org_id: OrgId, asked: Annotated[AddFile, asking(ADD_FILE)]
) -> Response:
    """The hashes of a file."""
    context = context_of(request)
    found = await hashes_of(context, asked.content)
    entries = [NewEntry("pdq", bytes.fromhex(bits), asked.note) for bits in found.pdq[:1]]
    entries.append(NewEntry("md5", bytes.fromhex(found.md5), asked.note))
    added = await _add(
        context, org_id, asked.bank_id, entries, source=asked.source, by=asked.added_by
    )
    told = FileAdded(
        added=added,
        known=len(entries) - added,
        pdq=next(iter(found.pdq), None),
        md5=found.md5,
        quality=found.quality,
    )
    return answer(ADD_FILE, told)


@on(router, CHANGE_HASHES)
async def change_hashes(
    request: Request, org_id: OrgId, asked: Annotated[ChangeHashes, asking(CHANGE_HASHES)]
) -> Response:
    """Entries that are to match again, to rest, or to go."""
    context = context_of(request)
    ids = [int(one) for one in asked.entry_ids if one.isdecimal() and len(one) < 19]
    async with transaction(context.engine) as connection:
        changed = await store.set_state(
            connection, org_id, asked.bank_id, ids, _STATES[asked.state]
        )
    await context.follower.look()
    return answer(CHANGE_HASHES, HashesChanged(changed=changed))


async def hashes_of(context: Context, content: bytes) -> FileHashes:
    """Of a file that was sent. Refuses with 422 what is no medium, or cannot be read."""
    form = form_of(content[:HEAD])
    if form is None:
        raise HTTPException(422, "it is no picture, film or sound that can be read")
    with MediaFile(form) as file:
        await asyncio.to_thread(file.write, content)
        try:
            return await context.hasher.of_file(file)
        except MediaFault as fault:
            raise HTTPException(422, str(fault)) from None
        except MediaBusy as busy:
            raise Retryable(str(busy)) from None


async def _add(
    context: Context,
    org_id: str,
    bank_id: str,
    entries: Sequence[NewEntry],
    *,
    source: str,
    by: str,
) -> int:
    async with transaction(context.engine) as connection:
        added = await store.add(connection, org_id, bank_id, entries, source=source, by=by)
    await context.follower.look()
    return added


def _new(one: NewHash) -> NewEntry:
    found = bytes.fromhex(one.hash)
    if len(found) != HASH_BYTES[one.algorithm]:
        raise HTTPException(422, f"body/hashes: not the length of {one.algorithm}")
    return NewEntry(one.algorithm, found, one.note)


def entry_of(bank_id: str, entry: Entry) -> HashEntry:
    """The entry on the wire."""
    return HashEntry(
        id=str(entry.entry_id),
        bank_id=bank_id,
        algorithm=entry.algorithm,
        hash=entry.hash.hex(),
        state="ACTIVE" if entry.state == ACTIVE else "DISABLED",
        note=entry.note,
        source=entry.source,
        added_by=entry.added_by,
        added_at=entry.added_at,
    )
