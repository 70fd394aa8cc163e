"""Rounds of work, and what an outage does to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from coop_runtime.process.error import Retryable
from coop_runtime.process.interval import at_intervals, in_batches


async def test_an_outage_postpones_a_round_and_ends_nothing() -> None:
    """What fails for a while is done again; a defect ends it, so that somebody sees it."""
    done = 0

    async def work() -> None:
        nonlocal done
        done += 1
        if done == 1:
            raise Retryable("away")
        if done == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(5):
            await at_intervals(work, 0.0, postponed="nothing is done now")
    assert done == 3


@pytest.mark.parametrize(("left", "rounds"), [(0, 1), (3, 1), (4, 2), (9, 3)])
async def test_batches_end_with_the_first_that_is_not_full(left: int, rounds: int) -> None:
    """Of what is left, four at a time."""
    taken: list[int] = []
    take: Callable[[], Any] = lambda: min(4, left - sum(taken))  # noqa: E731

    async def work() -> int:
        taken.append(take())
        return taken[-1]

    await in_batches(work, 4)
    assert (sum(taken), len(taken)) == (left, rounds)
