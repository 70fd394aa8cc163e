"""The routes of a configuration resource's revisions, the same for every kind.

    GET    /v1/<path>/{id}/revisions                 every revision, newest first
    GET    /v1/<path>/{id}/revisions/{n}             the document as it was
    GET    /v1/<path>/{id}/revisions/{n}/changes     what it changed (?since=: from another one)
    POST   /v1/<path>/{id}/revisions/{n}/restore     saves it as it was, as a new revision

Must not: decide anything; `configuration.revision` does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field, JsonValue

from coop_review_api.configuration.document_model import Stamped
from coop_review_api.configuration.resource import Resource, Written
from coop_review_api.configuration.revision import Revisions, as_json
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.etag import etag_of, expected_revision
from coop_review_api.http.page import Cursor, Limit
from coop_review_api.http.person_view import PersonBeside
from coop_review_api.http.route import IF_MATCH, add_route, model_of
from coop_review_api.kernel.principal import Principal
from coop_runtime.database.engine import transaction

_MAX = 2**63 - 1

Revision = Annotated[int, Path(ge=1, le=_MAX)]


class ChangeView(Model):
    """One change. `entries` is of a list that is compared as a set, such as the strings of a bank:
    `added` and `removed` are the first 1,000, the counts are whole."""

    op: Literal["add", "remove", "replace", "entries"]
    path: str
    old: JsonValue = None
    new: JsonValue = None
    added: list[str] = Field(default_factory=list)
    removed: list[str] = Field(default_factory=list)
    added_count: int = 0
    removed_count: int = 0


class ChangesView(Model):
    """From the revision `since` (null: there was none before) to `revision`."""

    since: int | None
    revision: int
    changes: list[ChangeView]


def revisions_model(view: type[Stamped]) -> Any:
    """The model of a page of revisions, newest first."""
    name = view.__name__.removesuffix("View")
    revision: Any = model_of(
        f"{name}Revision",
        "One revision; `document` is null when it was deleted, `changed` names the fields.",
        revision=(int, ...),
        author=(str, ...),
        author_person=(PersonBeside, None),
        author_email=(str | None, ...),
        time=(datetime, ...),
        document=(view | None, ...),
        changed=(list[str], ...),
    )
    cursor = (str | None, None)
    return model_of(
        f"{name}RevisionPage", "Newest first.", items=(list[revision], ...), next_cursor=cursor
    )


def add_revisions(router: APIRouter, resource: Resource[Any]) -> None:
    """Add the four routes."""
    _add_reading(router, resource)
    _add_comparing(router, resource)
    _add_restoring(router, resource)


def _add_reading(router: APIRouter, resource: Resource[Any]) -> None:
    revisions = Revisions(resource)
    model = revisions_model(resource.view)
    reader = Depends(resource.read)

    async def list_revisions(
        request: Request,
        document_id: str,
        limit: Limit = 50,
        cursor: Cursor = None,
        principal: Principal = reader,
    ) -> Any:
        items, next_cursor = await revisions.page(
            context_of(request), principal, document_id, limit, cursor
        )
        return model.model_validate({"items": items, "next_cursor": next_cursor})

    async def read_revision(
        request: Request, document_id: str, revision: Revision, principal: Principal = reader
    ) -> Any:
        return await revisions.read(context_of(request), principal, document_id, revision)

    all_of = f"/{resource.path}/{{document_id}}/revisions"
    noun = resource.noun
    add_route(router, all_of, list_revisions, "GET", f"list{noun}Revisions", model)
    add_route(
        router,
        f"{all_of}/{{revision}}",
        read_revision,
        "GET",
        f"get{noun}Revision",
        resource.view,
    )


def _add_comparing(router: APIRouter, resource: Resource[Any]) -> None:
    revisions = Revisions(resource)
    reader = Depends(resource.read)

    async def compare(
        request: Request,
        document_id: str,
        revision: Revision,
        since: Annotated[int | None, Query(ge=1, le=_MAX)] = None,
        principal: Principal = reader,
    ) -> ChangesView:
        before, changes = await revisions.compare(
            context_of(request), principal, document_id, revision, since
        )
        shown = [ChangeView.model_validate(change) for change in as_json(changes)]
        return ChangesView(since=before, revision=revision, changes=shown)

    path = f"/{resource.path}/{{document_id}}/revisions/{{revision}}/changes"
    add_route(router, path, compare, "GET", f"get{resource.noun}Changes", ChangesView)


def _add_restoring(router: APIRouter, resource: Resource[Any]) -> None:
    revisions = Revisions(resource)
    writer = Depends(resource.write)

    async def restore(
        request: Request,
        response: Response,
        document_id: str,
        revision: Revision,
        principal: Principal = writer,
        if_match: str | None = IF_MATCH,
    ) -> Any:
        context, expected = context_of(request), expected_revision(if_match)
        entry = await revisions.restore(
            context, principal, document_id, revision, expected=expected
        )
        response.headers["ETag"] = etag_of(entry.revision)
        async with transaction(context.engine) as connection:
            more = await resource.warnings(
                Written(
                    context=context,
                    connection=connection,
                    principal=principal,
                    document=entry.document,
                )
            )
        return resource.view_of(context, principal, entry, more)

    path = f"/{resource.path}/{{document_id}}/revisions/{{revision}}/restore"
    add_route(router, path, restore, "POST", f"restore{resource.noun}", resource.view)
