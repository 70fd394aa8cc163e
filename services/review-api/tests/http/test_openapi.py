"""The API's description, and what holds for every route: names, errors, strict input, paging."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import validate
from pydantic import BaseModel, ValidationError

from coop_review_api.http.body import Body, JsonBody
from coop_review_api.http.openapi import document
from coop_review_api.http.page import MAX_PAGE
from coop_review_api.notification.kind import NotificationKind
from coop_review_api.process.application import build

UNPAGED = {
    "getItemConversation": "leads on in two directions: earlierThan, laterThan",
    "search": "at most five of each kind",
    "listQueueCounts": "one entry a queue of the organisation, polled as a whole",
    "listSecondReviewCounts": "one entry a queue of the organisation, polled as a whole",
    "listMyClaims": "a person holds a bounded number of jobs",
    "listJobKeepings": "how one job was kept, the newest 200",
    "listFavourites": "a person has a bounded number of favourites",
    "listPreferences": "a person has a bounded number of them",
    "listMySessions": "a person has a bounded number of sessions",
    "listUserSessions": "a person has a bounded number of sessions",
    "listHashExchanges": "an organisation has at most twenty",
    "listIntegrations": "the integrations that this version has",
    "listSignals": "the signals that this version has",
    "listStoredKinds": "the tables that this version has",
    "getStrikeDistribution": "a histogram, whole or of no use",
}
"""Lists without pages, and why each is bounded."""

OPEN = {
    "ActionView.callbackUrlBody": "what an organisation adds to its webhooks",
    "SettingsView.appealCallbackBody": "what an organisation adds to its callbacks",
    "AuditEntry.detail": "what each kind of act says more, for people",
    "DraftView.content": "a page's own",
    "IntegrationView.config": "by the integration's own fields",
    "PartialItemView.data": "an item's, by its type",
    "ItemVersionView.data": "the same",
    "ContextItemView.data": "the same",
    "BulkActionView.parameters": "values of actions' parameters, by action and name",
    "PreviewView.parameters": "the same",
    "RuleView.actionParameters": "the same",
    "StrikeThresholdView.actionParameters": "the same",
}
"""Properties of answers that are objects of any form, and why."""


@pytest.fixture(scope="module")
def app() -> Any:
    return build(None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def schema(app: Any) -> dict[str, Any]:
    return document(app)


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of each."""
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def routes(app: Any) -> list[APIRoute]:
    return [route for route in app.routes if isinstance(route, APIRoute)]


def models_within(root: Any, seen: set[Any]) -> set[Any]:
    """The models that a model's fields hold, itself among them."""
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            if one not in seen:
                seen.add(one)
                waiting += [field.annotation for field in one.model_fields.values()]
        else:
            waiting += getattr(one, "__args__", ())
            waiting += [one.__value__] if hasattr(one, "__value__") else []
    return seen


def test_the_description_is_valid(schema: dict[str, Any]) -> None:
    """OpenAPI 3.1, without a reference to nowhere."""
    validate(schema)
    assert schema["openapi"].startswith("3.1")
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schema)))
    assert named <= schema["components"]["schemas"].keys()


def test_every_operation_has_its_own_name(schema: dict[str, Any]) -> None:
    """Generated clients call their methods by it."""
    names = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in names)


def test_every_error_is_a_problem(schema: dict[str, Any]) -> None:
    """Each 4xx and 5xx that is declared has the one body, and those that anything may answer are
    declared everywhere."""
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    shared = schema["components"]["responses"]
    for answer in shared.values():
        assert answer["content"] == {"application/problem+json": problem}
    for method, path, operation in operations(schema):
        errors = {
            status: answer for status, answer in operation["responses"].items() if status >= "400"
        }
        assert {"400", "500", "503"} <= errors.keys(), (method, path)
        assert ("413" in errors) == ("requestBody" in operation), (method, path)
        for status, answer in errors.items():
            assert answer.keys() == {"$ref"}, (path, status)
            assert answer["$ref"].rpartition("/")[2] in shared, (path, status)


def test_every_operation_says_what_it_needs(schema: dict[str, Any]) -> None:
    """The session, and its token for what changes something; what is public says that too."""
    schemes = schema["components"]["securitySchemes"]
    assert {one["in"] for one in schemes.values()} == {"cookie", "header"}
    public = []
    for method, path, operation in operations(schema):
        if not operation["security"]:
            public.append(path)
            continue
        (needed,) = operation["security"]
        assert ("csrf" in needed) == (method != "GET"), (method, path)
        assert "session" in needed
    assert "/v1/openapi.json" in public
    assert "/v1/policies" not in public


def test_summaries_are_words(schema: dict[str, Any]) -> None:
    """A menu can be made of them: "List user strikes", not "Listuserstrikes"."""
    for _, path, operation in operations(schema):
        words = operation["summary"].split(" ")
        assert "".join(words).lower() == operation["operationId"].lower(), path
        assert max(map(len, words)) <= len("authorization"), operation["summary"]


