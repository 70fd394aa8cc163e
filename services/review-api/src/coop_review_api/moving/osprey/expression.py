"""Osprey's expressions as condition sets here, verdict for verdict.

An expression of Osprey's is true, false, or fails; a rule with one that failed does not pass. What
fails is what needs a value that is not there; ours is false there, and `not` of that is true. So
each expression has, beside the condition under which it is true, the fields that it needs:

    X > 3       true: X > 3          needs X
    X != 'a'    true: not X = 'a'    needs nothing: true of an event without X
    not E       true: not (E's), and all that E needs is there
    A or B      true: A's or B's     needs nothing: what failed counts as false there

Guarantees: what cannot be said here raises `UnmappedError` with its place, and is never left out;
depth and size are bounded.
Must not: run anything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from coop_contracts.config import ScalarType
from coop_review_api.moving.osprey.feature import Feature, Features, UnmappedError
from coop_review_api.moving.osprey.ruleset import Definition, Ruleset, arguments_of, place_of
from coop_rules.language.model import MAX_LEAVES

MAX_DEPTH: Final = 40
REGEX: Final = "TEXT_MATCHING_CONTAINS_REGEX"
WORD: Final = "TEXT_MATCHING_CONTAINS_WORD"

Condition = dict[str, Any]
_COMPARATORS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Eq: "EQUALS",
    ast.Lt: "LESS_THAN",
    ast.LtE: "LESS_THAN_OR_EQUALS",
    ast.Gt: "GREATER_THAN",
    ast.GtE: "GREATER_THAN_OR_EQUALS",
}
_FLIPPED: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}
# What Python reads otherwise than RE2 does, where a text is not ASCII or ends with a line feed.
_ELSEWHERE: Final = re.compile(r"\\[wWdDsSbB]|\$|(?<!\\)\.")


@dataclass(frozen=True)
class Truth:
    """When an expression is true, and the fields without which it fails."""

    condition: Condition
    needs: frozenset[str] = frozenset()


@dataclass
class Meaning:
    """Expressions of one set of rules, on items of one type. `notes` are places where a text that
    is not plain may be judged otherwise."""

    ruleset: Ruleset
    features: Features
    type_id: str
    notes: list[tuple[str, str]] = field(default_factory=list)
    _leaves: int = 0

    def begin(self) -> None:
        """Another rule: its notes and its size begin anew."""
        self.notes, self._leaves = [], 0

    def truth(self, node: ast.expr, file: str, depth: int = 0) -> Truth:
        """Of an expression in a file. Raises `UnmappedError`."""
        place = place_of(file, node)
        if depth > MAX_DEPTH:
            raise UnmappedError(place, f"is nested deeper than {MAX_DEPTH} expressions")
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return Truth(all_of([self.truth(v, file, depth + 1).condition for v in values]))
            case ast.BoolOp(op=ast.Or(), values=values):
                return Truth(any_of([self.truth(v, file, depth + 1).condition for v in values]))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._not(self.truth(operand, file, depth + 1))
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._comparison(left, operator, right, file, place)
            case ast.Name(id=name):
                return self._named(name, file, place, depth)
            case ast.Call(func=ast.Name(id=name)):
                return self._call(name, node, file, place)
        raise UnmappedError(place, "is no expression that has a counterpart here")

    def rule(self, call: ast.Call, file: str, depth: int = 0) -> tuple[Truth, list[UnmappedError]]:
        """What all of `when_all` say together, and what of it could not be said."""
        wanted = (arguments_of(call) or {}).get("when_all")
        if not isinstance(wanted, ast.List) or not wanted.elts:
            raise UnmappedError(place_of(file, call), "its when_all is no list of conditions")
        parts, refused = [], []
        for one in wanted.elts:
            try:
                parts.append(self.truth(one, file, depth + 1))
            except UnmappedError as error:
                refused.append(error)
        needs = frozenset[str]().union(*(part.needs for part in parts))
        return Truth(all_of([part.condition for part in parts]), needs), refused

    def _not(self, of: Truth) -> Truth:
        there = [negated(self._leaf(name, "IS_NOT_PROVIDED")) for name in sorted(of.needs)]
        return Truth(all_of([negated(of.condition), *there]), of.needs)

    def _named(self, name: str, file: str, place: str, depth: int) -> Truth:
        made = self._definition(name, file, place)
        feature = self.features.of(made)
        if feature is not None:
            if feature.kind != "BOOLEAN":
                raise UnmappedError(place, f"{name} is no condition")
            return Truth(self._leaf(feature.field, "EQUALS", True), _needed(feature))
        if isinstance(made.value, ast.Call) and _called(made.value) == "Rule":
            truth, refused = self.rule(made.value, made.file, depth + 1)
            if refused:
                raise UnmappedError(place, f"{name} cannot be said here: {refused[0]}")
            return truth
        return self.truth(made.value, made.file, depth + 1)

    def _definition(self, name: str, file: str, place: str) -> Definition:
        made = self.ruleset.named(file, name)
        if made is None:
            raise UnmappedError(place, f"{name} is defined nowhere")
        return made

    # Comparisons.

    def _comparison(
        self,
        left: ast.expr,
        operator: ast.cmpop,
        right: ast.expr,
        file: str,
        place: str,
    ) -> Truth:
        if isinstance(left, ast.Call) and _called(left) == "ListLength":
            return self._length(left, operator, right, file, place)
        kind = type(operator)
        of, other = self.feature(left, file), self.feature(right, file)
        if of is not None and other is not None:
            raise UnmappedError(place, "compares two features with each other")
        if of is None and other is not None:
            if isinstance(operator, ast.In | ast.NotIn):
                return self._within(self.value(left, file), other, operator, place)
            if not isinstance(operator, ast.Eq | ast.NotEq) and kind not in _FLIPPED:
                raise UnmappedError(place, "is no comparison that has a counterpart here")
            kind, of, right = _FLIPPED.get(kind, kind), other, left
        if of is None:
            raise UnmappedError(place, "compares what is no feature of the event")
        value = self.value(right, file)
        if issubclass(kind, ast.In | ast.NotIn):
            return self._among(of, value, place, is_in=kind is ast.In)
        if value is None and issubclass(kind, ast.Eq | ast.NotEq):
            missing = self._leaf(of.field, "IS_NOT_PROVIDED")
            return Truth(missing if kind is ast.Eq else negated(missing))
        _check_kind(of, value, place)
        if kind is ast.NotEq:
            return Truth(negated(self._leaf(of.field, "EQUALS", value)))
        if kind not in _COMPARATORS or (kind is not ast.Eq and of.kind != "NUMBER"):
            raise UnmappedError(place, "only numbers have an order here")
        leaf = self._leaf(of.field, _COMPARATORS[kind], value)
        return Truth(leaf, frozenset() if kind is ast.Eq else _needed(of))

    def _among(self, of: Feature, values: Any, place: str, *, is_in: bool) -> Truth:
        if not isinstance(values, list):
            raise UnmappedError(place, "is in something that is no list of constants")
        there = [one for one in values if one is not None]
        for one in there:
            _check_kind(of, one, place)
        parts = [self._leaf(of.field, "IN", there)] if there else []
        parts += [self._leaf(of.field, "IS_NOT_PROVIDED")] if None in values else []
        if not parts:
            raise UnmappedError(place, "is in a list without entries")
        found = any_of(parts)
        return Truth(found if is_in else negated(found))

    def _within(self, value: Any, of: Feature, operator: ast.cmpop, place: str) -> Truth:
        """A constant in a list, or in a text."""
        is_text = of.scalar is ScalarType.STRING
        if of.kind not in ("LIST", "STRING") or of.scalar is ScalarType.BOOLEAN:
            raise UnmappedError(place, "is in something that is no list and no text")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value == "" or not (isinstance(value, str) if is_text else is_number):
            raise UnmappedError(place, "looks for what cannot be in there")
        found = Truth(self._leaf(of.field, "CONTAINS", value), _needed(of))
        if isinstance(operator, ast.In):
            return found
        if of.kind == "LIST" and not of.optional:
            self.notes.append((place, "an empty list is taken as one that is not there"))
        return self._not(found)

    def _length(
        self, call: ast.Call, operator: ast.cmpop, right: ast.expr, file: str, place: str
    ) -> Truth:
        """Whether a list has something in it: how much it has cannot be asked."""
        given = (arguments_of(call) or {}).get("list")
        of = None if given is None else self.feature(given, file)
        least = self.value(right, file)
        asks = (type(operator), least) in ((ast.Gt, 0), (ast.GtE, 1))
        if of is None or of.kind != "LIST" or isinstance(least, bool) or not asks:
            raise UnmappedError(place, "only whether a list has entries can be asked here")
        return Truth(negated(self._leaf(of.field, "IS_NOT_PROVIDED")), _needed(of))

    # Functions.

    def _call(self, name: str, call: ast.Call, file: str, place: str) -> Truth:
        if name == "Rule":
            raise UnmappedError(place, "a rule has to have a name")
        pattern_of = _TEXT_FUNCTIONS.get(name)
        arguments = arguments_of(call)
        if pattern_of is None or arguments is None:
            raise UnmappedError(place, f"{name} has no counterpart here")
        target = next((arguments.pop(n) for n in ("target", "text", "s") if n in arguments), None)
        of = None if target is None else self.feature(target, file)
        if of is None or of.kind != "STRING":
            raise UnmappedError(place, f"{name} looks into what is no text of the event")
        values = {key: self.value(one, file) for key, one in arguments.items()}
        try:
            signal, pattern = pattern_of(**values)
        except (TypeError, ValueError):
            raise UnmappedError(place, f"{name} is given something else here") from None
        if signal == WORD or _ELSEWHERE.search(pattern) or not pattern.isascii():
            self.notes.append(
                (
                    place,
                    "words, digits, blanks and ends of lines may be others in texts beyond ASCII",
                )
            )
        return Truth(self._matching(of.field, signal, pattern), _needed(of))

    # Leaves.

    def feature(self, node: ast.expr, file: str) -> Feature | None:
        """The feature that a name stands for, through other names."""
        for _ in range(MAX_DEPTH):
            if not isinstance(node, ast.Name):
                return None
            made = self.ruleset.named(file, node.id)
            if made is None:
                return None
            feature = self.features.of(made)
            if feature is not None:
                return feature
            node, file = made.value, made.file
        return None

    def value(self, node: ast.expr, file: str, depth: int = 0) -> Any:
        """A constant, or a list of them."""
        place = place_of(file, node)
        match node:
            case ast.Constant(value=str() | int() | float() | None as value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.List(elts=entries) if depth < MAX_DEPTH:
                found = [self.value(one, file, depth + 1) for one in entries]
                if not any(isinstance(one, list) for one in found):
                    return found
            case ast.Name(id=name) if depth < MAX_DEPTH:
                made = self._definition(name, file, place)
                return self.value(made.value, made.file, depth + 1)
        raise UnmappedError(place, "is no constant")

    def _leaf(self, name: str, comparator: str, threshold: Any = None) -> Condition:
        made: Condition = {"input": self._input(name), "comparator": comparator}
        if comparator != "IS_NOT_PROVIDED":
            made["threshold"] = threshold
        return made

    def _matching(self, name: str, signal: str, pattern: str) -> Condition:
        return {
            "input": self._input(name),
            "signal": {"id": f'{{"type":"{signal}"}}', "type": signal},
            "comparator": "EQUALS",
            "threshold": "true",
            "matchingValues": {"strings": [pattern]},
        }

    def _input(self, name: str) -> Condition:
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            raise UnmappedError("", f"has more than {MAX_LEAVES} conditions with what it names")
        return {"type": "CONTENT_FIELD", "name": name, "contentTypeId": self.type_id}


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _needed(feature: Feature) -> frozenset[str]:
    return frozenset() if feature.optional else frozenset({feature.field})


def _check_kind(of: Feature, value: Any, place: str) -> None:
    """A value of another type is equal to none of the feature's."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "STRING": isinstance(value, str),
        "NUMBER": is_number,
        "BOOLEAN": isinstance(value, bool),
        "LIST": False,
    }
    if not fits[of.kind]:
        raise UnmappedError(place, f"{of.field} is compared with a value of another type")


