"""How media are shown to a person, on this API's wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from coop_contracts.config import Wellness
from coop_review_api.http.body import Body


class WellnessBody(Body):
    """How media are veiled: `blurLevel` from 0 (the thinnest veil) to 6; grayscale or sepia, not
    both. `veilText`: words too. A lifted veil comes back after `veilAfter` seconds; a break is
    advised after `breakAfterReveals` graphic reveals, or `breakAfterMinutes` without a pause; 0 is
    never. Of these three a person's own can only be more careful than the organisation's."""

    mute_video: bool = True
    mute_audio: bool = True
    grayscale: bool = True
    sepia: bool = False
    blur_level: Annotated[int, Field(ge=0, le=6)] = 4
    veil_text: bool = False
    veil_after: Annotated[int, Field(ge=0, le=600)] = 20
    break_after_reveals: Annotated[int, Field(ge=0, le=1000)] = 0
    break_after_minutes: Annotated[int, Field(ge=0, le=480)] = 0


def stricter(own: Wellness | None, organisation: Wellness) -> Wellness:
    """What holds for a person: their own choice; breaks and how long a veil stays lifted as the
    organisation says, or more carefully."""
    if own is None:
        return organisation
    return Wellness(
        mute_video=own.mute_video,
        mute_audio=own.mute_audio,
        grayscale=own.grayscale,
        sepia=own.sepia,
        blur_level=own.blur_level,
        veil_text=own.veil_text,
        veil_after=_fewer(own.veil_after, organisation.veil_after),
        break_after_reveals=_fewer(own.break_after_reveals, organisation.break_after_reveals),
        break_after_minutes=_fewer(own.break_after_minutes, organisation.break_after_minutes),
    )


def _fewer(own: int, organisation: int) -> int:
    """The smaller number; 0 is none at all."""
    return min((one for one in (own, organisation) if one), default=0)
