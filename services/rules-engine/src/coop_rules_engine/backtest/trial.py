"""One rule document, compiled for every state of the configuration that its items meet.

Guarantees: an item is judged under its own version of its item type; with the values of the time,
under the banks as they were at the revision of its evaluation, else under today's. A bank whose
earlier state is not known is not replaced by today's: conditions on it are undecided.
Must not: run on the event loop; call anyone. What is outside the item comes from the record.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from coop_contracts.config import (
    DOCUMENT_TYPES,
    Action,
    BankChunk,
    Document,
    ItemType,
    Kind,
    LocationBank,
    Rule,
    TextBank,
)
from coop_contracts.event import ConditionResult, PastDocument, RuleRef
from coop_rules.language.lane import rule_lane
from coop_rules.program.compiler import CompilerCache, compile_program
from coop_rules.program.demand import Demand
from coop_rules.program.program import EnabledRule, Evaluation, Program
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules_engine.backtest.recorded import RecordedSubmission
from coop_rules_engine.evaluation import NOTHING, KnownValues, known_of
from coop_rules_engine.rules.plan import plan_of
from coop_rules_engine.rules.rule_set import LaneRules
from coop_rules_engine.submission import Submission
from coop_runtime.kafka.config_table import ConfigTable

MAX_CONDITIONS = 20
"""Of one sample."""

_BANK_KEYS = {"textBankIds": Kind.TEXT_BANK, "locationBankIds": Kind.LOCATION_BANK}

D = TypeVar("D", bound=Document)
_Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class TrialConfiguration:
    """What a rule is judged in: the organisation's configuration when the backtest began.

    `versions` are item types by `<id>@<version>`; banks come with their revision; `saved` is the
    rule of the same id as it is today, `known` whether there is or was one; `rule_revision` that of
    the rule that is tried, 0 where it is not saved like this.
    """

    org_id: str
    catalogue: SignalCatalogue
    item_types: Mapping[str, ItemType]
    versions: Mapping[str, ItemType]
    banks: Mapping[_Key, tuple[Document, int]]
    chunks: Mapping[str, BankChunk]
    actions: Mapping[str, Action]
    policy_ids: frozenset[str]
    saved: Rule | None
    known: bool
    revision: int
    rule_revision: int

    @classmethod
    def of(
        cls, config: ConfigTable, org_id: str, rule: Rule, catalogue: SignalCatalogue
    ) -> TrialConfiguration:
        """As the table has it now."""
        banks = {
            (kind, document_id): (document, config.revision_of(org_id, kind, document_id))
            for kind, document_id in set(banks_of(rule))
            if (document := config.get(org_id, kind, document_id)) is not None
        }
        versions = _of(config, org_id, Kind.ITEM_TYPE_VERSION, ItemType)
        wanted = tuple(f"{type_id}@" for type_id in rule.item_type_ids)
        saved = config.get(org_id, Kind.RULE, rule.id)
        saved_revision = config.revision_of(org_id, Kind.RULE, rule.id)
        return cls(
            org_id=org_id,
            catalogue=catalogue,
            item_types=_of(config, org_id, Kind.ITEM_TYPE, ItemType),
            versions={key: found for key, found in versions.items() if key.startswith(wanted)},
            banks=banks,
            chunks=_of(config, org_id, Kind.BANK_CHUNK, BankChunk),
            actions=_of(config, org_id, Kind.ACTION, Action),
            policy_ids=frozenset(config.all(org_id, Kind.POLICY)),
            saved=saved if isinstance(saved, Rule) else None,
            known=saved_revision > 0,
            revision=config.revision(org_id),
            rule_revision=saved_revision if saved == rule else 0,
        )


def banks_of(rule: Rule) -> Iterator[_Key]:
    """The text and location banks that the rule's conditions name."""
    stack: list[Any] = [rule.condition_set]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            for key, kind in _BANK_KEYS.items():
                ids = node.get(key)
                if isinstance(ids, list):
                    yield from ((kind, found) for found in ids if isinstance(found, str))
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """The rule for items of one version of their type, under one state of the banks. `reasons` say,
    by condition, why one could not be decided."""

    rules: LaneRules
    reasons: Mapping[str, str]

    @property
    def program(self) -> Program:
        return self.rules.program

    def values_of(self, recorded: RecordedSubmission | None) -> KnownValues:
        """What was recorded, by need."""
        if recorded is None or not self.program.needs or not recorded.signals:
            return NOTHING
        return known_of(recorded.signals)

    def evaluate(
        self, submission: Submission, known: KnownValues, *, trace: bool = False
    ) -> Evaluation:
        """What the rule says of the item. Raises Poison when its data is no JSON object."""
        return self.program.evaluate_facts(submission.facts(), signals=known, trace=trace)

    def lacking(self, evaluation: Evaluation) -> list[str]:
        """Why the rule is undecided: signals that could not be had again, and other errors."""
        _, conditions = evaluation.results()
        found = (
            self.reasons.get(one.condition) or one.error or "error"
            for one in conditions
            if one.outcome == "ERRORED"
        )
        return list(dict.fromkeys(found))