def _exact(pattern: str) -> str:
    return f"(?-i:{pattern})"  # regexes ignore case here


def _regex(*, pattern: str, case_insensitive: bool = False) -> tuple[str, str]:
    return REGEX, pattern if case_insensitive else _exact(pattern)


def _contains(*, phrase: str) -> tuple[str, str]:
    """Between ends of words, whatever the case."""
    if not phrase:
        raise ValueError(phrase)
    return (REGEX, rf"\b{re.escape(phrase)}\b") if phrase.isascii() else (WORD, phrase)


def _starts(*, start: str) -> tuple[str, str]:
    return REGEX, _exact("^" + re.escape(start))


def _ends(*, end: str) -> tuple[str, str]:
    return REGEX, _exact(re.escape(end) + "$")


_TEXT_FUNCTIONS: Final[Mapping[str, Callable[..., tuple[str, str]]]] = {
    "RegexMatch": _regex,
    "TextContains": _contains,
    "StringStartsWith": _starts,
    "StringEndsWith": _ends,
}


def negated(condition: Condition) -> Condition:
    """True where the other is false."""
    if condition.get("conjunction") == "NOT":
        return dict(condition["conditions"][0])
    return {"conjunction": "NOT", "conditions": [condition]}


def all_of(conditions: Sequence[Condition]) -> Condition:
    """True where all are; one level of them."""
    return _joined("AND", conditions)


def any_of(conditions: Sequence[Condition]) -> Condition:
    """True where one is; one level of them."""
    return _joined("OR", conditions)


def _joined(conjunction: str, conditions: Sequence[Condition]) -> Condition:
    flat: list[Condition] = []
    for one in conditions:
        same = one.get("conjunction") == conjunction
        flat.extend(one["conditions"] if same else [one])
    return flat[0] if len(flat) == 1 else {"conjunction": conjunction, "conditions": flat}
