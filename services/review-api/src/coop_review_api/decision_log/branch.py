"""The parts of the decision log, each as a SELECT with the same columns.

Guarantees: each is ordered and limited by itself, so that the whole reads no more than one page of
each part; every value is a bound parameter.
Must not: hold a condition that another module decides: what a reader may see is in the scope.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from coop_contracts.event import ItemRef
from coop_queues.reading import CLAIMS, JOBS, item_key
from coop_review_api.decision_log.question import LogQuestion
from coop_review_api.review.visibility import ReaderScope

_OWN_SOURCES: Final = ("RULE_EXECUTION", "POST_ACTIONS", "STRIKE_THRESHOLD", "RETROACTION")
_BULK_SOURCES: Final = ("BULK_ACTION", "REVERSAL")
"""Of these the bulk job is the entry, unless one item or user is asked for."""


class Parameters:
    """Bound values under names of our own."""

    def __init__(self, **values: Any) -> None:
        self.values: dict[str, Any] = values

    def add(self, value: Any) -> str:
        """A further value; `:name`."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def any_of(self, column: str, values: tuple[str, ...]) -> str:
        """The condition that a text column has one of the values."""
        return f"{column} = ANY(CAST({self.add(list(values))} AS text[]))"

    def contains(self, column: str, component: Any) -> str:
        """The condition that one of a jsonb list's entries has these members."""
        encoded = msgspec.json.encode([component]).decode()
        return f"{column} @> CAST({self.add(encoded)} AS jsonb)"


Conditions = Callable[[LogQuestion, Parameters, ReaderScope], list[str]]


class Branch:
    """One part. `columns` end with FROM and joins; `time`, `entry_id` and `org` name its order and
    its organisation."""

    def __init__(
        self,
        *,
        columns: str,
        time: str,
        entry_id: str,
        org: str,
        can_answer: Callable[[LogQuestion], bool],
        conditions: Conditions,
    ) -> None:
        self._columns = columns
        self._time = time
        self._id = entry_id
        self._org = org
        self.can_answer = can_answer
        self._conditions = conditions

    def sql(
        self, parameters: Parameters, *, after: bool, scope: ReaderScope, question: LogQuestion
    ) -> str:
        """The SELECT."""
        where = [f"{self._org} = :org", *self._conditions(question, parameters, scope)]
        if question.since is not None:
            where.append(f"{self._time} >= CAST(:since AS timestamptz)")
        if question.until is not None:
            where.append(f"{self._time} < CAST(:until AS timestamptz)")
        if after:
            # The first condition is implied, and one that an index can begin at.
            where.append(f"{self._time} <= CAST(:time AS timestamptz)")
            where.append(f"({self._time}, {self._id}) < (CAST(:time AS timestamptz), :id)")
        return (
            f"{self._columns} WHERE {' AND '.join(where)}"
            f" ORDER BY {self._time} DESC, {self._id} DESC LIMIT :limit"
        )


def _any(conditions: list[str]) -> str:
    return f"({' OR '.join(conditions)})"


def _ref(item: ItemRef) -> dict[str, Any]:
    return {"items": [{"id": item.id, "typeId": item.type_id}]}


# A job that is gone can no longer say what it was about.
_JOB_CSAM = "coalesce(j.csam, true)"
_DECISION_CSAM = f"""({_JOB_CSAM} OR d.components @> '[{{"type": "ESCALATE_TO_NCMEC"}}]')"""


# Whoever decides a job again, blind, does not read here how it was decided.
_NOT_BLIND = """d.job_id NOT IN (SELECT s.job_id FROM review.second_reviews s
                                  WHERE s.org_id = :org AND s.state = 'PENDING'
                                    AND s.lease_holder = :me)"""


