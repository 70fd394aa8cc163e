"""Media on this API's wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from pydantic import Field

from coop_review_api.http.body import Body, Model
from coop_review_api.media.exposure import Day, Stretch
from coop_review_api.media.match import Match
from coop_review_api.media.medium import Facts


class MediaMatchView(Model):
    """A hash bank that has a medium, as was found at `matchedAt`; `bankName` is null where the bank
    is gone. `distance` is in bits: 0 of a file that is the same, null where it was not told.
    `knownGood`: the bank has what is harmless."""

    bank_id: str
    bank_name: str | None
    known_good: bool
    algorithm: str
    distance: int | None
    matched_at: datetime


class MediaFactsView(Model):
    """What is known of a medium. `state` says whether it can be shown; where it cannot, `reason`
    says why, and `retryAt` when it is worth asking again. Pixels are those of what is shown,
    upright; `duration` is in seconds; hashes are hexadecimal. `flashes`: whether a film flashes
    more than three times within a second, `flashesAt` seconds for the first time; UNKNOWN, where it
    is too long to be looked at whole or cannot be read; null until it was looked at. `changedAt`:
    since then its host sends another file than at first. `matches` are the hash banks that have it,
    the nearest first: none also where it was not looked for."""

    state: Literal["ok", "gone", "too-large", "not-media", "unreachable", "broken"]
    reason: str
    retry_at: datetime | None
    kind: Literal["IMAGE", "VIDEO", "AUDIO"] | None
    media_type: str | None
    width: int | None
    height: int | None
    duration: float | None
    is_moving: bool | None
    has_sound: bool | None
    flashes: Literal["YES", "NO", "UNKNOWN"] | None
    flashes_at: float | None
    bytes: int | None
    md5: str | None
    sha256: str | None
    fetched_at: datetime
    changed_at: datetime | None
    matches: list[MediaMatchView]


class RevealBody(Body):
    """What I choose to see, and for what: the job or the second review in which it was shown
    (`jobId`, `secondReviewId`), or an investigation."""

    stage: Literal["grey", "clear"]
    job_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    second_review_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    investigation: bool = False


class RevealView(Model):
    """`address` opens until `expiresAt`, to me in this session: with `&part=` and `&w=` as
    `/v1/media/{ref}` takes them, at this stage. Veil it again after `veilAfter` seconds (0: when it
    is left), and say so (`DELETE /v1/me/reveals/{id}`). `breakDue`: it is time for a break."""

    id: str
    address: str
    expires_at: datetime
    veil_after: int
    break_due: bool


class ExposureDayView(Model):
    """In UTC. `seconds` for which something was seen, as far as pages told."""

    day: date
    reveals: int
    graphic: int
    seconds: float


class StretchView(Model):
    """Since my last pause of ten minutes; `beganAt` is null while there is none."""

    began_at: datetime | None
    reveals: int
    graphic: int
    seconds: float


class ExposureView(Model):
    """What I saw unveiled. `breakDue`: it is time for a break, by the organisation's settings or
    by mine."""

    days: list[ExposureDayView]
    stretch: StretchView
    break_due: bool


class TeamDayView(ExposureDayView):
    """Of so many people together."""

    people: int


class TeamExposureView(Model):
    """Days on which at least `smallestGroup` people saw something unveiled; never one person."""

    days: list[TeamDayView]
    smallest_group: int


def facts_view(facts: Facts, matches: Sequence[Match]) -> MediaFactsView:
    return MediaFactsView(
        **msgspec.structs.asdict(facts),
        matches=[MediaMatchView(**msgspec.structs.asdict(one)) for one in matches],
    )


def exposure_view(days: list[Day], stretch: Stretch, *, break_due: bool) -> ExposureView:
    return ExposureView(
        days=[
            ExposureDayView(
                day=one.day, reveals=one.reveals, graphic=one.graphic, seconds=one.seconds
            )
            for one in days
        ],
        stretch=StretchView(**msgspec.structs.asdict(stretch)),
        break_due=break_due,
    )


def team_view(days: list[Day], smallest: int) -> TeamExposureView:
    return TeamExposureView(
        days=[TeamDayView(**msgspec.structs.asdict(one)) for one in days], smallest_group=smallest
    )
