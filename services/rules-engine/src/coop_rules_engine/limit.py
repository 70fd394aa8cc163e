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
from coop_rules_engine.evaluation import Verdict
from coop_rules_engine.plan import Plan
from coop_rules_engine.rebuild import Rebuilder
from coop_rules_engine.record import messages_of, tripped
from coop_rules_engine.store import NotWhole, Request, Store
from coop_runtime.kafka.message import Message
from coop_runtime.process.log import logger

_log = logger(__name__)


class Limiter:
    """One for a process."""

    def __init__(self, store: Store, rebuilder: Rebuilder) -> None:
        self._store = store
        self._rebuilder = rebuilder

    async def messages(self, said: Sequence[Message | Verdict], *, now: datetime) -> list[Message]:
        """What is to be published, once the rules with limits know whether they may act.

        To be published at once: what a rebuild cannot read on the log soon, it does not count.
        Raises StoreUnavailable, NotWhole.
        """
        verdicts = [one for one in said if isinstance(one, Verdict)]
        trips = await self.decide(verdicts, now=now) if verdicts else []
        messages: list[Message] = []
        for one in said:
            if isinstance(one, Verdict):
                messages += messages_of(one, now=now)
            else:
                messages.append(one)
        return messages + trips

    async def decide(self, verdicts: Sequence[Verdict], *, now: datetime) -> list[Message]:
        """Sets `limited` of each; what is to be said of rules that were tripped.

        Rules without limits cost nothing. Raises StoreUnavailable, NotWhole.
        """
        asked = [
            (verdict, plan)
            for verdict in verdicts
            for plan in verdict.acting
            if plan.limits is not None
        ]
        if not asked:
            return []
        try:
            answers = await self._store.admit([_request(*one) for one in asked])
        except NotWhole as error:
            self._rebuilder.ask(error.region, error.since)
            raise
        said = []
        for (verdict, plan), answer in zip(asked, answers, strict=True):
            if answer.acts:
                continue
            verdict.limited += (plan.rule.id,)
            if answer.measure is not None:
                metric.TRIPPED.labels(answer.measure.lower()).inc()
                _log.error(
                    "rule tripped",
                    org_id=verdict.submission.org_id,
                    rule=plan.rule.id,
                    revision=plan.rule.revision,
                    measure=answer.measure,
                    count=answer.reached,
                )
                said.append(
                    tripped(
                        verdict.submission,
                        plan,
                        measure=answer.measure,
                        count=answer.reached,
                        now=now,
                    )
                )
        return said


def _request(verdict: Verdict, plan: Plan) -> Request:
    submission, limits = verdict.submission, plan.limits
    assert limits is not None
    assert verdict.rules is not None
    user = submission.item.creator
    if user is None and verdict.user_item:
        user = submission.ref
    return Request(
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
