"""The parts of the log that are about actions: asked for one by one, and in bulk.

    ACTIONS    the projection's actions: of rules, thresholds and the platform's      ACTION
               calls; asked by item or user, also what bulk actions did to it
    BULK       enforcement's bulk actions and reversals that were confirmed           BULK_ACTION,
                                                                                      BULK_REVERSAL

Guarantees: an action on an item that is about child safety counts as child safety.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import case, false, func, literal, or_
from sqlalchemy.dialects.postgresql import JSONB

from coop_queues.reading import is_grave
from coop_review_api.decision_log.branch import (
    TEXTS,
    Branch,
    Condition,
    Rows,
    key_of,
    one_of,
    overlaps,
    said,
)
from coop_review_api.decision_log.meaning import Meant
from coop_review_api.enforcement.relation import BULK_JOBS
from coop_review_api.kernel import words
from coop_review_api.projection.relation import REQUESTED_ACTIONS
from coop_review_api.review.visibility import ReaderScope

_OWN_SOURCES: Final = ("RULE_EXECUTION", "POST_ACTIONS", "STRIKE_THRESHOLD", "RETROACTION")
_BULK_SOURCES: Final = ("BULK_ACTION", "REVERSAL")
"""Of these the bulk job is the entry, unless one item or user is asked for."""

_a, _b = REQUESTED_ACTIONS.of.c, BULK_JOBS.of.c
_CSAM: Final = is_grave(REQUESTED_ACTIONS.of)
_COMPONENT: Final = func.jsonb_build_object(
    "actionIds", func.jsonb_build_array(_a.action_id), "policyIds", func.to_jsonb(_a.policy_ids)
)
_EXECUTION: Final = func.jsonb_build_object(
    "executionId", _a.execution_id, "actionId", _a.action_id
)


def _may_have_acted(question: Meant) -> bool:
    return (
        "ACTION" in question.kinds
        and not (question.decision_types or question.queue_ids or question.job_id)
        and bool(_action_sources(question))
    )


def _action_sources(question: Meant) -> list[str]:
    one = question.user is not None or (question.item is not None and bool(question.item.id))
    known = (*_OWN_SOURCES, *_BULK_SOURCES) if one else _OWN_SOURCES
    return [name for name in known if not question.sources or name in question.sources]


def _actions(question: Meant, scope: ReaderScope) -> Rows:
    where = [one_of(_a.source, _action_sources(question)), *_of_action(question)]
    if not scope.child_safety:
        where.append(~_CSAM)
    return Rows(
        source=REQUESTED_ACTIONS.of,
        org_id=_a.org_id,
        columns={
            "id": _a.execution_id,
            "kind": said("ACTION"),
            "source": _a.source,
            "time": _a.time,
            "actor_id": _a.actor_id,
            "item_type_id": _a.item_type_id,
            "item_id": _a.item_id,
            "components": func.jsonb_build_array(_COMPONENT, type_=JSONB),
            "executions": func.jsonb_build_array(_EXECUTION, type_=JSONB),
            "rule_ids": _a.rule_ids,
            "note": _a.note,
            "csam": _CSAM,
        },
        where=where,
    )


def _of_action(question: Meant) -> list[Condition]:
    where: list[Condition] = []
    if question.action_ids:
        where.append(one_of(_a.action_id, question.action_ids))
    if question.reviewer_ids:
        where.append(one_of(_a.actor_id, question.reviewer_ids))
    if question.policy_ids:
        where.append(overlaps(_a.policy_ids, question.policy_ids))
    if question.rule_ids:
        where.append(overlaps(_a.rule_ids, question.rule_ids))
    if question.item is not None and question.item.id:
        where.append(_a.item_key == key_of(question.item))
    elif question.item is not None:
        where.append(_a.item_type_id == question.item.type_id)
    if question.user is not None:
        keys = list(map(key_of, question.users))
        where.append(_a.creator_key.in_(keys) | _a.item_key.in_(keys))
    if question.q is not None:
        # By names it is asked for with `actionId` and `policyId`: rules did it too often.
        where.append(_a.note.is_not(None))
        where.append(
            words.has(words.joined(_a.note), _a.org_id, of=question.org_id, words=question.q)
        )
    return where


def _may_be_bulk(question: Meant) -> bool:
    return (
        bool({"BULK_ACTION", "BULK_REVERSAL"} & set(question.kinds))
        and not (
            question.decision_types or question.queue_ids or question.rule_ids or question.job_id
        )
        and question.user is None
        and (question.item is None or not question.item.id)
        and (not question.sources or bool(set(_BULK_SOURCES) & set(question.sources)))
    )


def _bulk(question: Meant, _: ReaderScope) -> Rows:
    kind, actor = said("BULK_") + _b.kind, func.coalesce(_b.confirmed_by, _b.created_by)
    item_type_id = _b.order["itemTypeId"].astext
    where = [_b.started_at.is_not(None), one_of(kind, _bulk_kinds(question))]
    if question.reviewer_ids:
        where.append(one_of(actor, question.reviewer_ids))
    for name, values in (("actionIds", question.action_ids), ("policyIds", question.policy_ids)):
        if values:
            where.append(_b.order[name].has_any(literal(list(values), TEXTS)))
    if question.item is not None:
        where.append(item_type_id == question.item.type_id)
    if question.q is not None:
        where.append(_said(question))
    reverses = (_b.kind == said("REVERSAL"), said("REVERSAL"))
    return Rows(
        source=BULK_JOBS.of,
        org_id=_b.org_id,
        columns={
            "id": _b.bulk_id,
            "kind": kind,
            "source": case(reverses, else_=said("BULK_ACTION")),
            "time": _b.started_at,
            "actor_id": actor,
            "item_type_id": item_type_id,
            "components": func.jsonb_build_array(_b.order, type_=JSONB),
            "note": _b.order["note"].astext,
            "state": _b.state,
            "total": _b.total,
            "requested": _b.requested,
            "csam": false(),
        },
        where=where,
    )


def _said(question: Meant) -> Condition:
    note = words.joined(_b.order["note"].astext)
    found = [words.named(note, words=question.q or "")]
    for name, ids in (
        ("actionIds", question.named_actions),
        ("policyIds", question.named_policies),
    ):
        if ids:
            found.append(_b.order[name].has_any(literal(list(ids), TEXTS)))
    return or_(*found)


def _bulk_kinds(question: Meant) -> list[str]:
    kinds: list[str] = [kind for kind in ("BULK_ACTION", "BULK_REVERSAL") if kind in question.kinds]
    if not question.sources:
        return kinds
    named = {"BULK_ACTION": "BULK_ACTION", "REVERSAL": "BULK_REVERSAL"}
    allowed = {named.get(source) for source in question.sources}
    return [kind for kind in kinds if kind in allowed]


ACTIONS: Final = Branch(can_answer=_may_have_acted, rows=_actions)
BULK: Final = Branch(can_answer=_may_be_bulk, rows=_bulk)
