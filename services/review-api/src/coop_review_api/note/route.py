"""Notes on a user of the platform.

    GET, POST        /v1/users/{typeId}/{id}/notes
    PATCH, DELETE    /v1/users/{typeId}/{id}/notes/{noteId}

Guarantees: another organisation's notes are not there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from coop_contracts.event import ItemRef
from coop_contracts.permission import Permission
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Body, JsonBody, Model
from coop_review_api.http.context import context_of
from coop_review_api.http.page import Cursor, Limit, cut, decode_cursor
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.kernel.principal import Principal
from coop_review_api.note import store
from coop_review_api.note.store import MAX_TEXT, Note, NoteLimits
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["notes"])

_P = Permission

Reader = Annotated[Principal, Depends(requires(_P.VIEW_INVESTIGATION, _P.VIEW_MRT_DATA))]
Writer = Annotated[Principal, Depends(requires(_P.MANUALLY_ACTION_CONTENT, _P.VIEW_MRT_DATA))]
TypeId = Annotated[str, Path(max_length=512)]
UserId = Annotated[str, Path(max_length=512)]
NoteId = Annotated[str, Path(max_length=64)]


class NoteBody(Body):
    """What whoever decides about the user next should know."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S")]


class NoteView(Model):
    """`text` is null once the note was deleted; who did, and when, stays."""

    id: str
    author_id: str
    author: PersonBeside = None
    text: str | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    deleted_by: str | None
    deleted_by_person: PersonBeside = None


class NotePage(Model):
    """Newest first."""

    items: list[NoteView]
    next_cursor: str | None = None


_note_body = JsonBody(NoteBody)
SentNote = Annotated[NoteBody, Depends(_note_body)]


@router.get(
    "/users/{type_id}/{user_id:path}/notes", operation_id="listUserNotes", response_model=NotePage
)
async def list_user_notes(
    request: Request,
    principal: Reader,
    type_id: TypeId,
    user_id: UserId,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> NotePage:
    """What was noted on a user, newest first."""
    context, user = context_of(request), ItemRef(id=user_id, type_id=type_id)
    time, note_id = _parsed(cursor, context.clock())
    async with transaction(context.engine) as connection:
        await store.require(connection, principal, user, now=context.clock())
        found = await store.before(
            connection, principal.org_id, user, time=time, note_id=note_id, limit=limit + 1
        )
    page, next_cursor = cut(found, limit, lambda one: f"{one.created_at.isoformat()} {one.note_id}")
    return NotePage(items=[_view_of(one) for one in page], next_cursor=next_cursor)


@router.post(
    "/users/{type_id}/{user_id:path}/notes",
    operation_id="createUserNote",
    response_model=NoteView,
    status_code=201,
    openapi_extra=_note_body.openapi(),
)
async def create_user_note(
    request: Request, principal: Writer, type_id: TypeId, user_id: UserId, body: SentNote
) -> NoteView:
    """Write a note on a user."""
    context, user = context_of(request), ItemRef(id=user_id, type_id=type_id)
    async with transaction(context.engine) as connection:
        await store.require(connection, principal, user, now=context.clock())
        made = await store.write(
            connection,
            principal,
            user,
            body.text,
            limits=context.part(NoteLimits),
            now=context.clock(),
        )
    return _view_of(made)


@router.patch(
    "/users/{type_id}/{user_id:path}/notes/{note_id}",
    operation_id="editUserNote",
    response_model=NoteView,
    openapi_extra=_note_body.openapi(),
)
async def edit_user_note(
    request: Request,
    principal: Writer,
    type_id: TypeId,
    user_id: UserId,
    note_id: NoteId,
    body: SentNote,
) -> NoteView:
    """Change one's own note."""
    context, user = context_of(request), ItemRef(id=user_id, type_id=type_id)
    async with transaction(context.engine) as connection:
        await store.require(connection, principal, user, now=context.clock())
        changed = await store.edit(
            connection, principal, user, note_id, body.text, now=context.clock()
        )
    return _view_of(changed)


@router.delete(
    "/users/{type_id}/{user_id:path}/notes/{note_id}",
    operation_id="deleteUserNote",
    status_code=204,
)
async def delete_user_note(
    request: Request, principal: Writer, type_id: TypeId, user_id: UserId, note_id: NoteId
) -> Response:
    """Delete a note: one's own, or anybody's for who manages the organisation. Its words are gone;
    who deleted it and when stays."""
    context, user = context_of(request), ItemRef(id=user_id, type_id=type_id)
    async with transaction(context.engine) as connection:
        await store.require(connection, principal, user, now=context.clock())
        await store.remove(connection, principal, user, note_id, now=context.clock())
    return Response(status_code=204)


def _parsed(cursor: str | None, now: datetime) -> tuple[datetime, str]:
    """Raises `Invalid`."""
    position = decode_cursor(cursor)
    if position is None:
        return now + timedelta(days=1), ""
    time, _, note_id = position.partition(" ")
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid([Fault("#/query/cursor", "not a cursor of this list")])
    return found, note_id


def _view_of(note: Note) -> NoteView:
    return NoteView(
        id=note.note_id,
        author_id=note.author_id,
        text=note.text,
        created_at=note.created_at,
        edited_at=note.edited_at,
        deleted_at=note.deleted_at,
        deleted_by=note.deleted_by,
    )