def _decisions(question: LogQuestion, parameters: Parameters, scope: ReaderScope) -> list[str]:
    where = [_NOT_BLIND]
    if not scope.child_safety:
        where.append(f"NOT {_DECISION_CSAM}")
    if scope.queue_ids is not None:
        is_open = parameters.any_of("d.queue_id", scope.queue_ids)
        where.append(f"({is_open} OR d.reviewer_id = :me)")
    if question.sources and "AUTOMATIC" not in question.sources:
        where.append("d.reviewer_id IS NOT NULL")
    if question.sources and "MRT_JOB" not in question.sources:
        where.append("d.reviewer_id IS NULL")
    of_components: tuple[tuple[tuple[str, ...], Callable[[str], Any]], ...] = (
        (question.decision_types, lambda one: {"type": one}),
        (question.action_ids, lambda one: {"actionIds": [one]}),
        (question.policy_ids, lambda one: {"policyIds": [one]}),
    )
    for values, member in of_components:
        if values:
            found = [parameters.contains("d.components", member(one)) for one in values]
            where.append(_any(found))
    if question.queue_ids:
        where.append(parameters.any_of("d.queue_id", question.queue_ids))
    if question.reviewer_ids:
        where.append(parameters.any_of("d.reviewer_id", question.reviewer_ids))
    if question.job_id is not None:
        where.append(f"d.job_id = {parameters.add(question.job_id)}")
    if question.item is not None:
        where.append(_on_item(question.item, parameters))
    if question.user is not None:
        where.append(_on_user(question.user, parameters))
    return where


def _on_item(item: ItemRef, parameters: Parameters) -> str:
    type_id = parameters.add(item.type_id)
    if not item.id:
        return f"d.item_type_id = {type_id}"
    # Two indexes, hence two selects: with OR the planner would read the whole log.
    return f"""d.decision_id IN (
        SELECT decision_id FROM review.decisions
         WHERE org_id = :org AND item_type_id = {type_id} AND item_id = {parameters.add(item.id)}
        UNION
        SELECT decision_id FROM review.decisions
         WHERE org_id = :org AND {parameters.contains("components", _ref(item))})"""  # noqa: S608


def _on_user(user: ItemRef, parameters: Parameters) -> str:
    key = parameters.add(item_key(user.type_id, user.id))
    jobs = " UNION ALL ".join(
        f"SELECT CAST(job_id AS text) FROM {JOBS}"  # noqa: S608
        f" WHERE org_id = :org AND subject_key = CAST({key} AS uuid) AND state = '{state}'"
        for state in ("PENDING", "CLOSED")
    )
    return f"""d.decision_id IN (
        SELECT decision_id FROM review.decisions WHERE org_id = :org AND job_id IN ({jobs})
        UNION
        SELECT decision_id FROM review.decisions
         WHERE org_id = :org AND {parameters.contains("components", _ref(user))})"""  # noqa: S608


_DECISIONS = Branch(
    columns=f"""
    SELECT d.decision_id AS id, 'DECISION' AS kind,
           CASE WHEN d.reviewer_id IS NULL THEN 'AUTOMATIC' ELSE 'MRT_JOB' END AS source,
           d.decided_at AS time, d.reviewer_id AS actor_id, d.queue_id, d.job_id,
           d.item_type_id, d.item_id, d.components, d.executions,
           CAST('{{}}' AS text[]) AS rule_ids, d.reason, d.note, d.undone_at, d.leaves_at,
           d.moved_to, d.appeal_of,
           CAST(NULL AS text) AS state, CAST(NULL AS integer) AS total,
           CAST(NULL AS integer) AS requested, {_DECISION_CSAM} AS csam
      FROM review.decisions d
      LEFT JOIN {JOBS} j ON j.job_id = CAST(d.job_id AS uuid)
    """,  # noqa: S608 - constants
    time="d.decided_at",
    entry_id="d.decision_id",
    org="d.org_id",
    can_answer=lambda question: (
        "DECISION" in question.kinds
        and not question.rule_ids
        and (not question.sources or bool({"MRT_JOB", "AUTOMATIC"} & set(question.sources)))
    ),
    conditions=_decisions,
)


