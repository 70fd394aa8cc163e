"""Where an entry goes: the routing decision, a pure function of the entry, a route table and the
values of external signals. Routing makes it for real, review-api to show it: they cannot differ.

    sender's queue, if it exists ──▶ SENDER
    child safety, and the settings name a queue that exists ──▶ SETTING
    first LIVE rule that passes, in order of sequence number ──▶ RULE (its queue is gone: DEFAULT)
    none ──▶ DEFAULT: the organisation's default queue; for appeals that of the appeals queues
    no queue ──▶ PARKED

Guarantees: a rule whose outcome is unknown (a condition errored) does not pass, and the choice
names it with the reasons; there is always an answer; it is final when it wants no more values.
Must not: do I/O, read the configuration, or fetch a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

import msgspec

from coop_contracts.config import (
    BankChunk,
    ItemType,
    LocationBank,
    OrgSettings,
    Queue,
    RoutingRule,
    TextBank,
)
from coop_contracts.event import ItemRef, RuleRef, SignalValue, Source, SubmittedItem
from coop_rules.language.need import Need
from coop_rules.program.compiler import CompilerCache, compile_program
from coop_rules.program.demand import Demand
from coop_rules.program.program import EnabledRule, Evaluation, Program
from coop_rules.program.sparing import compile_sparing
from coop_rules.program.state import Facts, Outcome
from coop_rules.signal.catalogue import SignalCatalogue

How = Literal["RULE", "DEFAULT", "SENDER", "SETTING", "PARKED"]
KnownValues = Mapping[str, Sequence[SignalValue]]
"""Values by need, in the order of the need's inputs."""

NOTHING: Final[KnownValues] = {}

PARKED_QUEUE: Final = "_parked"
"""The queue of jobs whose organisation has none for them. No document can have this id."""

MAX_REASONS: Final = 5  # why one rule could not be decided

SOURCE_INPUTS: Final[Mapping[Source, str]] = {
    "REPORT": "submit-report",
    "RULE_EXECUTION": "post-items",
    "POST_ACTIONS": "post-actions",
    "MRT_JOB": "mrt-decision",
    "APPEAL": "submit-appeal",
    "BULK_ACTION": "manual-action-run",
    "STRIKE_THRESHOLD": "user-strike-action-execution",
    "RETROACTION": "retroaction",
    "REVERSAL": "manual-action-run",
}
"""What the rule input `Source` says, in Coop's words."""


@dataclass(frozen=True, slots=True)
class EntryTraits:
    """What the decision looks at, besides the item. `queue_id` is the sender's choice."""

    source: Source
    policy_ids: tuple[str, ...] = ()
    for_appeals: bool = False
    queue_id: str | None = None
    child_safety: bool = False


