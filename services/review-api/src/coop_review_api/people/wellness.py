"""How media are shown to a person, on this API's wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from coop_review_api.http.body import Body


class WellnessBody(Body):
    """How media are veiled: `blurLevel` from 0 (not at all) to 6. Grayscale or sepia, not both."""

    mute_video: bool = True
    grayscale: bool = True
    sepia: bool = False
    blur_level: Annotated[int, Field(ge=0, le=6)] = 4
