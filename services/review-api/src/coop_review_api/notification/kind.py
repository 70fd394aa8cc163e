"""The kinds of notifications: what each says, as data and in words.

Guarantees: whatever a name contains (line ends, markup), it stays text: a subject is one line, HTML
is escaped.
Must not: hold personal data of the platform's users, or secrets.
"""

from __future__ import annotations

import html
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec
from msgspec import Struct

from coop_contracts.event import EndpointChanged, RuleTripped

_MAX_SUBJECT = 200


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
)


class Text(Struct, frozen=True, kw_only=True):
    """A notification in words: `facts` are labels and values."""

    subject: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


class Rendered(Struct, frozen=True, kw_only=True):
    """A mail's contents."""

    subject: str
    plain: str
    html: str


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


def text_of(kind: NotificationKind, data: Data) -> Text:
    """The notification in words."""
    match data:
        case RuleTrippedData():
            return _rule_tripped(data)
        case EndpointData():
            return _endpoint(kind, data)
        case MentionData():
            return _mention(data)
        case AssignedData():
            return _assigned(kind, data)
        case ExportData():
            return _export(data)
        case BulkData():
            return _bulk(data)
        case AppealData():
            return _appeal(data)
        case BulkAppealData():
            return _bulk_appeal(data)
        case ThresholdData():
            return _threshold(data)
        case EvidenceLateData():
            return _evidence_late(data)


def wire_of(data: Data) -> dict[str, Any]:
    """The data as JSON values."""
    made: dict[str, Any] = msgspec.to_builtins(data)
    return made


def render(text: Text, *, organisation: str) -> Rendered:
    """The notification as a mail."""
    facts = [*text.facts, ("Organisation", organisation)]
    plain = [
        *map(_line, text.paragraphs),
        "\n".join(f"{name}: {_line(value)}" for name, value in facts),
    ]
    paragraphs = "".join(f"<p>{html.escape(one)}</p>" for one in text.paragraphs)
    rows = "".join(
        f'<tr><th align="left">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in facts
    )
    return Rendered(
        subject=_line(text.subject)[:_MAX_SUBJECT],
        plain="\n\n".join(plain) + "\n",
        html=f"<!doctype html><html><body>{paragraphs}<table>{rows}</table></body></html>",
    )


def _rule_tripped(data: RuleTrippedData) -> Text:
    measure = "actions" if data.measure == "ACTIONS" else "distinct users"
    acted = (
        f"The rule {data.rule_name} reached {data.count} {measure} within {data.window} seconds; "
        f"its ceiling is {data.limit}."
    )
    if data.stopped:
        subject = f"Rule stopped: {data.rule_name}"
        then = "It was put to BACKGROUND and acts no more until somebody makes it LIVE again."
    else:
        subject = f"Rule past its ceiling: {data.rule_name}"
        then = "It had been changed in the meantime, and was left as it is."
    look = "What it did can be listed and taken back."
    facts = (("Rule", f"{data.rule_name} ({data.rule_id})"),)
    return Text(subject=subject, paragraphs=(acted, then, look), facts=facts)


def _endpoint(kind: NotificationKind, data: EndpointData) -> Text:
    facts = [("Endpoint", data.endpoint), ("Reason", data.reason)]
    if data.failing_since is not None:
        facts.append(("Failing since", data.failing_since.isoformat(timespec="seconds")))
    facts.append(("Deliveries waiting", str(data.waiting)))
    if kind is NotificationKind.ENDPOINT_PAUSED:
        return Text(
            subject=f"Endpoint paused: {data.endpoint}",
            paragraphs=(
                "Webhooks are no longer sent to this endpoint.",
                "Its deliveries are kept, and leave when somebody resumes it.",
            ),
            facts=tuple(facts),
        )
    return Text(
        subject=f"Endpoint resumed: {data.endpoint}",
        paragraphs=("Webhooks are sent to this endpoint again.",),
        facts=tuple(facts),
    )


def _mention(data: MentionData) -> Text:
    return Text(
        subject=f"{data.author_name} mentioned you in a comment",
        paragraphs=(
            f"{data.author_name} mentioned you in a comment on a review job.",
            "The comment can be read at the job.",
        ),
        facts=(("Queue", data.queue_name), ("Job", data.job_id)),
    )


def _assigned(kind: NotificationKind, data: AssignedData) -> Text:
    did = (
        "gave you a review job" if kind is NotificationKind.JOB_ASSIGNED else "holds a job for you"
    )
    facts = [("Queue", data.queue_name), ("Job", data.job_id)]
    if data.until is not None:
        facts.append(("Until", data.until.isoformat(timespec="seconds")))
    return Text(
        subject=f"{data.by_name} {did}",
        paragraphs=(f"{data.by_name} {did}. Nobody else is given it until then.",),
        facts=tuple(facts),
    )


def _export(data: ExportData) -> Text:
    facts = [("Export", data.export_id), ("Rows", str(data.rows))]
    if data.error is None:
        return Text(
            subject="Your export is ready",
            paragraphs=("The export of the decision log that you asked for can be downloaded.",),
            facts=tuple(facts),
        )
    return Text(
        subject="Your export could not be written",
        paragraphs=("The export of the decision log that you asked for could not be written.",),
        facts=(*facts, ("Reason", data.error)),
    )


def _bulk(data: BulkData) -> Text:
    what = "Bulk action" if data.order == "ACTION" else "Reversal"
    end = "is through" if data.state == "COMPLETE" else "was cancelled"
    return Text(
        subject=f"{what} {end}",
        paragraphs=(f"{what} {end}: {data.requested} of {data.total} were requested.",),
        facts=(("Id", data.bulk_id), ("Refused", str(data.refused))),
    )


def _appeal(data: AppealData) -> Text:
    return Text(
        subject="An appeal against a decision of yours",
        paragraphs=(
            "A user of the platform appealed against a decision of yours.",
            "Somebody else decides it.",
        ),
        facts=(
            ("Queue", data.queue_name),
            ("Job", data.job_id),
            ("Decided", data.decided_at.isoformat(timespec="seconds")),
        ),
    )


def _bulk_appeal(data: BulkAppealData) -> Text:
    return Text(
        subject="An appeal against a bulk action of yours",
        paragraphs=(
            "A user of the platform appealed against what a bulk action of yours did.",
            "Somebody else decides it.",
        ),
        facts=(
            ("Id", data.bulk_id),
            ("Carried out", data.started_at.isoformat(timespec="seconds")),
        ),
    )


def _threshold(data: ThresholdData) -> Text:
    return Text(
        subject=f"Users reached {data.threshold} strikes",
        paragraphs=(f"Users of the platform reached the threshold of {data.threshold} strikes.",),
        facts=(("Since", data.at.isoformat(timespec="seconds")),),
    )


def _evidence_late(data: EvidenceLateData) -> Text:
    return Text(
        subject="Actions left before the evidence was held",
        paragraphs=(
            "What was decided together with a report to NCMEC was sent to the platform before all "
            "media of the report were held as evidence.",
            "Look at the report, and have the platform keep what it still has.",
        ),
        facts=(
            ("Job", data.job_id),
            ("Decided", data.decided_at.isoformat(timespec="seconds")),
        ),
    )


def _line(value: str) -> str:
    """One line: line ends and other control characters would end a header."""
    shown = (one if one.isprintable() else " " for one in value)
    return " ".join("".join(shown).split())
