"""The rules of a lane on one submission: how each decides, and which values are still missing.

Guarantees: a pure function of the submission, the rule set and the values given. A rule is decided
when no value still to come can change its outcome.
Must not: publish, ask anyone for values, or count.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from coop_contracts.event import Lane, SignalValue
from coop_rules.language.need import Need
from coop_rules.program.program import Evaluation
from coop_rules.program.state import Facts
from coop_rules_engine.rules.plan import Plan
from coop_rules_engine.rules.rule_set import LaneRules, RuleSet
from coop_rules_engine.submission import Submission

KnownValues = Mapping[str, Sequence[SignalValue]]
"""Values by need, in the order of the need's inputs."""

NOTHING: KnownValues = {}


class LaneResult(Struct, kw_only=True):
    """What the rules of a lane say. `rules` and `evaluation` are None where the item type is gone;
    `acting` are the plans of the live rules that passed; `limited` those of them that may not."""

    submission: Submission
    lane: Lane
    revision: int
    rules: LaneRules | None = None
    evaluation: Evaluation | None = None
    known: KnownValues = NOTHING
    sampled: bool = False
    acting: Sequence[Plan] = ()
    limited: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether a rule that passed has limits."""
        return any(plan.limits is not None for plan in self.acting)

    @property
    def user_item(self) -> bool:
        """Whether the item is itself a user."""
        return self.rules is not None and self.rules.kind == "USER"

    def signals(self) -> tuple[SignalValue, ...]:
        """The values from outside that the lane's rules could take."""
        if self.rules is None or not self.known:
            return ()
        needs = self.rules.program.needs
        return tuple(value for need in needs for value in self.known.get(need.key, ()))


def evaluate(
    submission: Submission,
    rules: RuleSet,
    lane: LaneRules,
    *,
    facts: Facts | None = None,
    known: KnownValues = NOTHING,
) -> LaneResult:
    """What the lane's rules say; `facts` where the item's data are decoded already.

    Raises Poison when the item's data is not a JSON object.
    """
    sampled = rules.sample > 0 and _sampled(submission.submission_id, rules.sample)
    evaluation = lane.program.evaluate_facts(
        submission.facts() if facts is None else facts, signals=known, trace=sampled
    )
    plans = lane.plans
    return LaneResult(
        submission=submission,
        lane=lane.lane,
        revision=rules.revision,
        rules=lane,
        evaluation=evaluation,
        known=known,
        sampled=sampled,
        acting=[plans[index] for index in evaluation.passed() if plans[index].live],
    )


def wanting(result: LaneResult) -> list[Need]:
    """The needs without values yet on which a rule's outcome may depend."""
    rules, evaluation = result.rules, result.evaluation
    if rules is None or evaluation is None:
        return []
    open_rules = set(rules.demand.fickle)
    open_rules.update(index for index, outcome in evaluation.notable if outcome is None)
    return list(rules.demand.wanted(rules.program, open_rules, result.known.keys()))


def known_of(values: Iterable[SignalValue]) -> dict[str, list[SignalValue]]:
    """Values as they were recorded, by need and in their order."""
    found: dict[str, list[SignalValue]] = {}
    for value in values:
        found.setdefault(value.key, []).append(value)
    for one in found.values():
        one.sort(key=lambda value: value.position)
    return found


def _sampled(submission_id: str, share: float) -> bool:
    # By the id, so that evaluating again records the same.
    return zlib.crc32(submission_id.encode("utf-8", "surrogatepass")) < share * 2**32
