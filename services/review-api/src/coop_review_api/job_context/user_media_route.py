"""What a child-safety job's page shows of the user: all of their media, page by page.

    GET /v1/jobs/{id}/user-media

Guarantees: who may not see the job gets what they get for one that does not exist; a look leaves a
row in the audit log before anything is shown; no medium's address is in an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, NcmecSettings
from coop_contracts.event import ItemRef, SubmittedItem
from coop_contracts.permission import Permission
from coop_queues import store
from coop_queues.job import Job, JobKind
from coop_review_api.configuration.catalogue import load_documents
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.history.port import ItemFinder
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import Model
from coop_review_api.http.context import context_of
from coop_review_api.http.item_ref import ItemRefView
from coop_review_api.http.page import Cursor, Limit
from coop_review_api.investigation.paging_view import next_of, slice_of
from coop_review_api.kernel.error import Conflict
from coop_review_api.kernel.principal import Principal
from coop_review_api.media_value.reference import MediaReference, digest_of, signed
from coop_review_api.media_value.value import MediaValue, values_of
from coop_review_api.review import child_safety, user_media
from coop_review_api.review.desk import Desk, require_readable
from coop_review_api.review.user_media import MediumPlace, Seen
from coop_runtime.database.engine import transaction
from coop_runtime.secret.vault import Vault

router = APIRouter(prefix="/v1", tags=["jobs"])

Reviewer = Annotated[Principal, Depends(requires(Permission.VIEW_MRT))]


class UserMediumView(Model):
    """A medium of the user's: `item` and `pointer` are what a report names it by, `ref` is what
    `/v1/media/{ref}` is asked by. `isCarried`: it came with the job. `isSeen`: I saw the whole of
    it in this job."""

    ref: str
    item: ItemRefView
    pointer: str
    kind: Literal["IMAGE", "VIDEO", "AUDIO"] | None
    is_carried: bool
    is_seen: bool


class MediaRequirementView(Model):
    """`known` media there are, `looked` at are so many of them, `needed` have to be before the user
    is reported."""

    known: int
    looked: int
    needed: int


class UserMediaPage(Model):
    """`requirement`: on the first page."""

    items: list[UserMediumView]
    requirement: MediaRequirementView | None = None
    next_cursor: str | None = None


@router.get(
    "/jobs/{job_id}/user-media", operation_id="listJobUserMedia", response_model=UserMediaPage
)
async def list_job_user_media(
    request: Request, principal: Reviewer, job_id: str, limit: Limit = 50, cursor: Cursor = None
) -> UserMediaPage:
    """All media known of the user whom a child-safety job is about, as they are now: what the job
    came with, then what else they sent, the newest first. A page has up to `limit` items of those,
    each with all of its media."""
    context, part = context_of(request), slice_of(limit, cursor)
    desk = context.part(Desk)
    async with transaction(context.engine) as connection:
        summary = await store.get_summary(connection, principal.org_id, job_id)
        await require_readable(connection, principal, summary)
        if summary.kind is not JobKind.NCMEC:
            raise Conflict("only a job about child safety shows all media of its user")
        job = await store.load_job(connection, summary)
        await child_safety.viewed(connection, principal, ("job", job_id), now=context.clock())
        seen = await desk.seen.of(connection, principal, job_id)
        finder = await desk.finder.on(connection, principal.org_id)
        page = await finder.media_of(principal.org_id, summary.item, part)
        items = [user_media.submitted(one) for one in page.items]
        required = None if cursor else await _required(connection, finder, job, seen)
    shown = _Shown(context.vault, job, seen)
    return UserMediaPage(
        items=[*(() if cursor else shown.carried()), *shown.others(items)],
        requirement=required,
        next_cursor=next_of(page),
    )


async def _required(
    connection: AsyncConnection, finder: ItemFinder, job: Job, seen: Seen
) -> MediaRequirementView:
    wanted = [(Kind.NCMEC_SETTINGS, SETTINGS_ID)]
    documents = await load_documents(connection, job.summary.org_id, wanted)
    settings = documents.get(Kind.NCMEC_SETTINGS, NcmecSettings, SETTINGS_ID)
    known = user_media.known_media(job, await user_media.submissions_of(finder, job))
    minimum = None if settings is None else settings.minimum_media
    found = user_media.requirement(known, seen, minimum)
    return MediaRequirementView(known=found.known, looked=found.looked, needed=found.needed)


class _Shown:
    """Media as the page has them, each once: those that the job carries are there already."""

    def __init__(self, vault: Vault, job: Job, seen: Seen) -> None:
        self._vault, self._job, self._seen = vault, job, seen
        self._carried = user_media.known_media(job, ())

    def carried(self) -> Iterator[UserMediumView]:
        for place, medium in self._carried.items():
            yield self._view(place, medium.value, is_carried=True)

    def others(self, items: Sequence[SubmittedItem]) -> Iterator[UserMediumView]:
        for item in items:
            ref = ItemRef(id=item.id, type_id=item.type_id)
            for value in values_of(item.data):
                place = MediumPlace(ref, value.pointer)
                if place not in self._carried:
                    yield self._view(place, value, submission_id=item.submission_id or "")

    def _view(
        self,
        place: MediumPlace,
        value: MediaValue,
        *,
        is_carried: bool = False,
        submission_id: str = "",
    ) -> UserMediumView:
        summary, item = self._job.summary, place.item
        reference = MediaReference(
            job_id=summary.job_id,
            submission_id=submission_id,
            type_id=item.type_id,
            item_id=item.id,
            pointer=place.pointer,
            digest=digest_of(value.url),
        )
        return UserMediumView(
            ref=signed(self._vault, summary.org_id, reference),
            item=ItemRefView(id=item.id, type_id=item.type_id),
            pointer=place.pointer,
            kind=value.kind,
            is_carried=is_carried,
            is_seen=user_media.is_seen(self._seen, item, value.url),
        )
