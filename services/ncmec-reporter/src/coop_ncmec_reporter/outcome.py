"""How a step of a report may end, but for well.

StepEnded
├── Later            not now: the same again, by the schedule of retries
├── NeedsPerson      nothing goes on before a person has looked
└── Paused           the credentials are refused: nothing of the organisation is filed
"""

from __future__ import annotations


class StepEnded(Exception):
    """The text is for people, and quotes nothing of the report."""


class Later(StepEnded):
    """`delay` in seconds, where the schedule does not say it; then it is no failure."""

    def __init__(self, text: str, *, delay: float | None = None) -> None:
        super().__init__(text)
        self.delay = delay


class NeedsPerson(StepEnded):
    """`resume` is the state to go on from once it was looked at."""

    def __init__(self, text: str, *, resume: str, code: int | None = None) -> None:
        super().__init__(text)
        self.resume = resume
        self.code = code


class Paused(StepEnded):
    """Once for all reports that wait."""

    def __init__(self, text: str, *, code: int | None) -> None:
        super().__init__(text)
        self.code = code
