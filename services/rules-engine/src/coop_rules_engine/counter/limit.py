"""Whether the rules that passed may act: daily limits and blast radius.

Guarantees: a rule acts on at most `daily` submissions of a UTC day, and, of one revision, takes at
most `per_minute` actions of a minute and acts on at most `per_hour` users of an hour, all processes
together; days, minutes and hours are those of the submissions' times, so a replay says the same.
The submission that goes past a ceiling trips the rule: it is not acted on, nor is any after it,
until the rule has another revision, and RuleTripped says so, once for each of them.
Must not: let a rule act while it cannot count: Redis away is Retryable.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from coop_rules_engine import metric
from coop_rules_engine.counter.rebuild import Rebuilder
from coop_rules_engine.counter.redis_store import CountersIncomplete, CounterStore, LimitRequest
from coop_rules_engine.evaluation import LaneResult
from coop_rules_engine.result_message import messages_of, tripped
from coop_rules_engine.rules.plan import Plan
from coop_runtime.kafka.message import Message
from coop_runtime.process.log import logger

_log = logger(__name__)


class Limiter:
    """Asks the counters whether rules that passed may act; one for a process."""

    def __init__(self, store: CounterStore, rebuilder: Rebuilder) -> None:
        self._store = store
        self._rebuilder = rebuilder

    async def messages(
        self, outputs: Sequence[Message | LaneResult], *, now: datetime
    ) -> list[Message]:
        """The messages to publish, once it is known whether the rules with limits may act.

        Publish them at once: a rebuild counts only what it finds on the log.
        Raises CountersUnavailable, CountersIncomplete.
        """
        results = [one for one in outputs if isinstance(one, LaneResult)]
        trips = await self.decide(results, now=now) if results else []
        messages: list[Message] = []
        for one in outputs:
            if isinstance(one, LaneResult):
                messages += messages_of(one, now=now)
            else:
                messages.append(one)
        return messages + trips

    async def decide(self, results: Sequence[LaneResult], *, now: datetime) -> list[Message]:
        """Sets `limited` of each; the messages about rules that were tripped.

        Rules without limits cost nothing. Raises CountersUnavailable, CountersIncomplete.
        """
        asked = [
            (result, plan)
            for result in results
            for plan in result.acting
            if plan.limits is not None
        ]
        if not asked:
            return []
        try:
            answers = await self._store.admit([_request(*one) for one in asked])
        except CountersIncomplete as error:
            self._rebuilder.ask(error.region, error.since)
            raise
        trips = []
        for (result, plan), answer in zip(asked, answers, strict=True):
            if answer.acts:
                continue
            result.limited += (plan.rule.id,)
            if answer.measure is not None:
                metric.TRIPPED.labels(answer.measure.lower()).inc()
                _log.error(
                    "rule tripped",
                    org_id=result.submission.org_id,
                    rule=plan.rule.id,
                    revision=plan.rule.revision,
                    measure=answer.measure,
                    count=answer.reached,
                )
                trips.append(
                    tripped(
                        result.submission,
                        plan,
                        measure=answer.measure,
                        count=answer.reached,
                        now=now,
                    )
                )
        return trips


def _request(result: LaneResult, plan: Plan) -> LimitRequest:
    submission, limits = result.submission, plan.limits
    assert limits is not None
    assert result.rules is not None
    user = submission.item.creator
    if user is None and result.user_item:
        user = submission.ref
    return LimitRequest(
        org_id=submission.org_id,
        rule_id=plan.rule.id,
        revision=plan.rule.revision,
        submission_id=submission.submission_id,
        time=submission.milliseconds,
        daily=limits.daily,
        per_minute=limits.per_minute,
        per_hour=limits.per_hour,
        user="" if user is None else f"{user.type_id}:{user.id}",
        actions=len(plan.actions),
    )
