"""The route of look-ups: which banks would match this."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from coop_contracts.hash_bank import MATCH_MEDIUM, MatchMedium, MediumMatched
from coop_hma_bridge import store
from coop_hma_bridge.api.context import context_of, when_ready
from coop_hma_bridge.api.entry import entry_of, hashes_of
from coop_hma_bridge.file_hash import FileHashes
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["look-ups"], dependencies=[Depends(when_ready)])


@on(router, MATCH_MEDIUM)
async def match_medium(
    request: Request, org_id: OrgId, asked: Annotated[MatchMedium, asking(MATCH_MEDIUM)]
) -> Response:
    """Of a file, or of hashes; whatever the banks' ratios are, if they are above 0."""
    context = context_of(request)
    if asked.content is not None:
        hashes = await hashes_of(context, asked.content)
    else:
        hashes = FileHashes(
            kind="IMAGE",
            media_type="",
            size=0,
            md5=(asked.md5 or "").lower(),
            sha256="",
            pdq=() if asked.pdq is None else (asked.pdq.lower(),),
        )
    banks = await context.matcher.match(org_id, hashes, seed="")
    ids = [int(one) for bank in banks for one in bank.signal_ids if one.isdecimal()]
    async with transaction(context.engine) as connection:
        found = {str(one.entry_id): one for one in await store.found(connection, org_id, ids)}
    told = MediumMatched(
        pdq=next(iter(hashes.pdq), None),
        md5=hashes.md5 or None,
        quality=hashes.quality,
        banks=list(banks),
        entries=[
            entry_of(bank.bank_id, found[one])
            for bank in banks
            for one in bank.signal_ids
            if one in found
        ],
    )
    return answer(MATCH_MEDIUM, told)
