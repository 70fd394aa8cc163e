"""Where an entry goes: the routing decision, a pure function of the entry and a route table.

    sender's queue, if it exists ──▶ SENDER
    child safety, and the settings name a queue that exists ──▶ SETTING
    first LIVE rule that passes, in order of sequence number ──▶ RULE (its queue is gone: DEFAULT)
    none ──▶ DEFAULT: the organisation's default queue; for appeals that of the appeals queues
    no queue ──▶ PARKED

Guarantees: a rule whose outcome is unknown (a condition errored) does not pass; what was decided
and why is in the answer, with the configuration's revision; there is always an answer.
Must not: do I/O, or read the configuration: `table.py` makes the route tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from coop_contracts.config import Queue
from coop_contracts.event import Source, SubmittedItem
from coop_queues.job import Routing
from coop_rules.program import Program

PARKED_QUEUE: Final = "_parked"
"""The queue of jobs whose organisation has none for them. No document can have this id."""

SOURCE_INPUTS: Final[Mapping[Source, str]] = {
    "REPORT": "submit-report",
    "RULE_EXECUTION": "post-items",
    "POST_ACTIONS": "post-actions",
    "MRT_JOB": "mrt-decision",
    "APPEAL": "submit-appeal",
    "BULK_ACTION": "manual-action-run",
    "STRIKE_THRESHOLD": "user-strike-action-execution",
    "RETROACTION": "retroaction",
    "REVERSAL": "manual-action-run",
}
"""What the rule input `Source` says, in Coop's words."""


@dataclass(frozen=True, slots=True)
class RouteTable:
    """How one organisation routes items of one type at one revision.

    `destinations` are queue ids, by the index of the rule in `program`; `program` is None where no
    rule applies, `note` then may say why. `ncmec_queue_id` is where child-safety entries go.
    """

    revision: int
    queue_ids: frozenset[str]
    default_queue_id: str | None
    ncmec_queue_id: str | None = None
    program: Program | None = None
    destinations: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """The queue, and why."""

    queue_id: str
    routing: Routing


def decide(
    table: RouteTable,
    item: SubmittedItem,
    *,
    at: datetime,
    source: Source,
    policy_ids: Sequence[str] = (),
    queue_id: str | None = None,
    child_safety: bool = False,
) -> Route:
    """The route of an entry about `item`; `queue_id` is the sender's choice, if there is one."""
    notes = [table.note] if table.note else []
    if queue_id is not None:
        if queue_id in table.queue_ids:
            return _route(table, "SENDER", queue_id, notes)
        notes.append(f"the sender's queue {queue_id} is gone")
    if child_safety and table.ncmec_queue_id is not None:
        if table.ncmec_queue_id in table.queue_ids:
            return _route(table, "SETTING", table.ncmec_queue_id, notes)
        notes.append(f"the queue {table.ncmec_queue_id} for child safety is gone")
    if table.program is not None:
        evaluation = table.program.evaluate(
            item.data,
            at=at,
            creator=item.creator,
            source=SOURCE_INPUTS[source],
            policy_ids=policy_ids,
        )
        passed = evaluation.passed()
        if passed:
            rule = table.program.rules[passed[0]].rule.ref
            destination = table.destinations[passed[0]]
            if destination in table.queue_ids:
                return Route(
                    destination,
                    Routing(how="RULE", config_revision=table.revision, rule=rule, note=_of(notes)),
                )
            notes.append(f"rule {rule.id} passed, its queue {destination} is gone")
    if table.default_queue_id is None:
        notes.append("no queue for it")
        return _route(table, "PARKED", PARKED_QUEUE, notes)
    return _route(table, "DEFAULT", table.default_queue_id, notes)


def _route(table: RouteTable, how: str, queue_id: str, notes: Sequence[str]) -> Route:
    routing = Routing(how=how, config_revision=table.revision, note=_of(notes))  # type: ignore[arg-type]
    return Route(queue_id, routing)


def _of(notes: Sequence[str]) -> str | None:
    return "; ".join(notes) or None


def default_queue(queues: Mapping[str, Queue], *, for_appeals: bool) -> str | None:
    """The id of the default queue; None when there is none that may take this.

    Appeals go to the default among the appeals queues, else to the first appeals queue, else where
    the rest goes. Other entries go to the default queue alone: any other may be open to few people
    for a reason.
    """
    ordered = [queues[queue_id] for queue_id in sorted(queues)]
    if for_appeals:
        appeals = [queue for queue in ordered if queue.is_appeals_queue]
        for queue in [*(q for q in appeals if q.is_default_queue), *appeals]:
            return queue.id
    for queue in ordered:
        if queue.is_default_queue and not queue.is_appeals_queue:
            return queue.id
    return None
