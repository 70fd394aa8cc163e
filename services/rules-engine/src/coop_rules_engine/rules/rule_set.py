"""An organisation's rules, compiled: what is evaluated, and what a match entails.

Guarantees: a RuleSet is immutable and made of the configuration at one revision, which it carries;
the rules of an item type are one program for each lane; what did not change is not compiled again.
Must not: know the broker, or run on the event loop (compiling takes a while).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from coop_contracts.config import (
    Action,
    BankChunk,
    ItemKind,
    ItemType,
    LocationBank,
    OrgSettings,
    Rule,
    TextBank,
)
from coop_contracts.event import Lane
from coop_rules.language.lane import rule_lane
from coop_rules.language.need import Need
from coop_rules.program.compiler import CompilerCache, compile_program
from coop_rules.program.demand import Demand
from coop_rules.program.program import EnabledRule, Program
from coop_rules.program.sparing import compile_sparing
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules.signal.signal import LANES
from coop_rules_engine.rules.plan import Plan, plan_of


@dataclass(frozen=True, slots=True)
class BankSet:
    """The banks of an organisation, with the chunks of the large ones."""

    text: Mapping[str, TextBank] = field(default_factory=dict)
    locations: Mapping[str, LocationBank] = field(default_factory=dict)
    chunks: Mapping[str, BankChunk] = field(default_factory=dict)

    def same(self, other: BankSet) -> bool:
        """Whether they are the very same documents."""
        return (
            _same(self.text, other.text)
            and _same(self.locations, other.locations)
            and _same(self.chunks, other.chunks)
        )


@dataclass(frozen=True, slots=True)
class RuleConfiguration:
    """An organisation's configuration at one revision; rules with the revision of their change."""

    org_id: str
    revision: int
    rules: tuple[tuple[Rule, int], ...]
    item_types: Mapping[str, ItemType]
    banks: BankSet
    actions: Mapping[str, Action]
    policy_ids: frozenset[str]
    settings: OrgSettings | None = None


@dataclass(frozen=True, slots=True)
class LaneRules:
    """The rules of one item type and lane, ordered by id: plans[i] belongs to program.rules[i].
    `failed` are rules the compiler failed on: left out."""

    lane: Lane
    kind: ItemKind
    program: Program
    plans: tuple[Plan, ...]
    demand: Demand
    sources: tuple[tuple[Rule, int], ...]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeRules:
    """The rules of one item type by lane, in the order of the lanes; FAST is always there.
    `counter_needs` are the values that they take from Redis, each once, with a program that can
    tell its inputs."""

    item_type: ItemType
    lanes: Mapping[Lane, LaneRules]
    counter_needs: tuple[tuple[Need, Program], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of an organisation under one revision, by item type. `sample` is the share of
    evaluations that are recorded whole, `daily` the rules with a daily limit, `window` the largest
    window that is counted in (seconds; 0: nothing is); `needs_counters`: whether any of them takes
    a value from Redis."""

    revision: int
    org_id: str
    types: Mapping[str, TypeRules]
    banks: BankSet
    sample: float = 0.0
    daily: frozenset[str] = frozenset()
    window: float = 0.0
    needs_counters: bool = False


class RuleSetCompiler:
    """Compiles rule sets; belongs to one thread at a time. What it keeps outlives a revision."""

    def __init__(self, catalogue: SignalCatalogue | None = None) -> None:
        self.catalogue = catalogue or SignalCatalogue.builtin()
        self.cache = CompilerCache()

    def compile(self, configuration: RuleConfiguration, previous: RuleSet | None = None) -> RuleSet:
        """The rules compiled. What did not change since `previous` is taken from it."""
        old = {} if previous is None else previous.types
        same_banks = previous is not None and previous.banks.same(configuration.banks)
        lanes = {
            rule.id: rule_lane(rule.condition_set, self.catalogue)
            for rule, _ in configuration.rules
        }
        types = {}
        for item_type in configuration.item_types.values():
            kept = old.get(item_type.id)
            if kept is not None and not (same_banks and kept.item_type is item_type):
                kept = None
            types[item_type.id] = self._type(item_type, configuration, lanes, kept)
        settings = configuration.settings
        windows = [
            need.aggregation.window
            for found in types.values()
            for need, _ in found.counter_needs
            if need.aggregation is not None
        ]
        return RuleSet(
            revision=configuration.revision,
            org_id=configuration.org_id,
            types=types,
            banks=configuration.banks,
            sample=0.0 if settings is None else settings.evaluation_sample,
            daily=frozenset(
                rule.id for rule, _ in configuration.rules if rule.max_daily_actions is not None
            ),
            window=max(windows, default=0.0),
            needs_counters=any(found.counter_needs for found in types.values()),
        )

    def _type(
        self,
        item_type: ItemType,
        configuration: RuleConfiguration,
        lanes: Mapping[str, Lane],
        kept: TypeRules | None,
    ) -> TypeRules:
        found: dict[Lane, LaneRules] = {}
        for lane in LANES:
            sources = tuple(
                sorted(
                    (
                        entry
                        for entry in configuration.rules
                        if item_type.id in entry[0].item_type_ids and lanes[entry[0].id] == lane
                    ),
                    key=lambda entry: entry[0].id,
                )
            )
            old = None if kept is None else kept.lanes.get(lane)
            if old is not None and _same_rules(old.sources, sources):
                program, failed = old.program, old.failed
            elif sources or lane == "FAST":
                program, failed = self._program(sources, item_type, configuration)
            else:
                continue
            rules = {rule.id: rule for rule, _ in sources}
            plans = tuple(
                plan_of(
                    code.rule,
                    rules[code.rule.ref.id],
                    item_type,
                    configuration.actions,
                    configuration.policy_ids,
                    configuration.settings,
                )
                for code in program.rules
            )
            if plans or failed or lane == "FAST":
                found[lane] = LaneRules(
                    lane, item_type.kind, program, plans, Demand.of(program), sources, failed
                )
        counter_needs = {
            need.key: (need, rules.program)
            for rules in found.values()
            for need in rules.program.needs
            if need.signal.lane == "FAST"
        }
        return TypeRules(item_type, found, tuple(counter_needs.values()))

    def _program(
        self,
        sources: Sequence[tuple[Rule, int]],
        item_type: ItemType,
        configuration: RuleConfiguration,
    ) -> tuple[Program, tuple[str, ...]]:
        found = [EnabledRule.of(rule, revision) for rule, revision in sources]
        enabled = [rule for rule in found if rule is not None]
        return compile_sparing(
            enabled,
            lambda rules: compile_program(
                rules,
                item_type=item_type,
                text_banks=configuration.banks.text,
                location_banks=configuration.banks.locations,
                chunks=configuration.banks.chunks,
                org_id=configuration.org_id,
                cache=self.cache,
                catalogue=self.catalogue,
            ),
        )


def _same(left: Mapping[str, object], right: Mapping[str, object]) -> bool:
    return left.keys() == right.keys() and all(left[key] is right[key] for key in left)


def _same_rules(left: Sequence[tuple[Rule, int]], right: Sequence[tuple[Rule, int]]) -> bool:
    return len(left) == len(right) and all(
        a[0] is b[0] and a[1] == b[1] for a, b in zip(left, right, strict=True)
    )
