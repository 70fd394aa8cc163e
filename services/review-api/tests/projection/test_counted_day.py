"""Hashes of counted evaluations go with their day, once nothing more comes to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from coop_review_api.projection.evaluated import KEPT_FOR
from coop_review_api.projection.handler import Projection
from coop_review_api.projection.partition import COUNTED, DAY, Partitions
from coop_review_api.projection.retention import RetentionKeeper
from coop_review_api.projection.table import evaluation_windows
from coop_runtime.database.engine import transaction

from ..world.clock import Clock
from .test_projection import evaluated, received

pytestmark = pytest.mark.engines


async def test_days_of_counted_evaluations_go(engine: Any, org: Any, clock: Clock) -> None:
    """Day after day something is counted: of what is over neither partitions nor what is known of
    them stay; what comes again for a day that is gone is not counted anew."""
    partitions = Partitions(engine)
    projection = Projection(engine, partitions, clock=clock, retention=timedelta(days=30))
    keeper = RetentionKeeper(
        engine,
        partitions,
        clock=clock,
        window=timedelta(hours=6),
        retention=timedelta(days=30),
        every=60,
    )
    began = clock()
    first = received(evaluated(org.org_id, "submission-0", clock()))
    for day in range(8):
        event = evaluated(org.org_id, f"submission-{day}", clock())
        await projection.evaluated([first if day == 0 else received(event)])
        await keeper.keep()
        starts = await partitions.starts(COUNTED)
        async with transaction(engine) as connection:
            known = set(await connection.scalars(select(evaluation_windows.c.start)))
        oldest = COUNTED.start_of(clock() - KEPT_FOR) - DAY
        assert COUNTED.start_of(clock()) in starts
        assert COUNTED.start_of(clock()) in known
        # (Other tests of this database have days of their own.)
        assert [one for one in starts if COUNTED.start_of(began) <= one < oldest] == []
        assert [one for one in known if COUNTED.start_of(began) <= one < oldest] == []
        clock.forward(days=1)
    assert COUNTED.start_of(began) not in await partitions.starts(COUNTED)

    async def counted() -> int:
        query = text(
            "SELECT coalesce(sum(one), 0) FROM review.tally_keys k JOIN review.tallies t"
            " USING (key_id), unnest(t.counts) AS one"
            " WHERE k.org_id = :org AND k.figure = 'evaluations'"
        )
        async with transaction(engine) as connection:
            return int(await connection.scalar(query, {"org": org.org_id}) or 0)

    before = await counted()
    assert before >= 8
    await projection.evaluated([first])
    assert await counted() == before
