"""What the decision log can be asked.

Must not: ask it; `query` does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from coop_contracts.event import ItemRef

EntryKind = Literal["DECISION", "BULK_ACTION", "BULK_REVERSAL", "ACTION", "SKIP", "RELEASE"]
EntrySource = Literal[
    "MRT_JOB",
    "AUTOMATIC",
    "BULK_ACTION",
    "REVERSAL",
    "RULE_EXECUTION",
    "POST_ACTIONS",
    "STRIKE_THRESHOLD",
    "RETROACTION",
]
DecisionType = Literal[
    "IGNORE",
    "CUSTOM_ACTION",
    "RELATED_ACTION",
    "MOVE",
    "ESCALATE_TO_NCMEC",
    "ACCEPT_APPEAL",
    "REJECT_APPEAL",
    "AUTOMATIC_CLOSE",
    "CLOSE",
]
USUAL: tuple[EntryKind, ...] = ("DECISION", "BULK_ACTION", "BULK_REVERSAL", "ACTION")
"""The kinds that are shown unless others are asked for."""


class LogQuestion(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A question to the log: of each filter that is set one value fits; all filters hold. `since`
    is within, `until` not. `item` with an empty id means every item of its type."""

    kinds: tuple[EntryKind, ...] = USUAL
    decision_types: tuple[DecisionType, ...] = ()
    sources: tuple[EntrySource, ...] = ()
    action_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    queue_ids: tuple[str, ...] = ()
    reviewer_ids: tuple[str, ...] = ()
    rule_ids: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    item: ItemRef | None = None
    user: ItemRef | None = None
    job_id: str | None = None
