"""Drafts: what I have entered for a job, so that a closed page or a lost lease loses nothing.

Guarantees: everybody sees their own alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, JsonValue

from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import part_of
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import draft as store
from coop_review_api.review.desk import Desk

router = APIRouter(prefix="/v1", tags=["review"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class DraftBody(Body):
    """`content` is the page's own, at most 65,536 bytes as JSON."""

    content: Annotated[dict[str, JsonValue], Field(max_length=1000)]


class DraftView(Model):
    """A decision that was refused with 409 is kept as `{components, reason, note}`."""

    job_id: str
    content: dict[str, Any]
    saved_at: datetime
    expires_at: datetime


_draft_body = JsonBody(DraftBody)


@router.put(
    "/jobs/{job_id}/draft",
    operation_id="putJobDraft",
    response_model=DraftView,
    openapi_extra=_draft_body.openapi(),
)
async def put_draft(
    request: Request,
    principal: Reviewer,
    job_id: str,
    body: Annotated[DraftBody, Depends(_draft_body)],
) -> DraftView:
    """Keep what I have entered so far, in place of what I kept before. It lasts seven days."""
    desk = part_of(request, Desk)
    kept = await store.save(desk.engine, principal, job_id, body.content, now=desk.clock)
    return draft_view(kept)


@router.get("/jobs/{job_id}/draft", operation_id="getJobDraft", response_model=DraftView)
async def get_draft(request: Request, principal: Reviewer, job_id: str) -> DraftView:
    """What I kept for this job."""
    desk = part_of(request, Desk)
    return draft_view(await store.find(desk.engine, principal, job_id, now=desk.clock))


@router.delete("/jobs/{job_id}/draft", operation_id="deleteJobDraft", status_code=204)
async def delete_draft(request: Request, principal: Reviewer, job_id: str) -> Response:
    """Forget what I kept for this job."""
    await store.discard(part_of(request, Desk).engine, principal, job_id)
    return Response(status_code=204)


def draft_view(kept: store.Kept) -> DraftView:
    return DraftView(
        job_id=kept.job_id,
        content=kept.content,
        saved_at=kept.saved_at,
        expires_at=kept.expires_at,
    )
