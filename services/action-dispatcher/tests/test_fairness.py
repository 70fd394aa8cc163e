"""Whose turn it is."""

from __future__ import annotations

from itertools import islice

from coop_action_dispatcher.fairness import turns

ORGS = {1: "a", 2: "a", 3: "a", 4: "b"}


def test_organisations_have_turns_and_endpoints_in_them() -> None:
    """An organisation with three endpoints gets as much as one with one."""
    due = {1: [10, 11], 2: [20, 21], 3: [30], 4: [40, 41, 42]}
    chosen = list(islice(turns(due, ORGS, 0), 6))
    assert [ORGS[endpoint] for endpoint, _ in chosen] == ["a", "b", "a", "b", "a", "b"]
    assert [delivery for endpoint, delivery in chosen if ORGS[endpoint] == "a"] == [10, 20, 30]


def test_everything_has_its_turn_once() -> None:
    """Nothing is left out and nothing comes twice, in each endpoint's own order."""
    due = {1: [10, 11, 12, 13], 2: [], 4: [40]}
    chosen = list(turns(due, ORGS, 0))
    assert sorted(chosen) == [(1, 10), (1, 11), (1, 12), (1, 13), (4, 40)]
    assert [delivery for endpoint, delivery in chosen if endpoint == 1] == [10, 11, 12, 13]


def test_who_begins_changes() -> None:
    """With one slot a pass, all have it sometime."""
    due = {1: [10], 2: [20], 3: [30], 4: [40]}
    first = {next(turns(due, ORGS, start)) for start in range(12)}
    assert first == {(1, 10), (2, 20), (3, 30), (4, 40)}
