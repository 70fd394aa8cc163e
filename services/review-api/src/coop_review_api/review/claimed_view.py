"""A claim as it is answered, with the job's context where it is asked for (`include=context`).

Guarantees: the context is the answer of `GET /v1/jobs/{id}/context`, made by the same; a claim
never fails because of it: it is null where it cannot be had, and can be asked for again.
Must not: know how a context is made: that slice stands above, and is handed in (`ClaimContexts`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Query, Request

from coop_queues.error import QueueError
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of, part_of
from coop_review_api.kernel.error import ReviewError
from coop_review_api.kernel.principal import Principal
from coop_review_api.review.desk import HandedOut
from coop_review_api.review.job_view import ClaimView, claim_view
from coop_runtime.process.error import Retryable
from coop_runtime.process.log import logger

Include = Annotated[
    Literal["context"] | None,
    Query(description="`context`: with all that is around the job, as its context has it."),
]

_log = logger("coop.review_api.review")


@dataclass(frozen=True)
class ClaimContexts:
    """Makes the context of a job for who claimed it."""

    of: Callable[[Request, Principal, str], Awaitable[Model]]


async def claimed_view(
    request: Request, principal: Principal, handed_out: HandedOut, include: Include
) -> ClaimView:
    """The claim, and what was asked for with it."""
    shown = claim_view(handed_out.claim, handed_out.origins, context_of(request).vault)
    if include is None:
        return shown
    try:
        found = await part_of(request, ClaimContexts).of(request, principal, shown.job.id)
    except (ReviewError, QueueError, Retryable) as error:
        _log.warning("a claim is answered without its context", reason=str(error))
        return shown
    return shown.model_copy(update={"context": found})
