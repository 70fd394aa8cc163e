"""What the author of a rule should know of it, although it may be saved.

Guarantees: what is warned of works as it is documented; each warning names its place.
Must not: refuse anything; `check` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from coop_contracts.error import pointer
from coop_rules.language.model import ConditionError, ConditionProblem, ConditionSet, Input, Leaf
from coop_rules.language.parse import parse_condition_set
from coop_rules.matching.regex import regex_warnings
from coop_rules.signal.catalogue import SignalCatalogue
from coop_rules.signal.signal import Matching, SignalType

MAX_WARNINGS = 50  # of one document


def condition_warnings(
    condition_set: object, *, catalogue: SignalCatalogue, accounts: Collection[str]
) -> list[ConditionProblem]:
    """What to know of a condition set, at most `MAX_WARNINGS`; pointers are relative to it.
    `accounts` are the integrations that are set up and switched on."""
    try:
        tree = parse_condition_set(condition_set)
    except ConditionError:
        return []  # it cannot be saved, and the check says why
    return list(_of_node(tree, "", catalogue, accounts))[:MAX_WARNINGS]


def regex_bank_warnings(strings: Sequence[str]) -> list[ConditionProblem]:
    """What to know of the entries of a bank of regexes, at most `MAX_WARNINGS`."""
    found: list[ConditionProblem] = []
    for problem in _of_regexes(strings, ("strings",)):
        found.append(problem)
        if len(found) == MAX_WARNINGS:
            break
    return found


def _of_node(
    node: ConditionSet | Leaf, at: str, catalogue: SignalCatalogue, accounts: Collection[str]
) -> Iterator[ConditionProblem]:
    if isinstance(node, Leaf):
        for problem in _of_leaf(node, catalogue, accounts):
            yield ConditionProblem(at + problem.pointer, problem.reason)
        return
    for index, child in enumerate(node.conditions):
        yield from _of_node(child, f"{at}/conditions/{index}", catalogue, accounts)


def _of_leaf(
    leaf: Leaf, catalogue: SignalCatalogue, accounts: Collection[str]
) -> Iterator[ConditionProblem]:
    signal = None if leaf.signal is None else catalogue.get(leaf.signal.type)
    if signal is not None:
        yield from _of_account(signal, "/signal/type", accounts)
        clause = leaf.signal.aggregation if leaf.signal is not None else None
        if clause is not None and clause.condition_set is not None:
            at = "/signal/args/aggregationClause/conditionSet"
            yield from _of_node(clause.condition_set, at, catalogue, accounts)
        if signal.matching is Matching.REGEX and leaf.matching_values is not None:
            yield from _of_regexes(leaf.matching_values.strings, ("matchingValues", "strings"))
    derived = _derivation(leaf.input, catalogue)
    if derived is not None:
        yield from _of_account(derived, "/input/spec/derivationType", accounts)


def _derivation(source: Input, catalogue: SignalCatalogue) -> SignalType | None:
    return None if source.spec is None else catalogue.deriving(source.spec.derivation_type)


def _of_account(
    signal: SignalType, at: str, accounts: Collection[str]
) -> Iterator[ConditionProblem]:
    if signal.needs_account and signal.integration not in accounts:
        reason = f"the integration {signal.integration} is not set up, or switched off"
        yield ConditionProblem(at, f"{reason}: until it is, the condition cannot be decided")


def _of_regexes(strings: Sequence[str], at: Sequence[str]) -> Iterator[ConditionProblem]:
    for index, string in enumerate(strings):
        for reason in regex_warnings(string):
            yield ConditionProblem(pointer(*at, index), reason)
