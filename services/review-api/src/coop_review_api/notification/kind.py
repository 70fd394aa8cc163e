"""The kinds of notifications: what each says, as data; `words` says it to people.

Must not: hold personal data of the platform's users, or secrets.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec
from msgspec import Struct

from coop_contracts.event import EndpointChanged, RuleTripped


class NotificationKind(StrEnum):
    RULE_TRIPPED = "RULE_TRIPPED"
    ENDPOINT_PAUSED = "ENDPOINT_PAUSED"
    ENDPOINT_RESUMED = "ENDPOINT_RESUMED"
    COMMENT_MENTION = "COMMENT_MENTION"
    JOB_ASSIGNED = "JOB_ASSIGNED"
    JOB_HELD = "JOB_HELD"
    EXPORT_READY = "EXPORT_READY"
    EXPORT_FAILED = "EXPORT_FAILED"
    BULK_DONE = "BULK_DONE"
    APPEAL_OF_MY_DECISION = "APPEAL_OF_MY_DECISION"
    APPEAL_OF_MY_BULK_ACTION = "APPEAL_OF_MY_BULK_ACTION"
    STRIKE_THRESHOLD = "STRIKE_THRESHOLD"
    EVIDENCE_LATE = "EVIDENCE_LATE"
    RULE_PROPOSED = "RULE_PROPOSED"
    RULE_PROPOSAL_DECIDED = "RULE_PROPOSAL_DECIDED"


class RuleTrippedData(Struct, frozen=True, kw_only=True, rename="camel"):
    """A rule did more than its ceiling allows. `stopped`: it was put to BACKGROUND for that, under
    `revision`; otherwise it had been changed in the meantime, and is as people left it."""

    rule_id: str
    rule_name: str
    measure: str
    count: int
    limit: int
    window: int
    stopped: bool
    revision: int | None


class EndpointData(Struct, frozen=True, kw_only=True, rename="camel"):
    """An endpoint was paused or resumed; `waiting` deliveries are kept for it."""

    endpoint: str
    reason: str
    failing_since: datetime | None
    waiting: int


class MentionData(Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody named one in a comment on a job. What it says is read there, not in a mail: it may
    be about anyone."""

    job_id: str
    comment_id: str
    queue_name: str
    author_id: str
    author_name: str


class AssignedData(Struct, frozen=True, kw_only=True, rename="camel"):
    """A job was given to one, or is held for one, until then. What it is about is read there."""

    job_id: str
    queue_name: str
    by_id: str
    by_name: str
    until: datetime | None


class ExportData(Struct, frozen=True, kw_only=True, rename="camel"):
    """One's export of the decision log is written, or will not be: `error` says why."""

    export_id: str
    rows: int
    error: str | None


class BulkData(Struct, frozen=True, kw_only=True, rename="camel"):
    """What one made or confirmed is through, or was CANCELLED because who confirmed it may no
    longer act. Of `total` items `requested` were asked of the platform, `refused` were not."""

    bulk_id: str
    order: Literal["ACTION", "REVERSAL"]
    state: Literal["COMPLETE", "CANCELLED"]
    total: int
    requested: int
    refused: int


class AppealData(Struct, frozen=True, kw_only=True, rename="camel"):
    """An appeal came in against a decision of one's own, on a job of that queue. Who appeals, and
    why, is read at the appeal: somebody else decides it."""

    decision_id: str
    job_id: str
    queue_name: str
    decided_at: datetime


class BulkAppealData(Struct, frozen=True, kw_only=True, rename="camel"):
    """An appeal came in against what a bulk action did that one made or confirmed, carried out from
    `started_at` on. Who appeals, and of which of its items, is read at the appeal."""

    bulk_id: str
    started_at: datetime


class ThresholdData(Struct, frozen=True, kw_only=True, rename="camel"):
    """Users of the platform reached a threshold of strikes, the first of that hour `at`. Who they
    are is read where strikes are listed."""

    threshold: int
    at: datetime


class EvidenceLateData(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was decided together with a report to NCMEC reached the platform before all media of the
    report were held as evidence, because the wait for them was over."""

    decision_id: str
    job_id: str
    decided_at: datetime


class ProposalData(Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody asks for a second person's approval of a change of a rule that is expected to act on
    `expected` items a day (null: nobody knows)."""

    proposal_id: str
    rule_id: str
    proposed_rule: str
    by_id: str
    by_name: str
    expected: int | None


class ProposalDecidedData(Struct, frozen=True, kw_only=True, rename="camel"):
    """A second person answered one's proposal."""

    proposal_id: str
    rule_id: str
    proposed_rule: str
    by_id: str
    by_name: str
    approved: bool


Data = (
    RuleTrippedData
    | EndpointData
    | MentionData
    | AssignedData
    | ExportData
    | BulkData
    | AppealData
    | BulkAppealData
    | ThresholdData
    | EvidenceLateData
    | ProposalData
    | ProposalDecidedData
)


def tripped(event: RuleTripped, *, stopped: bool, revision: int | None) -> RuleTrippedData:
    """What there is to say of a rule that went past its ceiling."""
    return RuleTrippedData(
        rule_id=event.rule.id,
        rule_name=event.rule.name,
        measure=event.measure,
        count=event.count,
        limit=event.limit,
        window=event.window,
        stopped=stopped,
        revision=revision,
    )


def endpoint(event: EndpointChanged) -> EndpointData:
    """What there is to say of an endpoint that was paused or resumed."""
    return EndpointData(
        endpoint=event.endpoint,
        reason=event.reason.replace("\0", "\ufffd"),  # which jsonb refuses
        failing_since=event.failing_since,
        waiting=event.waiting,
    )


def wire_of(data: Data) -> dict[str, Any]:
    """The data as JSON values."""
    made: dict[str, Any] = msgspec.to_builtins(data)
    return made
