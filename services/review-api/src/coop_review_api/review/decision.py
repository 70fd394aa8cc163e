"""A decision on a job: what a reviewer says, what it is judged by, what it becomes.

    Draft ──decision_check, judgement──▶ Decision ──deciding──▶ a row, a closed job, events

Must not: do anything. Data only; `judgement` makes decisions of drafts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from coop_contracts.config import NcmecSettings, OrgSettings, Queue
from coop_contracts.event import (
    CloseReason,
    ComponentType,
    DecisionMade,
    Event,
    ItemRef,
    SubmittedItem,
)
from coop_queues.job import Job
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.review.ncmec_report import NcmecReport

MAX_NOTE = 5000
SYSTEM = "system"
"""The reviewer of a decision that the settings of a queue made."""


class Component(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One part of a decision.

    `parameters`: values by action id, then by parameter name. `items` are what a RELATED_ACTION
    acts on. `appeal_ids` are the appeals that are decided: all of the job's. With `reverse_actions`
    an accepted appeal takes back what it is against. `report` is what NCMEC is told; of a decision
    that was made it is not kept here.
    """

    type: ComponentType
    action_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    parameters: dict[str, dict[str, Any]] = {}
    queue_id: str | None = None
    items: tuple[ItemRef, ...] = ()
    appeal_ids: tuple[str, ...] = ()
    reverse_actions: bool = False
    close_reason: CloseReason | None = None
    report: NcmecReport | None = None


class Draft(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a reviewer submits."""

    components: tuple[Component, ...]
    reason: str | None = None
    note: str | None = None
    seen_revision: int | None = None

    @property
    def target_queue(self) -> str | None:
        """The queue a MOVE sends the job to."""
        return next((c.queue_id for c in self.components if c.type == "MOVE"), None)

    def has(self, *types: ComponentType) -> bool:
        """Whether it has a component of one of these types."""
        return any(component.type in types for component in self.components)


class Execution(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An action that was requested, on the job's own item unless `item` says another. `reverses` is
    the execution that it takes back."""

    execution_id: str
    action_id: str
    item: ItemRef | None = None
    reverses: str | None = None


class Origin(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What took appealed actions on an item: `id` is that of a decision (PERSON, AUTOMATIC), of a
    bulk job, or of what made rules, a strike threshold or the platform itself act. `reviewer_ids`
    are the people behind it."""

    by: Literal["PERSON", "AUTOMATIC", "BULK_ACTION", "RULE", "STRIKE_THRESHOLD", "PLATFORM"]
    id: str
    decided_at: datetime
    executions: tuple[Execution, ...]
    reviewer_ids: tuple[str, ...] = ()
    policy_ids: tuple[str, ...] = ()
    rule_ids: tuple[str, ...] = ()


class Escalation(Struct, frozen=True, kw_only=True, rename="camel"):
    """The job about a user that a decision asked for, under the entry of this id."""

    entry_id: str
    user: ItemRef


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """What a decision on one job is judged by, at `revision`. `origins` are what an appeal is
    against, the newest first. For an escalation: `author` of the item, where the job does not know
    it, and `submissions` of the user, the newest first. `creators` of items that actions are taken
    on, where the job does not know them. No `queue`: it was deleted. For a report to NCMEC: its
    settings, whether the operator `files_real` ones, and which media of the job the reviewer saw
    whole (`seen`: key of the item, digest of the address)."""

    settings: OrgSettings
    catalogue: Catalogue
    queue: Queue | None
    revision: int
    origins: tuple[Origin, ...] = ()
    author: ItemRef | None = None
    submissions: tuple[SubmittedItem, ...] = ()
    creators: Mapping[ItemRef, ItemRef] = field(default_factory=dict)
    ncmec: NcmecSettings | None = None
    files_real: bool = False
    seen: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Reviewer:
    user_id: str
    email: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A valid decision: as it is recorded, and its events in the order in which they leave."""

    made: DecisionMade
    components: tuple[Component, ...]
    executions: tuple[Execution, ...]
    events: tuple[Event, ...]
    escalation: Escalation | None = None

    @property
    def decision_id(self) -> str:
        return self.made.decision_id


def creator_in(job: Job, item: ItemRef) -> ItemRef | None:
    """Who made the item, as far as the job knows."""
    known = (job.item, *job.earlier_items, *job.additional_items, *job.thread_items)
    return next(
        (one.creator for one in known if (one.id, one.type_id) == (item.id, item.type_id)), None
    )


def hash_of(draft: Draft, *, reviewer_id: str) -> bytes:
    """Equal for the same decision of the same reviewer, sent again."""
    encoded = msgspec.json.encode(draft, order="deterministic")
    return hashlib.sha256(reviewer_id.encode() + b"\0" + encoded).digest()
