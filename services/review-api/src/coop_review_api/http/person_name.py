"""Names of people beside their ids, in every view, one way everywhere.

    reviewer_id: str | None            reviewer_ids: list[str]        updated_by: str
    reviewer_name: PersonName = None   reviewer_names: PersonNames    updated_by_name: PersonName

A field of this type is filled by itself, from the one beside it: `x_name` from `x_id` or else `x`,
`x_names` from `x_ids` or else `x`.

Guarantees: an answer costs one look-up, whatever there is in it, and none where it names nobody;
what is no person of the organisation (`cli`, a person of another one) has no name; whoever was
removed keeps theirs.
Must not: know where names are kept; `names` is handed in.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, get_args

from fastapi import Request, Response
from fastapi.routing import APIRoute, request_response
from pydantic import BaseModel

NamesOf = Callable[[Request, frozenset[str]], Awaitable[Mapping[str, str]]]
"""The names of these people of the caller's organisation, by id."""


class _Filled:
    """Marks a field that holds names."""


_MARK: Final = _Filled()

PersonName = Annotated[str | None, _MARK]
"""The name of the person whose id is in the field beside it; null where that is nobody."""

PersonNames = Annotated[list[str | None], _MARK]
"""The names of the people whose ids are in the field beside it, in their order."""


@dataclass
class _Plan:
    """Where ids and names are in a model's JSON: pairs of keys here, and plans of what is in it."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    inner: list[tuple[str, _Plan]] = field(default_factory=list)


def named(route: APIRoute, names: NamesOf) -> APIRoute:
    """The route, its answers with names; the same one where they have none."""
    plan = _plan_of(route.response_model, {})
    if not any(_reach(plan, set())):
        return route
    handle = route.get_route_handler()

    async def answer(request: Request) -> Response:
        response = await handle(request)
        if response.status_code < 300 and response.body:
            await _fill(request, response, plan, names)
        return response

    other = copy.copy(route)
    other.app = request_response(answer)
    return other


async def _fill(request: Request, response: Response, plan: _Plan, names: NamesOf) -> None:
    whole = json.loads(bytes(response.body))
    places = list(_places(whole, plan))
    ids = frozenset(one for place, key, _ in places for one in _ids(place[key]))
    if not ids:
        return
    found = await names(request, ids)
    for place, key, name in places:
        value = place[key]
        if isinstance(value, list):
            place[name] = [found.get(one) for one in value]
        else:
            place[name] = found.get(value)
    response.body = _encoded(whole)
    response.headers["content-length"] = str(len(response.body))


def _encoded(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a character, which only an escape can say
        return json.dumps(value, separators=(",", ":")).encode()


def _ids(value: Any) -> Iterable[str]:
    if isinstance(value, list):
        return [one for one in value if isinstance(one, str)]
    return [value] if isinstance(value, str) else []


def _places(value: Any, plan: _Plan) -> Iterator[tuple[dict[str, Any], str, str]]:
    """The objects that name people, with the keys of id and name."""
    if isinstance(value, list):
        for one in value:
            yield from _places(one, plan)
    elif isinstance(value, dict):
        for key, name in plan.pairs:
            if value.get(key):
                yield value, key, name
        for key, inner in plan.inner:
            if key in value:
                yield from _places(value[key], inner)


def _plan_of(annotation: Any, known: dict[type, _Plan]) -> _Plan:
    """The plan of all models in an annotation: of a list, an option, a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in known:
            known[annotation] = _Plan()
            _read(annotation, known)
        return known[annotation]
    plans = [_plan_of(one, known) for one in get_args(annotation)]
    return _Plan(
        pairs=[pair for plan in plans for pair in plan.pairs],
        inner=[one for plan in plans for one in plan.inner],
    )


def _read(model: type[BaseModel], known: dict[type, _Plan]) -> None:
    plan, fields = known[model], model.model_fields
    for name, info in fields.items():
        if _MARK in info.metadata:
            source = _source(name, fields)
            plan.pairs.append((_key(fields[source], source), _key(info, name)))
        else:
            plan.inner.append((_key(info, name), _plan_of(info.annotation, known)))


def _source(name: str, fields: Mapping[str, Any]) -> str:
    base, _, end = name.rpartition("_")
    for one in (f"{base}_{'ids' if end == 'names' else 'id'}", base):
        if one in fields:
            return one
    raise TypeError(f"nothing that {name} is the name of")


def _key(info: Any, name: str) -> str:
    return str(info.serialization_alias or info.alias or name)


def _reach(plan: _Plan, seen: set[int]) -> Iterator[tuple[str, str]]:
    """All pairs that a plan leads to; models can lead to themselves."""
    if id(plan) in seen:
        return
    seen.add(id(plan))
    yield from plan.pairs
    for _, inner in plan.inner:
        yield from _reach(inner, seen)
