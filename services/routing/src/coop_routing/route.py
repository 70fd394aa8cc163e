"""The route of an entry: the choice, as it is recorded in the entry.

Guarantees: whoever asks why a job is where it is finds the rule, the revision, what could not be
decided and the values it was decided by.
Must not: choose; `coop_rules.queue_choice` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from coop_contracts.event import SignalValue
from coop_queues.job import Routing, Undecided
from coop_rules.queue_choice import Choice


@dataclass(frozen=True, slots=True)
class Route:
    """The queue, and why."""

    queue_id: str
    routing: Routing


def route_of(choice: Choice, values: Iterable[SignalValue] = (), *, by: str | None = None) -> Route:
    """The record of a choice that was made by these values; `by` is the person who asked."""
    routing = Routing(
        how=choice.how,
        config_revision=choice.config_revision,
        rule=choice.rule,
        note=choice.note,
        by=by,
        tried=choice.tried,
        undecided=tuple(Undecided(rule=one.rule, reasons=one.reasons) for one in choice.undecided),
        signals=tuple(values),
    )
    return Route(choice.queue_id, routing)