def _is_open(schema: dict[str, Any]) -> bool:
    """An object of which nothing is said, or a list or map of such."""
    more = schema.get("additionalProperties")
    if schema.get("type") == "object" and not schema.get("properties"):
        return more in (None, True, {}) or (isinstance(more, dict) and _is_open(more))
    inner = [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())]
    return any(_is_open(one) for one in inner if isinstance(one, dict))


def test_no_answer_is_an_object_of_any_form(schema: dict[str, Any]) -> None:
    """A client knows what stands in an answer, but for what is on the list."""
    models = schema["components"]["schemas"]
    seen: set[str] = set()
    waiting = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(_answers(schema)))
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += re.findall(r'"#/components/schemas/(\w+)"', json.dumps(models[name]))
    found = {
        f"{name}.{member}"
        for name in seen
        for member, one in models[name].get("properties", {}).items()
        if _is_open(one)
    }
    assert {
        one for one in found if one.partition(".")[0].endswith(("View", "Entry"))
    } == OPEN.keys()


def _answers(schema: dict[str, Any]) -> list[Any]:
    return [
        answer
        for _, _, operation in operations(schema)
        for status, answer in operation["responses"].items()
        if status < "400"
    ]


def test_a_notification_is_told_by_its_kind(schema: dict[str, Any]) -> None:
    """Each kind has its own data, and every kind there is has some."""
    models = schema["components"]["schemas"]
    items = models["NotificationPage"]["properties"]["items"]["items"]
    mapping = items["discriminator"]["mapping"]
    assert mapping.keys() == {str(kind) for kind in NotificationKind}
    for reference in mapping.values():
        data = models[reference.rpartition("/")[2]]["properties"]["data"]
        assert data["$ref"].rpartition("/")[2] in models


def test_types_of_problems_are_a_closed_set(schema: dict[str, Any]) -> None:
    """A client that compares with a type that there is not, finds out when it is compiled."""
    kinds = schema["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    for kind in ("csrf", "origin", "permission", "second-factor-required", "awaiting-approval"):
        assert f"/problems/{kind}" in kinds
    assert {"/problems/already-closed", "/problems/lease-lost", "/problems/invalid"} <= set(kinds)


def test_every_body_is_strict(app: Any) -> None:
    """What a caller sends, at any depth: nothing is converted, nothing undeclared is passed over,
    and no number is infinite."""
    roots = [
        dependency.call.model
        for route in routes(app)
        for dependency in route.dependant.dependencies
        if isinstance(dependency.call, JsonBody)
    ]
    assert len(roots) > 20
    seen: set[Any] = set()
    for root in roots:
        models_within(root, seen)
    loose = [
        model.__name__
        for model in seen
        if not issubclass(model, Body)
        or model.model_config.get("extra") != "forbid"
        or model.model_config.get("strict") is not True
        or model.model_config.get("allow_inf_nan") is not False
    ]
    assert loose == []
    for model in roots:
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            model.model_validate_json(b'{"thisFieldIsNobodys": 1}')


def test_every_body_is_read_by_the_strict_reader(app: Any) -> None:
    """No route takes a body that FastAPI itself would read, loosely."""
    assert [route.path for route in routes(app) if route.body_field is not None] == []


def test_no_two_models_share_a_name(app: Any, schema: dict[str, Any]) -> None:
    """A name in the description means one model: none was renamed to make room for another."""
    assert [name for name in schema["components"]["schemas"] if "__" in name] == []
    seen: set[Any] = set()
    for route in routes(app):
        models_within(route.response_model, seen)
        for dependency in route.dependant.dependencies:
            if isinstance(dependency.call, JsonBody):
                models_within(dependency.call.model, seen)
    names = sorted(model.__name__ for model in seen)
    assert [one for one, after in itertools.pairwise(names) if one == after] == []


def test_every_list_has_pages(schema: dict[str, Any]) -> None:
    """A list takes `cursor` and a bounded `limit`, and answers with `nextCursor`."""
    models = schema["components"]["schemas"]
    lists, unpaged = [], set()
    for method, path, operation in operations(schema):
        content = operation["responses"].get("200", {}).get("content", {})
        reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        answer = models.get(reference.rpartition("/")[2], {})
        if method != "GET" or answer.get("properties", {}).get("items", {}).get("type") != "array":
            continue
        lists.append(path)
        parameters = {one["name"]: one for one in operation.get("parameters", [])}
        if not {"cursor", "limit"} <= parameters.keys():
            unpaged.add(operation["operationId"])
            continue
        assert parameters["limit"]["schema"]["maximum"] <= MAX_PAGE, path
        assert parameters["cursor"]["schema"]["anyOf"][0]["maxLength"], path
        assert "nextCursor" in answer["properties"], path
    assert len(lists) > 20
    assert unpaged == UNPAGED.keys()


def test_no_answer_is_a_bare_array(schema: dict[str, Any]) -> None:
    """An answer can grow: it is an object, a file, or nothing."""
    for method, path, operation in operations(schema):
        for status, answer in operation["responses"].items():
            sent = answer.get("content", {}).get("application/json", {}).get("schema", {})
            assert sent.get("type") != "array", (method, path, status)
