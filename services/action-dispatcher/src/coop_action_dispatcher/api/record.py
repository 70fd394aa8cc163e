"""Routes of an organisation's records as a whole: how many there are, and their end; and of the
erasure of one of its end users."""

from __future__ import annotations

from typing import Annotated

from fastapi import Request
from fastapi.responses import Response
from redis.exceptions import RedisError

from coop_action_dispatcher.api.context import context_of
from coop_action_dispatcher.erasure import erase
from coop_action_dispatcher.org_record import RECORDS
from coop_contracts.dispatch import ERASE_USER, EraseUser
from coop_runtime.internal.call import OrgId, answer, asking, on
from coop_runtime.internal.records import records_router
from coop_runtime.process.error import Retryable

router = records_router(RECORDS, lambda request: context_of(request).engine)


@on(router, ERASE_USER)
async def erase_user(
    request: Request, org_id: OrgId, asked: Annotated[EraseUser, asking(ERASE_USER)]
) -> Response:
    """Empties what there is of a user, and says what is on its way still."""
    context = context_of(request)
    try:
        told = await erase(context.engine, context.redis, org_id, asked.erased, asked.items)
    except (RedisError, OSError) as error:
        raise Retryable("Redis does not answer") from error
    return answer(ERASE_USER, told)
