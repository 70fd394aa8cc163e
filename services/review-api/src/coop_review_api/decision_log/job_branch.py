"""The parts of the log that are about jobs: how they were decided, and by whom they were left.

    DECISIONS     review's decisions, of people and of a queue's settings     DECISION
    PASSED_ON     the queue store's claims that ended without a decision      SKIP, RELEASE

Guarantees: what a job is about that is gone is not known, and counts as child safety; nobody reads
how a job was decided while they hold its second review.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Text,
    Uuid,
    and_,
    case,
    cast,
    or_,
    select,
    union,
    union_all,
)

from coop_contracts.event import ItemRef
from coop_queues.reading import claims, is_grave, jobs
from coop_review_api.decision_log.branch import (
    Branch,
    Condition,
    Rows,
    has_one,
    key_of,
    one_of,
    said,
)
from coop_review_api.decision_log.meaning import Meant
from coop_review_api.kernel import words
from coop_review_api.quality.relation import SECOND_REVIEWS
from coop_review_api.review import relation
from coop_review_api.review.visibility import ReaderScope

_d, _j, _c = relation.DECISIONS.of.c, jobs.c, claims.c

# Made once: their columns cost more than the rest of a question.
_own, _related = relation.DECISIONS.subquery("own"), relation.DECISIONS.subquery("related")
_about = jobs.alias("about")

_HERE: Final[ColumnElement[bool]] = _d.came_from.is_(None)
_BY: Final[Mapping[str, ColumnElement[bool]]] = {
    "MRT_JOB": and_(_HERE, _d.reviewer_id.is_not(None)),
    "AUTOMATIC": and_(_HERE, _d.reviewer_id.is_(None)),
    "COOP": _d.came_from == said("COOP"),
}
"""The sources of decisions: each has one."""

_JOB_CSAM: Final[ColumnElement[bool]] = or_(_j.job_id.is_(None), is_grave(jobs))


def _may_have_decided(question: Meant) -> bool:
    return (
        "DECISION" in question.kinds
        and not question.rule_ids
        and (not question.sources or bool(_BY.keys() & set(question.sources)))
    )


def _decisions(question: Meant, scope: ReaderScope) -> Rows:
    csam = or_(_JOB_CSAM, has_one(_d.components, [{"type": "ESCALATE_TO_NCMEC"}]))
    where = [_d.job_id.not_in(_held_again(scope)), *_of_decision(question, scope.org_id)]
    if not scope.child_safety:
        where.append(~csam)
    if scope.queue_ids is not None:
        where.append(one_of(_d.queue_id, scope.queue_ids) | (_d.reviewer_id == scope.user_id))
    source = case(*((how, said(name)) for name, how in _BY.items()))
    return Rows(
        source=relation.DECISIONS.of.outerjoin(jobs, _j.job_id == cast(_d.job_id, Uuid)),
        org_id=_d.org_id,
        columns={
            "id": _d.decision_id,
            "kind": said("DECISION"),
            "source": source,
            "time": _d.decided_at,
            "actor_id": _d.reviewer_id,
            "queue_id": _d.queue_id,
            "job_id": _d.job_id,
            "item_type_id": _d.item_type_id,
            "item_id": _d.item_id,
            "components": _d.components,
            "executions": _d.executions,
            "reason": _d.reason,
            "note": _d.note,
            "undone_at": _d.undone_at,
            "leaves_at": _d.leaves_at,
            "moved_to": _d.moved_to,
            "appeal_of": _d.appeal_of,
            "csam": csam,
        },
        where=where,
    )


def _held_again(scope: ReaderScope) -> Select[Any]:
    """The jobs that the reader decides again, blind: how they were decided is not read here."""
    held = SECOND_REVIEWS.of.c
    return select(held.job_id).where(
        held.org_id == scope.org_id,
        held.state == said("PENDING"),
        held.lease_holder == scope.user_id,
    )


def _of_decision(question: Meant, org_id: str) -> list[Condition]:
    where: list[Condition] = []
    if question.sources:
        where.append(or_(*(_BY[one] for one in question.sources if one in _BY)))
    if question.decision_types:
        where.append(has_one(_d.components, [{"type": one} for one in question.decision_types]))
    if question.action_ids:
        where.append(has_one(_d.components, [{"actionIds": [one]} for one in question.action_ids]))
    if question.policy_ids:
        where.append(has_one(_d.components, [{"policyIds": [one]} for one in question.policy_ids]))
    if question.queue_ids:
        where.append(one_of(_d.queue_id, question.queue_ids))
    if question.reviewer_ids:
        where.append(one_of(_d.reviewer_id, question.reviewer_ids))
    if question.job_id is not None:
        where.append(_d.job_id == question.job_id)
    if question.item is not None:
        where.append(_on_item(question.item, org_id))
    if question.user is not None:
        where.append(_on_user(question, org_id))
    if question.q is not None:
        where.append(_said(question))
    return where


def _said(question: Meant) -> Condition:
    """What was said of it has the words, or the name of an action or a policy of it has."""
    said_so = words.has(
        words.joined(_d.reason, _d.note), _d.org_id, of=question.org_id, words=question.q or ""
    )
    members = [{"actionIds": [one]} for one in question.named_actions]
    members += [{"policyIds": [one]} for one in question.named_policies]
    return or_(said_so, has_one(_d.components, members)) if members else said_so


def _on_item(item: ItemRef, org_id: str) -> Condition:
    if not item.id:
        return _d.item_type_id == item.type_id
    is_its = and_(_own.c.item_type_id == item.type_id, _own.c.item_id == item.id)
    return _d.decision_id.in_(_own_and_related(is_its, [item], org_id=org_id))


def _on_user(question: Meant, org_id: str) -> Condition:
    """About something of a user's, or acted on the user besides."""
    about = _about.c
    keys = list(map(key_of, question.users))
    job_ids = union_all(
        *(
            select(cast(about.job_id, Text)).where(
                about.org_id == org_id,
                about.subject_key.in_(keys),
                about.state == said(state),
            )
            for state in ("PENDING", "CLOSED")
        )
    )
    is_theirs = _own.c.job_id.in_(job_ids)
    return _d.decision_id.in_(_own_and_related(is_theirs, question.users, org_id=org_id))


