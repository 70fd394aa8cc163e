"""What second reviews, golden items, appeals and reversals say of reviewing.

Guarantees: scoped by organisation, by time, and by the queues one may see; every figure is counted
from rows, nothing is kept; what was withdrawn counts nowhere; child-safety reviews count only for
those who may see them.
Must not: decide who may know facts of a person; routes do.

Agreement compares the first with the second review of sampled decisions. Golden items are left out
of it: they are chosen, not sampled. Overturn rates belong to the decisions made in the time asked
for, whenever they were overturned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Permission
from coop_review_api.enforcement.relation import BULK_ITEMS, BULK_JOBS
from coop_review_api.kernel.error import Conflict
from coop_review_api.kernel.principal import Principal
from coop_review_api.quality.agreement import Interval, alpha_interval, kappa
from coop_review_api.quality.category import By
from coop_review_api.quality.sight import seen_of
from coop_review_api.review.child_safety import grave_job_of
from coop_review_api.review.desk import visible_queues
from coop_review_api.review.relation import DECISIONS

GroupBy = Literal["QUEUE", "REVIEWER", "POLICY", "ACTION"]
Table = Counter[tuple[str, str]]
"""Units by (one's category, the other's category)."""

_MAX_GROUPS = 20_000


@dataclass(frozen=True, kw_only=True)
class AgreementQuestion:
    """Which answers and decisions are asked about; `end` is not in it."""

    start: datetime
    end: datetime
    queue_id: str | None = None
    policy_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class QueueAgreement:
    """Of one queue. `kappa` takes all first reviewers for one rater, all second ones for another;
    `alpha` tells people apart no more than that, and has an interval."""

    queue_id: str
    reviews: int
    equal: int
    kappa: float | None
    alpha: Interval


@dataclass(frozen=True, kw_only=True)
class PairAgreement:
    """Of two people in one queue, whoever of them was first."""

    queue_id: str
    reviewer_ids: tuple[str, str]
    reviews: int
    equal: int
    kappa: float | None


Tables = dict[str, dict[tuple[str, str], Table]]
"""By queue, then by pair of people in the order of their ids."""

_SCOPE = f"""r.org_id = :org AND r.state = 'ANSWERED' AND {seen_of("r")}
        AND r.answered_at >= :start AND r.answered_at < :end
        AND (CAST(:queues AS text[]) IS NULL OR r.queue_id = ANY (CAST(:queues AS text[])))
        AND (CAST(:policy AS text) IS NULL
             OR CAST(:policy AS text) = ANY (string_to_array(r.expected ->> 'policies', ' '))
             OR CAST(:policy AS text) = ANY (string_to_array(r.answer ->> 'policies', ' ')))"""
_REVIEWS = text(
    f"""
    SELECT r.queue_id, r.first_reviewer_id, r.answered_by,
           r.expected ->> :by AS first, r.answer ->> :by AS second, count(*) AS reviews
      FROM review.second_reviews r
     WHERE {_SCOPE} AND r.golden_id IS NULL
     GROUP BY 1, 2, 3, 4, 5 LIMIT :limit
    """  # noqa: S608 - constants only; values are bound
)
_GOLDEN = text(
    f"""
    SELECT r.answered_by AS reviewer_id, r.queue_id, count(*) AS answered,
           count(*) FILTER (WHERE r.expected = r.answer) AS correct,
           count(*) FILTER (WHERE r.expected -> 'outcome' = r.answer -> 'outcome') AS outcome,
           count(*) FILTER (WHERE r.expected -> 'actions' = r.answer -> 'actions') AS actions,
           count(*) FILTER (WHERE r.expected -> 'policies' = r.answer -> 'policies') AS policies
      FROM review.second_reviews r
     WHERE {_SCOPE} AND r.golden_id IS NOT NULL
       AND (r.answered_by, r.queue_id) > (:after_reviewer, :after_queue)
     GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :limit
    """  # noqa: S608
)
_KEYS: dict[str, str] = {
    "QUEUE": "SELECT d.queue_id",
    "REVIEWER": "SELECT d.reviewer_id",
    "POLICY": """SELECT DISTINCT jsonb_array_elements_text(part -> 'policyIds')
                   FROM jsonb_array_elements(d.components) AS part WHERE part ? 'policyIds'""",
    "ACTION": """SELECT DISTINCT jsonb_array_elements_text(part -> 'actionIds')
                   FROM jsonb_array_elements(d.components) AS part WHERE part ? 'actionIds'""",
}
_OVERTURNS = {
    group: text(
        f"""
    WITH appeals AS (
        SELECT a.appeal_of,
               bool_or(a.components @> CAST('[{{"type": "ACCEPT_APPEAL"}}]' AS jsonb)) AS accepted
          FROM {DECISIONS.sql} a
         WHERE a.org_id = :org AND a.appeal_of IS NOT NULL AND a.undone_at IS NULL
           AND a.decided_at >= :start
           AND (a.components @> CAST('[{{"type": "ACCEPT_APPEAL"}}]' AS jsonb)
                OR a.components @> CAST('[{{"type": "REJECT_APPEAL"}}]' AS jsonb))
         GROUP BY a.appeal_of
    ), reversed AS (
        SELECT DISTINCT x.decision_id
          FROM {BULK_JOBS.sql} b
          JOIN {BULK_ITEMS.sql} i ON i.bulk_id = b.bulk_id AND i.state <> 'WAITING'
          JOIN {DECISIONS.sql} x
            ON x.executions @> jsonb_build_array(jsonb_build_object('executionId', i.identity))
         WHERE b.org_id = :org AND b.kind = 'REVERSAL' AND b.created_at >= :start
           AND x.org_id = :org
    )
    SELECT keys.key, count(*) AS decisions,
           count(*) FILTER (WHERE d.undone_at IS NOT NULL) AS undone,
           count(reversed.decision_id) AS reversed,
           count(appeals.appeal_of) AS appeals,
           count(*) FILTER (WHERE appeals.accepted) AS appeals_accepted,
           count(r.second_review_id) AS second_reviews,
           count(*) FILTER (WHERE r.expected ->> 'outcome' <> r.answer ->> 'outcome') AS differing
      FROM {DECISIONS.sql} d
     CROSS JOIN LATERAL ({keys}) AS keys (key)
      LEFT JOIN appeals ON appeals.appeal_of = d.decision_id
      LEFT JOIN reversed ON reversed.decision_id = d.decision_id
      LEFT JOIN review.second_reviews r
        ON r.decision_id = d.decision_id AND r.state = 'ANSWERED' AND {seen_of("r")}
     WHERE d.org_id = :org AND d.decided_at >= :start AND d.decided_at < :end
       AND d.reviewer_id IS NOT NULL AND (:csam OR NOT {grave_job_of("d")})
       AND NOT d.components @> CAST('[{{"type": "MOVE"}}]' AS jsonb)
       AND (CAST(:queues AS text[]) IS NULL OR d.queue_id = ANY (CAST(:queues AS text[])))
       AND (CAST(:policy AS text) IS NULL OR d.components @> jsonb_build_array(
            jsonb_build_object('policyIds', jsonb_build_array(CAST(:policy AS text)))))
       AND keys.key > :after
     GROUP BY keys.key ORDER BY keys.key LIMIT :limit
    """  # noqa: S608
    )
    for group, keys in _KEYS.items()
}


async def tables(
    connection: AsyncConnection, principal: Principal, wanted: AgreementQuestion, by: By
) -> Tables:
    """The sampled reviews of each pair of people, counted. Raises `Conflict` when they are too many
    to compare at once."""
    values = {
        **await _scope(connection, principal, wanted),
        "by": by.value.lower(),
        "limit": _MAX_GROUPS + 1,
    }
    rows = (await connection.execute(_REVIEWS, values)).all()
    if len(rows) > _MAX_GROUPS:
        raise Conflict("too many different reviews to compare at once: ask for a shorter time")
    found: Tables = defaultdict(lambda: defaultdict(Counter))
    for row in rows:
        table = found[row.queue_id][row.first_reviewer_id, row.answered_by]
        table[row.first, row.second] += row.reviews
    return found


def of_queue(queue_id: str, pairs: dict[tuple[str, str], Table]) -> QueueAgreement:
    """Agreement over all people of a queue. Takes up to some seconds of a processor."""
    whole = sum(pairs.values(), Table())
    return QueueAgreement(
        queue_id=queue_id,
        reviews=whole.total(),
        equal=_equal(whole),
        kappa=kappa(whole),
        alpha=alpha_interval({(one, other): whole[one, other] for one, other in whole}),
    )


def of_pairs(found: Tables) -> list[PairAgreement]:
    """Agreement of each two people, ordered by queue and their ids."""
    merged: dict[tuple[str, str, str], Table] = defaultdict(Counter)
    for queue_id, pairs in found.items():
        for (first, second), table in pairs.items():
            one, other = sorted((first, second))
            for (left, right), count in table.items():
                merged[queue_id, one, other][(left, right) if one == first else (right, left)] += (
                    count
                )
    return [
        PairAgreement(
            queue_id=queue_id,
            reviewer_ids=(one, other),
            reviews=table.total(),
            equal=_equal(table),
            kappa=kappa(table),
        )
        for (queue_id, one, other), table in sorted(merged.items())
    ]


def _equal(table: Table) -> int:
    return sum(count for (one, other), count in table.items() if one == other)


async def golden_results(
    connection: AsyncConnection,
    principal: Principal,
    wanted: AgreementQuestion,
    *,
    after: tuple[str, str],
    limit: int,
) -> Sequence[Any]:
    """How each person answered golden items, by queue, from the one after (person, queue)."""
    values = {
        **await _scope(connection, principal, wanted),
        "after_reviewer": after[0],
        "after_queue": after[1],
        "limit": limit,
    }
    return (await connection.execute(_GOLDEN, values)).all()


async def overturns(
    connection: AsyncConnection,
    principal: Principal,
    wanted: AgreementQuestion,
    group_by: GroupBy,
    *,
    after: str,
    limit: int,
) -> Sequence[Any]:
    """What became of people's decisions, by group, from the one after `after`."""
    values = {
        **await _scope(connection, principal, wanted),
        "after": after,
        "limit": limit,
    }
    return (await connection.execute(_OVERTURNS[group_by], values)).all()


async def _scope(
    connection: AsyncConnection, principal: Principal, wanted: AgreementQuestion
) -> dict[str, Any]:
    queues: list[str] | None = None
    if not principal.may(Permission.EDIT_MRT_QUEUES):
        queues = list(await visible_queues(connection, principal))
    if wanted.queue_id is not None:
        # A queue that is closed to this person has nothing in it, as if it were not there.
        is_open = queues is None or wanted.queue_id in queues
        queues = [wanted.queue_id] if is_open else []
    return {
        "org": principal.org_id,
        "csam": principal.may(Permission.VIEW_CHILD_SAFETY_DATA),
        "start": wanted.start,
        "end": wanted.end,
        "queues": queues,
        "policy": wanted.policy_id,
    }
