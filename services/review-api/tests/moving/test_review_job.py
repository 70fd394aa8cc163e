"""Jobs and decisions of Coop's, whatever is in them."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from coop_queues.job import JobKind
from coop_queues.ranking import Ranking
from coop_review_api.moving.past_decision import decision_of
from coop_review_api.moving.review_job import Named, Unreadable, job_of
from coop_review_api.review.decision import Component

from . import coop_history as old
from .coop_world import ACME, BEFORE, SINCE

NAMED = Named(versions={"post": (BEFORE, SINCE)}, rules={"spam": "No spam"})

_leaves = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)
_odd = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
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


@given(at=st.sampled_from(_places(_whole())), new=_odd, kind=st.sampled_from(list(JobKind)))
def test_whatever_a_job_holds(at: tuple[Any, ...], new: Any, kind: JobKind) -> None:
    """It is a job that can be placed, or one that is told to be unreadable; never an exception."""
    made = _whole()
    made["payload"]["kind"] = str(kind)
    try:
        job = job_of(_with(made, at, new), NAMED)
    except Unreadable:
        return
    placements = job.placements(ACME, "main", prefix="coop/1", note="", ranking=Ranking())
    assert len({one.entry.entry_id for one in placements}) == len(placements) > 0
    assert msgspec.json.encode([placements, job.rules])


_JSON = [at for at in _places(old.decided_row()) if at[0] == "job_payload" or len(at) > 1]
"""The places that are no column of its own type."""


@given(at=st.sampled_from(_JSON), new=_odd)
def test_whatever_a_decision_holds(at: tuple[Any, ...], new: Any) -> None:
    """What is kept of it can be read back; what cannot be kept is told."""
    row = {**old.decided_row(), "id": old.REMOVED, "created_at": old.DAY}
    row = _with(row, at, new)
    with contextlib.suppress(Unreadable):
        made = decision_of(row, ACME, NAMED)
        components = msgspec.convert(made.row["components"], tuple[Component, ...])
        assert components
        assert all(old.TOLD not in said for said in made.differs)


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
