"""The route of the schema that reports are checked with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from coop_contracts.cybertip import SCHEMA_USED, SchemaQuestion, SchemaUsed, ServedSchema
from coop_ncmec_reporter import schema_watch
from coop_ncmec_reporter.api.context import context_of
from coop_runtime.database.engine import transaction
from coop_runtime.internal.call import PREFIX, OrgId, answer, asking, on

router = APIRouter(prefix=PREFIX, tags=["schema"])


@on(router, SCHEMA_USED)
async def schema_used(
    request: Request, org_id: OrgId, asked: Annotated[SchemaQuestion, asking(SCHEMA_USED)]
) -> Response:
    """The file that this process read, and what NCMEC served last: the same for everybody."""
    del org_id, asked
    context = context_of(request)
    ours = context.check.fingerprint
    async with transaction(context.engine) as connection:
        found = await schema_watch.served(connection, context.places)
    served = [
        ServedSchema(
            environment="PRODUCTION" if one.environment == "PRODUCTION" else "TEST",
            fingerprint=one.fingerprint,
            served_at=one.served_at,
            differs=None if ours is None else one.fingerprint != ours,
        )
        for one in found
        if one.fingerprint is not None and one.served_at is not None
    ]
    told = SchemaUsed(
        has_file=context.check.has_schema,
        version=context.check.version,
        fingerprint=ours,
        served=served,
    )
    return answer(SCHEMA_USED, told)
