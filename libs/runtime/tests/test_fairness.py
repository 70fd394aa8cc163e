"""Processor time is shared by weight, and what an organisation sent stays in its order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from coop_runtime.process.fairness import Lines, PortionDone, ProcessorShares, ShareLimits

COST = 0.01


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Worker:
    """Works portions off on a clock of its own; an entry is (organisation, number)."""

    def __init__(self, *, weights: dict[str, float] | None = None, portion: float = COST) -> None:
        self.clock = Clock()
        known = weights or {}
        self.shares = ProcessorShares(
            ShareLimits(rate=0.25, burst=0.1), lambda org: known.get(org, 1.0), now=self.clock
        )
        self.done: list[tuple[str, int]] = []
        self.error: Exception | None = None
        self.settlements: list[asyncio.Future[None]] = []
        self.cost: Callable[[str], float] = lambda _: COST
        self.lines: Lines[tuple[str, int]] = Lines(
            self.work, self.shares, max_entries=1000, max_size=10_000, portion=portion
        )

    async def work(self, entries: Sequence[tuple[str, int]]) -> PortionDone:
        if self.error is not None:
            raise self.error
        seconds = sum(self.cost(org) for org, _ in entries)
        self.clock.seconds += seconds
        self.done += entries
        settlement = self.settlements.pop(0) if self.settlements else None
        return PortionDone(seconds, settlement)

    def join(self, org: str, count: int, *, first: int = 0) -> asyncio.Future[None]:
        return self.lines.join(org, [((org, first + n), 1) for n in range(count)])

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110 - whatever the condition is
            await asyncio.sleep(0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.lines.run())
        try:
            async with asyncio.timeout(5):
                yield
        finally:
            task.cancel()
            await asyncio.wait([task])


def test_a_share_is_used_up_and_earned_again() -> None:
    """An organisation is over its share once it used its burst, and no longer once it earned it."""
    clock = Clock()
    shares = ProcessorShares(ShareLimits(rate=0.25, burst=0.1), lambda _: 1.0, now=clock)
    shares.charge("a", 0.1)
    assert not shares.over("a")
    shares.charge("a", 0.05)
    assert shares.over("a")
    assert not shares.over("b")
    clock.seconds = 0.21
    assert not shares.over("a")


def test_rivals_are_those_who_had_work_lately() -> None:
    """Somebody alone has no rival; who had work ten seconds ago is none."""
    clock = Clock()
    shares = ProcessorShares(ShareLimits(), lambda _: 1.0, now=clock)
    shares.charge("a", 1)
    assert not shares.rivals("a")
    shares.charge("b", 0.001)
    assert shares.rivals("a")
    clock.seconds = 11
    assert not shares.rivals("a")


async def test_each_organisations_entries_stay_in_order() -> None:
    """Portions interleave organisations; within one the order is that of joining."""
    worker = Worker(portion=3 * COST)
    groups = [worker.join(org, 40, first=40 * n) for n in range(2) for org in "abc"]
    async with worker.running():
        await asyncio.gather(*groups)
    for org in "abc":
        assert [n for o, n in worker.done if o == org] == list(range(80))
    assert not worker.lines.waits("a")


async def test_a_long_line_delays_nobody() -> None:
    """Whoever joins while another's line is long is served next, and then half of the time."""
    worker = Worker()
    flood = worker.join("flood", 500)
    async with worker.running():
        await worker.until(lambda: len(worker.done) >= 50)
        before = len(worker.done)
        await worker.join("small", 10)
        assert len(worker.done) - before <= 22
        await flood


async def test_time_counts_not_entries() -> None:
    """Who has entries that cost ten times as much gets a tenth as many."""
    worker = Worker()
    worker.cost = lambda org: COST * (10 if org == "heavy" else 1)
    both = [worker.join("heavy", 100), worker.join("light", 500)]
    async with worker.running():
        await worker.until(lambda: worker.clock.seconds >= 4)
        heavy = sum(org == "heavy" for org, _ in worker.done)
        assert heavy * 10 == pytest.approx(len(worker.done) - heavy, rel=0.2)
        await asyncio.gather(*both)


async def test_weight_counts() -> None:
    """An organisation of weight 3 gets three times the time."""
    worker = Worker(weights={"big": 3.0})
    both = [worker.join("big", 500), worker.join("plain", 500)]
    async with worker.running():
        await worker.until(lambda: len(worker.done) >= 200)
        big = sum(org == "big" for org, _ in worker.done)
        assert big == pytest.approx(150, abs=5)
        await asyncio.gather(*both)


async def test_a_group_is_done_when_its_results_are_kept() -> None:
    """Worked off is not done: the settlement of the last portion is waited for."""
    worker = Worker(portion=10)
    kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    worker.settlements.append(kept)
    group = worker.join("a", 1)
    async with worker.running():
        await worker.until(lambda: bool(worker.done))
        await asyncio.sleep(0)
        assert not group.done()
        kept.set_result(None)
        await group


async def test_a_failure_is_told_to_those_whose_it_is() -> None:
    """An error of the work ends its group with it; the lines go on."""
    worker = Worker()
    worker.error = ValueError("x")
    async with worker.running():
        with pytest.raises(ValueError, match="x"):
            await worker.join("a", 1)
        worker.error = None
        await worker.join("a", 1)


async def test_what_nobody_waits_for_is_left_out() -> None:
    """Entries whose group was cancelled are not worked off, and give their room back."""
    worker = Worker()
    worker.join("a", 100).cancel()
    async with worker.running():
        await worker.join("a", 1, first=500)
    assert worker.done == [("a", 500)]
    assert worker.lines.backlog == (0, 0)


async def test_lines_are_bounded() -> None:
    """With the lines full there is no room until some of them is worked off."""
    worker = Worker()
    flood = worker.join("a", 1000)
    room = asyncio.create_task(worker.lines.room())
    await asyncio.sleep(0.01)
    assert not room.done()
    async with worker.running():
        await room
        await flood
