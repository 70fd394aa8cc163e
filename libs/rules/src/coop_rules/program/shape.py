"""Turns a rule's tree into one Python function, made of generated source.

Guarantees: the source depends on the tree's shape alone (conjunctions, and which of four kinds each
condition is); everything a user wrote is bound as a value, never as text. Rules of one shape share
their code, so that a thousand rules cost a few dozen compilations, once for a process.
Must not: know items, or keep anything of an organisation.

A shape is a tuple: (conjunction, child, …), or of a condition ("N", operator): the number of a
plain field, ("F",): a pattern set found, ("T",): the same where every value is a text, ("C",):
anything else. In generated source: `s` is the State, `d` its data, `r…` are results by depth, `a…`
arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from coop_rules.language.model import Conjunction
from coop_rules.program.state import EvaluationState, Outcome, Test

Shape = tuple[Any, ...]

MAX_INLINE = 16  # nodes in one function; larger sets call the functions of their parts
_SHAPES = 10_000  # kept for the process

ARGUMENTS = {"N": 2, "F": 3, "T": 3, "C": 1}
"""How many arguments a condition takes.

    N: field name, threshold             T, F: index of the scan, its function, position
    C: the test
"""


@lru_cache(maxsize=_SHAPES)
def factory(shape: Shape) -> Callable[..., Test]:
    """What makes the test of a tree of this shape from its conditions' arguments, in order."""
    writer = _Writer()
    body = writer.node(shape, 0)
    names = ", ".join(f"a{index}" for index in range(writer.arguments))
    lines = [f"def make({names}):", "    def test(s):", "        d = s.data", *body]
    lines += ["        return r0", "    return test"]
    namespace: dict[str, Any] = {"__builtins__": {}, "int": int, "float": float}
    code = compile("\n".join(lines), "<coop rules>", "exec")
    exec(code, namespace)  # noqa: S102  # only names of our own making are in it
    made: Callable[..., Test] = namespace["make"]
    return made


def wide(conjunction: Conjunction, tests: Sequence[Test]) -> Test:
    """The test of a set that is too large for one function."""
    if conjunction is Conjunction.XOR:
        return _wide_xor(tests)
    if conjunction is Conjunction.NOT:
        return _wide_not(tests[0])
    stop = conjunction is Conjunction.OR

    def test(state: EvaluationState) -> Outcome:
        outcome: Outcome = not stop
        for one in tests:
            found = one(state)
            if found is stop:
                return stop
            if found is None:
                outcome = None
        return outcome

    return test


def _wide_not(negated: Test) -> Test:
    def test(state: EvaluationState) -> Outcome:
        found = negated(state)
        return None if found is None else not found

    return test


def _wide_xor(tests: Sequence[Test]) -> Test:
    def test(state: EvaluationState) -> Outcome:
        passed = unknown = False
        for one in tests:
            found = one(state)
            if found is None:
                unknown = True
            elif found:
                if passed:
                    return False
                passed = True
        return None if unknown else passed

    return test


class _Writer:
    def __init__(self) -> None:
        self.arguments = 0

    def take(self, count: int) -> list[str]:
        names = [f"a{self.arguments + index}" for index in range(count)]
        self.arguments += count
        return names

    def node(self, shape: Shape, depth: int, indent: int = 8) -> list[str]:
        """Lines that leave the node's outcome in `r<depth>`."""
        kind = shape[0]
        if kind in ARGUMENTS:
            return self.condition(shape, f"r{depth}", " " * indent)
        children: Sequence[Shape] = shape[1:]
        match kind:
            case Conjunction.AND:
                return self.chain(children, depth, indent, stop="False")
            case Conjunction.OR:
                return self.chain(children, depth, indent, stop="True")
            case Conjunction.NOT:
                return self.negation(children[0], depth, indent)
        return self.exactly_one(children, depth, indent)

    def condition(self, shape: Shape, result: str, pad: str) -> list[str]:
        names = self.take(ARGUMENTS[shape[0]])
        match shape[0]:
            case "N":
                field, threshold = names
                lines = [
                    f"v = d.get({field})",
                    "if v is None:",
                    f"    {result} = False",
                    "elif v.__class__ is float or v.__class__ is int:",
                    f"    {result} = v {shape[1]} {threshold}",
                    "else:",
                    f"    {result} = None",
                ]
            case "C":
                lines = [f"{result} = {names[0]}(s)"]
            case _:
                index, scan, position = names
                lines = [f"h = s.scans[{index}]", f"if h is None: h = {scan}(s)"]
                if shape[0] == "T":
                    lines.append(f"{result} = {position} in h.found")
                else:
                    lines += [
                        f"if {position} in h.found: {result} = True",
                        f"else: {result} = None if h.bad else False",
                    ]
        return [pad + line for line in lines]

    def chain(self, children: Sequence[Shape], depth: int, indent: int, *, stop: str) -> list[str]:
        """AND stops at the first False, OR at the first True; an unknown child is remembered."""
        pad = " " * indent
        inner = f"r{depth + 1}"
        go_on = "True" if stop == "False" else "False"
        lines = [f"{pad}r{depth} = {go_on}"]
        for position, child in enumerate(children):
            # Each further child is one level deeper: reached where none has decided so far.
            pad = " " * (indent + position)
            lines += self.node(child, depth + 1, indent + position)
            lines.append(f"{pad}if {inner} is {stop}: r{depth} = {stop}")
            lines.append(f"{pad}else:")
            lines.append(f"{pad} if {inner} is None: r{depth} = None")
        return lines

    def negation(self, child: Shape, depth: int, indent: int) -> list[str]:
        pad = " " * indent
        inner = f"r{depth + 1}"
        lines = self.node(child, depth + 1, indent)
        return [*lines, f"{pad}r{depth} = None if {inner} is None else not {inner}"]

    def exactly_one(self, children: Sequence[Shape], depth: int, indent: int) -> list[str]:
        """XOR stops at the second True; then one True, and none unknown, passes."""
        inner, yes, unknown = f"r{depth + 1}", f"y{depth}", f"u{depth}"
        pad = " " * indent
        lines = [f"{pad}{yes} = {unknown} = False", f"{pad}r{depth} = False"]
        for position, child in enumerate(children):
            pad = " " * (indent + position)
            lines += self.node(child, depth + 1, indent + position)
            lines.append(f"{pad}if {inner} is True and {yes}: pass")
            lines.append(f"{pad}else:")
            lines.append(f"{pad} if {inner} is True: {yes} = True")
            lines.append(f"{pad} elif {inner} is None: {unknown} = True")
        pad = " " * (indent + len(children))
        return [*lines, f"{pad}r{depth} = None if {unknown} else {yes}"]
