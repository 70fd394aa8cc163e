"""Jobs and decisions of Coop's, whatever is in them."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from coop_queues.job import JobKind
from coop_queues.ranking import Ranking
from coop_review_api.moving.past_decision import decision_of
from coop_review_api.moving.review_job import CoopNames, UnreadableJob, job_of
from coop_review_api.review.decision import Component

from . import coop_history as old
from .coop_world import ACME, BEFORE, SINCE

NAMED = CoopNames(versions={"post": (BEFORE, SINCE)}, rules={"spam": "No spam"})

_ODD: tuple[Any, ...] = (
    *(None, True, 3, "", "x", "\x00", "x" * 3000),
    *([], [None], [3], ["x"], [[]], [{}], {}, {"id": 3}, {"id": "x"}, {"kind": []}),
)


def _whole() -> dict[str, Any]:
    made = old.job(
        old.WAITING,
        "p-1",
        reportHistory=[old.report("r-1", "u-1")],
        itemThreadContentItems=[old.item("before")],
        reportedItems=[{"id": "said", "typeId": "post"}],
        appealId="appeal",
        appealerIdentifier={"id": "u-1", "typeId": "user"},
        actionsTaken=["remove"],
    )
    made["enqueueSourceInfo"]["rules"] = ["spam"]
    return made


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, its own apart."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found = [(*at, key) for key, _ in inner]
    return found + [place for key, one in inner for place in _places(one, (*at, key))]


def _with(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = _with(value[at[0]], at[1:], new)
    return copy


@pytest.mark.parametrize("kind", JobKind)
def test_whatever_a_job_holds(kind: JobKind) -> None:
    """It is a job that can be placed, or one that is told to be unreadable; never an exception."""
    made = _whole()
    made["payload"]["kind"] = str(kind)
    read = 0
    for at, new in itertools.product(_places(made), _ODD):
        try:
            job = job_of(_with(made, at, new), NAMED)
        except UnreadableJob:
            continue
        placements = job.placements(ACME, "main", prefix="coop/1", note="", ranking=Ranking())
        assert len({one.entry.entry_id for one in placements}) == len(placements) > 0
        assert msgspec.json.encode([placements, job.rules])
        read += 1
    assert read > 100


def test_whatever_a_decision_holds() -> None:
    """What is kept of it can be read back; what cannot be kept is told. Columns that are no JSON
    are of their own types."""
    row = old.decided_row()
    places = [at for at in _places(row) if at[0] == "job_payload" or len(at) > 1]
    whole = {**row, "id": old.REMOVED, "created_at": old.DAY}
    read = 0
    for at, new in itertools.product(places, _ODD):
        try:
            made = decision_of(_with(whole, at, new), ACME, NAMED)
        except UnreadableJob:
            continue
        assert msgspec.convert(made.row["components"], tuple[Component, ...])
        assert all(old.TOLD not in said for said in made.differs)
        read += 1
    assert read > 100


def test_what_a_rule_asked_for_names_it() -> None:
    """By the name that the rule has in Coop."""
    made = _whole()
    made["enqueueSourceInfo"]["kind"] = "RULE_EXECUTION"
    job = job_of(made, NAMED)
    assert [(one.id, one.name) for one in job.rules] == [("spam", "No spam")]
    first, second = job.placements(ACME, "main", prefix="coop/1", note="", ranking=Ranking())
    assert (first.entry.source, first.entry.report) == ("RULE_EXECUTION", None)
    assert second.entry.report is not None
    assert second.entry.entry_id == "coop/1/r-1"


def test_a_version_that_coop_has_not_is_the_newest() -> None:
    """And that is said."""
    made = _whole()
    made["payload"]["item"]["itemTypeIdentifier"]["version"] = "2020-01-01T00:00:00.000000Z"
    job = job_of(made, NAMED)
    assert job.item.type_version == SINCE
    assert job.differs == ["an item is of a version of its type that Coop has not: the newest"]
