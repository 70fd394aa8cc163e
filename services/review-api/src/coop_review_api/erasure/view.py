"""Erasures on this API's wire: how far one is, what went, what stayed and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from coop_contracts.stored import days_of_topics
from coop_review_api.http.body import Model
from coop_review_api.http.person_view import PersonBeside

ErasureState = Literal["RUNNING", "COMPLETE"]


class ErasedKindView(Model):
    """So many rows of this kind were deleted, emptied, or renamed."""

    kind: str
    rows: int


class StayedView(Model):
    """`items` is how many, where that is known; of child safety, to those who may see it."""

    kind: str
    items: int | None
    why: str


class ErasureSummaryView(Model):
    """`total` users, of whom `done` are finished. `error` says why it could not go on the last
    time; it is tried again. Nothing that came until `createdAt` is kept."""

    id: str
    state: ErasureState
    reason: str | None
    requested_by: str
    requested_by_person: PersonBeside = None
    created_at: datetime
    finished_at: datetime | None
    total: int
    done: int
    error: str | None


class ErasureView(ErasureSummaryView):
    """The report. `waiting` webhooks are on their way still."""

    waiting: int
    erased: list[ErasedKindView]
    stayed: list[StayedView]


class ErasurePage(Model):
    items: list[ErasureSummaryView]
    next_cursor: str | None = None


class ErasedUserView(Model):
    """One user, by who stands in for them: their own id is not said again. ERASED_ONCE: everything
    there was is gone; what was on its way then is looked for once more, at `dueAt`. `grave` items
    are about child safety: null for who may not see such."""

    position: int
    type_id: str
    stand_in: str
    state: Literal["WAITING", "ERASING", "ERASED_ONCE", "DONE"]
    due_at: datetime | None
    erased: list[ErasedKindView]
    waiting: int
    grave: int | None


class ErasedUserPage(Model):
    items: list[ErasedUserView]
    next_cursor: str | None = None


_CHILD_SAFETY: Final = (
    "evidence of child abuse: the law obliges to keep it; for those with the permission alone"
)


def _stayed(grave: int | None) -> list[StayedView]:
    stays: list[tuple[str, int | None, str]] = [
        ("child safety", grave, _CHILD_SAFETY),
        (
            "decisions",
            None,
            "the bare fact (what was decided, by whom, when, on which item) under the stand-in's"
            " name, without reason and note: it can be disputed",
        ),
        (
            "strikes",
            None,
            "under a hash of the user's id and the stand-in's name: they count where the same id"
            " comes back",
        ),
        ("requested actions", None, "the bare fact, under the stand-in's name, without note"),
        ("audit log", None, "who of the organisation's people did what: append-only and chained"),
        (
            "numbers of jobs",
            None,
            "under a hash of the item's id: a later job must not have an earlier one's id",
        ),
        (
            "topics",
            None,
            f"a log is not rewritten: its events are gone after {days_of_topics()} days, and what"
            " is read of it again comes empty",
        ),
    ]
    return [StayedView(kind=kind, items=items, why=why) for kind, items, why in stays]


def summary_view(row: Any) -> ErasureSummaryView:
    return ErasureSummaryView(**_summary(row))


def erasure_view(
    row: Any, counts: Mapping[str, int], *, waiting: int, grave: int | None
) -> ErasureView:
    """`grave`: None for who may not see such."""
    return ErasureView(
        **_summary(row), waiting=waiting, erased=_kinds(counts), stayed=_stayed(grave)
    )


def user_view(row: Any, *, child_safety: bool) -> ErasedUserView:
    state: Literal["WAITING", "ERASING", "ERASED_ONCE", "DONE"] = "ERASING"
    if row.step == "DONE":
        state = "DONE"
    elif row.step == "COLLECTING":
        state = "WAITING" if row.round == 0 else "ERASED_ONCE"
    return ErasedUserView(
        position=row.position,
        type_id=row.type_id,
        stand_in=row.stand_in,
        state=state,
        due_at=None if row.step == "DONE" else row.due_at,
        erased=_kinds(row.counts),
        waiting=row.waiting,
        grave=row.grave if child_safety else None,
    )


def _kinds(counts: Mapping[str, int]) -> list[ErasedKindView]:
    return [ErasedKindView(kind=kind, rows=count) for kind, count in sorted(counts.items())]


def _summary(row: Any) -> dict[str, Any]:
    return {
        "id": row.erasure_id,
        "state": row.state,
        "reason": row.reason,
        "requested_by": row.requested_by,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "total": row.total,
        "done": row.done,
        "error": row.error,
    }
