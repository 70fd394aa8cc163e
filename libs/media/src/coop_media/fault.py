"""Why a medium cannot be shown.

    ok            it can
    gone          its host says that it is no longer there
    too-large     in bytes, in pixels, or for the decoder's memory or time
    not-media     its first bytes are those of nothing that is shown here
    unreachable   its host cannot be reached, is late, refuses, or sends us elsewhere
    broken        it begins like a picture, a film or a sound, and cannot be read as one

Must not: quote what a host answered.
"""

from __future__ import annotations

from typing import Literal

State = Literal["ok", "gone", "too-large", "not-media", "unreachable", "broken"]

_RETRY: dict[str, float] = {  # seconds; what a platform can put right is asked for again
    "unreachable": 30.0,
    "gone": 3600.0,
    "too-large": 3600.0,
    "not-media": 600.0,
    "broken": 600.0,
}


class MediaFault(Exception):
    """`str(error)` is a sentence for people; `retry_after` are seconds until it is worth asking
    again. `heard`: whether the host said something; None where it was not asked. `passes`: it may
    be over in seconds."""

    def __init__(
        self,
        state: State,
        reason: str,
        *,
        retry_after: float | None = None,
        heard: bool | None = True,
        passes: bool = False,
    ) -> None:
        super().__init__(reason)
        self.heard = heard
        self.passes = passes
        self.state: State = state
        self.retry_after = _RETRY[state] if retry_after is None else retry_after


class MediaBusy(Exception):
    """All places are taken: ask again in `retry_after` seconds."""

    def __init__(self, retry_after: int = 2) -> None:
        super().__init__("others are looking at media: try again in a moment")
        self.retry_after = retry_after
