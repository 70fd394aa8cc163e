"""What a rule's actions entail on past items: the effects of a retroaction, at its rate.

Guarantees: an effect has the id that the live evaluation would have given it, so what already
happened on a submission does not happen again; what the record says was asked for then is not even
asked for; at most `rate` submissions a second are acted on.
Must not: heed the rule's daily limit or ceilings: people confirmed the number.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec

from coop_contracts.event import ActionRequested, BacktestRequested, ReviewRequested
from coop_rules.program.program import Evaluation
from coop_rules_engine.backtest.recorded import RecordedSubmission
from coop_rules_engine.backtest.trial import RuleTrial
from coop_rules_engine.evaluation import LaneResult
from coop_rules_engine.result_message import effect_message, effects_of
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.message import Message

DEFAULT_RATE = 10.0
"""Submissions a second, where the request names none."""

_BURST_SECONDS = 0.2  # what may be caught up of a slice that came late


class Effects:
    """`due`: when the next submission may be acted on, in monotonic seconds. `revision`: the
    configuration's, under which it is."""

    def __init__(self, request: BacktestRequested, *, revision: int) -> None:
        self.due = 0.0
        self._revision = revision
        self._request = request
        self._interval = 1 / (request.rate or DEFAULT_RATE)

    def of(
        self,
        trial: RuleTrial,
        submission: Submission,
        evaluation: Evaluation,
        recorded: RecordedSubmission | None,
    ) -> list[Message] | None:
        """The messages for a submission on which the rule passed; empty when there is nothing to
        do (any more); None when it must wait until `due`."""
        now = time.monotonic()
        if now < self.due:
            return None
        result = LaneResult(
            submission=submission,
            lane=trial.rules.lane,
            revision=self._revision,
            rules=trial.rules,
            evaluation=evaluation,
            acting=trial.rules.plans,
        )
        done = frozenset() if recorded is None else recorded.executions
        made = []
        for execution, effect in effects_of(result, datetime.now(UTC)):
            if execution.execution_id not in done:
                made.append(self._message(effect, submission))
        if made:
            self.due = max(self.due, now - _BURST_SECONDS) + self._interval
        return made

    def _message(
        self, effect: ActionRequested | ReviewRequested, submission: Submission
    ) -> Message:
        request = self._request
        if isinstance(effect, ActionRequested):
            effect = msgspec.structs.replace(
                effect, source="RETROACTION", actor_id=request.actor_id
            )
        else:
            effect = msgspec.structs.replace(effect, source="RETROACTION")
        return effect_message(effect, traceparent=submission.traceparent)