@dataclass(frozen=True, slots=True)
class RoutingConfiguration:
    """An organisation's configuration at one revision, as far as routing looks at it; rules with
    the revision of their last change."""

    org_id: str
    revision: int
    rules: Sequence[tuple[RoutingRule, int]]
    queues: Mapping[str, Queue]
    settings: OrgSettings | None = None
    text_banks: Mapping[str, TextBank] = field(default_factory=dict)
    location_banks: Mapping[str, LocationBank] = field(default_factory=dict)
    chunks: Mapping[str, BankChunk] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RouteTable:
    """How one organisation routes items of one type at one revision.

    `destinations` are queue ids, by the index of the rule in `program`; `program` is None where no
    rule applies, `note` then may say why. `ncmec_queue_id` is where child-safety entries go.
    `failed` are rules that the compiler failed on: left out.
    """

    revision: int
    queue_ids: frozenset[str]
    default_queue_id: str | None
    ncmec_queue_id: str | None = None
    program: Program | None = None
    demand: Demand | None = None
    destinations: tuple[str, ...] = ()
    note: str | None = None
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UndecidedRule:
    """A rule that was tried and is unknown, with the conditions' reasons."""

    rule: RuleRef
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The queue, and why. `tried` is how many rules were, the one that passed included; `undecided`
    are those of them that did not pass because they are unknown. `wanting` are the values on which
    the choice still depends: empty, it is final."""

    queue_id: str
    how: How
    config_revision: int
    rule: RuleRef | None = None
    note: str | None = None
    tried: int = 0
    undecided: tuple[UndecidedRule, ...] = ()
    wanting: tuple[Need, ...] = ()


def rules_for(
    material: RoutingConfiguration, item_type_id: str, *, for_appeals: bool
) -> list[RoutingRule]:
    """The rules for items of a type, drafts among them, in the order in which they are tried."""
    found = [
        rule
        for rule, _ in material.rules
        if rule.for_appeals == for_appeals and item_type_id in rule.item_type_ids
    ]
    return sorted(found, key=place_of)


def place_of(rule: RoutingRule) -> tuple[int, str]:
    """The place of a rule among those of its class: rules are tried in this order."""
    return rule.sequence_number, rule.id


def compile_table(
    material: RoutingConfiguration,
    item_type: ItemType | None,
    *,
    item_type_id: str,
    for_appeals: bool,
    catalogue: SignalCatalogue,
    cache: CompilerCache | None = None,
) -> RouteTable:
    """The table for items of a type; `item_type` None: it is gone, so no rule can be tried."""
    revisions = {rule.id: revision for rule, revision in material.rules}
    enabled: list[EnabledRule] = []
    destinations: dict[str, str] = {}
    for rule in rules_for(material, item_type_id, for_appeals=for_appeals):
        found = EnabledRule.of(rule, revisions[rule.id])
        if found is not None:
            enabled.append(found)
            destinations[rule.id] = rule.destination_queue_id
    settings = material.settings
    table = RouteTable(
        revision=material.revision,
        queue_ids=frozenset(material.queues),
        default_queue_id=default_queue(material.queues, for_appeals=for_appeals),
        ncmec_queue_id=None if settings is None else settings.ncmec_queue_id,
    )
    if not enabled:
        return table
    if item_type is None:
        return replace(table, note=f"item type {item_type_id} is gone")
    program, failed = compile_sparing(
        enabled,
        lambda rules: compile_program(
            rules,
            item_type=item_type,
            text_banks=material.text_banks,
            location_banks=material.location_banks,
            chunks=material.chunks,
            org_id=material.org_id,
            cache=cache,
            routing=True,
            catalogue=catalogue,
        ),
    )
    return replace(
        table,
        program=program,
        demand=Demand.of(program),
        destinations=tuple(destinations[code.rule.ref.id] for code in program.rules),
        note=f"rules {', '.join(failed)} cannot be tried" if failed else None,
        failed=failed,
    )


def default_queue(queues: Mapping[str, Queue], *, for_appeals: bool) -> str | None:
    """The id of the default queue; None when there is none that may take this.

    Appeals go to the default among the appeals queues, else to the first appeals queue, else where
    the rest goes. Other entries go to the default queue alone: any other may be open to few people
    for a reason.
    """
    ordered = [queues[queue_id] for queue_id in sorted(queues)]
    if for_appeals:
        appeals = [queue for queue in ordered if queue.is_appeals_queue]
        for queue in [*(q for q in appeals if q.is_default_queue), *appeals]:
            return queue.id
    for queue in ordered:
        if queue.is_default_queue and not queue.is_appeals_queue:
            return queue.id
    return None


def facts_of(item: SubmittedItem, traits: EntryTraits, at: datetime) -> Facts:
    """What rules are told of an entry.

    Raises:
        msgspec.DecodeError: the item's data is not a JSON object.
    """
    return Facts.read(
        item.data,
        at=at,
        creator=item.creator,
        source=SOURCE_INPUTS[traits.source],
        policy_ids=traits.policy_ids,
        item=ItemRef(item.id, item.type_id),
    )


def choose(
    table: RouteTable,
    item: SubmittedItem,
    traits: EntryTraits,
    *,
    at: datetime,
    facts: Facts | None = None,
    known: KnownValues = NOTHING,
) -> Choice:
    """The choice for an entry about `item` on what is `known`; `facts` where they are read
    already."""
    notes = [table.note] if table.note else []
    if traits.queue_id is not None:
        if traits.queue_id in table.queue_ids:
            return _choice(table, "SENDER", traits.queue_id, notes)
        notes.append(f"the sender's queue {traits.queue_id} is gone")
    if traits.child_safety and table.ncmec_queue_id is not None:
        if table.ncmec_queue_id in table.queue_ids:
            return _choice(table, "SETTING", table.ncmec_queue_id, notes)
        notes.append(f"the queue {table.ncmec_queue_id} for child safety is gone")
    program = table.program
    if program is None:
        return _fallback(table, notes)
    try:
        given = facts_of(item, traits, at) if facts is None else facts
        evaluation = program.evaluate_facts(given, signals=known)
    except (msgspec.DecodeError, RecursionError) as error:
        notes.append(f"the item's data cannot be read: {error}")
        return _fallback(table, notes)
    return _by_rules(table, program, evaluation, notes, known)


def _by_rules(
    table: RouteTable,
    program: Program,
    evaluation: Evaluation,
    notes: list[str],
    known: KnownValues,
) -> Choice:
    passed = next((index for index, outcome in evaluation.outcomes if outcome), None)
    tried = len(program.rules) if passed is None else passed + 1
    unknown: list[tuple[int, Outcome]] = [
        entry for entry in evaluation.outcomes if entry[1] is None and entry[0] < tried
    ]
    wanting: tuple[Need, ...] = ()
    if program.needs and table.demand is not None:
        fickle = (index for index in table.demand.fickle if index < tried)
        wanting = table.demand.wanted(program, [*(i for i, _ in unknown), *fickle], known.keys())
    found = None
    if passed is not None:
        rule, destination = program.rules[passed].rule.ref, table.destinations[passed]
        if destination in table.queue_ids:
            found = replace(_choice(table, "RULE", destination, notes), rule=rule)
        else:
            notes.append(f"rule {rule.id} passed, its queue {destination} is gone")
    return replace(
        found or _fallback(table, notes),
        tried=tried,
        wanting=wanting,
        undecided=_undecided(program, evaluation, unknown) if unknown and not wanting else (),
    )


def _undecided(
    program: Program, evaluation: Evaluation, unknown: list[tuple[int, Outcome]]
) -> tuple[UndecidedRule, ...]:
    rules, conditions = Evaluation(program, evaluation.state, unknown).results()
    return tuple(
        UndecidedRule(
            outcome.rule,
            _reasons(error for i in outcome.conditions if (error := conditions[i].error)),
        )
        for outcome in rules
    )


def _reasons(errors: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(errors))[:MAX_REASONS]


def _fallback(table: RouteTable, notes: list[str]) -> Choice:
    if table.default_queue_id is None:
        return _choice(table, "PARKED", PARKED_QUEUE, [*notes, "no queue for it"])
    return _choice(table, "DEFAULT", table.default_queue_id, notes)


def _choice(table: RouteTable, how: How, queue_id: str, notes: Sequence[str]) -> Choice:
    return Choice(queue_id, how, table.revision, note="; ".join(notes) or None)
