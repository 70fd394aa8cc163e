"""What was counted is the same before and after its tables change their form."""

from __future__ import annotations

import random
from datetime import timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from coop_contracts.ids import new_id
from coop_review_api.tally.bucket import buckets_of
from coop_review_api.tally.keeper import TallyKeeper
from coop_review_api.tally.reader import TallyQuestion, TallyReader

from .test_tally import BEGIN, DAYS, fact, write

pytestmark = pytest.mark.engines

_TO_WEEKS = """
    WITH taken AS (DELETE FROM review.tallies t USING review.tally_keys k
                    WHERE t.key_id = k.key_id AND k.org_id = :org AND t.day BETWEEN :first AND :last
                RETURNING t.key_id, t.day, t.counts)
    INSERT INTO review.tally_weeks (key_id, day, counts)
    SELECT key_id, CAST(:first AS date), array_agg(units ORDER BY place)
      FROM (SELECT keys.key_id, n.place, sum(CASE
                       WHEN t.day - CAST(:first AS date) < (n.place - 1) / 96 THEN t.counts[96]
                       WHEN t.day - CAST(:first AS date) = (n.place - 1) / 96
                       THEN t.counts[(n.place - 1) % 96 + 1] ELSE 0 END) AS units
              FROM (SELECT DISTINCT key_id FROM taken) AS keys
             CROSS JOIN generate_series(1, 672) AS n (place) JOIN taken t USING (key_id)
             GROUP BY 1, 2) AS sums
     GROUP BY 1
"""


# What reads the tables goes before them, and comes after.
_MIGRATIONS = ("0025_seasons", "0038_organisation_days")


def _run(connection: Connection, way: str) -> None:
    names = _MIGRATIONS if way == "upgrade" else reversed(_MIGRATIONS)
    with Operations.context(MigrationContext.configure(connection)):
        for name in names:
            getattr(import_module(f"coop_review_api.migrations.versions.{name}"), way)()


async def test_weeks_become_seasons_and_seasons_days(engine: Any, owner_engine: Any) -> None:
    """Down: every number is a day's; up, with a week that was over: every number is there, and
    stays when the days go into their season."""
    org_id = new_id()
    dice = random.Random(11)
    await write(engine, [fact(org_id, dice) for _ in range(200)])
    await TallyKeeper(engine, clock=lambda: BEGIN + timedelta(days=16)).keep()
    question = TallyQuestion(
        org_id=org_id,
        figure="decisions",
        buckets=buckets_of(BEGIN, BEGIN + timedelta(days=DAYS), "HOUR", ZoneInfo("Asia/Kathmandu")),
        group_by=("POLICY",),
        grave=True,
    )
    monday = BEGIN.date() + timedelta(days=3)
    async with owner_engine.connect() as connection:
        before = await TallyReader().read(connection, question)
        await connection.run_sync(_run, "downgrade")
        in_days = await connection.scalar(
            text(
                "SELECT count(*) FROM review.tallies t JOIN review.tally_keys k USING (key_id)"
                " WHERE k.org_id = :org AND k.split = '' AND t.day < :monday"
            ),
            {"org": org_id, "monday": monday},
        )
        assert in_days > 0
        week = {"org": org_id, "first": monday, "last": monday + timedelta(days=6)}
        await connection.execute(text(_TO_WEEKS), week)
        await connection.run_sync(_run, "upgrade")
        assert before
        assert await TallyReader().read(connection, question) == before
        await connection.rollback()
