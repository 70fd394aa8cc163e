"""Reading JSON into a struct, and saying exactly what is wrong when it cannot be.

Guarantees: good JSON is decoded once, by msgspec. Only when that fails is it read again, slowly, to
list every problem with its pointer.
Must not: spend more on a bad body than its size warrants: above `MAX_EXPLAINED` bytes the first
problem is reported as msgspec found it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn, TypeVar

import msgspec
from msgspec import Raw, Struct

from coop_contracts.error import ApiError, pointer
from coop_ingest.refusal import Refusal, invalid

S = TypeVar("S", bound=Struct)

MAX_EXPLAINED: Final = 1024 * 1024

_JSON_TITLE: Final = "Invalid JSON"
_FAILURES: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]+)\]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_JSON_TYPES: Final = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_PYTHON_TYPE = re.compile(r"\b(?:str|int|float|bool)\b")
_MAX_FLOAT: Final = int(1.7976931348623157e308)


class UnreadableJson(Exception):
    """The JSON is not what was expected; `errors` are all that is known about it."""

    def __init__(self, errors: list[ApiError], *, syntax: bool) -> None:
        super().__init__(errors[0].detail)
        self.errors = errors
        self.syntax = syntax

    def refusal(self) -> Refusal:
        """This as the refusal of a request."""
        return Refusal("json" if self.syntax else "invalid", self.errors)


class StructReader:
    """Reads one struct type."""

    def __init__(self, kind: type[S]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, raw: bytes | Raw, at: str = "") -> Any:
        """The struct. `at` is the pointer of `raw` in the request. Raises UnreadableJson."""
        try:
            return self._decoder.decode(raw)
        except _FAILURES as failure:
            raise self._explain(bytes(raw), at, failure) from None

    def _explain(self, raw: bytes, at: str, failure: Exception) -> UnreadableJson:
        if len(raw) > MAX_EXPLAINED:
            return _as_found(failure, at, len(raw))
        try:
            value = json.loads(raw.decode(), parse_constant=_refuse_constant)
        except _FAILURES as error:
            known = isinstance(failure, msgspec.MsgspecError | RecursionError)
            return _as_found(failure if known else error, at, len(raw))
        problems = [invalid(text, at + where, title=_JSON_TITLE) for where, text in _flaws(value)]
        if problems:
            return UnreadableJson(problems, syntax=True)
        errors = _shape_errors(value, self._kind, at)
        return UnreadableJson(errors, syntax=False) if errors else _as_found(failure, at, len(raw))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _as_found(failure: Exception, at: str, size: int) -> UnreadableJson:
    """The one problem that the decoder stopped at."""
    text = str(failure)
    if isinstance(failure, msgspec.ValidationError):
        message, _, path = text.partition(" - at ")
        steps = _steps(path.strip("`"))
        return UnreadableJson(
            [invalid(_in_json(message) + ".", at + pointer(*steps))], syntax=False
        )
    if isinstance(failure, RecursionError):
        text = "it nests too deep"
    elif isinstance(failure, UnicodeDecodeError):
        text = f"it is not UTF-8 (byte {failure.start})"
    elif text == "Input data was truncated":
        text = f"it ends too early (byte {size})"
    else:
        text = text.removeprefix("JSON is malformed: ")
    where = f"The JSON cannot be read: {text}."
    return UnreadableJson([invalid(where, at or None, title=_JSON_TITLE)], syntax=True)


def _steps(path: str) -> list[str | int]:
    """`$.items[3].id` as keys and indexes; stops where msgspec does not say more (`[...]`)."""
    steps: list[str | int] = []
    position = 1
    while (match := _STEP.match(path, position)) is not None:
        steps.append(match[1] if match[2] is None else int(match[2]))
        position = match.end()
    return steps


def _flaws(value: Any) -> Iterator[tuple[str, str]]:
    """Pointers to what Python reads as JSON and msgspec does not, with the reason.

    Walks without recursion and holds one iterator for each level.
    """
    path: list[str | int] = []
    flaw = _flaw(value)
    if flaw:
        yield "", flaw
    stack = [_entries(value)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            if path:
                path.pop()
            continue
        key, inner = entry
        flaw = _flaw(inner) or (_flaw(key) if isinstance(key, str) else None)
        if flaw:
            where = pointer(*path, key)
            yield where.encode("utf-8", "replace").decode(), flaw
        if isinstance(inner, dict | list):
            path.append(key)
            stack.append(_entries(inner))


def _entries(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return iter(value.items())
    return iter(enumerate(value)) if isinstance(value, list) else iter(())


def _flaw(value: Any) -> str | None:
    if isinstance(value, str):
        match = None if value.isascii() else _SURROGATE.search(value)
        return match and f"The string contains a lone surrogate, U+{ord(match[0]):04X}."
    if isinstance(value, float):
        return None if math.isfinite(value) else "The number is out of range."
    if isinstance(value, int) and abs(value) > _MAX_FLOAT:
        return "The number is out of range."
    return None


def _shape_errors(value: Any, kind: type[Struct], at: str) -> list[ApiError]:
    """Every field of the struct that is missing or of a wrong type."""
    if not isinstance(value, dict):
        return [invalid("It must be a JSON object.", at or None)]
    errors = []
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        if name not in value:
            if field.required:
                errors.append(invalid(f'The field "{name}" is required.', at + pointer(name)))
            continue
        try:
            msgspec.json.decode(msgspec.json.encode(value[name]), type=field.type)
        except msgspec.ValidationError as failure:
            message, _, path = str(failure).partition(" - at ")
            path = path.strip("`").removeprefix("$")
            where = at + pointer(name, *_steps("$" + path))
            errors.append(
                invalid(f'The field "{name}{path}" is wrong: {_in_json(message)}.', where)
            )
    return errors


def _in_json(message: str) -> str:
    """msgspec's message with JSON's names of types instead of Python's."""
    if not message.startswith("Expected `"):
        return message  # it may hold a value that was sent
    return _PYTHON_TYPE.sub(lambda found: _JSON_TYPES[found[0]], message)