def _own_and_related(
    is_own: Condition, refs: Sequence[ItemRef], *, org_id: str
) -> CompoundSelect[Any]:
    """The decisions of which that holds, and those that acted on one of these besides: never on
    whatever else has the same id. Two indexes, hence two selects: with OR the planner would read
    the whole log."""
    acted_on = [{"items": [{"id": one.id, "typeId": one.type_id}]} for one in refs]
    return union(
        select(_own.c.decision_id).where(_own.c.org_id == org_id, is_own),
        select(_related.c.decision_id).where(
            _related.c.org_id == org_id, has_one(_related.c.components, acted_on)
        ),
    )


def _may_have_passed_on(question: Meant) -> bool:
    return (
        bool({"SKIP", "RELEASE"} & set(question.kinds))
        and not (
            question.decision_types
            or question.action_ids
            or question.policy_ids
            or question.rule_ids
            or question.q
        )
        and (not question.sources or "MRT_JOB" in question.sources)
    )


def _passed_on(question: Meant, scope: ReaderScope) -> Rows:
    outcomes = ["SKIPPED"] if "SKIP" in question.kinds else []
    if "RELEASE" in question.kinds:
        outcomes += ["RELEASED", "EXPIRED"]
    where = [
        # As the index says it, and then which of them.
        _c.outcome.in_([said(one) for one in ("SKIPPED", "RELEASED", "EXPIRED")]),
        one_of(_c.outcome, outcomes),
        *_of_claim(question),
    ]
    if not scope.child_safety:
        where.append(~_JOB_CSAM)
    if scope.queue_ids is not None:
        where.append(one_of(_c.queue_id, scope.queue_ids) | (_c.reviewer_id == scope.user_id))
    job_id = cast(_c.job_id, Text)
    skipped = (_c.outcome == said("SKIPPED"), said("SKIP"))
    return Rows(
        source=claims.outerjoin(jobs, _j.job_id == _c.job_id),
        org_id=_c.org_id,
        columns={
            "id": job_id + said("/") + cast(_c.number, Text),
            "kind": case(skipped, else_=said("RELEASE")),
            "source": said("MRT_JOB"),
            "time": _c.ended_at,
            "actor_id": _c.reviewer_id,
            "queue_id": _c.queue_id,
            "job_id": job_id,
            "item_type_id": _j.item_type_id,
            "item_id": _j.item_id,
            "state": _c.outcome,
            "csam": _JOB_CSAM,
        },
        where=where,
    )


def _of_claim(question: Meant) -> list[Condition]:
    where: list[Condition] = []
    if question.queue_ids:
        where.append(one_of(_c.queue_id, question.queue_ids))
    if question.reviewer_ids:
        where.append(one_of(_c.reviewer_id, question.reviewer_ids))
    if question.job_id is not None:
        where.append(cast(_c.job_id, Text) == question.job_id)
    if question.item is not None and question.item.id:
        where.append(_j.item_key == key_of(question.item))
    elif question.item is not None:
        where.append(_j.item_type_id == question.item.type_id)
    if question.user is not None:
        where.append(_j.subject_key.in_(map(key_of, question.users)))
    return where


DECISIONS: Final = Branch(can_answer=_may_have_decided, rows=_decisions)
PASSED_ON: Final = Branch(can_answer=_may_have_passed_on, rows=_passed_on)
