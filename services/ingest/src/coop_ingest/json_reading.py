"""Reading JSON into a struct, and saying exactly what is wrong when it cannot be.

Guarantees: good JSON is decoded once, by msgspec. Only when that fails is it read again, slowly, to
list every problem with its pointer. A text that nothing behind could hold (half of a surrogate
pair, U+0000, bytes that are not UTF-8) does not keep a body from being read: `BodyReader` replaces
what cannot be kept and says where. Of a repeated name the last value counts.
Must not: spend more on a bad body than its size warrants: above `MAX_EXPLAINED` bytes the first
problem is reported as msgspec found it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, Generic, NoReturn, TypeVar

import msgspec
from msgspec import Raw, Struct

from coop_contracts.error import ApiError, pointer
from coop_contracts.json_text import BOM, is_utf8, lost_texts, storable, walk
from coop_ingest.refusal import Refusal, invalid

S = TypeVar("S", bound=Struct)

MAX_EXPLAINED: Final = 1024 * 1024
MAX_LOST: Final = 100  # pointers to replaced texts; no header holds more
MORE: Final = "..."  # there are more than are named

_JSON_TITLE: Final = "Invalid JSON"
_FAILURES: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]+)\]")
_JSON_TYPES: Final = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_PYTHON_TYPE = re.compile(r"\b(?:str|int|float|bool)\b")
_MAX_FLOAT: Final = int(1.7976931348623157e308)
_RANGE: Final = "The number is out of range."
_NUL: Final = rb"\u0000"


class UnreadableJson(Exception):
    """The JSON is not what was expected; `errors` are all that is known about it."""

    def __init__(self, errors: list[ApiError], *, syntax: bool) -> None:
        super().__init__(errors[0].detail)
        self.errors = errors
        self.syntax = syntax

    def refusal(self) -> Refusal:
        """This as the refusal of a request."""
        return Refusal("json" if self.syntax else "invalid", self.errors)


class StructReader(Generic[S]):
    """Reads one struct type."""

    def __init__(self, kind: type[S]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, raw: bytes | Raw, at: str = "") -> S:
        """The struct. `at` is the pointer of `raw` in the request. Raises UnreadableJson."""
        try:
            return self._decoder.decode(raw)
        except _FAILURES as failure:
            raise self.explain(bytes(raw), at, failure) from None

    def explain(self, raw: bytes, at: str, failure: Exception) -> UnreadableJson:
        """Everything that is wrong with what could not be read."""
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


class BodyReader(Generic[S]):
    """Reads the bodies of one route."""

    def __init__(self, kind: type[S]) -> None:
        self._structs: StructReader[S] = StructReader(kind)
        self._decode = msgspec.json.Decoder(kind).decode

    def read(self, body: bytes) -> tuple[S, tuple[str, ...]]:
        """The body's struct, whose texts can all be kept, and pointers to those that lost something
        (`MORE` for more than a header can name). Raises UnreadableJson."""
        body = body.removeprefix(BOM)
        # A single byte is looked for much faster than a few: most bodies have no escape at all.
        if (b"\\" not in body or _NUL not in body) and is_utf8(body):
            try:
                return self._decode(body), ()
            except _FAILURES as failure:
                # Half a pair is found by the decoder: looking for one would cost every good body.
                kept = storable(body)
                if kept is body:
                    raise self._structs.explain(body, "", failure) from None
        else:
            kept = storable(body)
        return self._structs.read(kept), _lost(body)


def _lost(body: bytes) -> tuple[str, ...]:
    if len(body) > MAX_EXPLAINED:
        return (MORE,)
    return tuple(islice(lost_texts(body), MAX_LOST))


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
    """Pointers to what Python reads as JSON and msgspec does not, with the reason."""
    if _out_of_range(value):
        yield "", _RANGE
    for path, key, inner in walk(value):
        if _out_of_range(inner):
            yield pointer(*path, key), _RANGE


def _out_of_range(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and abs(value) > _MAX_FLOAT


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
