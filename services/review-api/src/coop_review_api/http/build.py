"""Which build answers: a page that has another one is told to load itself again.

Must not: say anything of the machine that it was built on.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Self

from coop_review_api.http.console_file import BuiltConsole


@dataclass(frozen=True)
class Build:
    """`id` is another one when the console's files are, or the version of the API is."""

    id: str

    @classmethod
    def of(cls, console: BuiltConsole | None) -> Self:
        made = version("coop-review-api")
        return cls(made if console is None else f"{made}-{console.build}")
