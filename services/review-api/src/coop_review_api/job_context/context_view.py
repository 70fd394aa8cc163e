"""Showing a job's context: what was gathered, as the models of `view`.

Must not: leave anything out; `clearing` did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec

from coop_contracts.config import ItemType
from coop_contracts.error import pointer
from coop_contracts.event import ItemRef, SubmittedItem
from coop_review_api.comment.route import view_of as comment_view
from coop_review_api.configuration.document_model import FieldFields, FieldRolesFields, Penalty
from coop_review_api.explanation.report import ExplainedRule, Explanation
from coop_review_api.explanation.tree import Node
from coop_review_api.explanation.view import ConditionNodeView
from coop_review_api.history import known_item
from coop_review_api.history.known_item import KnownItem
from coop_review_api.history.version import moment_in
from coop_review_api.http.item_ref import ItemRefView, PlatformUserView
from coop_review_api.http.page import encode_cursor
from coop_review_api.job_context.material import (
    FromHistory,
    Ground,
    JobContext,
    StrikeCount,
    ThreadContext,
)
from coop_review_api.job_context.part import MissingPart
from coop_review_api.job_context.thread import Direction, Spot
from coop_review_api.job_context.view import (
    AuthorView,
    AvatarView,
    ContextCommentsView,
    ContextItemView,
    ContextJobView,
    ContextReasonView,
    ContextTimelineView,
    ContextTypeView,
    DecisionRulesView,
    JobContextView,
    JobThreadPage,
    JobThreadView,
    MissingPartView,
    OfferedActionView,
    OfferedQueueView,
    OffersView,
    PossibilityView,
    ReasonRuleView,
    RecentJobsView,
    ReporterView,
    StrikeCountView,
)
from coop_review_api.media_value.view import media_of_item
from coop_review_api.review.draft_route import draft_view
from coop_review_api.review.job_view import job_view, summary_view
from coop_review_api.review.offer import Offers, Possibility
from coop_review_api.timeline.moment_view import timeline_view
from coop_runtime.secret.vault import Vault

THREAD_LIST = "/v1/jobs/{job_id}/thread"
"""The list that cursors of a thread belong to."""

TIMELINE_LIST = "/v1/jobs/{job_id}/timeline"
"""The same of a timeline."""

_data = msgspec.json.Decoder(dict[str, Any])


class _Items:
    """Shows items with the names of who made them, and references to their media in this job."""

    def __init__(self, ground: Ground, history: FromHistory, vault: Vault) -> None:
        self._job, self._vault = ground.job.summary, vault
        self._types = ground.types
        self._known = history.known

    def of(self, one: KnownItem) -> ContextItemView:
        item = one.item
        return ContextItemView(
            id=item.id,
            type_id=item.type_id,
            type_version=item.type_version,
            data=_data.decode(item.data),
            creator=None if item.creator is None else self.user(item.creator),
            display_name=known_item.name_of(item, self._types),
            submitted_at=one.submitted_at,
            said_at=one.said_at,
            carrier=one.carrier,
            media=media_of_item(
                self._vault,
                self._job.org_id,
                item,
                job_id=self._job.job_id,
                submission_id=one.submission_id,
            ),
        )

    def carried(self, item: SubmittedItem) -> ContextItemView:
        return self.of(known_item.of_job(item, self._types))

    def user(self, user: ItemRef) -> PlatformUserView:
        return PlatformUserView(id=user.id, type_id=user.type_id, display_name=self.name(user))

    def name(self, user: ItemRef) -> str | None:
        found = self._known.get(user)
        return None if found is None else known_item.name_of(found.item, self._types)


def context_view(found: JobContext, vault: Vault) -> JobContextView:
    """The whole answer; `vault` signs the references to media."""
    ground, own = found.ground, found.own
    job, shown = ground.job, _Items(ground, found.history, vault)
    whole = job_view(job, origins=own.origins)
    return JobContextView(
        job=ContextJobView(
            **dict(summary_view(job.summary)),
            entries=whole.payload.entries,
            reported_in_thread=[_ref_view(one) for one in job.reported_in_thread],
            appeal_of=whole.appeal_of,
        ),
        item=shown.of(found.history.item),
        earlier_items=[shown.carried(one) for one in job.earlier_items],
        additional_items=[shown.carried(one) for one in job.additional_items],
        author=_author(found, shown),
        reporters=_reporters(found, shown),
        timeline=_timeline(found),
        comments=ContextCommentsView(
            count=own.comment_count, items=[comment_view(one) for one in own.comments]
        ),
        explanation=ContextReasonView(rules=list(_reasons(found.explanations))),
        thread=_thread(ground, found.history, shown),
        offers=None if own.offers is None else _offers(own.offers),
        draft=None if own.draft is None else draft_view(own.draft),
        remaining=own.remaining,
        types=_types(found.types),
        missing=_missing(found.missing),
    )


def thread_page(found: ThreadContext, direction: Direction, vault: Vault) -> JobThreadPage:
    """A further part of the thread, in that direction."""
    part, shown = found.history.thread, _Items(found.ground, found.history, vault)
    return JobThreadPage(
        thread=_thread_ref(found.ground, found.history),
        items=[shown.of(one) for one in part.items],
        next_cursor=_cursor(part.before if direction == "BEFORE" else part.after),
        types=_types(found.types),
        missing=_missing(found.missing),
    )


def _thread(ground: Ground, history: FromHistory, shown: _Items) -> JobThreadView:
    return JobThreadView(
        thread=_thread_ref(ground, history),
        items=[shown.of(one) for one in history.thread.items],
        before=_cursor(history.thread.before),
        after=_cursor(history.thread.after),
    )


def _thread_ref(ground: Ground, history: FromHistory) -> ItemRefView | None:
    thread = known_item.thread_of(history.item.item, ground.types)
    return None if thread is None else _ref_view(thread)


def _cursor(spot: Spot | None) -> str | None:
    if spot is None:
        return None
    return encode_cursor(msgspec.json.encode(spot).decode(), of=THREAD_LIST)


def _author(found: JobContext, shown: _Items) -> AuthorView | None:
    user, profile = found.ground.user, found.profile
    if user is None:
        return None
    recent, seen, strikes = found.own.recent, found.history.seen, found.strikes
    fields: dict[str, Any] = {"profile": None, "avatar": None, "joined_at": None}
    if profile is not None:
        fields = _profile(found, shown, profile)
    return AuthorView(
        id=user.id,
        type_id=user.type_id,
        **{"display_name": shown.name(user), **fields},
        first_seen=seen.since,
        last_seen=seen.until,
        strikes=None if strikes is None else _strikes(strikes),
        jobs7d=RecentJobsView(
            open=recent.counts.get("PENDING", 0),
            closed=recent.counts.get("CLOSED", 0),
            items=[summary_view(one) for one in recent.jobs],
        ),
    )


def _timeline(found: JobContext) -> ContextTimelineView | None:
    if found.timeline is None:
        return None
    shown = timeline_view(found.timeline, of=TIMELINE_LIST)
    return ContextTimelineView(of=found.ground.subject.of, **dict(shown))


def _strikes(strikes: StrikeCount) -> StrikeCountView:
    return StrikeCountView(total=strikes.total, next_expiry_at=strikes.next_expiry_at)


def _profile(found: JobContext, shown: _Items, profile: SubmittedItem) -> dict[str, Any]:
    types, known = found.ground.types, found.history.known
    sent = known.get(known_item.ref_of(profile))
    item_type = types.get(profile.type_id)
    joined = None if item_type is None else item_type.field_roles.created_at
    as_shown = shown.carried(profile) if sent is None else shown.of(known_item.of_history(sent))
    return {
        "display_name": known_item.name_of(profile, types),
        "profile": as_shown,
        "avatar": _avatar(as_shown, types),
        "joined_at": joined and moment_in(_data.decode(profile.data), joined),
    }


def _avatar(profile: ContextItemView, types: Mapping[str, ItemType]) -> AvatarView | None:
    item_type = types.get(profile.type_id)
    field = None if item_type is None else item_type.field_roles.profile_icon
    value = None if field is None else profile.data.get(field)
    if field is None or not isinstance(value, dict):
        return None
    at = f"/data{pointer(field)}"
    refs = (one.ref for one in profile.media if one.pointer == at)
    ref = next(refs, None)
    return None if ref is None else AvatarView(ref=ref, url=str(value["url"]))


def _reporters(found: JobContext, shown: _Items) -> list[ReporterView]:
    return [
        ReporterView(
            id=one.id,
            type_id=one.type_id,
            display_name=shown.name(one),
            reports30d=None if record is None else record.reports,
            upheld30d=None if record is None else record.upheld,
        )
        for one, record in found.own.reporters.items()
    ]


def _reasons(explanations: Sequence[Explanation]) -> Iterator[ReasonRuleView]:
    for explanation in explanations:
        for evaluation in explanation.evaluations:
            for rule in evaluation.rules:
                if rule.passed:
                    yield _reason(rule, explanation.submission_id, evaluation.evaluated_at)


def _reason(rule: ExplainedRule, submission_id: str, evaluated_at: datetime) -> ReasonRuleView:
    telling, conditions = _telling(rule), None
    if rule.conditions is not None:
        encoded = msgspec.json.encode(rule.conditions)
        conditions = ConditionNodeView.model_validate_json(encoded)
    return ReasonRuleView(
        id=rule.id,
        name=rule.name,
        revision=rule.revision,
        submission_id=submission_id,
        evaluated_at=evaluated_at,
        says=None if telling is None else telling.says,
        score=None if telling is None else telling.score,
        matched_value=None if telling is None else telling.matched_value,
        conditions=conditions,
    )


def _telling(rule: ExplainedRule) -> Node | None:
    """The first condition that was true, rather one that found something."""
    true = [one for one in _leaves(rule.conditions) if one.outcome == "PASSED"]
    found = (one for one in true if one.score is not None or one.matched_value is not None)
    return next(found, true[0] if true else None)


def _leaves(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    if node.conjunction is None:
        yield node
    for one in node.conditions:
        yield from _leaves(one)


def _offers(offers: Offers) -> OffersView:
    return OffersView(
        actions=[
            OfferedActionView(
                id=one.action.id,
                name=one.action.name,
                target=one.target,
                hidden=one.hidden,
                penalty=cast(Penalty, one.action.penalty),  # as it was checked
                parameters=bool(one.action.parameters),
            )
            for one in offers.actions
        ],
        move_to=[OfferedQueueView(id=one.id, name=one.name) for one in offers.move_to],
        skip=_possible(offers.skip),
        escalate=_possible(offers.escalate),
        reverse=None if offers.reverse is None else _possible(offers.reverse),
        rules=DecisionRulesView(
            policy_required=offers.rules.policy_required,
            reason_required=offers.rules.reason_required,
            reason_required_on_ignore=offers.rules.reason_required_on_ignore,
            several_policies=offers.rules.several_policies,
        ),
    )


def _possible(one: Possibility) -> PossibilityView:
    return PossibilityView(ok=one.ok, reason=one.reason)


def _types(types: Mapping[tuple[str, str], ItemType]) -> list[ContextTypeView]:
    return [
        ContextTypeView(
            id=type_id,
            version=version,
            name=one.name,
            kind=one.kind,
            fields=[
                FieldFields.model_validate_json(msgspec.json.encode(each)) for each in one.fields
            ],
            field_roles=FieldRolesFields.model_validate_json(msgspec.json.encode(one.field_roles)),
            hidden_fields=list(one.hidden_fields),
        )
        for (type_id, version), one in sorted(types.items())
    ]


def _missing(missing: Sequence[MissingPart]) -> list[MissingPartView]:
    return [MissingPartView(part=one.part, reason=one.reason) for one in missing]


def _ref_view(ref: ItemRef) -> ItemRefView:
    return ItemRefView(id=ref.id, type_id=ref.type_id)
