"""On how many items a day a rule is expected to act: what was counted of its very condition.

    what it matched since it has this condition, in the background or live    at least a day of it
    what backtests of the last week found, with this condition                at least a day each

The largest of these is the answer: who asks cannot choose the smallest. What a backtest could not
decide counts as matched.

Guarantees: two indexed reads and the tallies; nothing is measured. What nobody counted is unknown.
Must not: know what the organisation allows; `configuration.approval` does.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Rule, RuleStatus
from coop_review_api.backtest.relation import BACKTESTS
from coop_review_api.configuration import history
from coop_review_api.configuration.approval import UNKNOWN, Forecast, same_question
from coop_review_api.tally.bucket import Buckets, floor
from coop_review_api.tally.reader import TallyQuestion, TallyReader

_DAY: Final = timedelta(days=1)
_WEEK: Final = 7 * _DAY
_NEARLY_A_DAY: Final = timedelta(hours=23)  # of a backtest: it ends when its reader's clock says
_QUARTER: Final = timedelta(minutes=15)
_REVISIONS: Final = 200
_BACKTESTS: Final = 20
_RUNS: Final = (RuleStatus.LIVE, RuleStatus.BACKGROUND)


async def foretell(connection: AsyncConnection, org_id: str, rule: Rule, now: datetime) -> Forecast:
    """What is known of the rule as it would be."""
    known = [
        Forecast(items=await _of_matches(connection, org_id, rule, now), basis="MATCHES"),
        Forecast(items=await _of_backtests(connection, org_id, rule, now), basis="BACKTEST"),
    ]
    counted = [one for one in known if one.items is not None]
    return max(counted, key=lambda one: one.items or 0, default=UNKNOWN)


async def _of_matches(
    connection: AsyncConnection, org_id: str, rule: Rule, now: datetime
) -> int | None:
    """A day's, of the last week, or of as much of it as the rule ran with this condition."""
    since = None
    revisions = await history.changes(
        connection, org_id, Kind.RULE, Rule, rule.id, before=None, limit=_REVISIONS
    )
    for one in revisions:
        before = one.document
        if before is None or before.status not in _RUNS or not same_question(before, rule):
            break
        since = one.time
    if since is None:
        return None
    end = floor(now)
    start = max(floor(since) + _QUARTER, end - _WEEK)
    if end - start < _DAY:
        return None
    question = TallyQuestion(
        org_id=org_id,
        figure="matches",
        buckets=Buckets(edges=(start, end)),
        filters={"RULE": (rule.id,)},
        grave=True,
    )
    found = await TallyReader().read(connection, question)
    return math.ceil(sum(map(sum, found.values())) / ((end - start) / _DAY))


async def _of_backtests(
    connection: AsyncConnection, org_id: str, rule: Rule, now: datetime
) -> int | None:
    """A day's, of the one that found most."""
    tried = BACKTESTS.of.c
    rows = await connection.execute(
        select(BACKTESTS.of)
        .where(
            tried.org_id == org_id,
            tried.rule_id == rule.id,
            tried.state == "COMPLETE",
            tried.acts.is_(False),
            tried.created_at > now - _WEEK,
            tried.end_time > now - _WEEK,
        )
        .order_by(tried.backtest_id.desc())
        .limit(_BACKTESTS)
    )
    found = []
    for row in rows:
        covered = row.end_time - max(row.start_time, row.data_from or row.start_time)
        tried_rule = msgspec.json.decode(row.rule, type=Rule)
        if covered >= _NEARLY_A_DAY and same_question(tried_rule, rule):
            found.append(math.ceil((row.passed + row.unknown) / (covered / _DAY)))
    return max(found, default=None)
