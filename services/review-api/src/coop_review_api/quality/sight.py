"""Which second reviews and golden items a person may know of.

Guarantees: what was about child safety when it was sampled, or is now, is for those with the
permission.
"""

from __future__ import annotations

from sqlalchemy import Boolean, ColumnElement, Table, literal_column

from coop_review_api.review.child_safety import grave_job_of


def seen_of(alias: str) -> str:
    """SQL: the row of that alias is open to who asks; `:csam` is whether they have the
    permission."""
    return f"(:csam OR NOT ({alias}.csam OR {grave_job_of(alias)}))"


def harmless(table: Table) -> ColumnElement[bool]:
    """Whether a row is open to those without the permission."""
    return table.c.csam.is_(False) & literal_column(f"NOT {grave_job_of(table.name)}", Boolean)
