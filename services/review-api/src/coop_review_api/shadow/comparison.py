"""Verdict by verdict: where both sides say the same, where one says what the other does not, and
whether there is a reason for that.

    both passed ──▶ SAME        both did not ──▶ NEITHER
    one passed  ──▶ a cause that is known ──▶ explained
                ╰─▶ none                  ──▶ unexplained

A verdict is that of a rule on an item within the time that is compared: passed once is passed. What
Coop did is compared action by action in the same way, as far as rules asked for it.

Guarantees: each verdict is counted once; a cause is given where what is at hand shows it, the most
certain first; memory grows with rules, not with items.
Must not: take as explained what nobody can show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from coop_review_api.shadow.gathering import Told, Window
from coop_review_api.shadow.ledger import PASSED, UNDECIDED, Compared, Ledger, RuleVerdict
from coop_review_api.shadow.rulebook import ComparedRule, ComparedRules

Side = Literal["OURS", "THEIRS"]
Cause = Literal[
    "NOT_SEEN_THERE",
    "NOT_SEEN_HERE",
    "NOT_LISTENING",
    "NOT_HERE",
    "NOT_RUN",
    "UNDECIDED",
    "EDITED",
    "DIFFERS",
    "QUOTA",
    "NAMED_ONCE",
    "ORDER",
]

CAUSES: Final[dict[Cause, str]] = {
    "NOT_SEEN_THERE": "Coop did not see the item in this time",
    "NOT_SEEN_HERE": "the item did not come here in this time",
    "NOT_LISTENING": "no receiver was there to hear Coop's webhook",
    "NOT_HERE": "Coop's rule is not here",
    "NOT_RUN": "the rule does not run here: a draft, archived, or expired",
    "UNDECIDED": "the rule could not be decided here: a value was not to be had",
    "EDITED": "the rule, or a bank of it, was changed on one side since the import",
    "DIFFERS": "the import said that the rule means something else here",
    "QUOTA": "the rule had acted as often as it may on that day in Coop",
    "NAMED_ONCE": "Coop did it, and named another of the rules that asked for it",
    "ORDER": "the item came several times here, and may have come otherwise there",
}


@dataclass(slots=True)
class Count:
    """Of a rule or an action."""

    same: int = 0
    neither: int = 0
    explained: dict[Cause, int] = field(default_factory=dict)
    ours_only: int = 0  # unexplained, as the next
    theirs_only: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """One verdict that the sides do not share; `at` in seconds."""

    of: Literal["RULE", "ACTION"]
    id: str
    type_id: str
    item_id: str
    side: Side
    cause: Cause | None
    at: float


@dataclass(slots=True)
class Compare:
    """Goes through the ledger. `samples`: so many differences of a rule and cause are kept."""

    window: Window
    rulebook: ComparedRules
    told: Told
    ledger: Ledger
    samples: int
    rules: dict[str, Count] = field(default_factory=dict)
    actions: dict[str, Count] = field(default_factory=dict)
    differences: dict[tuple[str, str, Cause | None], list[Difference]] = field(default_factory=dict)

    def run(self) -> None:
        """All items."""
        for item in self.ledger.compared():
            found = dict(self._rules_of(item))
            if self.told.acted or self.told.heard:
                self._acts_of(item, found)

    # Rules.

    def _rules_of(self, item: Compared) -> Iterator[tuple[str, tuple[Side, Cause | None] | None]]:
        """Each rule that is compared: None where both agree."""
        named: dict[str, tuple[float, float]] = {}
        for act in item.acts:
            first, last = named.get(act.rule_id, (act.first, act.last))
            named[act.rule_id] = min(first, act.first), max(last, act.last)
        for rule_id in sorted(item.verdicts.keys() | named.keys()):
            verdict = item.verdicts.get(rule_id) or RuleVerdict(
                rule_id, None, 0, 0, 0, None, 0, 0, 0
            )
            if verdict.theirs != PASSED and rule_id in named:
                verdict = RuleVerdict(
                    rule_id,
                    verdict.ours,
                    verdict.ours_first,
                    verdict.ours_last,
                    verdict.revision,
                    PASSED,
                    *named[rule_id],
                    verdict.version,
                )
            if self._is_compared(verdict):
                yield rule_id, self._verdict(item, verdict)

    def _is_compared(self, verdict: RuleVerdict) -> bool:
        """Within the time on one side at least; and Coop would have said it."""
        is_within = self._within(verdict.ours_first, verdict.ours_last) or self._within(
            verdict.theirs_first, verdict.theirs_last
        )
        if not is_within or self.told.judged or verdict.theirs == PASSED:
            return is_within
        rule = self.rulebook.rules.get(verdict.rule_id)
        return rule is not None and self.speaks(rule)

    def speaks(self, rule: ComparedRule) -> bool:
        """Whether Coop says it where the rule passes."""
        if self.told.judged:
            return True
        carried = rule.rule.action_ids
        return rule.was_live and any(self._is_told(action_id) for action_id in carried)

    def _is_told(self, action_id: str) -> bool:
        return not self.told.heard or action_id in self.rulebook.sending

    def _within(self, first: float, last: float) -> bool:
        return first < self.window.until.timestamp() and last >= self.window.since.timestamp()

    def _verdict(self, item: Compared, verdict: RuleVerdict) -> tuple[Side, Cause | None] | None:
        count = self.rules.setdefault(verdict.rule_id, Count())
        here, there = verdict.ours == PASSED, verdict.theirs == PASSED
        if here == there:
            if here:
                count.same += 1
            elif verdict.theirs is not None and item.seen_here:
                count.neither += 1
            return None
        side: Side = "OURS" if here else "THEIRS"
        cause = self._only_here(item, verdict) if here else self._only_there(item, verdict)
        at = verdict.ours_first if here else verdict.theirs_first
        self._note(count, Difference("RULE", verdict.rule_id, *_of(item), side, cause, at))
        return side, cause

    def _only_here(self, item: Compared, verdict: RuleVerdict) -> Cause | None:
        if (self.told.judged or self.told.seen) and not item.seen_there:
            return "NOT_SEEN_THERE"
        listening = self.told.was_present(verdict.ours_first, verdict.ours_last)
        if self.told.heard and not self.told.judged and not listening:
            return "NOT_LISTENING"
        rule = self.rulebook.rules.get(verdict.rule_id)
        if rule is not None and not self.told.judged and self._named_another(item, verdict, rule):
            return "NAMED_ONCE"
        if rule is not None and rule.rule.max_daily_actions is not None:
            passed = self.ledger.passed_there(verdict.rule_id, verdict.ours_first)
            if passed >= rule.rule.max_daily_actions:
                return "QUOTA"
        return self._either(item, verdict)

    def _named_another(self, item: Compared, verdict: RuleVerdict, rule: ComparedRule) -> bool:
        carried = rule.action_ids(verdict.revision)
        told = [action_id for action_id in carried if self._is_told(action_id)]
        done = {act.action_id for act in item.acts if act.rule_id != verdict.rule_id}
        return bool(told) and done.issuperset(told)

    def _only_there(self, item: Compared, verdict: RuleVerdict) -> Cause | None:
        rule = self.rulebook.rules.get(verdict.rule_id)
        if rule is None:
            return "NOT_HERE"
        if not rule.runs(self.window.until):
            return "NOT_RUN"
        if not item.seen_here and verdict.ours is None:
            return "NOT_SEEN_HERE"
        if verdict.ours == UNDECIDED:
            return "UNDECIDED"
        return self._either(item, verdict)

    def _either(self, item: Compared, verdict: RuleVerdict) -> Cause | None:
        rule = self.rulebook.rules.get(verdict.rule_id)
        if rule is not None:
            # Where it did not pass here nobody said under which revision: the newest.
            revision = verdict.revision or max(rule.actions, default=0)
            imported = rule.imported_at.timestamp() if rule.imported_at else None
            if rule.was_edited(revision) or (imported and verdict.version > imported):
                return "EDITED"
        if verdict.rule_id in self.rulebook.differing:
            return "DIFFERS"
        return "ORDER" if item.seen_here > 1 else None

    # Actions.

    def _acts_of(self, item: Compared, rules: dict[str, tuple[Side, Cause | None] | None]) -> None:
        here = self._wanted_here(item)
        there: dict[str, set[str]] = {}
        for act in item.acts:
            if self._within(act.first, act.last) or act.action_id in here:
                there.setdefault(act.action_id, set()).add(act.rule_id)
        for action_id in sorted(here.keys() | there.keys()):
            count = self.actions.setdefault(action_id, Count())
            if action_id in here and action_id in there:
                count.same += 1
                continue
            side: Side = "OURS" if action_id in here else "THEIRS"
            asking = here.get(action_id) or there.get(action_id, set())
            cause = self._cause_of(asking, rules)
            verdict = [item.verdicts[one] for one in asking if one in item.verdicts]
            at = min(
                [one.ours_first for one in verdict if one.ours_first]
                + [act.first for act in item.acts if act.action_id == action_id],
                default=0.0,
            )
            self._note(count, Difference("ACTION", action_id, *_of(item), side, cause, at))

    def _wanted_here(self, item: Compared) -> dict[str, set[str]]:
        """Actions that would be done here, by the rules that ask for them."""
        found: dict[str, set[str]] = {}
        for verdict in item.verdicts.values():
            rule = self.rulebook.rules.get(verdict.rule_id)
            passed = verdict.ours == PASSED and self._within(verdict.ours_first, verdict.ours_last)
            if rule is None or not passed or not rule.was_live:
                continue
            for action_id in rule.action_ids(verdict.revision):
                if self._is_told(action_id):
                    found.setdefault(action_id, set()).add(verdict.rule_id)
        return found

    def _cause_of(
        self, asking: set[str], rules: dict[str, tuple[Side, Cause | None] | None]
    ) -> Cause | None:
        """An action is explained where each rule that asks for it is; where the rule itself passed
        on both sides, it was changed what it does."""
        causes: list[Cause] = []
        for rule_id in sorted(asking):
            found = rules.get(rule_id)
            if found is None:
                rule = self.rulebook.rules.get(rule_id)
                if rule is None or not rule.was_edited(max(rule.actions, default=0)):
                    return None
                causes.append("EDITED")
            elif found[1] is None:
                return None
            else:
                causes.append(found[1])
        return causes[0] if causes else None

    def _note(self, count: Count, found: Difference) -> None:
        if found.cause is not None:
            count.explained[found.cause] = count.explained.get(found.cause, 0) + 1
        elif found.side == "OURS":
            count.ours_only += 1
        else:
            count.theirs_only += 1
        kept = self.differences.setdefault((found.of, found.id, found.cause), [])
        if len(kept) < self.samples:
            kept.append(found)


def _of(item: Compared) -> tuple[str, str]:
    return item.type_id, item.item_id
