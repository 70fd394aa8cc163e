"""The share of each endpoint."""

from __future__ import annotations

from coop_action_dispatcher.slot import Slots


def test_one_endpoint_gets_no_more_than_its_share() -> None:
    """A full endpoint leaves the other slots to others."""
    slots = Slots(total=5, per_endpoint=2)
    assert [slots.take("slow") for _ in range(4)] == [True, True, False, False]
    assert slots.take("fast")
    assert slots.left_by_endpoint() == {"slow": 0, "fast": 1}


def test_all_endpoints_together_get_no_more_than_the_total() -> None:
    """The total bounds what is under way, and memory with it."""
    slots = Slots(total=3, per_endpoint=2)
    assert [slots.take(str(n)) for n in range(4)] == [True, True, True, False]
    slots.give("1")
    assert slots.free == 1
    assert slots.take("9")


def test_endpoints_without_a_slot_are_forgotten() -> None:
    """Counts of endpoints that are done take no memory."""
    slots = Slots(total=3, per_endpoint=2)
    slots.take("a")
    slots.give("a")
    assert slots.left_by_endpoint() == {}
