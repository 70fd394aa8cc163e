"""Notifications in words, and as mails.

Guarantees: whatever a name contains (line ends, markup), it stays text: a subject is one line, HTML
is escaped.
Must not: say more than the data do.
"""

from __future__ import annotations

import html

from msgspec import Struct

from coop_review_api.notification.kind import (
    AppealData,
    AssignedData,
    BulkAppealData,
    BulkData,
    Data,
    EndpointData,
    EvidenceLateData,
    ExportData,
    MentionData,
    NotificationKind,
    ProposalData,
    ProposalDecidedData,
    RuleTrippedData,
    ThresholdData,
)

_MAX_SUBJECT = 200


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
        case ProposalData():
            return _proposed(data)
        case ProposalDecidedData():
            return _proposal_decided(data)


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


def _proposed(data: ProposalData) -> Text:
    expected = "not known" if data.expected is None else str(data.expected)
    return Text(
        subject=f"Your approval is asked for: {data.proposed_rule}",
        paragraphs=(
            f"{data.by_name} wants to let the rule {data.proposed_rule} act on more than one person"
            " may decide.",
            "What would change is shown at the rule, where you approve or decline it.",
        ),
        facts=(
            ("Rule", f"{data.proposed_rule} ({data.rule_id})"),
            ("Items a day, as expected", expected),
        ),
    )


def _proposal_decided(data: ProposalDecidedData) -> Text:
    did = "approved" if data.approved else "declined"
    then = "The change is in force." if data.approved else "The rule is as it was."
    return Text(
        subject=f"Your proposal was {did}: {data.proposed_rule}",
        paragraphs=(f"{data.by_name} {did} your change of the rule {data.proposed_rule}.", then),
        facts=(("Rule", f"{data.proposed_rule} ({data.rule_id})"),),
    )


def _line(value: str) -> str:
    """One line: line ends and other control characters would end a header."""
    shown = (one if one.isprintable() else " " for one in value)
    return " ".join("".join(shown).split())
