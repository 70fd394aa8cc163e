"""People beside their ids, in every view, one way everywhere.

    reviewer_id: str | None         reviewer_ids: list[str]      updated_by: str
    reviewer: PersonBeside = None   reviewers: PeopleBeside      updated_by_person: PersonBeside

A field of this type is filled by itself, from the one beside it: `x` from `x_id`, `xs` from
`x_ids`, `x_person` and `x_people` from `x`.

Guarantees: an answer costs one look-up, whatever there is in it, and none where it names nobody;
what is no person of the organisation (`cli`, a person of another one) is null; whoever was removed
keeps their name.
Must not: know where people are kept; `PeopleOf` is handed in.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self, get_args

from fastapi import Request, Response
from fastapi.routing import APIRoute, request_response
from pydantic import BaseModel

from coop_review_api.http.body import FILLED, Model
from coop_review_api.http.shape import Shape
from coop_review_api.kernel.initials import initials_of


class PersonView(Model):
    """`active`: they can sign in. Who was removed keeps their name."""

    id: str
    name: str
    initials: str
    active: bool

    @classmethod
    def of(cls, user_id: str, name: str, status: str) -> Self:
        """Of a row of the directory."""
        return cls(id=user_id, name=name, initials=initials_of(name), active=status == "ACTIVE")


PeopleOf = Callable[[Request, frozenset[str]], Awaitable[Mapping[str, PersonView]]]
"""These people of the caller's organisation, by id."""

PersonBeside = Annotated[PersonView | None, FILLED]
"""The person whose id is in the field beside it; null where that is nobody."""

PeopleBeside = Annotated[list[PersonView | None], FILLED]
"""The people whose ids are in the field beside it, in their order."""


@dataclass
class _Plan:
    """Where ids and people are in a model's JSON: pairs of keys here, plans of what is in it."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    inner: list[tuple[str, _Plan]] = field(default_factory=list)


def peopled(route: APIRoute, people: PeopleOf) -> APIRoute:
    """The route, its answers with people; the same one where they have none."""
    plan = _plan_of(route.response_model, {})
    if not any(_reach(plan, set())):
        return route
    _prune(plan, set())
    handle = route.get_route_handler()

    async def answer(request: Request) -> Response:
        response = await handle(request)
        if response.status_code < 300 and response.body:
            await _fill(request, response, plan, people)
        return response

    other = copy.copy(route)
    other.app = request_response(answer)
    return other


async def _fill(request: Request, response: Response, plan: _Plan, people: PeopleOf) -> None:
    whole = json.loads(bytes(response.body))
    places = list(_places(whole, plan))
    ids = frozenset(one for place, key, _ in places for one in _ids(place[key]))
    if not ids:
        return
    found = {
        one: view.model_dump(by_alias=True) for one, view in (await people(request, ids)).items()
    }
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
    """The objects that name people, with the keys of id and person."""
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
    inner = annotation.kinds if isinstance(annotation, Shape) else get_args(annotation)
    plans = [_plan_of(one, known) for one in inner]
    return _Plan(
        pairs=[pair for plan in plans for pair in plan.pairs],
        inner=[one for plan in plans for one in plan.inner],
    )


def _read(model: type[BaseModel], known: dict[type, _Plan]) -> None:
    plan, fields = known[model], model.model_fields
    for name, info in fields.items():
        if FILLED in info.metadata:
            source = _source(name, fields)
            plan.pairs.append((_key(fields[source], source), _key(info, name)))
        else:
            plan.inner.append((_key(info, name), _plan_of(info.annotation, known)))


def _source(name: str, fields: Mapping[str, Any]) -> str:
    base, _, end = name.rpartition("_")
    by_id = base if base and end in ("person", "people") else f"{name}_id"
    for one in (by_id, f"{name.removesuffix('s')}_ids"):
        if one in fields:
            return one
    raise TypeError(f"nothing that {name} is the person of")


def _key(info: Any, name: str) -> str:
    return str(info.serialization_alias or info.alias or name)


def _prune(plan: _Plan, seen: set[int]) -> None:
    """Leaves out of the plan what leads to nobody: it is not walked through in an answer."""
    if id(plan) in seen:
        return
    seen.add(id(plan))
    plan.inner = [(key, one) for key, one in plan.inner if any(_reach(one, set()))]
    for _, one in plan.inner:
        _prune(one, seen)


def _reach(plan: _Plan, seen: set[int]) -> Iterator[tuple[str, str]]:
    """All pairs that a plan leads to; models can lead to themselves."""
    if id(plan) in seen:
        return
    seen.add(id(plan))
    yield from plan.pairs
    for _, inner in plan.inner:
        yield from _reach(inner, seen)
