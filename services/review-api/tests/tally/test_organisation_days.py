"""What organisations use, by day: the view that operators share out costs by."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text

from coop_contracts.ids import new_id
from coop_review_api.tally.keeper import TallyKeeper

from .test_tally import BEGIN, fact, write

pytestmark = pytest.mark.engines

_DEPLOY = Path(__file__).parents[4] / "deploy"
_ROLE = _DEPLOY / "observability" / "usage-reader.sql"
_DASHBOARD = _DEPLOY / "helm" / "coop" / "files" / "dashboards" / "coop-use.json"
# As Grafana writes it out.
_TIME_FILTER = re.compile(r"\$__timeFilter\((\S+)\)")


def _statements() -> list[str]:
    panels = json.loads(_DASHBOARD.read_text())["panels"]
    asked = [target["rawSql"] for panel in panels for target in panel.get("targets", ())]
    return [
        _TIME_FILTER.sub(r"\1 BETWEEN now() - interval '30 days' AND now()", one) for one in asked
    ]


async def _days(engine: Any, org_id: str) -> dict[Any, int]:
    async with engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT day, units FROM review.organisation_days"
                " WHERE org_id = :org_id AND figure = 'decisions'"
            ),
            {"org_id": org_id},
        )
        return {row.day: int(row.units) for row in found}


async def test_each_fact_is_its_day_once(engine: Any) -> None:
    """However many values it is split by, whether its week is over or not, taken back or not; and
    of the organisation alone."""
    dice = random.Random(4)
    org_id, other = new_id(), new_id()
    facts = [fact(org_id, dice) for _ in range(150)]
    await write(engine, [*facts, *(fact(other, dice) for _ in range(20))])
    expected = Counter(one.time.date() for one in facts)
    assert await _days(engine, org_id) == expected
    await TallyKeeper(engine, clock=lambda: BEGIN + timedelta(days=16)).keep()
    assert await _days(engine, org_id) == expected
    late = [fact(org_id, dice) for _ in range(30)]  # also of weeks that are seasons' by now
    await write(engine, late)
    expected += Counter(one.time.date() for one in late)
    assert await _days(engine, org_id) == expected


def test_its_reader_reads_nothing_else(review_admin_url: str) -> None:
    """The role of the file: what the dashboard asks, and no table, not even those that the view
    reads."""
    conninfo = make_url(review_admin_url).set(drivername="postgresql")
    with psycopg.connect(
        conninfo.render_as_string(hide_password=False), autocommit=True
    ) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN"
            " ('pg_catalog', 'information_schema')"
        ).fetchall()
        connection.execute(_ROLE.read_bytes())
        try:
            connection.execute("SET ROLE coop_usage")
            statements = _statements()
            for statement in statements:
                connection.execute(statement.encode())
            for table in tables:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(
                        sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(*table))
                    )
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP OWNED BY coop_usage")
            connection.execute("DROP ROLE coop_usage")
    assert len(tables) > 20
    assert len(statements) == 5
