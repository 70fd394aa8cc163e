"""The rows of placed reports once more, by one prepared statement a batch, into tables of the same
columns, checks and indexes: what placing would cost if nothing were decided.

Must not: be given anything to compute; the rows come as PostgreSQL writes them.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

_TABLES = ("generations", "entries", "jobs", "job_items")
_BATCH = 500  # reports of one statement


class Engine:
    """The processor time of PostgreSQL's processes."""

    def __init__(self, admin: psycopg.Connection[Any]) -> None:
        row = admin.execute("SHOW data_directory").fetchone()
        assert row is not None
        lines = (Path(row[0]) / "postmaster.pid").read_text().splitlines()
        self._parent = psutil.Process(int(lines[0]))

    def used(self) -> dict[int, float]:
        """Seconds of CPU by process."""
        found = {}
        for child in self._parent.children():
            try:
                found[child.pid] = sum(child.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue
        return found


def since(before: dict[int, float], after: dict[int, float]) -> float:
    """Seconds used meanwhile by those that still live."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def cost(admin: psycopg.Connection[Any], engine: Engine, org_id: str, reports: int) -> float:
    """Seconds of CPU a report, of this process and PostgreSQL's, for all rows of `org_id`."""
    batches = max(1, reports // _BATCH)
    admin.execute("DROP SCHEMA IF EXISTS bare CASCADE")
    admin.execute("CREATE SCHEMA bare")
    parts = []
    for table in _TABLES:
        names = {"table": sql.Identifier(table)}
        made = "CREATE TABLE bare.{table} (LIKE queues.{table} INCLUDING CONSTRAINTS"
        admin.execute(sql.SQL(made + " INCLUDING INDEXES INCLUDING DEFAULTS)").format(**names))
        parts.append(_parts(admin, table, org_id, batches))
    inserts = sql.SQL(", ").join(
        sql.SQL(
            "{table} AS (INSERT INTO bare.{table} SELECT (r).* FROM unnest("
            "CAST(%s AS queues.{table}[])) AS r)"
        ).format(table=sql.Identifier(table))
        for table in _TABLES
    )
    statement = sql.SQL("WITH {} SELECT 1").format(inserts)
    before, used = engine.used(), time.process_time()
    for rows in zip(*parts, strict=True):
        with admin.transaction():
            admin.execute(statement, list(rows), prepare=True)
    return (time.process_time() - used + since(before, engine.used())) / reports


def _parts(admin: psycopg.Connection[Any], table: str, org_id: str, batches: int) -> list[str]:
    of = sql.SQL("job_id IN (SELECT job_id FROM queues.jobs WHERE org_id = %s)")
    where = of if table == "job_items" else sql.SQL("org_id = %s")
    found = admin.execute(
        sql.SQL(
            "SELECT CAST(array_agg(t) AS text) FROM (SELECT t, ntile(%s) OVER (ORDER BY t.ctid) AS"
            " n FROM queues.{table} AS t WHERE {where}) AS p (t, n) GROUP BY n ORDER BY n"
        ).format(table=sql.Identifier(table), where=where),
        [batches, org_id],
    )
    return [row[0] for row in found]
