"""Reports to NCMEC: what became of each, what was sent, going on with those that need a person.

Guarantees: nobody sees one without the permission for child-safety data; who looked at which, at
its documents too, leaves an audit row before it is shown, and who confirmed what, before the
reporter is asked.
Must not: show a medium, or keep anything of a report.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from msgspec import to_builtins

from coop_contracts.cybertip import (
    CYBERTIP_DOCUMENT,
    GET_CYBERTIP,
    LIST_CYBERTIPS,
    RETRY_CYBERTIP,
    CybertipDocumentQuestion,
    CybertipProgress,
    CybertipQuestion,
    CybertipsQuestion,
    RetryCybertip,
)
from coop_contracts.permission import Permission
from coop_review_api.cybertip.reporter import CybertipReporter
from coop_review_api.cybertip.view import (
    CybertipDetailsView,
    CybertipDocumentView,
    CybertipPageView,
)
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody
from coop_review_api.http.context import context_of, part_of
from coop_review_api.http.page import Cursor, Limit, decode_cursor, wrapped
from coop_review_api.kernel import audit
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import child_safety
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["reports to NCMEC"])

Reader = Annotated[Principal, Depends(requires(Permission.VIEW_CHILD_SAFETY_DATA))]
CybertipId = Annotated[str, Path(pattern="^[A-Za-z0-9-]{1,64}$")]

KIND = "cybertip"


class CybertipRetryBody(Body):
    """What is confirmed: `further`, that the user was reported before; `withoutMedia`, that all
    media are gone."""

    further: bool = False
    without_media: bool = False


_retry_body = JsonBody(CybertipRetryBody)


@router.get("/cybertips", operation_id="listCybertips", response_model=CybertipPageView)
async def list_cybertips(
    request: Request,
    principal: Reader,
    limit: Limit = 50,
    cursor: Cursor = None,
    due: bool = False,
    progress: CybertipProgress | None = None,
) -> Any:
    """Reports to NCMEC, newest first; `due`: only those whose evidence was kept long enough;
    `progress`: only those that got so far."""
    context = context_of(request)
    asked = CybertipsQuestion(
        limit=limit, cursor=decode_cursor(cursor), due=due or None, progress=progress
    )
    found = await context.part(CybertipReporter).ask(principal.org_id, LIST_CYBERTIPS, asked)
    async with transaction(context.engine) as connection:
        ids = [one.id for one in found.cybertips]
        await child_safety.listed(connection, principal, KIND, ids, now=context.clock())
    return {"items": to_builtins(found.cybertips), "nextCursor": wrapped(found.next_cursor)}


@router.get(
    "/cybertips/{cybertip_id}", operation_id="getCybertip", response_model=CybertipDetailsView
)
async def get_cybertip(request: Request, principal: Reader, cybertip_id: CybertipId) -> Any:
    """One report, with its attempts."""
    await _viewed(request, principal, cybertip_id)
    asked = CybertipQuestion(cybertip_id=cybertip_id)
    found = await part_of(request, CybertipReporter).ask(principal.org_id, GET_CYBERTIP, asked)
    return to_builtins(found)


@router.get(
    "/cybertips/{cybertip_id}/documents/{what}",
    operation_id="getCybertipDocument",
    response_model=CybertipDocumentView,
)
async def get_cybertip_document(
    request: Request,
    principal: Reader,
    cybertip_id: CybertipId,
    what: Literal["document", "receipt"],
) -> Any:
    """The XML that was sent, or NCMEC's receipt."""
    await _viewed(request, principal, cybertip_id, what)
    asked = CybertipDocumentQuestion(cybertip_id=cybertip_id, what=what)
    reporter = part_of(request, CybertipReporter)
    return to_builtins(await reporter.ask(principal.org_id, CYBERTIP_DOCUMENT, asked))


@router.post(
    "/cybertips/{cybertip_id}/retry",
    operation_id="retryCybertip",
    response_model=CybertipDetailsView,
    openapi_extra=_retry_body.openapi(),
)
async def retry_cybertip(
    request: Request,
    principal: Reader,
    cybertip_id: CybertipId,
    body: Annotated[CybertipRetryBody, Depends(_retry_body)],
) -> Any:
    """Go on with a report that needs a person. What it is filed as stays what it is."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await audit.record(
            connection,
            org_id=principal.org_id,
            actor=principal.user_id,
            action="cybertip.retried",
            target=(KIND, cybertip_id),
            detail=body.model_dump(by_alias=True),
            time=context.clock(),
        )
    asked = RetryCybertip(
        cybertip_id=cybertip_id, further=body.further, without_media=body.without_media
    )
    reporter = context.part(CybertipReporter)
    return to_builtins(await reporter.ask(principal.org_id, RETRY_CYBERTIP, asked))


async def _viewed(
    request: Request, principal: Principal, cybertip_id: str, what: str | None = None
) -> None:
    context = context_of(request)
    async with transaction(context.engine) as connection:
        await child_safety.viewed(
            connection,
            principal,
            (KIND, cybertip_id),
            detail=None if what is None else {"document": what},
            now=context.clock(),
        )
