"""Answering many questions at once: a whole page of figures from one moment.

    ACTIONS, REVERSALS, DECISIONS, MATCHES   the tallies
    EVALUATIONS                              the tallies, and the log of rules
    JOBS, SKIPS                              the queue store's rows
    OPEN_JOBS                                what was looked at every quarter of an hour, and now

Guarantees: all answers of a request are of one snapshot of the database; what the reader may not
see is not counted: child safety without its permission, decisions and jobs of queues that are
closed to them, their own decisions apart. Numbers of matches and evaluations name no item and are
those of all. An answer has at most so many numbers.
Must not: decide who may know facts of a person; the route does.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_review_api.analytics import figure
from coop_review_api.analytics.answer import Answer, Answers, answer_of, totals_of
from coop_review_api.analytics.asked import AskedQuestion
from coop_review_api.analytics.name import names_of
from coop_review_api.analytics.open_job import LevelMemory, open_jobs
from coop_review_api.analytics.question import Question
from coop_review_api.analytics.rule_base import evaluations_of_rules
from coop_review_api.kernel.error import Fault, Invalid
from coop_review_api.review.visibility import ReaderScope
from coop_review_api.tally.figure import DimensionName, FigureName
from coop_review_api.tally.reader import Sums, TallyQuestion, TallyReader
from coop_rules.signal.catalogue import SignalCatalogue

SNAPSHOT: Final = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
"""Has to be the first statement of the transaction in which a request is answered."""

_AUTOMATED: Final = frozenset({"RULE_EXECUTION", "RETROACTION", "STRIKE_THRESHOLD"})
"""Sources of actions of which no person asked for each one."""


@dataclass(frozen=True, kw_only=True)
class QueryLimits:
    """How many numbers one request is answered with at most."""

    numbers: int = 100_000


async def answers(
    connection: AsyncConnection,
    scope: ReaderScope,
    questions: Sequence[AskedQuestion],
    *,
    now: datetime,
    tallies: TallyReader,
    levels: LevelMemory,
    signals: SignalCatalogue,
    limits: QueryLimits,
) -> Answers:
    """The answers, in the order of the questions. Raises `Invalid` where there are too many
    numbers."""
    tallied = await _tallied(connection, tallies, scope, questions)
    found: list[Answer] = []
    left = limits.numbers
    for position, asked in enumerate(questions):
        if position in tallied:
            answer = tallied[position]
        elif asked.figure == "OPEN_JOBS":
            answer = await open_jobs(connection, levels, scope, asked, now=now)
        elif asked.figure in {"JOBS", "SKIPS"}:
            answer = _answer(asked, await _of_rows(connection, scope, asked))
        else:
            sums = await evaluations_of_rules(
                connection, tallies, scope.org_id, asked, signals=signals
            )
            answer = _answer(asked, sums)
        left -= (len(asked.buckets.edges) - 1) * len(answer.series)
        if left < 0:
            reason = "too many numbers at once: ask for fewer keys (top), days, or less time"
            raise Invalid([Fault(f"/questions/{position}", reason)])
        found.append(answer)
    names = await names_of(connection, scope.org_id, found)
    return Answers(as_of=now, answers=found, names=names)


def _answer(asked: AskedQuestion, sums: Sums) -> Answer:
    return answer_of(asked, sums, totals_of(asked, sums))


def _named(asked: AskedQuestion) -> set[str]:
    return {*asked.group_by, *asked.filters}


def _is_tallied(asked: AskedQuestion) -> bool:
    if asked.figure == "EVALUATIONS":
        return not {"RULE", "REVISION"} & _named(asked)
    return asked.figure not in {"OPEN_JOBS", "JOBS", "SKIPS"}


async def _tallied(
    connection: AsyncConnection,
    tallies: TallyReader,
    scope: ReaderScope,
    questions: Sequence[AskedQuestion],
) -> dict[int, Answer]:
    """By position; what stands in the same rows is read once for all."""
    positions = [place for place, asked in enumerate(questions) if _is_tallied(asked)]
    ranked = await tallies.ranked(
        connection,
        [
            (
                _question(scope, questions[place]),
                None if "AUTOMATION" in questions[place].group_by else questions[place].top,
            )
            for place in positions
        ],
    )
    found = await tallies.series(connection, ranked)
    answers = {}
    for position, one, sums in zip(positions, ranked, found, strict=True):
        asked, totals = questions[position], one.totals
        if totals is None:
            answers[position] = _answer(asked, _folded(asked, _read_by(asked), sums))
        else:
            answers[position] = answer_of(asked, sums, totals)
    return answers


def _read_by(asked: AskedQuestion) -> tuple[DimensionName, ...]:
    """What is grouped by in the tallies."""
    names = ("SOURCE" if name == "AUTOMATION" else name for name in asked.group_by)
    return cast(tuple[DimensionName, ...], tuple(dict.fromkeys(names)))


def _question(scope: ReaderScope, asked: AskedQuestion) -> TallyQuestion:
    return TallyQuestion(
        org_id=scope.org_id,
        figure=cast(FigureName, asked.figure.lower()),
        buckets=asked.buckets,
        group_by=_read_by(asked),
        filters=cast(dict[DimensionName, tuple[str, ...]], asked.filters),
        grave=scope.child_safety,
        queues=scope.queue_ids if asked.figure == "DECISIONS" else None,
        reviewer=scope.user_id,
    )


def _folded(asked: AskedQuestion, read_by: Sequence[str], sums: Sums) -> Sums:
    """Sources as whether a person asked for the action."""
    found: Sums = {}
    for keys, counts in sums.items():
        by_name = dict(zip(read_by, keys, strict=True))
        by_name["AUTOMATION"] = "AUTOMATED" if by_name["SOURCE"] in _AUTOMATED else "MANUAL"
        folded = tuple(by_name[name] for name in asked.group_by)
        known = found.get(folded)
        found[folded] = counts if known is None else list(map(operator.add, known, counts))
    return found


async def _of_rows(connection: AsyncConnection, scope: ReaderScope, asked: AskedQuestion) -> Sums:
    filters: dict[str, Any] = {
        "queue_ids": asked.filters.get("QUEUE", ()),
        "reviewer_ids": asked.filters.get("REVIEWER", ()),
        "item_type_ids": asked.filters.get("ITEM_TYPE", ()),
        "policy_ids": asked.filters.get("POLICY", ()),
        "sources": asked.filters.get("SOURCE", ()),
    }
    edges = asked.buckets.edges
    found = await figure.in_buckets(
        connection,
        scope,
        "jobs" if asked.figure == "JOBS" else "skips",
        asked.group_by[0] if asked.group_by else "NONE",
        Question(start=edges[0], end=edges[-1], **filters),
        edges,
    )
    return {(key,) if asked.group_by else (): counts for key, counts in found.items()}
