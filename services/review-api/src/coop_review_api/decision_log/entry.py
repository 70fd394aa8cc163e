"""An entry of the decision log, as it leaves: over HTTP or in a file.

Guarantees: says how it can be taken back, where it can.
Must not: read anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from coop_review_api.decision_log.query import EntryKind, EntrySource


class Reversible(Struct, frozen=True, kw_only=True, rename="camel"):
    """What `POST /v1/reversals` takes: a `decisionId`, `bulkId` or `executionId`."""

    kind: Literal["DECISION", "BULK_ACTION", "EXECUTION"]
    id: str


class Entry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One entry. `components` are a decision's; of anything else its actions and policies.
    `actor_id` is null where no person acted. Until `leaves_at` a decision can be undone. `state` is
    a bulk action's, or how a claim ended; `total` a bulk action's items."""

    id: str
    kind: EntryKind
    source: EntrySource
    time: datetime
    actor_id: str | None
    queue_id: str | None
    job_id: str | None
    item_type_id: str | None
    item_id: str | None
    components: list[dict[str, Any]]
    executions: list[dict[str, Any]]
    rule_ids: list[str]
    reason: str | None
    note: str | None
    undone_at: datetime | None
    leaves_at: datetime | None
    moved_to: str | None
    appeal_of: str | None
    state: str | None
    total: int | None
    csam: bool
    reversible: Reversible | None


def entry_of(row: dict[str, Any], *, now: datetime) -> Entry:
    """The entry in a row of `query.page`."""
    fields = dict(row)
    requested = fields.pop("requested")
    return Entry(**fields, reversible=_reversible(fields, requested, now))


def _reversible(fields: dict[str, Any], requested: int | None, now: datetime) -> Reversible | None:
    match fields["kind"]:
        case "DECISION":
            held = fields["leaves_at"] is not None and fields["leaves_at"] > now
            acted = any("reverses" not in one for one in fields["executions"])
            if acted and fields["undone_at"] is None and not held:
                return Reversible(kind="DECISION", id=fields["id"])
        case "BULK_ACTION" if requested:
            return Reversible(kind="BULK_ACTION", id=fields["id"])
        case "ACTION" if fields["source"] != "REVERSAL":
            return Reversible(kind="EXECUTION", id=fields["id"])
    return None
