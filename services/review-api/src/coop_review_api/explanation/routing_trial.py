"""Routing an item as routing would, without any effect, and saying why.

Guarantees: the choice is made by the function and the tables that routing has, on the same
documents (`coop_rules.queue_choice`); nothing is published, placed or kept. A value that was not
asked for, or cannot be had, is unavailable in the test as it would be in routing.
Must not: hold a database connection while a provider is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, OrgSettings, Queue, RoutingRule
from coop_contracts.event import RuleRef, SignalValue, SubmittedItem
from coop_review_api.configuration.check import SETTINGS_ID
from coop_review_api.configuration.past import documents_at
from coop_review_api.explanation.evaluation import by_need
from coop_review_api.explanation.material import Material, material_of
from coop_review_api.explanation.spot_test import FETCH_SECONDS, GivenValue, Source
from coop_review_api.explanation.tree import Findings, Node, Unreadable, explain
from coop_review_api.signal.signals import Signals
from coop_rules import queue_choice
from coop_rules.language.model import ConditionProblem
from coop_rules.program.program import Facts
from coop_rules.queue_choice import Choice, EntryTraits, RouteTable, choose, compile_table, facts_of
from coop_rules.signal.catalogue import SignalCatalogue


@dataclass(frozen=True, kw_only=True)
class RoutingTrial:
    """One item with its traits; `routing` and `material` are of one revision. `recorded` are values
    from when the item was evaluated."""

    routing: queue_choice.RoutingConfiguration
    material: Material
    item: SubmittedItem
    traits: EntryTraits
    at: datetime
    given: Sequence[GivenValue] = ()
    recorded: Sequence[SignalValue] = ()
    fetch: bool = False


@dataclass(frozen=True, kw_only=True)
class TriedRule:
    """A rule that was tried. `passed` None: it could not be decided. Without `conditions`,
    `problems` say why."""

    rule: RuleRef
    document: RoutingRule
    passed: bool | None
    conditions: Node | None
    problems: tuple[ConditionProblem, ...]


@dataclass(frozen=True, kw_only=True)
class RoutingVerdict:
    """The choice, the rules that were tried for it in their order, and the values they had."""

    choice: Choice
    tried: tuple[TriedRule, ...]
    values: tuple[SignalValue, ...]


async def load(
    connection: AsyncConnection, org_id: str, revision: int, item_type_id: str, *, for_appeals: bool
) -> tuple[queue_choice.RoutingConfiguration, Material]:
    """What routing knows of an organisation at a revision, and what its rules for the type need."""
    rules = await documents_at(connection, org_id, revision, Kind.ROUTING_RULE, RoutingRule)
    queues = await documents_at(connection, org_id, revision, Kind.QUEUE, Queue)
    settings = await documents_at(
        connection, org_id, revision, Kind.SETTINGS, OrgSettings, ids=[SETTINGS_ID]
    )
    bare = queue_choice.RoutingConfiguration(
        org_id=org_id,
        revision=revision,
        rules=tuple(rules.values()),
        queues={queue_id: queue for queue_id, (queue, _) in queues.items()},
        settings=settings[SETTINGS_ID][0] if settings else None,
    )
    wanted = queue_choice.rules_for(bare, item_type_id, for_appeals=for_appeals)
    found = await material_of(connection, org_id, revision, item_type_id, {}, routing=wanted)
    whole = queue_choice.RoutingConfiguration(
        org_id=org_id,
        revision=revision,
        rules=bare.rules,
        queues=bare.queues,
        settings=bare.settings,
        text_banks=found.text_banks,
        location_banks=found.location_banks,
        chunks=found.chunks,
    )
    return whole, found


async def try_routing(trial: RoutingTrial, signals: Signals) -> RoutingVerdict:
    """Where the item would go, and why."""
    table = await asyncio.to_thread(
        compile_table,
        trial.routing,
        trial.material.item_type,
        item_type_id=trial.item.type_id,
        for_appeals=trial.traits.for_appeals,
        catalogue=signals.catalogue,
    )
    facts = facts_of(trial.item, trial.traits, trial.at)
    known: dict[str, Sequence[SignalValue]] = {}
    source = Source(
        org_id=trial.routing.org_id,
        signals=signals,
        deadline=asyncio.get_running_loop().time() + FETCH_SECONDS,
        given=trial.given,
        recorded=by_need(trial.recorded),
        fetch=trial.fetch,
    )

    def chosen() -> Choice:
        return choose(table, trial.item, trial.traits, at=trial.at, facts=facts, known=known)

    choice = await asyncio.to_thread(chosen)
    while choice.wanting and table.program is not None:
        for need in choice.wanting:
            inputs = table.program.inputs_of(need, facts, known)
            known[need.key] = await source.values(need, inputs)
        choice = await asyncio.to_thread(chosen)
    tried = await asyncio.to_thread(_tried, trial, table, choice, facts, known, signals.catalogue)
    return RoutingVerdict(
        choice=choice,
        tried=tried,
        values=tuple(value for values in known.values() for value in values),
    )


def _tried(
    trial: RoutingTrial,
    table: RouteTable,
    choice: Choice,
    facts: Facts,
    known: Mapping[str, Sequence[SignalValue]],
    signals: SignalCatalogue,
) -> tuple[TriedRule, ...]:
    """The rules that the choice was made by, each with its conditions as they were found."""
    program, item_type = table.program, trial.material.item_type
    if program is None or item_type is None or not choice.tried:
        return ()
    outcomes, conditions = program.evaluate_facts(facts, trace=True, signals=known).results()
    values = [value for found in known.values() for value in found]
    findings = Findings(conditions, values, names=trial.material.bank_names)
    scope = trial.material.scope(item_type, signals, routing=True)
    documents = {rule.id: rule for rule, _ in trial.routing.rules}
    tried = []
    for outcome in outcomes[: choice.tried]:
        document = documents[outcome.rule.id]
        tree = explain(
            document.condition_set,
            scope,
            findings,
            item_type_ids=document.item_type_ids,
            passed=outcome.passed,
        )
        problems = [*program.problems.get(outcome.rule.id, ())]
        if isinstance(tree, Unreadable):
            problems = list(dict.fromkeys([*problems, *tree.problems]))
        tried.append(
            TriedRule(
                rule=outcome.rule,
                document=document,
                passed=outcome.passed,
                conditions=tree if isinstance(tree, Node) else None,
                problems=tuple(problems),
            )
        )
    return tuple(tried)
