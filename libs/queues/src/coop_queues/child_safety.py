"""A job that turns out to be about child safety although no report of it said so.

Guarantees: from then on it is a job of child-abuse material for everyone who asks, closed as it is.
Must not: take the mark away again: who has seen the job may have seen such material.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MARK: Final = "UPDATE queues.jobs j SET csam = true"
"""The mark in a statement that finds the jobs itself: FROM and WHERE follow, `j` is the job."""

_MARK_ONE = text(
    "UPDATE queues.jobs SET csam = true WHERE org_id = :org AND job_id = CAST(:job AS uuid)"
)


async def mark_child_safety(connection: AsyncConnection, org_id: str, job_id: str) -> None:
    """The job is about child safety from now on, in the caller's transaction."""
    await connection.execute(_MARK_ONE, {"org": org_id, "job": job_id})
