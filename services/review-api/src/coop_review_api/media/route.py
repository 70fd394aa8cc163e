"""Media, veiled until somebody chooses otherwise.

    GET  /v1/media/{ref}?stage=&part=&w=&reveal=    a derivative; clear films and sounds by Range
    GET  /v1/media/{ref}/facts?flashes=             what it is
    POST /v1/media/{ref}/reveal                     an address that opens for a while

Guarantees: whoever may see the item sees the veiled stage; grey and clear need a reveal of the same
person, session, medium and stage; no byte of the platform's comes before that, and none of a
picture ever: what is shown of it is made anew. Bytes go out with their own type, for this origin
alone, and run nothing.
Must not: say where a medium lies.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from coop_contracts.config import Wellness
from coop_contracts.permission import Permission
from coop_media.fault import MediaBusy, MediaFault
from coop_media.stream import RangeRefused, wanted
from coop_review_api.configuration.org_settings import settings_of
from coop_review_api.http.authentication import requires
from coop_review_api.http.body import JsonBody
from coop_review_api.http.context import Context, context_of, part_of
from coop_review_api.kernel.error import Fault, Invalid, MediaUnavailable, NotFound, Unavailable
from coop_review_api.kernel.principal import Principal
from coop_review_api.media import exposure, reveal
from coop_review_api.media.access import medium_of
from coop_review_api.media.gallery import Gallery, Shown, Wish
from coop_review_api.media.match import matches_of
from coop_review_api.media.medium import Medium
from coop_review_api.media.view import MediaFactsView, RevealBody, RevealView, facts_view
from coop_review_api.media_value.reference import MAX_LENGTH
from coop_review_api.people import profile
from coop_review_api.people.wellness import stricter
from coop_runtime.database.engine import transaction

router = APIRouter(prefix="/v1", tags=["media"])

_looks = requires(Permission.VIEW_MRT, Permission.VIEW_INVESTIGATION)
Viewer = Annotated[Principal, Depends(_looks)]
Ref = Annotated[str, Path(max_length=MAX_LENGTH)]
StageQuery = Annotated[Literal["veiled", "grey", "clear"], Query(description="How it is shown.")]
PartQuery = Annotated[
    Literal["picture", "sheet", "stream", "captions"],
    Query(
        description="The picture (a film's poster, a sound's wave); frames beside each other; or, "
        "clear, a film or a sound to be played, and the words that it brings along as WebVTT: "
        "without cues where it brings none."
    ),
]

_reveal_body = JsonBody(RevealBody)

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_PLAYED: Final = (
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "video/ogg",
    "audio/mp4",
    "audio/webm",
    "audio/quicktime",
    "audio/ogg",
    "audio/mpeg",
    "audio/aac",
    "audio/wav",
    "audio/flac",
)
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The derivative.",
        "content": dict.fromkeys(("image/webp", "image/jpeg"), _BYTES)
        | {"text/vtt": {"schema": {"type": "string"}}},
    },
    206: {
        "description": "A piece of what is played; the rest by Range.",
        "content": dict.fromkeys(_PLAYED, _BYTES),
    },
    304: {"description": "It is what `If-None-Match` names."},
}
_HEADERS: Final = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Content-Disposition": "inline",
}


@router.get("/media/{ref}/facts", operation_id="getMediaFacts", response_model=MediaFactsView)
async def get_media_facts(
    request: Request,
    principal: Viewer,
    ref: Ref,
    flashes: Annotated[
        bool,
        Query(
            description="Look at all of a film first, where nobody did: whether it flashes. That "
            "takes seconds; after 25 it goes on, and is known when it is asked for again."
        ),
    ] = False,
) -> MediaFactsView:
    """What a medium is: its size, length, hashes, and which hash banks have it; or why it cannot be
    shown. It is fetched for that, where nobody did before."""
    context = context_of(request)
    medium = await medium_of(context, principal, ref)
    gallery = part_of(request, Gallery)
    try:
        facts = await (gallery.flashes(medium) if flashes else gallery.facts(medium))
    except MediaBusy as busy:
        raise Unavailable(str(busy), retry_after=busy.retry_after) from None
    async with transaction(context.engine) as connection:
        matches = await matches_of(connection, medium.org_id, medium.item_key, medium.value_key)
    return facts_view(facts, matches)


@router.post(
    "/media/{ref}/reveal",
    operation_id="revealMedia",
    response_model=RevealView,
    openapi_extra=_reveal_body.openapi(),
)
async def reveal_media(
    request: Request,
    principal: Viewer,
    ref: Ref,
    body: Annotated[RevealBody, Depends(_reveal_body)],
) -> RevealView:
    """Choose to see it. It is counted for me; of child-abuse material it is in the audit log."""
    context, now = context_of(request), context_of(request).clock()
    medium = await medium_of(context, principal, ref)
    _check_purpose(medium, body)
    try:
        facts = await part_of(request, Gallery).facts(medium)
    except MediaBusy as busy:
        raise Unavailable(str(busy), retry_after=busy.retry_after) from None
    wellness = await _wellness(context, principal)
    async with transaction(context.engine) as connection:
        lifted = await reveal.lift(
            connection,
            principal,
            medium,
            reference=ref,
            stage=body.stage,
            is_played=facts.kind in ("VIDEO", "AUDIO"),
            veil_after=wellness.veil_after,
            now=now,
        )
        stretch = await exposure.stretch_of(connection, principal, now)
    return RevealView(
        id=lifted.reveal_id,
        address=f"/v1/media/{quote(ref)}?stage={body.stage}&reveal={lifted.reveal_id}",
        expires_at=lifted.expires_at,
        veil_after=wellness.veil_after,
        break_due=exposure.is_due(stretch, wellness, now),
    )


def _check_purpose(medium: Medium, body: RevealBody) -> None:
    """Raises `Invalid` where it is not for what the medium was shown in."""
    named = (body.job_id is not None, body.second_review_id is not None, body.investigation)
    if sum(named) != 1:
        raise Invalid([Fault("/jobId", "the job, the second review, or investigation: one")])
    # Who decides again is not told which job it is.
    job_id = None if medium.second_review_id else medium.job_id
    if (body.job_id, body.second_review_id) != (job_id, medium.second_review_id):
        raise NotFound("no such medium")


@router.get(
    "/media/{ref}",
    operation_id="getMedia",
    response_class=Response,
    responses=_ANSWERS,
)
async def get_media(
    request: Request,
    principal: Viewer,
    ref: Ref,
    stage: StageQuery = "veiled",
    part: PartQuery = "picture",
    w: Annotated[int, Query(ge=16, le=8192, description="Pixels, at most.")] = 320,
    reveal_id: Annotated[
        str | None, Query(alias="reveal", max_length=64, description="Of grey and clear.")
    ] = None,
    asked: Annotated[str | None, Header(alias="Range", max_length=100)] = None,
) -> Response:
    """A medium as it is shown: veiled to whoever may see the item, as strongly as their wellness
    settings say; grey and clear after a reveal."""
    context = context_of(request)
    medium = await medium_of(context, principal, ref)
    if stage != "veiled":
        async with transaction(context.engine) as connection:
            await reveal.check(
                connection,
                principal,
                reveal_id or "",
                reference=ref,
                stage=stage,
                now=context.clock(),
            )
    gallery = part_of(request, Gallery)
    if part in ("stream", "captions") and stage != "clear":
        raise Invalid([Fault("#/query/part", "only clear media can be played")])
    try:
        if part == "captions":
            return _answer(await gallery.captions(medium), is_kept=False)
        if part == "stream":
            return await _played(gallery, medium, asked)
        wellness = Wellness() if stage != "veiled" else await _wellness(context, principal)
        wish = Wish(
            stage=stage, part=part, width=w, veil=wellness.blur_level, grey=wellness.grayscale
        )
        shown = await gallery.show(medium, wish)
    except MediaFault as fault:
        raise MediaUnavailable(
            fault.state, str(fault), retry_after=max(1, round(fault.retry_after))
        ) from None
    except MediaBusy as busy:
        raise Unavailable(str(busy), retry_after=busy.retry_after) from None
    return _answer(shown, is_kept=stage == "veiled" and not medium.is_grave)


async def _wellness(context: Context, principal: Principal) -> Wellness:
    async with transaction(context.engine) as connection:
        settings = await settings_of(connection, principal.org_id)
        own = await profile.read(connection, principal.user_id)
    return stricter(own.wellness, settings.default_wellness)


def _answer(shown: Shown, *, is_kept: bool) -> Response:
    """`is_kept`: a browser may keep it, if it asks each time (`http.conditional`)."""
    headers = dict(_HEADERS)
    if is_kept:
        tag = hashlib.blake2s(shown.content, digest_size=12).hexdigest()
        headers["ETag"] = f'"{tag}"'
    return Response(shown.content, media_type=shown.media_type, headers=headers)


async def _played(gallery: Gallery, medium: Medium, asked: str | None) -> Response:
    first, last = wanted(asked)
    try:
        facts, piece = await gallery.piece(medium, first, last)
    except RangeRefused as refused:
        raise HTTPException(
            416, "there are no such bytes", headers={"Content-Range": f"bytes */{refused.total}"}
        ) from None
    return Response(
        piece.content,
        status_code=206,
        media_type=facts.media_type,
        headers={
            **_HEADERS,
            "Accept-Ranges": "bytes",
            "Content-Range": f"bytes {piece.first}-{piece.last}/{piece.total}",
        },
    )
