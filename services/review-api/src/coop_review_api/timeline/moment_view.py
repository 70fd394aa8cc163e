"""Showing a timeline: its moments as the models of `view`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from coop_contracts.event import ConditionResult, ItemRef, RuleOutcome, RulesEvaluated
from coop_review_api.comment.store import Comment
from coop_review_api.decision_log.route import TakenBackView, entry_view
from coop_review_api.history.port import FoundItem
from coop_review_api.http.item_ref import ItemRefView, PlatformUserView
from coop_review_api.http.page import encode_cursor
from coop_review_api.note.store import Note
from coop_review_api.timeline.desk import TimelinePart
from coop_review_api.timeline.entry import Kind, Moment
from coop_review_api.timeline.source import Cause, Evaluation
from coop_review_api.timeline.view import (
    AppealMoment,
    CommentMoment,
    DecisionMoment,
    DeliveryMoment,
    KeepingMoment,
    MissingKindView,
    NoteMoment,
    ReportMoment,
    RuleActorView,
    RuleExecutionView,
    RuleMoment,
    StrikeMoment,
    SubmissionMoment,
    TimelineView,
)

Names = Mapping[ItemRef, str]


def timeline_view(found: TimelinePart, *, of: str | None = None) -> TimelineView:
    """A page; its cursor is one of the present list, or of another (the template of its path)."""
    cursor = None
    if found.next is not None:
        cursor = encode_cursor(msgspec.json.encode(found.next).decode(), of=of)
    return TimelineView(
        items=[_SHOWN[one.kind](one, found.names) for one in found.moments],
        next_cursor=cursor,
        missing=[MissingKindView(kind=one.kind, reason=one.reason) for one in found.missing],
    )


def _submission(one: Moment, _: Names) -> SubmissionMoment:
    found: FoundItem = one.shown
    return SubmissionMoment(
        kind="SUBMISSION",
        id=found.submission_id,
        time=one.time,
        item=ItemRefView(id=found.item.id, type_id=found.item.type_id),
        type_version=found.item.type_version,
        source=found.source,
    )


def _report(one: Moment, names: Names) -> ReportMoment:
    cause: Cause = one.shown
    report = cause.entry.report
    assert report is not None
    return ReportMoment(
        kind="REPORT",
        id=report.report_id,
        time=one.time,
        item=_ref(cause.item),
        reporter=None if report.reporter is None else _user(report.reporter, names),
        reason=report.reason,
        policy_id=report.policy_id,
        job_id=cause.job_id,
        queue_id=cause.queue_id,
        invalidated_at=cause.invalidated_at,
    )


def _appeal(one: Moment, names: Names) -> AppealMoment:
    cause: Cause = one.shown
    appeal = cause.entry.appeal
    assert appeal is not None
    return AppealMoment(
        kind="APPEAL",
        id=appeal.appeal_id,
        time=one.time,
        item=_ref(cause.item),
        appealed_by=_user(appeal.appealed_by, names),
        reason=appeal.reason,
        action_ids=list(appeal.actions_taken),
        job_id=cause.job_id,
        queue_id=cause.queue_id,
        invalidated_at=cause.invalidated_at,
    )


def _kept(one: Moment, _: Names) -> KeepingMoment:
    row = one.shown
    return KeepingMoment(
        kind="KEEPING",
        id=row.key,
        time=one.time,
        item=ItemRefView(id=row.item_id, type_id=row.item_type_id),
        job_id=str(row.job_id),
        queue_id=row.queue_id,
        kept_as=row.kept_as,
        person_id=row.person_id,
        reason=row.reason,
        kept_by=row.kept_by,
        until=row.until,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        outcome=row.outcome,
    )


def _rule(one: Moment, _: Names) -> RuleMoment:
    evaluation: Evaluation = one.shown
    event = evaluation.event
    return RuleMoment(
        kind="RULE",
        id=one.key,
        time=one.time,
        item=_ref(event.item),
        submission_id=event.submission_id,
        rules=[_actor(rule, event) for rule in event.rules if rule.passed],
        executions=[
            RuleExecutionView(execution_id=each.execution_id, action_id=each.action_id)
            for each in event.executions
        ],
        taken_back=[
            TakenBackView(**msgspec.structs.asdict(each)) for each in evaluation.taken_back
        ],
    )


def _actor(outcome: RuleOutcome, event: RulesEvaluated) -> RuleActorView:
    true = [
        event.conditions[index]
        for index in outcome.conditions
        if index < len(event.conditions) and event.conditions[index].outcome == "PASSED"
    ]
    telling = next(filter(_found_something, true), None)
    return RuleActorView(
        id=outcome.rule.id,
        name=outcome.rule.name,
        revision=outcome.rule.revision,
        status=outcome.status,
        score=None if telling is None else telling.score,
        matched_value=None if telling is None else telling.matched_value,
    )


def _found_something(one: ConditionResult) -> bool:
    return one.score is not None or one.matched_value is not None


def _decision(one: Moment, names: Names) -> DecisionMoment:
    return DecisionMoment(
        kind="DECISION", id=one.key, time=one.time, decision=entry_view(one.shown, names)
    )


def _strike(one: Moment, _: Names) -> StrikeMoment:
    row = one.shown
    return StrikeMoment(
        kind="STRIKE",
        id=row.event_id,
        time=one.time,
        cause_id=row.cause_id,
        policy_id=row.policy_id,
        delta=row.delta,
        total=row.total,
        crossed=row.crossed,
    )


def _note(one: Moment, _: Names) -> NoteMoment:
    note: Note = one.shown
    return NoteMoment(
        kind="NOTE",
        id=note.note_id,
        time=one.time,
        author_id=note.author_id,
        text=note.text,
        edited_at=note.edited_at,
        deleted_at=note.deleted_at,
        deleted_by=note.deleted_by,
    )


def _comment(one: Moment, _: Names) -> CommentMoment:
    comment: Comment = one.shown
    return CommentMoment(
        kind="COMMENT",
        id=comment.comment_id,
        time=one.time,
        author_id=comment.author_id,
        job_id=comment.job_id,
        text=comment.body,
        edited_at=comment.edited_at,
    )


def _delivery(one: Moment, _: Names) -> DeliveryMoment:
    row = one.shown
    return DeliveryMoment(
        kind="DELIVERY",
        id=row.key,
        time=one.time,
        item=ItemRefView(id=row.item_id, type_id=row.item_type_id),
        action_id=row.action_id,
        state=row.state or "PENDING",
        attempts=row.attempts or 0,
        status=row.status,
        error=row.error,
        ended_at=row.ended_at,
    )


def _ref(ref: ItemRef) -> ItemRefView:
    return ItemRefView(id=ref.id, type_id=ref.type_id)


def _user(user: ItemRef, names: Names) -> PlatformUserView:
    return PlatformUserView(id=user.id, type_id=user.type_id, display_name=names.get(user))


_SHOWN: Final[Mapping[Kind, Callable[[Moment, Names], Any]]] = {
    "SUBMISSION": _submission,
    "REPORT": _report,
    "APPEAL": _appeal,
    "KEEPING": _kept,
    "RULE": _rule,
    "DECISION": _decision,
    "STRIKE": _strike,
    "NOTE": _note,
    "COMMENT": _comment,
    "DELIVERY": _delivery,
}
