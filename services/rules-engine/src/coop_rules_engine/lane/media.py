"""The media lane: evaluations with what is known of the item's media.

Guarantees: the lane's rules run once: when the values are there, or at the deadline after the
submission, whichever comes first; what is not known by then is unavailable. Rules of the slow lane
that need media too get them here, and then go on to the slow lane. Where media were looked at again
the lane runs once more, on what was said then: its effects have the ids of before.
Must not: ask for media; who hashes them says so on the log.
"""

from __future__ import annotations

from datetime import UTC, datetime

from coop_contracts.event import EvaluationDeferred
from coop_rules_engine import metric
from coop_rules_engine.evaluation import LaneResult, evaluate, known_of
from coop_rules_engine.result_message import deferred
from coop_rules_engine.rules.registry import Registry
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.message import Message, Received
from coop_signals.media_value import MediaValues, media_values


class MediaEvaluation:
    """Evaluates deferred events that wait for media. `deadline` in seconds after the submission."""

    def __init__(self, registry: Registry, media: MediaValues, *, deadline: float) -> None:
        self._registry = registry
        self._media = media
        self._deadline = deadline
        self._why = f"the media's hashes did not come within {deadline:g} s"

    async def __call__(self, received: Received[EvaluationDeferred]) -> LaneResult | Message:
        """What the rules say of the submission, or its way to the slow lane.

        Raises Retryable, Poison.
        """
        event, submission = received.event, Submission.of(received)
        media = await self._media.get(
            event.submission_id,
            submitted=submission.time,
            # What is looked at again may be long after its submission.
            deadline=(event.media_since or submission.time).timestamp() + self._deadline,
            since=event.media_since,
        )
        metric.MEDIA_AWAITED.labels("missing" if media is None else "came").inc()
        rules = await self._registry.rules(event.org_id, event.config_revision)
        found = rules.types.get(event.item.type_id)
        lane = None if found is None else found.lanes.get(event.lane)
        if lane is None:
            return LaneResult(submission=submission, lane=event.lane, revision=rules.revision)
        known, facts = known_of(event.signals), submission.facts()
        why = self._why if media is None else "nothing is known of this medium"
        for need in lane.program.needs:
            if need.signal.lane == "MEDIA":
                inputs = lane.program.inputs_of(need, facts)
                known[need.key] = media_values(need, inputs, media, why=why)
        result = evaluate(submission, rules, lane, facts=facts, known=known)
        if event.lane == "SLOW":
            values = [value for values in known.values() for value in values]
            return deferred(result, values, awaits_media=False, now=datetime.now(UTC))
        return result
