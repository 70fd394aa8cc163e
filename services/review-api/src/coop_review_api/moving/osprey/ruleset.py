"""The files of Osprey's rules: read, parsed, and what they define.

    Name = …            a constant, a feature or a rule: its expression, with its place
    WhenRules(…)        what follows from rules
    Import, Require     which file is run, and when

Guarantees: nothing of a file is ever run; a file, a folder and a nesting have bounds, and what is
beyond them is refused with its place; links that lead elsewhere are not followed.
Must not: know what an expression means; `expression` does.

Source: Osprey's documents (github.com/roostorg/osprey, docs/rules): SML is a subset of Python's
syntax, in which a name is assigned once.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MAX_FILE: Final = 256 * 1024
MAX_FILES: Final = 2_000
MAX_FOLDERS: Final = 2_000
_SUFFIX: Final = ".sml"


class RulesetError(Exception):
    """What cannot be read as a set of rules: a sentence with the place."""


@dataclass(frozen=True)
class Definition:
    """`name = value` in a file. `annotation` is the type that is written down."""

    file: str
    name: str
    value: ast.expr
    annotation: ast.expr | None = None

    @property
    def place(self) -> str:
        return place_of(self.file, self.value)


@dataclass(frozen=True)
class Statement:
    """A call that stands for itself."""

    file: str
    call: ast.Call

    @property
    def place(self) -> str:
        return place_of(self.file, self.call)


@dataclass
class Ruleset:
    """All files. `shared` are names that every file may use, `local` those with a leading `_`, of
    one file; `refused` are statements that say nothing that is known."""

    files: Sequence[str] = ()
    shared: dict[str, Definition] = field(default_factory=dict)
    local: dict[tuple[str, str], Definition] = field(default_factory=dict)
    effects: list[Statement] = field(default_factory=list)
    imports: list[Statement] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def named(self, file: str, name: str) -> Definition | None:
        """What a name means in a file."""
        return self.local.get((file, name)) or self.shared.get(name)


def place_of(file: str, node: ast.AST) -> str:
    """`file:line:column`, both counted from one."""
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    return f"{file}:{line}:{column + 1}"


def read_ruleset(path: Path) -> Ruleset:
    """A folder of rules, or one file. Raises `RulesetError`."""
    texts: dict[str, str] = {}
    for name, file in _files(path):
        if len(texts) == MAX_FILES:
            raise RulesetError(f"{path}: has more than {MAX_FILES} files")
        texts[name] = _text(name, file)
    if not texts:
        raise RulesetError(f"{path}: there is no file of rules (*{_SUFFIX})")
    return parsed(texts)


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.name, path
        return
    if not path.is_dir():
        raise RulesetError(f"{path}: there is no such file or folder")
    folders, seen = [path], 0
    while folders:
        folder = folders.pop(0)
        seen += 1
        if seen > MAX_FOLDERS:
            raise RulesetError(f"{path}: has more than {MAX_FOLDERS} folders")
        try:
            inside = sorted(folder.iterdir())
        except OSError as error:
            raise RulesetError(f"{folder}: {error.strerror}") from None
        for one in inside:
            if one.is_symlink():
                continue
            if one.is_dir():
                folders.append(one)
            elif one.suffix == _SUFFIX and one.is_file():
                yield one.relative_to(path).as_posix(), one


def _text(name: str, file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE + 1)
        if len(content) > MAX_FILE:
            raise RulesetError(f"{name}: is larger than {MAX_FILE} bytes")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise RulesetError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RulesetError(f"{name}: is no text in UTF-8") from None


def parsed(texts: Mapping[str, str]) -> Ruleset:
    """The files, by their paths. Raises `RulesetError`."""
    found = Ruleset(files=sorted(texts))
    for name in found.files:
        for statement in _tree(name, texts[name]).body:
            _take(found, name, statement)
    return found


def _tree(name: str, text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python may come to refuse
            return ast.parse(text)
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        raise RulesetError(f"{name}:{line}:{column}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise RulesetError(f"{name}: is nested too deeply") from None
    except ValueError as error:
        raise RulesetError(f"{name}: {error}") from None


def _take(found: Ruleset, file: str, statement: ast.stmt) -> None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            _define(found, Definition(file, name, value))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            _define(found, Definition(file, name, value, statement.annotation))
        case ast.Expr(value=ast.Call(func=ast.Name(id="WhenRules")) as call):
            found.effects.append(Statement(file, call))
        case ast.Expr(value=ast.Call(func=ast.Name(id="Import" | "Require")) as call):
            found.imports.append(Statement(file, call))
        case _:
            found.refused.append((place_of(file, statement), "is no statement of Osprey's"))


def _define(found: Ruleset, made: Definition) -> None:
    is_local = made.name.startswith("_")
    if (made.file, made.name) in found.local or (not is_local and made.name in found.shared):
        found.refused.append((made.place, f"{made.name} is defined a second time"))
    elif is_local:
        found.local[(made.file, made.name)] = made
    else:
        found.shared[made.name] = made


def arguments_of(call: ast.Call) -> dict[str, ast.expr] | None:
    """By name; None where some have none."""
    if call.args or any(one.arg is None for one in call.keywords):
        return None
    return {one.arg: one.value for one in call.keywords if one.arg is not None}
