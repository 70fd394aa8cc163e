"""Coop's queues.

Guarantees: who could work in a queue can, and nobody else: a queue without users is open in Coop to
those alone who edit queues, and so it is here; each class keeps one default.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from coop_contracts.config import Kind, Queue, QueueOrder
from coop_review_api.moving.mapped import Finding, Mapped, Noter
from coop_review_api.moving.source import CoopSource, Row

_MRT: Final = "manual_review_tool"
_ORDERS: Final = {"FIFO": QueueOrder.OLDEST_FIRST, "NUM_REPORTS": QueueOrder.MOST_REPORTS}


@dataclass(frozen=True, kw_only=True)
class _Beside:
    """What is said of queues in other tables, by queue."""

    hidden: dict[str, list[str]]
    triggers: dict[str, list[str]]
    reviewers: dict[str, list[str]]
    actions: frozenset[str]
    custom: frozenset[str]
    users: frozenset[str]


def queues(source: CoopSource) -> Iterator[Mapped | Finding]:
    """The default of each class first; where a class has none, its oldest becomes it."""
    beside = _Beside(
        hidden=source.grouped(f"{_MRT}.queues_and_hidden_actions", "queue_id", "action_id"),
        triggers=source.grouped(
            f"{_MRT}.queues_and_clear_reports_trigger_actions", "queue_id", "action_id"
        ),
        reviewers=source.grouped(f"{_MRT}.users_and_accessible_queues", "queue_id", "user_id"),
        actions=source.ids("public.actions"),
        custom=frozenset(
            row["id"]
            for row in source.of("public.actions")
            if row["action_type"] == "CUSTOM_ACTION"
        ),
        users=source.ids("public.users"),
    )
    names: set[str] = set()
    defaults: set[bool] = set()
    rows = source.of(f"{_MRT}.manual_review_queues")
    for row in sorted(rows, key=lambda row: bool(row["is_appeals_queue"])):
        note = Noter(Kind.QUEUE, row["id"], row["name"])
        appeals = bool(row["is_appeals_queue"])
        default = appeals not in defaults
        if default and not row["is_default_queue"]:
            note.differs("no queue of its class is the default in Coop: this one is", "/default")
        defaults.add(appeals)
        name = row["name"]
        if name in names:
            name = f"{name} (appeals)"
            note.differs(f"another queue has this name: called {name}", "/name")
        names.add(name)
        yield _queue(row, beside, note, name=name, is_default=default)


def _queue(row: Row, beside: _Beside, note: Noter, *, name: str, is_default: bool) -> Mapped:
    queue_id, appeals = row["id"], bool(row["is_appeals_queue"])
    hidden = note.known(
        beside.hidden.get(queue_id, []), beside.actions, "action", "/hiddenActionIds"
    )
    reviewers = note.known(beside.reviewers.get(queue_id, []), beside.users, "user", "/reviewerIds")
    auto_close = bool(row.get("auto_close_jobs"))
    if auto_close and appeals:
        note.differs("a person decides an appeal: it is not closed by itself", "/autoCloseJobs")
    order = row.get("job_sort_type")
    if order is not None and order not in _ORDERS:
        note.differs(f"its order in Coop is {order}: oldest first here", "/order")
    disposition, triggers = _clearing(row, beside, note, hidden)
    return Mapped(
        kind=Kind.QUEUE,
        document=Queue(
            id=queue_id,
            name=name,
            description=row["description"] or "",
            is_default_queue=is_default,
            is_appeals_queue=appeals,
            hidden_action_ids=hidden,
            reviewer_ids=reviewers,
            open_to_everyone=False,
            order=_ORDERS.get(order or "", QueueOrder.OLDEST_FIRST),
            auto_close_jobs=auto_close and not appeals,
            clear_reports_disposition=disposition,  # type: ignore[arg-type]
            clear_reports_scope=row.get("clear_reports_scope") or "CURRENT_QUEUE",
            clear_reports_trigger_action_ids=triggers,
        ),
        findings=tuple(note.findings),
    )


def _clearing(
    row: Row, beside: _Beside, note: Noter, hidden: tuple[str, ...]
) -> tuple[str | None, tuple[str, ...]]:
    """How reports are cleared, and by what; nothing, where our check would refuse it."""
    disposition = row.get("clear_reports_disposition")
    at = "/clearReportsTriggerActionIds"
    given = beside.triggers.get(row["id"], [])
    known = note.known(given, beside.actions, "action", at)
    usable = tuple(one for one in known if one in beside.custom and one not in hidden)
    for one in sorted(set(known) - set(usable)):
        note.differs(f"the action {one} is built in, or hidden here: it clears nothing", at)
    if disposition is None and not usable:
        return None, ()
    if disposition is None or not usable or row["is_appeals_queue"]:
        note.differs("reports are not cleared: a disposition and actions are needed", at)
        return None, ()
    return disposition, usable