class RuleTrials:
    """A rule to try. `past` None: under today's banks."""

    def __init__(
        self, rule: Rule, around: TrialConfiguration, past: Sequence[PastDocument] | None
    ) -> None:
        self.rule = rule
        self.around = around
        lanes = [
            rule_lane(one.condition_set, around.catalogue) for one in (rule, around.saved) if one
        ]
        self.late = any(lane != "FAST" for lane in lanes)
        self._enabled = EnabledRule(
            ref=RuleRef(id=rule.id, name=rule.name, revision=around.rule_revision),
            status="LIVE",
            condition_set=rule.condition_set,
            item_type_ids=tuple(sorted(rule.item_type_ids)),
        )
        self._lane = lanes[0]
        self._cache = CompilerCache()
        self._made: dict[tuple[str, str, int], RuleTrial | None] = {}
        self._chunks = dict(around.chunks)
        self._states: dict[_Key, list[tuple[int, Document | None]]] = {}
        for key, (document, revision) in around.banks.items():
            self._states.setdefault(key, []).append((0 if past is None else revision, document))
        for entry in past or ():
            self._remember(entry)
        self._revisions = sorted({r for states in self._states.values() for r, _ in states})

    def _remember(self, entry: PastDocument) -> None:
        kind = Kind(entry.kind)
        document = msgspec.json.decode(entry.document, type=DOCUMENT_TYPES[kind] | None)
        if isinstance(document, BankChunk):
            self._chunks[document.id] = document
        else:
            self._states.setdefault((kind, entry.id), []).append((entry.revision, document))

    def wants_record(self) -> bool:
        """Whether what the engine recorded makes a difference: there are values, or a live rule."""
        if self.around.known:
            return True
        made = (self._make(type_id, "", 0) for type_id in self.rule.item_type_ids)
        return any(trial is not None and trial.program.needs for trial in made)

    def of(self, submission: Submission, revision: int) -> RuleTrial | None:
        """The trial for an item evaluated at that revision; None when its type is gone."""
        item = submission.item
        key = (item.type_id, item.type_version, bisect_right(self._revisions, revision))
        try:
            return self._made[key]
        except KeyError:
            found = self._made[key] = self._make(item.type_id, item.type_version, revision)
            return found

    def _make(self, type_id: str, version: str, revision: int) -> RuleTrial | None:
        around = self.around
        versioned = around.versions.get(f"{type_id}@{version}")
        item_type = versioned or around.item_types.get(type_id)
        if item_type is None:
            return None
        item_type = msgspec.structs.replace(item_type, id=type_id)
        program = compile_program(
            [self._enabled],
            item_type=item_type,
            text_banks=self._banks(Kind.TEXT_BANK, TextBank, revision),
            location_banks=self._banks(Kind.LOCATION_BANK, LocationBank, revision),
            chunks=self._chunks,
            org_id=around.org_id,
            cache=self._cache,
            catalogue=around.catalogue,
        )
        plan = plan_of(self._enabled, self.rule, item_type, around.actions, around.policy_ids, None)
        rules = LaneRules(
            lane=self._lane,
            kind=item_type.kind,
            program=program,
            plans=(plan,),
            demand=Demand.of(program),
            sources=((self.rule, 0),),
        )
        return RuleTrial(rules, _reasons(program))

    def _banks(self, kind: Kind, type_: type[D], revision: int) -> dict[str, D]:
        found = {}
        for (of_kind, document_id), states in self._states.items():
            known = [entry for entry in states if entry[0] <= revision]
            if of_kind is kind and known:
                _, document = max(known, key=lambda entry: entry[0])
                if isinstance(document, type_):
                    found[document_id] = document
        return found


def conditions_of(evaluation: Evaluation) -> tuple[ConditionResult, ...]:
    """For a sample: what the conditions found, those that say something first."""
    _, conditions = evaluation.results()
    told = sorted(conditions, key=lambda one: one.outcome not in ("PASSED", "ERRORED"))
    return tuple(told[:MAX_CONDITIONS])


def _reasons(program: Program) -> dict[str, str]:
    """By condition: the signal whose value had to be recorded, or why it never can be decided."""
    found = {}
    for code in program.conditions:
        predicate = code.predicate
        if predicate.need is not None:
            found[predicate.id] = predicate.need.signal.name
        elif predicate.error:
            found[predicate.id] = predicate.error
    return found


def _of(config: ConfigTable, org_id: str, kind: Kind, document_type: type[D]) -> dict[str, D]:
    found = config.all(org_id, kind)
    return {key: value for key, value in found.items() if isinstance(value, document_type)}