def _of_bulk(question: LogQuestion, parameters: Parameters, _: ReaderScope) -> list[str]:
    kinds = [kind for kind in ("BULK_ACTION", "BULK_REVERSAL") if kind in question.kinds]
    if question.sources:
        named = {"BULK_ACTION": "BULK_ACTION", "REVERSAL": "BULK_REVERSAL"}
        allowed = {named.get(source) for source in question.sources}
        kinds = [kind for kind in kinds if kind in allowed]
    where = ["b.started_at IS NOT NULL", parameters.any_of("'BULK_' || b.kind", tuple(kinds))]
    if question.reviewer_ids:
        actor = "coalesce(b.confirmed_by, b.created_by)"
        where.append(parameters.any_of(actor, question.reviewer_ids))
    for name, values in (("actionIds", question.action_ids), ("policyIds", question.policy_ids)):
        if values:
            where.append(
                f"""b."order" -> '{name}' ?| CAST({parameters.add(list(values))} AS text[])"""
            )
    if question.item is not None:
        where.append(f"""b."order" ->> 'itemTypeId' = {parameters.add(question.item.type_id)}""")
    return where


_BULK = Branch(
    columns="""
    SELECT b.bulk_id AS id, 'BULK_' || b.kind AS kind,
           CASE b.kind WHEN 'REVERSAL' THEN 'REVERSAL' ELSE 'BULK_ACTION' END AS source,
           b.started_at AS time, coalesce(b.confirmed_by, b.created_by) AS actor_id,
           NULL AS queue_id, NULL AS job_id, b."order" ->> 'itemTypeId' AS item_type_id,
           NULL AS item_id, jsonb_build_array(b."order") AS components,
           CAST('[]' AS jsonb) AS executions, CAST('{}' AS text[]) AS rule_ids, NULL AS reason,
           b."order" ->> 'note' AS note, CAST(NULL AS timestamptz) AS undone_at,
           CAST(NULL AS timestamptz) AS leaves_at, NULL AS moved_to, NULL AS appeal_of,
           b.state, b.total, b.requested, false AS csam
      FROM review.bulk_jobs b
    """,
    time="b.started_at",
    entry_id="b.bulk_id",
    org="b.org_id",
    can_answer=lambda question: (
        bool({"BULK_ACTION", "BULK_REVERSAL"} & set(question.kinds))
        and not (
            question.decision_types or question.queue_ids or question.rule_ids or question.job_id
        )
        and question.user is None
        and (question.item is None or not question.item.id)
        and (not question.sources or bool(set(_BULK_SOURCES) & set(question.sources)))
    ),
    conditions=_of_bulk,
)

_ACTION_CSAM = f"""EXISTS (SELECT 1 FROM {JOBS} j WHERE j.org_id = a.org_id
                           AND j.item_key = a.item_key AND j.csam)"""  # noqa: S608 - a constant


def _action_sources(question: LogQuestion) -> tuple[str, ...]:
    one = question.user is not None or (question.item is not None and bool(question.item.id))
    known = (*_OWN_SOURCES, *_BULK_SOURCES) if one else _OWN_SOURCES
    return tuple(name for name in known if not question.sources or name in question.sources)


def _actions(question: LogQuestion, parameters: Parameters, scope: ReaderScope) -> list[str]:
    where = [parameters.any_of("a.source", _action_sources(question))]
    if not scope.child_safety:
        where.append(f"NOT {_ACTION_CSAM}")
    if question.action_ids:
        where.append(parameters.any_of("a.action_id", question.action_ids))
    if question.reviewer_ids:
        where.append(parameters.any_of("a.actor_id", question.reviewer_ids))
    for column, values in (("policy_ids", question.policy_ids), ("rule_ids", question.rule_ids)):
        if values:
            where.append(f"a.{column} && CAST({parameters.add(list(values))} AS text[])")
    if question.item is not None and question.item.id:
        key = parameters.add(item_key(question.item.type_id, question.item.id))
        where.append(f"a.item_key = CAST({key} AS uuid)")
    elif question.item is not None:
        where.append(f"a.item_type_id = {parameters.add(question.item.type_id)}")
    if question.user is not None:
        key = parameters.add(item_key(question.user.type_id, question.user.id))
        where.append(f"(a.creator_key = CAST({key} AS uuid) OR a.item_key = CAST({key} AS uuid))")
    return where


