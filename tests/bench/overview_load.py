"""What the benchmark of the overview counts: tallies as fifty million actions a year leave them.

An organisation with 60 rules, 12 actions, 40 policies, 5 sources, 4 item types, 8 queues and 25
reviewers. Its splits have as many keys as that gives (271); what is counted whole has one for every
way in which these come together: 600 for actions, 900 for decisions, every fourth of which happens
on a given day. How many rows that is does not depend on how often each thing happens: two years are
seasons, the last of which has the weeks that are over, and the days since.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from coop_review_api.tally.figure import FIGURES, SEPARATOR, WHOLE, FigureName, name_of
from coop_review_api.tally.season import DAYS as SEASON
from coop_review_api.tally.season import rows_of, season_of
from coop_review_api.tally.store import week_of

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

# Days in which things happen as it comes; the same for many keys, to fill quickly.
_SHAPES_OF_DAYS = f"""
    CREATE TEMP TABLE shape AS
    SELECT n, (SELECT array_agg(total ORDER BY q) FROM (
        SELECT q, sum(random() + n * 0) OVER (ORDER BY q) AS total
          FROM generate_series(1, 96) q) t) AS sums
      FROM generate_series(0, {_SHAPES}) n
"""
_DAYS = f"""
    INSERT INTO review.tallies (key_id, day, counts)
    SELECT k.key_id, p.day::date,
           ARRAY(SELECT (u * k.a_day / s.sums[96])::int FROM unnest(s.sums) u)
      FROM share k CROSS JOIN generate_series(%s::date, current_date, interval '1 day') p (day)
      JOIN shape s ON s.n = (k.key_id + extract(doy FROM p.day)::int) % {_SHAPES}
     WHERE NOT k.rarely OR (k.key_id + extract(doy FROM p.day)::int) % {_EVERY} = 0
     ORDER BY p.day, k.key_id
"""


def _fill_seasons(database: psycopg.Connection[Any], over: date) -> None:
    """All days before `over`. What happens on a day is one of a few numbers, as is their row."""
    keys = database.execute("SELECT key_id, round(ln(a_day) / ln(2.0)) FROM share").fetchall()
    season = season_of(over - timedelta(days=DAYS))
    dice = random.Random(1)
    shapes = [
        [sorted(dice.randrange(1024) for _ in range(96)) for _ in range(SEASON)]
        for _ in range(_SHAPES // 8)
    ]
    with database.cursor() as cursor:
        while season < over:
            days = min(SEASON, (over - season).days)
            made: dict[tuple[int, int], list[str]] = {}
            with cursor.copy(
                "COPY review.tally_seasons (key_id, season, quarter, counts) FROM STDIN"
            ) as copy:
                for key_id, size in keys:
                    kind = (key_id % len(shapes), int(size))
                    if kind not in made:
                        sums = {
                            season + timedelta(days=n): [(u << kind[1]) >> 10 for u in shape]
                            for n, shape in enumerate(shapes[kind[0]][:days])
                        }
                        made[kind] = list(rows_of(season, sums))
                    lines = enumerate(made[kind], start=1)
                    copy.write("".join(f"{key_id}\t{season}\t{q}\t{row}\n" for q, row in lines))
            season += timedelta(days=SEASON)


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
    over = week_of(datetime.now(UTC).date() - timedelta(days=2))
    _fill_seasons(database, over)
    database.execute(_SHAPES_OF_DAYS)
    database.execute(_DAYS.replace("%s", f"'{over}'").encode())
    database.execute(
        "INSERT INTO review.open_job_times SELECT generate_series(date_trunc('day', now())"
        " - %s * interval '1 day', now(), interval '15 minutes')",
        (DAYS,),
    )
    database.execute(
        "INSERT INTO review.open_jobs SELECT %s, t.time, q, false, 40"
        " FROM review.open_job_times t, unnest(%s::text[]) q ORDER BY t.time",
        (org_id, _IDS["QUEUE"]),
    )
    for table in ("tally_keys", "tallies", "tally_seasons", "open_jobs", "open_job_times"):
        database.execute(f"VACUUM ANALYZE review.{table}".encode())
    row = database.execute(
        "SELECT (SELECT count(*) FROM review.tallies) + (SELECT count(*) FROM review.tally_seasons)"
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
