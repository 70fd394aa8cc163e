"""Bytes in flight are shared by organisation; slow bodies lose first."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from coop_ingest.in_flight import LEAST, PATIENCE, SLOW, Arrival, BytesInFlight

MIB = 1024 * 1024
BUDGET = 256 * MIB


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def stalled(flight: BytesInFlight, org_id: str, size: int, cut: Callable[[], None]) -> Arrival:
    arrival = flight.begin(org_id, cut)
    assert flight.hold_more(arrival, size)
    return arrival


def test_one_organisation_leaves_room_for_another() -> None:
    """88 stalled bodies of one key, of 3 MiB each, do not keep another's body out, at no time; nor
    can the one go on taking."""
    flight = BytesInFlight(BUDGET, now=Clock())
    held = 0
    for _ in range(88):
        arrival = flight.begin("hog", lambda: None)
        held += flight.hold_more(arrival, 3 * MIB)
        assert flight.hold("other", 10 * MIB)
        flight.release("other", 10 * MIB)
    assert 0 < held < 88
    assert flight.total <= BUDGET * 2 / 3 + 3 * MIB  # a body more than two thirds


def test_the_operators_weight_gives_more() -> None:
    """An organisation of weight 4 may hold more than one of weight 1, and still not all."""

    def most(weight: float) -> int:
        flight = BytesInFlight(BUDGET, now=Clock(), weights={"org": weight})
        return sum(flight.hold("org", MIB) for _ in range(300))

    assert most(1) < most(4) < BUDGET // MIB


def test_slow_bodies_of_ones_own_lose_first() -> None:
    """Who is at the limit with bodies that stand still gets room for one that moves; a body that
    arrives fast, or began just now, is not cut, nor is another organisation's."""
    clock, lost = Clock(), list[str]()
    flight = BytesInFlight(30 * MIB, now=clock)
    for name in ("slowest", "slow"):
        stalled(flight, "org", 4 * MIB if name == "slow" else LEAST, lambda n=name: lost.append(n))  # type: ignore[misc]
    stalled(flight, "other", LEAST, lambda: lost.append("other"))
    clock.seconds = 4 * MIB / SLOW + 1
    stalled(flight, "org", 13 * MIB, lambda: lost.append("fresh"))
    assert flight.hold("org", 10 * MIB)
    assert lost == ["slowest", "slow"]


def test_young_bodies_are_not_cut() -> None:
    """A body may be slow for `PATIENCE` seconds."""
    clock, lost = Clock(), list[int]()
    flight = BytesInFlight(LEAST, now=clock)
    stalled(flight, "a", 1, lambda: lost.append(1))
    clock.seconds = PATIENCE - 0.1
    assert not flight.hold("b", 1)
    clock.seconds = PATIENCE
    assert flight.hold("b", 1)
    assert lost == [1]


def test_many_that_send_one_byte_are_bounded() -> None:
    """Bodies that stand still count for more than they hold."""
    flight = BytesInFlight(BUDGET, now=Clock())
    taken = sum(flight.hold_more(flight.begin("hog", lambda: None), 1) for _ in range(10_000))
    assert taken <= BUDGET * 2 / 3 / LEAST + 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 3 * MIB))))
def test_what_is_taken_is_given_back(steps: list[tuple[str, int, int]]) -> None:
    """Whatever happens, the bound holds, and when all bodies are gone nothing is held."""
    clock = Clock()
    flight = BytesInFlight(8 * MIB, now=clock)
    held: list[tuple[str, int]] = []
    arriving: list[Arrival] = []
    for org_id, act, size in steps:
        clock.seconds += act
        if act == 0 and flight.hold(org_id, size):
            held.append((org_id, size))
        elif act in (1, 2):
            arriving.append(flight.begin(org_id, lambda: None))
            flight.hold_more(arriving[-1], size)
        elif act == 3 and arriving:
            flight.hold_more(arriving[-1], size)
        elif act == 4 and arriving:
            done = arriving.pop()
            if done.lost:
                flight.drop(done)
            else:
                flight.arrived(done)
                held.append((done.org_id, done.held))
        elif held:
            flight.release(*held.pop())
        assert flight.total <= 8 * MIB
    for one in arriving:
        flight.drop(one)
    for org_id, size in held:
        flight.release(org_id, size)
    assert flight.total == 0
