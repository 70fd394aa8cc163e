"""What the benchmark of the overview counts: tallies as fifty million actions a year leave them.

An organisation with 60 rules, 12 actions, 40 policies, 5 sources, 4 item types, 8 queues and 25
reviewers. Its splits have as many keys as that gives (271); what is counted whole has one for every
way in which these come together: 600 for actions, 900 for decisions, every fourth of which happens
on a given day. How many rows that is does not depend on how often each thing happens: two years are
weeks that are over, and the days since.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from coop_review_api.tally.figure import FIGURES, SEPARATOR, WHOLE, FigureName, name_of

DAYS = 732
ACTIONS_A_DAY = 136_612  # fifty million in 366 days
DECISIONS_A_DAY = 11_000
_WAYS = {"actions": 600, "decisions": 900}
_SHAPES = 64
_EVERY = 4  # days on which each way happens

_IDS = {
    "ACTION": [f"action-{n}" for n in range(12)],
    "ITEM_TYPE": [f"type-{n}" for n in range(4)],
    "POLICY": [f"policy-{n}" for n in range(40)],
    "QUEUE": [f"queue-{n}" for n in range(8)],
    "REVIEWER": [f"reviewer-{n}" for n in range(25)],
    "RULE": [f"rule-{n}" for n in range(60)],
    "SOURCE": ["RULE_EXECUTION", "MRT_JOB", "BULK_ACTION", "POST_ACTIONS", "STRIKE_THRESHOLD"],
    "TYPE": ["IGNORE", "CUSTOM_ACTION", "MOVE"],
}

# A day, and a week, in which things happen as it comes; the same for many keys, to fill quickly.
_SHAPES_OF = """
    CREATE TEMP TABLE shape_{quarters} AS
    SELECT n, (SELECT array_agg(total ORDER BY q) FROM (
        SELECT q, sum(random() + n * 0) OVER (ORDER BY q) AS total
          FROM generate_series(1, {quarters}) q) t) AS sums
      FROM generate_series(0, {shapes}) n
"""
_FILL = """
    INSERT INTO review.{table} (key_id, day, counts)
    SELECT k.key_id, p.day::date,
           ARRAY(SELECT (u * k.a_day * {days} / s.sums[{quarters}])::int FROM unnest(s.sums) u)
      FROM share k CROSS JOIN generate_series({since}, {until}, interval '{days} days') p (day)
      JOIN shape_{quarters} s ON s.n = (k.key_id + extract(doy FROM p.day)::int) %% {shapes}
     WHERE {days} > 1 OR NOT k.rarely OR (k.key_id + extract(doy FROM p.day)::int) %% {every} = 0
     ORDER BY p.day, k.key_id
"""
_THIS_WEEK = "date_trunc('week', current_date - 2)"  # of the last week that is over, its end
_FIRST_WEEK = f"{_THIS_WEEK} - interval '{DAYS // 7 * 7} days'"


def _keys(figure: FigureName, a_day: int) -> Iterator[tuple[str, list[str], int, bool]]:
    """Split, values, how many a day, whether on some days only."""
    found = FIGURES[figure]
    for split in found.splits:
        ways = list(itertools.product(*(_IDS[name] for name in split)))
        for values in ways:
            yield name_of(split), list(values), max(1, a_day // len(ways)), False
    dice = random.Random(figure)
    seen: set[tuple[str, ...]] = set()
    while len(seen) < _WAYS[figure]:
        seen.add(
            tuple(
                SEPARATOR.join(sorted(dice.sample(_IDS[name], dice.choice((0, 1, 1, 2)))))
                if name in found.many
                else dice.choice(_IDS[name])
                for name in found.dimensions
            )
        )
    for values in sorted(seen):
        yield WHOLE, list(values), max(1, a_day * _EVERY // len(seen)), True


def fill(database: psycopg.Connection[Any], org_id: str) -> int:
    """Two years of them, and of open jobs; how many rows of tallies."""
    database.execute("SET statement_timeout = 0")
    database.execute("CREATE TEMP TABLE share (key_id bigint, a_day float8, rarely bool)")
    of: list[tuple[FigureName, int]] = [
        ("actions", ACTIONS_A_DAY),
        ("decisions", DECISIONS_A_DAY),
    ]
    for figure, a_day in of:
        for split, values, share, rarely in _keys(figure, a_day):
            database.execute(
                "WITH made AS (INSERT INTO review.tally_keys"
                " (org_id, figure, split, dimension_values, grave)"
                " VALUES (%s, %s, %s, %s, false) RETURNING key_id)"
                " INSERT INTO share SELECT key_id, %s, %s FROM made",
                (org_id, figure, split, values, share, rarely),
            )
    for table, days, since, until in (
        ("tally_weeks", 7, _FIRST_WEEK, f"{_THIS_WEEK} - interval '7 days'"),
        ("tallies", 1, _THIS_WEEK, "current_date"),
    ):
        names: dict[str, Any] = {
            "quarters": days * 96,
            "days": days,
            "shapes": _SHAPES,
            "every": _EVERY,
        }
        names |= {"table": table, "since": since, "until": until}
        database.execute(_SHAPES_OF.format(**names).encode())
        database.execute(_FILL.format(**names).replace("%%", "%").encode())
    database.execute(
        "INSERT INTO review.open_job_times SELECT generate_series(date_trunc('day', now())"
        " - %s * interval '1 day', now(), interval '15 minutes')",
        (DAYS,),
    )
    database.execute(
        "INSERT INTO review.open_jobs SELECT %s, t.time, q, false, 40"
        " FROM review.open_job_times t, unnest(%s::text[]) q",
        (org_id, _IDS["QUEUE"]),
    )
    for table in ("tally_keys", "tallies", "tally_weeks", "open_jobs", "open_job_times"):
        database.execute(f"VACUUM ANALYZE review.{table}".encode())
    row = database.execute(
        "SELECT (SELECT count(*) FROM review.tallies) + (SELECT count(*) FROM review.tally_weeks)"
    ).fetchone()
    return int(row[0]) if row else 0


def page(bucket: str, days: int, zone: str) -> bytes:
    """The request of the overview: its seven figures, and the same time before."""
    until = datetime.now(UTC)
    time = {
        "bucket": bucket,
        "since": (until - timedelta(days=days) + timedelta(hours=25)).isoformat(),
        "until": until.isoformat(),
        "timeZone": zone,
        "compare": "PREVIOUS",
    }
    figures: list[dict[str, Any]] = [
        {"figure": "ACTIONS", "groupBy": ["ACTION"]},
        {"figure": "OPEN_JOBS"},
        {"figure": "ACTIONS", "groupBy": ["AUTOMATION"]},
        {"figure": "ACTIONS", "groupBy": ["POLICY"], "top": 3, "bucket": "TOTAL"},
        {"figure": "DECISIONS", "groupBy": ["REVIEWER", "TYPE"], "bucket": "TOTAL", "top": 200},
        {"figure": "ACTIONS", "groupBy": ["RULE"], "top": 10},
        {"figure": "ACTIONS", "groupBy": ["POLICY"], "top": 10},
    ]
    return json.dumps({"questions": [{**time, **one} for one in figures]}).encode()
