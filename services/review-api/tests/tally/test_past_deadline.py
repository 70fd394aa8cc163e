"""Jobs past what was promised are counted: a notice's clock runs from the notice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from coop_queues.store import Ranking
from coop_review_api.tally.past_deadline import PastDeadline

pytestmark = pytest.mark.engines

TWO_DAYS = 48 * 60


def measured() -> tuple[float, float]:
    names = ("coop_review_jobs_past_deadline", "coop_review_past_deadline_seconds")
    jobs, seconds = (REGISTRY.get_sample_value(name) for name in names)
    assert jobs is not None
    assert seconds is not None
    return jobs, seconds


async def test_what_is_late_is_counted(
    admin: Any, context: Any, clock: Any, kit: Any, place: Any
) -> None:
    """From the deadline on, and for how long; what nobody promised anything for is never late."""
    type_id = (await admin.make("/v1/item-types", kit.item_type()))["id"]
    queue = (await admin.make("/v1/queues", {"name": "Removals", "openToEveryone": True}))["id"]
    watch = PastDeadline(context.engine, clock=clock)
    removal = Ranking(clocks={"removal": TWO_DAYS})
    await place(queue, type_id, ranking=removal, policy_ids=("removal",))
    await place(queue, type_id, ranking=removal)
    clock.forward(hours=47, minutes=55)
    await watch.look()
    before, _ = measured()
    clock.forward(minutes=10)
    await watch.look()
    late, seconds = measured()
    assert late == before + 1
    assert seconds >= timedelta(minutes=5).total_seconds()
