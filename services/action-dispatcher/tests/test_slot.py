"""Slots: what is under way is bounded, and hogs leave room."""

from __future__ import annotations

import pytest

from coop_action_dispatcher.slot import Slots


def fill(slots: Slots, endpoints: int, *, org: str = "o") -> list[int]:
    """Lets endpoints take, one after the other, until none gets any more; what each has."""
    taken = [0] * endpoints
    while True:
        before = sum(taken)
        for endpoint_id in range(endpoints):
            taken[endpoint_id] += slots.take(org, endpoint_id)
        if sum(taken) == before:
            return taken


def test_one_endpoint_gets_no_more_than_its_limit() -> None:
    """An endpoint alone has at most its fixed limit."""
    slots = Slots(total=256, per_endpoint=64)
    assert fill(slots, 1) == [64]


def test_all_together_get_no_more_than_the_total() -> None:
    """The total bounds what is under way, and memory with it."""
    slots = Slots(total=8, per_endpoint=8, endpoint_share=1e9, org_share=1e9)
    assert sum(fill(slots, 20)) == 8
    assert slots.free == 0
    assert not slots.take("o", 99)


@pytest.mark.parametrize("hogs", [1, 2, 5, 10, 40])
def test_hogs_leave_room_for_whoever_comes(hogs: int) -> None:
    """However many endpoints hold all they get, about alike, one that comes finds a slot."""
    slots = Slots(total=256, per_endpoint=64)
    taken = fill(slots, hogs)
    assert max(taken) - min(taken) <= 1
    assert slots.free >= 256 / 3
    assert slots.take("o", 1000)
    assert slots.take("another", 1001)


def test_an_organisation_leaves_room_for_others() -> None:
    """The endpoints of one organisation together leave a third of all slots."""
    slots = Slots(total=256, per_endpoint=64, endpoint_share=1e9)
    taken = sum(fill(slots, 100))
    assert taken <= 172
    assert slots.take("another", 1000)


def test_what_is_given_back_is_free_again() -> None:
    """Slots are neither lost nor multiplied."""
    slots = Slots(total=10, per_endpoint=10)
    taken = fill(slots, 3)
    for endpoint_id, count in enumerate(taken):
        for _ in range(count):
            slots.give("o", endpoint_id)
    assert (slots.used, slots.free) == (0, 10)
    assert fill(slots, 3) == taken


def test_room_is_what_can_be_taken_at_most() -> None:
    """`room` never promises less than `take` then gives."""
    slots = Slots(total=64, per_endpoint=16)
    room = slots.room("o", 1)
    assert 0 < fill(slots, 2)[1] <= room
