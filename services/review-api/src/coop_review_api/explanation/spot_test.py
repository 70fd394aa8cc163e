"""Trying one rule on one item, saved or not, without any effect.

    given values ─┬─▶ recorded ones ─┬─▶ fetched ones, if asked for ─▶ otherwise: not available
                  └─ by signal        └─ by need; strikes, asked for or not

Guarantees: nothing is published, counted or kept; a value that cannot be had is said to be
unavailable, never guessed.
Must not: hold a database connection while a provider is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.config import Kind, Rule
from coop_contracts.event import ItemRef, SignalValue, SubmittedItem
from coop_contracts.ids import new_id
from coop_review_api.configuration.catalogue import Catalogue
from coop_review_api.configuration.check import DocumentChecks, Examined
from coop_review_api.configuration.log import read
from coop_review_api.explanation.evaluation import as_enabled, by_need, compiled
from coop_review_api.explanation.material import Material
from coop_review_api.explanation.tree import Findings, Node, Unreadable, explain
from coop_review_api.kernel.error import Fault, Invalid, NotFound
from coop_review_api.signal.signals import Signals
from coop_rules.language.model import ConditionProblem
from coop_rules.language.need import Need
from coop_rules.program.program import Facts, Program
from coop_rules.signal.catalogue import SignalCatalogue

FETCH_SECONDS = 20.0  # for all values together
MAX_INPUTS = 100  # of one need that are asked for


class GivenValue(Struct, frozen=True, kw_only=True):
    """What a signal shall say, whatever it is asked; of one subcategory, or of all."""

    signal: str
    subcategory: str | None = None
    score: float | bool | str | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One rule, one item; `recorded` are values from when the item was evaluated, `warnings` what
    the rule's author should know."""

    rule: Rule
    material: Material
    item: SubmittedItem
    at: datetime
    given: Sequence[GivenValue] = ()
    recorded: Sequence[SignalValue] = ()
    fetch: bool = False
    warnings: Sequence[Fault] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`passed` None: it could not be decided. Without `conditions`, `problems` say why."""

    passed: bool | None
    conditions: Node | None
    problems: tuple[ConditionProblem, ...]
    values: tuple[SignalValue, ...]


async def tried_rule(
    connection: AsyncConnection,
    org_id: str,
    *,
    rule_id: str | None,
    rule: Mapping[str, Any] | None,
    catalogue: Catalogue,
    signals: SignalCatalogue,
) -> Rule:
    """The saved rule, or `rule` (its JSON, without an id), checked as if it were saved; `catalogue`
    holds `kinds_to_check`. Raises `NotFound`, and `Invalid`, at `/rule`."""
    if rule is None:
        entry = await read(connection, org_id, Kind.RULE, Rule, rule_id or "")
        if entry is None:
            raise NotFound(f"no rule {rule_id}")
        return entry.document
    made = msgspec.convert({**rule, "id": new_id()}, Rule)
    examined = Examined(document=made, previous=None, catalogue=catalogue, signals=signals)
    faults = DocumentChecks().faults(Kind.RULE, examined)
    if faults:
        raise Invalid([Fault("/rule" + fault.pointer, fault.reason) for fault in faults])
    return made


def check_type(item: SubmittedItem, rule: Rule) -> None:
    """Raises `Invalid` for an item that the rule is not about."""
    if item.type_id not in rule.item_type_ids:
        reason = "the rule does not apply to items of this type"
        raise Invalid([Fault("/item/typeId", reason)])


async def try_rule(trial: Trial, signals: Signals) -> Verdict:
    """What the rule says of the item. Raises `Invalid` where its type is gone."""
    if trial.material.item_type is None:
        raise Invalid([Fault("/item/typeId", "no such item type")])
    program = await asyncio.to_thread(
        compiled, trial.material, [as_enabled(trial.rule, 0)], signals.catalogue
    )
    assert program is not None
    facts = Facts.read(
        trial.item.data,
        at=trial.at,
        creator=trial.item.creator,
        item=ItemRef(trial.item.id, trial.item.type_id),
    )
    values = await _values(program, facts, trial, signals)
    return await asyncio.to_thread(_verdict, program, facts, trial, signals, values)


async def _values(
    program: Program, facts: Facts, trial: Trial, signals: Signals
) -> list[SignalValue]:
    source = Source(
        org_id=trial.material.org_id,
        signals=signals,
        deadline=asyncio.get_running_loop().time() + FETCH_SECONDS,
        given=trial.given,
        recorded=by_need(trial.recorded),
        fetch=trial.fetch,
    )
    found: list[SignalValue] = []
    for need in program.needs:  # those that derive a field come first
        found += await source.values(need, program.inputs_of(need, facts, by_need(found)))
    return found


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the values of a test come from; `deadline` is a time of the event loop's clock."""

    org_id: str
    signals: Signals
    deadline: float
    given: Sequence[GivenValue] = ()
    recorded: Mapping[str, Sequence[SignalValue]] = field(default_factory=dict)
    fetch: bool = False

    async def values(self, need: Need, inputs: Sequence[Any]) -> list[SignalValue]:
        """The need's values for these inputs, each with a score or the reason why there is none."""
        asked = inputs[:MAX_INPUTS]
        given = next((one for one in self.given if _is_of(one, need)), None)
        if given is not None:
            return [_as_value(given, need, position) for position in range(len(asked))]
        if need.key in self.recorded:
            return list(self.recorded[need.key])
        asks = self.fetch and self.signals.gives(need.signal.name)
        if asks or self.signals.knows(need.signal.name):
            return await _fetched(self.org_id, need, asked, self.signals, self.deadline)
        return [_missing(need, position, self.signals) for position in range(len(asked))]


