"""Faults by plan: what goes wrong at which call.

Guarantees: a plan is followed by counting calls from when it was made; the same plan does the same.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Endpoint = Literal["status", "xsd", "submit", "upload", "fileinfo", "finish", "retract"]
Deed = Literal[
    "delay", "drop", "status", "code", "truncate", "wrong-hash", "html", "unauthorized", "expire"
]
When = Literal["before", "after"]


class PlannedFault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault at the `nth` call of an endpoint, or at `every` so many-th.

    `when`: `before` the call has its effect, or `after`. `do`: wait `seconds`; `drop` the
    connection without an answer; answer with a `status` and a `body`, or with a `code`; half of the
    answer; another hash; a gateway's HTML; 401, without a body or with XML in `body`; the report is
    gone."""

    endpoint: Endpoint
    do: Deed
    nth: Annotated[int, Meta(ge=1)] | None = None
    every: Annotated[int, Meta(ge=1)] | None = None
    when: When = "before"
    seconds: Annotated[float, Meta(ge=0, le=600)] = 0
    status: Annotated[int, Meta(ge=200, le=599)] = 500
    code: int = 1000
    body: str = ""

    def is_at(self, call: int) -> bool:
        """Whether it is at this call of its endpoint, counted from 1."""
        return call == self.nth or (self.every is not None and call % self.every == 0)


class Plan:
    """The faults, and how far they are."""

    def __init__(self) -> None:
        self._faults: tuple[PlannedFault, ...] = ()
        self._calls: dict[str, int] = {}

    def set(self, faults: tuple[PlannedFault, ...]) -> None:
        """From now on; calls are counted anew."""
        self._faults, self._calls = faults, {}

    def next(self, endpoint: str) -> PlannedFault | None:
        """What goes wrong at this call."""
        number = self._calls[endpoint] = self._calls.get(endpoint, 0) + 1
        for fault in self._faults:
            if fault.endpoint == endpoint and fault.is_at(number):
                return fault
        return None