_ACTIONS = Branch(
    columns=f"""
    SELECT a.execution_id AS id, 'ACTION' AS kind, a.source, a.time, a.actor_id,
           NULL AS queue_id, NULL AS job_id, a.item_type_id, a.item_id,
           jsonb_build_array(jsonb_build_object('actionIds', jsonb_build_array(a.action_id),
               'policyIds', to_jsonb(a.policy_ids))) AS components,
           jsonb_build_array(jsonb_build_object('executionId', a.execution_id,
               'actionId', a.action_id)) AS executions,
           a.rule_ids, NULL AS reason, a.note, CAST(NULL AS timestamptz) AS undone_at,
           CAST(NULL AS timestamptz) AS leaves_at, NULL AS moved_to, NULL AS appeal_of,
           NULL AS state, CAST(NULL AS integer) AS total, CAST(NULL AS integer) AS requested,
           {_ACTION_CSAM} AS csam
      FROM review.requested_actions a
    """,  # noqa: S608 - constants
    time="a.time",
    entry_id="a.execution_id",
    org="a.org_id",
    can_answer=lambda question: (
        "ACTION" in question.kinds
        and not (question.decision_types or question.queue_ids or question.job_id)
        and bool(_action_sources(question))
    ),
    conditions=_actions,
)


def _passed_on(question: LogQuestion, parameters: Parameters, scope: ReaderScope) -> list[str]:
    outcomes: list[str] = ["SKIPPED"] if "SKIP" in question.kinds else []
    if "RELEASE" in question.kinds:
        outcomes += ["RELEASED", "EXPIRED"]
    where = [
        # As the index says it, and then which of them.
        "c.outcome IN ('SKIPPED', 'RELEASED', 'EXPIRED')",
        parameters.any_of("c.outcome", tuple(outcomes)),
    ]
    if not scope.child_safety:
        where.append(f"NOT {_JOB_CSAM}")
    if scope.queue_ids is not None:
        is_open = parameters.any_of("c.queue_id", scope.queue_ids)
        where.append(f"({is_open} OR c.reviewer_id = :me)")
    if question.queue_ids:
        where.append(parameters.any_of("c.queue_id", question.queue_ids))
    if question.reviewer_ids:
        where.append(parameters.any_of("c.reviewer_id", question.reviewer_ids))
    if question.job_id is not None:
        where.append(f"CAST(c.job_id AS text) = {parameters.add(question.job_id)}")
    if question.item is not None and question.item.id:
        key = parameters.add(item_key(question.item.type_id, question.item.id))
        where.append(f"j.item_key = CAST({key} AS uuid)")
    elif question.item is not None:
        where.append(f"j.item_type_id = {parameters.add(question.item.type_id)}")
    if question.user is not None:
        key = parameters.add(item_key(question.user.type_id, question.user.id))
        where.append(f"j.subject_key = CAST({key} AS uuid)")
    return where


_PASSED_ON_ID = "(CAST(c.job_id AS text) || '/' || c.number)"
_PASSED_ON = Branch(
    columns=f"""
    SELECT {_PASSED_ON_ID} AS id,
           CASE c.outcome WHEN 'SKIPPED' THEN 'SKIP' ELSE 'RELEASE' END AS kind,
           'MRT_JOB' AS source, c.ended_at AS time, c.reviewer_id AS actor_id, c.queue_id,
           CAST(c.job_id AS text) AS job_id, j.item_type_id, j.item_id,
           CAST('[]' AS jsonb) AS components, CAST('[]' AS jsonb) AS executions,
           CAST('{{}}' AS text[]) AS rule_ids, NULL AS reason, NULL AS note,
           CAST(NULL AS timestamptz) AS undone_at, CAST(NULL AS timestamptz) AS leaves_at,
           NULL AS moved_to, NULL AS appeal_of, c.outcome AS state,
           CAST(NULL AS integer) AS total, CAST(NULL AS integer) AS requested,
           {_JOB_CSAM} AS csam
      FROM {CLAIMS} c
      LEFT JOIN {JOBS} j ON j.job_id = c.job_id
    """,  # noqa: S608 - constants
    time="c.ended_at",
    entry_id=_PASSED_ON_ID,
    org="c.org_id",
    can_answer=lambda question: (
        bool({"SKIP", "RELEASE"} & set(question.kinds))
        and not (
            question.decision_types
            or question.action_ids
            or question.policy_ids
            or question.rule_ids
        )
        and (not question.sources or "MRT_JOB" in question.sources)
    ),
    conditions=_passed_on,
)

ALL: Final = (_DECISIONS, _BULK, _ACTIONS, _PASSED_ON)
