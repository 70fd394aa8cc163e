"""Names beside ids: which fields have them, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from coop_review_api.http.body import Model
from coop_review_api.http.openapi import document
from coop_review_api.http.person_name import PersonName, PersonNames, named
from coop_review_api.process.application import build


class Inner(Model):
    author_id: str | None
    author_name: PersonName = None
    below: list[Inner] = Field(default_factory=list)


class Outer(Model):
    made_by: str
    made_by_name: PersonName = None
    reviewer_ids: list[str]
    reviewer_names: PersonNames = Field(default_factory=list)
    inner: Inner | None = None


class Plain(Model):
    text: str


class Directory:
    """Who there is, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[frozenset[str]] = []

    async def __call__(self, request: Request, ids: frozenset[str]) -> Mapping[str, str]:
        self.asked.append(ids)
        return {one: f"Name of {one}" for one in ids if one.startswith("p")}


async def answer(model: type[BaseModel], value: Any, directory: Directory) -> httpx.Response:
    app = FastAPI()

    async def show() -> Any:
        return value

    app.add_api_route("/x", show, response_model=model)
    (route,) = [one for one in app.router.routes if isinstance(one, APIRoute)]
    app.router.routes = [named(route, directory)]
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/x")


async def test_every_id_has_its_name_for_one_look() -> None:
    """In lists, options and models within themselves; who is nobody has none."""
    directory = Directory()
    deep = Inner(author_id="p3", below=[Inner(author_id=None), Inner(author_id="cli")])
    made = Outer(made_by="p1", reviewer_ids=["p2", "gone"], inner=deep)
    found = await answer(Outer, made, directory)
    assert found.json() == {
        "madeBy": "p1",
        "madeByName": "Name of p1",
        "reviewerIds": ["p2", "gone"],
        "reviewerNames": ["Name of p2", None],
        "inner": {
            "authorId": "p3",
            "authorName": "Name of p3",
            "below": [
                {"authorId": None, "authorName": None, "below": []},
                {"authorId": "cli", "authorName": None, "below": []},
            ],
        },
    }
    assert directory.asked == [frozenset({"p1", "p2", "gone", "p3", "cli"})]
    assert found.headers["content-length"] == str(len(found.content))


async def test_an_answer_that_names_nobody_costs_nothing() -> None:
    """Nobody is asked for where there is no id, or no field for a name."""
    directory = Directory()
    await answer(Plain, Plain(text="ü"), directory)
    found = await answer(Inner, Inner(author_id=None), directory)
    assert found.json()["authorName"] is None
    assert directory.asked == []


async def test_half_a_character_passes() -> None:
    """What JSON can say only by an escape is said so again."""
    raw = {"madeBy": "p1", "reviewerIds": ["\\ud83d"]}
    found = await answer(Outer, raw, Directory())
    assert found.json()["madeByName"] == "Name of p1"


PEOPLE = {
    "actor",
    "actorId",
    "answeredBy",
    "author",
    "closedBy",
    "confirmedBy",
    "createdBy",
    "mentions",
    "pausedBy",
    "removedBy",
    "reviewerId",
    "reviewerIds",
    "updatedBy",
}
"""How views call a person."""


KEPT_AS_WRITTEN = {"Clearing": "an automation's order: the decision that caused it has the name"}


@pytest.mark.parametrize("field", sorted(PEOPLE))
def test_views_that_have_a_person_have_the_name(field: str) -> None:
    """Of each view of the API, whatever it is of."""
    schemas = _schemas(build(None))  # type: ignore[arg-type]
    for name, properties in schemas.items():
        if field not in properties or name.endswith(("Body", "Query", "Filters")):
            continue
        if name in KEPT_AS_WRITTEN:
            continue
        base = field.removesuffix("Id")
        wanted = f"{field[:-3]}Names" if field.endswith("Ids") else f"{base}Name"
        wanted = "mentionsNames" if field == "mentions" else wanted
        assert wanted in properties, f"{name}.{field} has no {wanted}"


def _schemas(app: FastAPI) -> dict[str, set[str]]:
    found = document(app)["components"]["schemas"]
    return {name: set(schema.get("properties", ())) for name, schema in found.items()}
