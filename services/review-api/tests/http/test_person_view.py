"""People beside their ids: which fields have them, and what they cost."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from coop_review_api.http.body import Model
from coop_review_api.http.openapi import document
from coop_review_api.http.person_view import PeopleBeside, PersonBeside, PersonView, peopled
from coop_review_api.process.application import build


class Inner(Model):
    author_id: str | None
    author: PersonBeside = None
    below: list[Inner] = Field(default_factory=list)


class Outer(Model):
    made_by: str
    made_by_person: PersonBeside = None
    reviewer_ids: list[str]
    reviewers: PeopleBeside = Field(default_factory=list)
    inner: Inner | None = None


class Plain(Model):
    text: str


def view(user_id: str) -> PersonView:
    return PersonView.of(user_id, f"Name of {user_id}", "ACTIVE")


def shown(user_id: str) -> dict[str, Any]:
    return {"id": user_id, "name": f"Name of {user_id}", "initials": f"N{user_id[0].upper()}"} | {
        "active": True
    }


class Directory:
    """Who there is, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[frozenset[str]] = []

    async def __call__(self, request: Request, ids: frozenset[str]) -> Mapping[str, PersonView]:
        self.asked.append(ids)
        return {one: view(one) for one in ids if one.startswith("p")}


async def answer(model: type[BaseModel], value: Any, directory: Directory) -> httpx.Response:
    app = FastAPI()

    async def show() -> Any:
        return value

    app.add_api_route("/x", show, response_model=model)
    (route,) = [one for one in app.router.routes if isinstance(one, APIRoute)]
    app.router.routes = [peopled(route, directory)]
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/x")


async def test_every_id_has_its_person_for_one_look() -> None:
    """In lists, options and models within themselves; nobody is null."""
    directory = Directory()
    deep = Inner(author_id="p3", below=[Inner(author_id=None), Inner(author_id="cli")])
    made = Outer(made_by="p1", reviewer_ids=["p2", "gone"], inner=deep)
    found = await answer(Outer, made, directory)
    assert found.json() == {
        "madeBy": "p1",
        "madeByPerson": shown("p1"),
        "reviewerIds": ["p2", "gone"],
        "reviewers": [shown("p2"), None],
        "inner": {
            "authorId": "p3",
            "author": shown("p3"),
            "below": [
                {"authorId": None, "author": None, "below": []},
                {"authorId": "cli", "author": None, "below": []},
            ],
        },
    }
    assert directory.asked == [frozenset({"p1", "p2", "gone", "p3", "cli"})]
    assert found.headers["content-length"] == str(len(found.content))


async def test_an_answer_that_names_nobody_costs_nothing() -> None:
    """Nobody is asked for where there is no id, or no field for a person."""
    directory = Directory()
    await answer(Plain, Plain(text="ü"), directory)
    found = await answer(Inner, Inner(author_id=None), directory)
    assert found.json()["author"] is None
    assert directory.asked == []


async def test_half_a_character_passes() -> None:
    """What JSON can say only by an escape is said so again."""
    raw = {"madeBy": "p1", "reviewerIds": ["\\ud83d"]}
    found = await answer(Outer, raw, Directory())
    assert found.json()["madeByPerson"] == shown("p1")


ID_OF_A_PERSON = re.compile(
    r"(actor|author|mentions|reviewer|owner|holder|approver|reporter|moderator)(Ids?)?|.*[a-z]By|userIds?"
)
"""How views call a person."""

NOBODY_BESIDE = {
    "Clearing.reviewerId": "an automation's order: the decision that caused it has the person",
    "LogFilters.reviewerIds": "what was asked for, as it was",
    "LogFilters.userId": "a user of the platform",
    "AppealEntry.appealedBy": "a user of the platform",
    "JobContextView.author": "a user of the platform",
    "InvestigationView.author": "a user of the platform",
    "ReportEntry.reporter": "a user of the platform",
    "ReportMoment.reporter": "a user of the platform",
    "AppealMoment.appealedBy": "a user of the platform",
    "Invalidation.reporter": "a user of the platform",
    "QueueWeightsFields.reporter": "a number",
    "MentionData.authorId": "has the name beside it, as it was when it was said",
    "ApiKeyView.replacedBy": "a key",
    "CreatedApiKeyView.replacedBy": "a key",
    "CountClause.groupBy": "what is counted by",
    "AnswerView.groupBy": "what is counted by",
    "DeadLetterCount.readBy": "services",
}
"""Ids that need no person, and why."""


def test_every_id_of_a_person_has_the_person_beside_it() -> None:
    """In each view of the API, whatever it is of."""
    schemas = _answered(document(build(None)))  # type: ignore[arg-type]
    missing, seen = set(), 0
    for name, properties in schemas.items():
        for field, schema in properties.items():
            if not ID_OF_A_PERSON.fullmatch(field) or "PersonView" in str(schema):
                continue
            if field == "usedBy":  # documents, or routing rules
                continue
            seen += 1
            if not _beside(field) & properties.keys():
                missing.add(f"{name}.{field}")
    assert missing == NOBODY_BESIDE.keys()
    assert seen > 30


def _beside(field: str) -> set[str]:
    if field.endswith("Ids"):
        return {f"{field[:-3]}s"}
    return {field[:-2]} if field.endswith("Id") else {f"{field}Person", f"{field}People"}


def _answered(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of all models that answers have."""
    models = description["components"]["schemas"]
    sent = [
        answer
        for item in description["paths"].values()
        for operation in item.values()
        for status, answer in operation["responses"].items()
        if status < "400"
    ]
    waiting, found = [sent], {}
    while waiting:
        for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(waiting.pop())):
            if name not in found:
                found[name] = models[name].get("properties", {})
                waiting.append(models[name])
    return found