async def _fetched(
    org_id: str, need: Need, inputs: Sequence[Any], signals: Signals, deadline: float
) -> list[SignalValue]:
    places = [position for position, value in enumerate(inputs) if value is not None]
    asked = await signals.values(
        org_id, need, [inputs[position] for position in places], deadline=deadline
    )
    return [
        SignalValue(
            key=value.key,
            signal=value.signal,
            position=position,
            score=value.score,
            matched_value=value.matched_value,
            error=value.error,
        )
        for position, value in zip(places, asked, strict=True)
    ]


def _is_of(given: GivenValue, need: Need) -> bool:
    return given.signal == need.signal.name and given.subcategory in (None, need.subcategory)


def _as_value(given: GivenValue, need: Need, position: int) -> SignalValue:
    return SignalValue(
        key=need.key,
        signal=need.signal.name,
        position=position,
        score=given.score,
        error=given.error,
    )


def _missing(need: Need, position: int, signals: Signals) -> SignalValue:
    could = signals.gives(need.signal.name)
    reason = "it was not asked for" if could else "it is known to the rules engine only"
    return SignalValue(
        key=need.key,
        signal=need.signal.name,
        position=position,
        error=f"no value in this test: {reason}; give one",
    )


def _verdict(
    program: Program,
    facts: Facts,
    trial: Trial,
    signals: Signals,
    values: Sequence[SignalValue],
) -> Verdict:
    evaluation = program.evaluate_facts(facts, trace=True, signals=by_need(values))
    outcomes, conditions = evaluation.results()
    item_type = trial.material.item_type
    assert item_type is not None
    tree = explain(
        trial.rule.condition_set,
        trial.material.scope(item_type, signals.catalogue),
        Findings(conditions, values, names=trial.material.bank_names),
        item_type_ids=trial.rule.item_type_ids,
        passed=outcomes[0].passed,
    )
    problems = [*program.problems.get(trial.rule.id, ())]
    if isinstance(tree, Unreadable):
        problems = list(dict.fromkeys([*problems, *tree.problems]))
    return Verdict(
        passed=outcomes[0].passed,
        conditions=tree if isinstance(tree, Node) else None,
        problems=tuple(problems),
        values=tuple(values),
    )
