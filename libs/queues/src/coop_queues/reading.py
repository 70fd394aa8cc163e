"""What of the queue store others may read in statements of their own: figures, searches, logs.

    JOBS, CLAIMS, ENTRIES, KEEPINGS,
    GRAVE_ITEMS                  the tables' names, for statements written as text
    grave_of, GRAVE, is_grave    whether a row about an item is about child safety
    grave_items                  the items that are
    jobs, entries, claims,
    keepings                     the same, and the entries, for statements that are built
    SUMMARY_COLUMNS, summary_of  a `JobSummary` of a row of `jobs`
    item_key, reporter_key       the keys by which jobs and entries are found
    uuid_of                      a job's id as the tables have it

Guarantees: the columns that are named here stay, and mean what `job.JobSummary` and `job.JobEntry`
say of them; whoever changes one changes its readers in the same step. `entries.body` is a
`JobEntry` as JSON.
Must not: be written through. `FromClause` is nothing that an insert, update or delete takes, and
what others change of a job is a function of `store`. Another column of a table is not promised:
it is added here first.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, ColumnElement, FromClause, MetaData, Table

from coop_queues import table
from coop_queues.child_safety import GRAVE, grave_of, is_grave
from coop_queues.job import Keeping
from coop_queues.lookup import SUMMARY_NAMES, summary_columns, summary_of, uuid_of
from coop_queues.slot import item_key, reporter_key

__all__ = [
    "CLAIMS",
    "ENTRIES",
    "GRAVE",
    "GRAVE_ITEMS",
    "JOBS",
    "KEEPINGS",
    "SUMMARY_COLUMNS",
    "claims",
    "entries",
    "grave_items",
    "grave_of",
    "is_grave",
    "item_key",
    "jobs",
    "keepings",
    "reporter_key",
    "summary_of",
    "uuid_of",
]

JOBS: Final = "queues.jobs"
"""One row a job, pending or closed: the columns of `jobs`."""

CLAIMS: Final = "queues.claims"
"""One row a claim, open or ended: the columns of `claims`."""

GRAVE_ITEMS: Final = "queues.grave_items"
"""One row an item that is about child safety: the columns of `grave_items`."""

ENTRIES: Final = "queues.entries"
"""One row a cause of a job: the columns of `entries`."""

KEEPINGS: Final = "queues.keepings"
"""One row each time a job was kept: the columns of `keepings`."""


def _promised(whole: Table, *names: str) -> FromClause:
    columns = (Column(name, whole.c[name].type) for name in names)
    return Table(whole.name, MetaData(schema=whole.schema), *columns)


jobs: Final = _promised(
    table.jobs,
    *(name for name in SUMMARY_NAMES if name != "csam"),
    "item_key",
    "subject_key",
)
"""`item_key` is the item's, `subject_key` the `item_key` of the user whom the job is about. That a
job is about child safety is no column: `is_grave`."""

grave_items: Final = _promised(table.grave_items, "org_id", "item_key", "since")
"""One row an item that is about child safety, `since` when."""

entries: Final = _promised(
    table.entries,
    "org_id",
    "entry_id",
    "job_id",
    "position",
    "reporter_key",
    "placed_at",
    "body",
    "invalidated_at",
    "invalidated_by",
)
"""One row a cause of a job; `position` rises in the order of their coming. What was invalidated
counts no longer."""

claims: Final = _promised(
    table.claims,
    "job_id",
    "number",
    "org_id",
    "queue_id",
    "reviewer_id",
    "claimed_at",
    "ended_at",
    "outcome",
)
"""One row a claim; `outcome` is CLOSED, MOVED, RELEASED, SKIPPED or EXPIRED once it has ended."""

keepings: Final = _promised(table.keepings, *Keeping.__struct_fields__)
"""One row each time a job was kept: the fields of `job.Keeping`."""

SUMMARY_COLUMNS: Final[tuple[ColumnElement[Any], ...]] = summary_columns(jobs)
