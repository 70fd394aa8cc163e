"""Request bodies: strict JSON into pydantic models.

Guarantees: JSON is read in strict mode (a number is not a string, unknown fields are faults, NaN is
not JSON); U+0000, which PostgreSQL cannot store, is a fault; every fault has an exact pointer.
Must not: be used for what decides who the caller is.

FastAPI itself decodes JSON to Python values first, where strict mode can no longer tell a date from
a string; hence a dependency of our own, documented in OpenAPI by `openapi`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any, Final, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException

from coop_contracts.error import pointer
from coop_review_api.kernel.error import Fault, Invalid

_MAX_FAULTS = 50
_STAMPS = frozenset(
    {"revision", "updatedAt", "updatedBy", "createdAt", "createdBy", "version", "userCount"}
    | {"usedBy", "usedByCount"}
)


class _Filled:
    """See `FILLED`."""


FILLED: Final = _Filled()
"""Marks a field that is filled from another one when an answer is sent."""


class Model(BaseModel):
    """Everything on this API's wire: camelCase, immutable."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Body(Model):
    """What a caller sends: strict, and nothing but the declared fields."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


B = TypeVar("B", bound=Body)


class JsonBody(Generic[B]):
    """A dependency that reads the request's body as `model`."""

    def __init__(self, model: type[B]) -> None:
        self.model = model

    async def __call__(self, request: Request) -> B:
        self.check_type(request)
        return parse(self.model, await self._read(request))

    async def _read(self, request: Request) -> bytes:
        return await request.body()

    @staticmethod
    def check_type(request: Request) -> None:
        """Raises HTTPException for what is not JSON."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPException(415, "send application/json")

    def openapi(self) -> dict[str, Any]:
        """The operation's `requestBody`."""
        schema = {"$ref": f"#/components/schemas/{self.model.__name__}"}
        return {
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}
        }


class OptionalBody(JsonBody[B]):
    """A body that may be left out: the model's defaults."""

    async def __call__(self, request: Request) -> B:
        raw = await self._read(request)
        if not raw:
            return self.model()
        self.check_type(request)
        return parse(self.model, raw)

    def openapi(self) -> dict[str, Any]:
        said = super().openapi()
        said["requestBody"]["required"] = False
        return said


class ReplacingBody(JsonBody[B]):
    """The body of a PUT, which may be what GET gave: what only `view` has is left out of the model.
    It has to be what it is, though, as `check_shown` says once the document was replaced."""

    def __init__(self, model: type[B], view: type[BaseModel]) -> None:
        super().__init__(model)
        self._shown = _names(view) - _names(model)

    async def _read(self, request: Request) -> bytes:
        raw = await request.body()
        if not any(name.encode() in raw for name in self._shown):
            return raw
        try:
            sent = json.loads(raw)
        except (ValueError, RecursionError):
            return raw  # the reader says what is wrong with it
        if not isinstance(sent, dict) or not self._shown & sent.keys():
            return raw
        named = request.path_params.get("document_id")
        if "id" in self._shown & sent.keys() and named is not None and sent["id"] != named:
            raise Invalid([Fault("/id", "cannot be changed")])
        kept = {name: value for name, value in sent.items() if name not in self._shown}
        request.state.shown = {name: sent[name] for name in self._shown & sent.keys()}
        return json.dumps(kept).encode()


def check_shown(request: Request, view: BaseModel, *, apart: Collection[str] = ()) -> None:
    """Raises `Invalid` where a body said something else of what it cannot set than `view`, the
    document as it would be now. What each change sets is as it was when it was read, and so is what
    is looked up each time (`apart`)."""
    said: dict[str, Any] = getattr(request.state, "shown", {})
    now = view.model_dump(mode="json", by_alias=True)
    ignored = _STAMPS | set(apart) | {to_camel(name) for name in apart} | _filled(type(view))
    faults = [
        Fault(pointer(name), "cannot be changed")
        for name, value in said.items()
        if name not in ignored and now.get(name) != value
    ]
    if faults:
        raise Invalid(faults)


def _filled(model: type[BaseModel]) -> frozenset[str]:
    fields = model.model_fields.items()
    return frozenset(field.alias or name for name, field in fields if FILLED in field.metadata)


def _names(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items())


def parse(model: type[B], data: bytes) -> B:
    """The model in the bytes; `Invalid` with every fault."""
    try:
        parsed = model.model_validate_json(data)
    except ValidationError as error:
        raise Invalid(_faults_of(error, data)) from None
    unstorable = _find_unstorable(parsed.model_dump(by_alias=True))
    if unstorable is not None:
        raise Invalid([unstorable])
    return parsed


def _faults_of(error: ValidationError, data: bytes) -> list[Fault]:
    found = error.errors(include_url=False, include_input=False)
    try:
        sent = json.loads(data)
    except (ValueError, RecursionError):
        sent = None  # not JSON: the one fault has no place in it
    return [
        Fault(
            pointer(*_place(sent, fault["loc"], missing=fault["type"] == "missing")),
            str(fault["msg"]).removeprefix("Value error, "),
            *code_of(fault),
        )
        for fault in found[:_MAX_FAULTS]
    ]


def code_of(fault: Any) -> tuple[str | None, dict[str, Any]]:
    """The code and the parameters of one of pydantic's errors; None where the reason is ours."""
    if fault["type"] == "value_error":
        return None, {}
    params = {
        name: value
        for name, value in fault.get("ctx", {}).items()
        if isinstance(value, str | int | float)
    }
    return str(fault["type"]).replace("_", "-"), params


def _place(sent: Any, loc: tuple[str | int, ...], *, missing: bool) -> list[str | int]:
    """Where in `sent` a fault is. Pydantic also puts the name of a union's member into `loc`
    (`components, 0, MOVE, queueId`), which is no part of the body. The last part of a `missing`
    one is the field that is not there."""
    path: list[str | int] = []
    value = sent
    for index, part in enumerate(loc):
        known = (
            part in value
            if isinstance(value, dict)
            else isinstance(value, list) and isinstance(part, int)
        )
        if known:
            value = value[part]
        if known or (missing and index == len(loc) - 1):
            path.append(part)
    return path


def _find_unstorable(root: Any) -> Fault | None:
    """The first value that is not JSON, or that PostgreSQL cannot store."""
    # A stack, not recursion: how deep values nest is up to the caller.
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(root, ())]
    while stack:
        value, path = stack.pop()
        match value:
            case str() if "\0" in value:
                return Fault(pointer(*path), "must not contain U+0000")
            case float() if not math.isfinite(value):
                return Fault(pointer(*path), "must be a finite number")
            case dict():
                for key, child in value.items():
                    if "\0" in str(key):
                        return Fault(pointer(*path), "names must not contain U+0000")
                    stack.append((child, (*path, str(key))))
            case list() | tuple():
                stack.extend((child, (*path, index)) for index, child in enumerate(value))
    return None
