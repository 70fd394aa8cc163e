"""Comments on a job's item: seen on every job of that item, the past ones too.

Guarantees: who may not see the job gets what they get for one that does not exist.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Permission
from coop_queues import store as queues
from coop_queues.job import JobSummary
from coop_review_api.comment import store
from coop_review_api.comment.store import MAX_BODY, MAX_MENTIONS, Comment, CommentLimits
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PeopleBeside, PersonBeside
from coop_review_api.kernel.principal import Principal
from coop_review_api.review import desk
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["comments"])

_reviews = requires(Permission.VIEW_MRT)
Reviewer = Annotated[Principal, Depends(_reviews)]

Words = Annotated[str, Field(min_length=1, max_length=MAX_BODY, pattern=r"\S")]
Mentions = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=MAX_MENTIONS)
]


class CommentBody(Body):
    """`mentions` are the ids of people who are told of it; in `body` a page shows `@{id}` as their
    name."""

    body: Words
    mentions: Mentions = Field(default_factory=list)


class CommentPatchBody(Body):
    """What is given changes."""

    body: Words | None = None
    mentions: Mentions | None = None


class CommentView(Model):
    """`jobId` is the job of the item that it was written on."""

    id: str
    job_id: str
    author_id: str
    author: PersonBeside = None
    body: str
    mentions: list[str]
    mentions_people: PeopleBeside = Field(default_factory=list)
    created_at: datetime
    edited_at: datetime | None


class CommentPage(Model):
    """Oldest first."""

    items: list[CommentView]
    next_cursor: str | None = None


_comment_body = JsonBody(CommentBody)
_patch_body = JsonBody(CommentPatchBody)


@router.get("/jobs/{job_id}/comments", operation_id="listJobComments", response_model=CommentPage)
async def list_job_comments(
    request: Request, principal: Reviewer, job_id: str, limit: Limit = 50, cursor: Cursor = None
) -> CommentPage:
    """What was written about the job's item, oldest first."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        found = await store.page(
            connection,
            principal,
            await _job(connection, principal, job_id),
            after=decode_cursor(cursor),
            limit=limit,
            now=context.clock(),
        )
    page, next_cursor = cut(found, limit, lambda one: one.comment_id)
    return CommentPage(items=[view_of(one) for one in page], next_cursor=next_cursor)


@router.post(
    "/jobs/{job_id}/comments",
    operation_id="createJobComment",
    response_model=CommentView,
    status_code=201,
    openapi_extra=_comment_body.openapi(),
)
async def create_job_comment(
    request: Request,
    principal: Reviewer,
    job_id: str,
    body: Annotated[CommentBody, Depends(_comment_body)],
) -> CommentView:
    """Write a comment. Who is mentioned must be able to see the job."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        made = await store.write(
            connection,
            principal,
            await _job(connection, principal, job_id),
            body=body.body,
            mentions=body.mentions,
            mail=context.settings.mail_server is not None,
            limits=context.part(CommentLimits),
            now=context.clock(),
        )
    return view_of(made)


@router.patch(
    "/jobs/{job_id}/comments/{comment_id}",
    operation_id="editJobComment",
    response_model=CommentView,
    openapi_extra=_patch_body.openapi(),
)
async def edit_job_comment(
    request: Request,
    principal: Reviewer,
    job_id: str,
    comment_id: str,
    body: Annotated[CommentPatchBody, Depends(_patch_body)],
) -> CommentView:
    """Change one's own comment. `editedAt` says that it was changed."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        changed = await store.edit(
            connection,
            principal,
            await _job(connection, principal, job_id),
            comment_id,
            body=body.body,
            mentions=body.mentions,
            mail=context.settings.mail_server is not None,
            now=context.clock(),
        )
    return view_of(changed)


@router.delete(
    "/jobs/{job_id}/comments/{comment_id}", operation_id="deleteJobComment", status_code=204
)
async def delete_job_comment(
    request: Request, principal: Reviewer, job_id: str, comment_id: str
) -> Response:
    """Delete one's own comment, from any job of the item."""
    context = context_of(request)
    async with transaction(context.engine) as connection:
        job = await _job(connection, principal, job_id)
        await store.remove(connection, principal, job, comment_id, now=context.clock())
    return Response(status_code=204)


async def _job(connection: AsyncConnection, principal: Principal, job_id: str) -> JobSummary:
    """The job, if this person may see it. Raises JobNotFound."""
    summary = await queues.get_summary(connection, principal.org_id, job_id)
    await desk.require_readable(connection, principal, summary)
    return summary


def view_of(comment: Comment) -> CommentView:
    return CommentView(
        id=comment.comment_id,
        job_id=comment.job_id,
        author_id=comment.author_id,
        body=comment.body,
        mentions=list(comment.mentions),
        created_at=comment.created_at,
        edited_at=comment.edited_at,
    )
