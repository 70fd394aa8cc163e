"""When a file of Osprey's is run: `main.sml`, what it imports, and what it requires under a
condition.

Guarantees: a file is run where one of the ways to it is open; one that requires itself, by whatever
way, is not gone round for ever.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from coop_review_api.moving.osprey.expression import Condition, Meaning, all_of, any_of
from coop_review_api.moving.osprey.feature import UnmappedError
from coop_review_api.moving.osprey.ruleset import Ruleset, Statement, arguments_of

MAIN: Final = "main.sml"
_MOST_WAYS: Final = 64


@dataclass(frozen=True)
class _Way:
    """From a file to another. `when` is the condition, `name` a feature that has to be `stem`."""

    origin: str
    place: str
    when: ast.expr | None = None
    name: ast.Name | None = None
    stem: str = ""


@dataclass
class Gates:
    """The ways between files. Without a `main.sml` every file is run."""

    ruleset: Ruleset
    refused: list[tuple[str, str]] = field(default_factory=list)
    _ways: dict[str, list[_Way]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.ruleset.imports:
            found = list(self._targets(one))
            if not found:
                self.refused.append((one.place, "names no file that is here"))
            for file, way in found:
                self._ways.setdefault(file, []).append(way)

    def is_run(self, file: str) -> bool:
        """Whether any way leads to it."""
        if MAIN not in self.ruleset.files:
            return True
        known, waiting = set(), [file]
        while waiting:
            one = waiting.pop()
            if one == MAIN:
                return True
            if one not in known:
                known.add(one)
                waiting += [way.origin for way in self._ways.get(one, ())]
        return False

    def condition(self, file: str, meaning: Meaning) -> Condition | None:
        """Under which it is run; None: always. Raises `UnmappedError`."""
        if MAIN not in self.ruleset.files:
            return None
        return self._to(file, meaning, ())

    def _to(self, file: str, meaning: Meaning, above: tuple[str, ...]) -> Condition | None:
        if file == MAIN:
            return None
        ways = self._ways.get(file, [])
        if len(ways) > _MOST_WAYS or len(above) > _MOST_WAYS:
            raise UnmappedError(ways[0].place, "is required from too many places")
        found: list[Condition] = []
        for way in ways:
            if way.origin in above or not self.is_run(way.origin):
                continue
            parts = [self._to(way.origin, meaning, (*above, file)), _of(way, meaning)]
            there = [one for one in parts if one is not None]
            if not there:
                return None  # one that is always open is enough
            found.append(all_of(there))
        if not found:
            raise UnmappedError(f"{file}:1:1", "is required in a circle")
        return any_of(found)

    def _targets(self, statement: Statement) -> Iterator[tuple[str, _Way]]:
        arguments = arguments_of(statement.call) or {}
        match arguments:
            case {"rules": ast.List(elts=entries)}:
                for entry in entries:
                    if isinstance(entry, ast.Constant) and entry.value in self.ruleset.files:
                        yield str(entry.value), _Way(statement.file, statement.place)
            case {"rule": ast.Constant(value=str() as file)} if file in self.ruleset.files:
                when = arguments.get("require_if")
                yield file, _Way(statement.file, statement.place, when)
            case {"rule": ast.JoinedStr(values=pieces)}:
                yield from self._templated(statement, pieces, arguments.get("require_if"))

    def _templated(
        self, statement: Statement, pieces: list[ast.expr], when: ast.expr | None
    ) -> Iterator[tuple[str, _Way]]:
        """`actions/{ActionName}.sml`: each file that it may name, where the feature does."""
        names = [one.value for one in pieces if isinstance(one, ast.FormattedValue)]
        if len(names) != 1 or not isinstance(names[0], ast.Name):
            return
        pattern = "".join(
            re.escape(str(one.value)) if isinstance(one, ast.Constant) else "([^/]+)"
            for one in pieces
        )
        for file in self.ruleset.files:
            found = re.fullmatch(pattern, file)
            if found is not None:
                way = _Way(statement.file, statement.place, when, names[0], found[1])
                yield file, way


def _of(way: _Way, meaning: Meaning) -> Condition | None:
    parts = []
    if way.when is not None:
        is_true = isinstance(way.when, ast.Constant) and way.when.value is True
        parts += [] if is_true else [meaning.truth(way.when, way.origin).condition]
    if way.name is not None:
        named = ast.copy_location(
            ast.Compare(left=way.name, ops=[ast.Eq()], comparators=[ast.Constant(way.stem)]),
            way.name,
        )
        parts.append(meaning.truth(named, way.origin).condition)
    return all_of(parts) if parts else None
