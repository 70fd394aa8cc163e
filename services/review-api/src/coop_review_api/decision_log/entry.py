"""An entry of the decision log, as it leaves: over HTTP or in a file.

Guarantees: says how it can be taken back, where it can, and by what it was.
Must not: decide which rows are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.event import ItemRef
from coop_review_api.decision_log.question import EntryKind, EntrySource
from coop_review_api.enforcement import taken_back
from coop_review_api.enforcement.bulk import ENDED
from coop_review_api.enforcement.taken_back import TakenBack, TakenBackById
from coop_review_api.review import child_safety as safety

Row = dict[str, Any]


class Reversible(Struct, frozen=True, kw_only=True, rename="camel"):
    """What `POST /v1/reversals` takes: a `decisionId`, `bulkId` or `executionId`."""

    kind: Literal["DECISION", "BULK_ACTION", "EXECUTION"]
    id: str


class LogEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One entry. `components` are a decision's; of anything else its actions and policies.
    `actor_id` is null where no person acted. Until `leaves_at` a decision can be undone. `state` is
    a bulk action's, or how a claim ended; `total` a bulk action's items. `taken_back` are what took
    its actions back, some or all: of a bulk action the reversals of it as a whole. What was taken
    back entirely is no longer `reversible`."""

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
    taken_back: list[TakenBack]

    @property
    def item(self) -> ItemRef | None:
        """What it is about; None where that are many, or nothing is known of it."""
        if self.item_type_id is None or self.item_id is None:
            return None
        return ItemRef(id=self.item_id, type_id=self.item_type_id)

    @property
    def named(self) -> list[ItemRef]:
        """All items and users in it, its own first, each once."""
        own = [] if self.item is None else [self.item]
        others = [_ref(one) for part in self.components for one in part.get("items", ())]
        others += [_ref(one["item"]) for one in self.executions if one.get("item")]
        return list(dict.fromkeys([*own, *others]))


async def entries_of(
    connection: AsyncConnection,
    org_id: str,
    rows: Sequence[Row],
    *,
    child_safety: bool,
    now: datetime,
) -> list[LogEntry]:
    """The entries in rows of `query.page`; without `child_safety` no grave item is named in one."""
    if not child_safety:
        rows = await _without_grave(connection, org_id, rows)
    executions = {one for row in rows for one in _executions_of(row)}
    bulk_ids = [row["id"] for row in rows if row["kind"] == "BULK_ACTION"]
    found = dict(await taken_back.of_executions(connection, org_id, executions, now=now))
    found.update(await taken_back.of_bulk_actions(connection, org_id, bulk_ids))
    return [_entry_of(row, found, now) for row in rows]


async def _without_grave(
    connection: AsyncConnection, org_id: str, rows: Sequence[Row]
) -> list[Row]:
    """The rows without the grave items that decisions on something else acted on as well."""
    named = [one for row in rows for part in row["components"] for one in part.get("items", ())]
    named += [one["item"] for row in rows for one in row["executions"] if one.get("item")]
    grave = await safety.grave_among(connection, org_id, map(_ref, named))
    if not grave:
        return list(rows)
    return [
        {
            **row,
            "components": [
                {**part, "items": [one for one in part["items"] if _ref(one) not in grave]}
                if "items" in part
                else part
                for part in row["components"]
            ],
            "executions": [
                one
                for one in row["executions"]
                if not one.get("item") or _ref(one["item"]) not in grave
            ],
        }
        for row in rows
    ]


def _ref(item: dict[str, Any]) -> ItemRef:
    return ItemRef(id=item["id"], type_id=item["typeId"])


def _executions_of(row: Row) -> list[str]:
    """The executions that can be taken back: reversals are not."""
    if row["source"] == "REVERSAL":
        return []
    return [one["executionId"] for one in row["executions"] if "reverses" not in one]


def _entry_of(row: Row, found: TakenBackById, now: datetime) -> LogEntry:
    fields = dict(row)
    requested = fields.pop("requested")
    if row["kind"] == "BULK_ACTION":
        back = list(found.get(row["id"], ()))
        left = (requested or 0) * len(row["components"][0].get("actionIds", ()))
        left -= sum(one.executions for one in back)
    else:
        executions = _executions_of(row)
        back = _together([one for each in executions for one in found.get(each, ())])
        left = sum(each not in found for each in executions)
    return LogEntry(
        **fields,
        reversible=_reversible(fields, now) if left > 0 else None,
        taken_back=back,
    )


def _together(single: list[TakenBack]) -> list[TakenBack]:
    """One for each entry that took something back, the first one first."""
    count = Counter(one.id for one in single)
    each = {one.id: replace(one, executions=count[one.id]) for one in single}
    return sorted(each.values(), key=lambda one: (one.time, one.id))


def _reversible(fields: Row, now: datetime) -> Reversible | None:
    match fields["kind"]:
        case "DECISION":
            held = fields["leaves_at"] is not None and fields["leaves_at"] > now
            if fields["undone_at"] is None and not held:
                return Reversible(kind="DECISION", id=fields["id"])
        case "BULK_ACTION" if fields["state"] in ENDED:
            return Reversible(kind="BULK_ACTION", id=fields["id"])
        case "ACTION":
            return Reversible(kind="EXECUTION", id=fields["id"])
    return None
