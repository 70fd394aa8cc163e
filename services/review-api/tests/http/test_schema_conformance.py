"""Every operation does what its OpenAPI description says, whatever it is sent (schemathesis)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
import zlib
from typing import Any

import httpx
import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from coop_contracts.permission import Role
from coop_review_api.http.openapi import document

pytestmark = pytest.mark.engines

EXAMPLES = 3  # of each operation and kind of data
CHECKS: list[Any] = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STRICT: list[Any] = [*CHECKS, negative_data_rejection]

AWAY = (502, 503)  # the dispatcher and the platform do not answer here
EXCLUDED = {
    "GET /v1/events": "a stream without end, of a media type that OpenAPI has no schema for",
}
_SHARDS = 4
_TOO_LARGE = 413
_ORDER = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Away(dict[str, Any]):
    """A dispatcher that does not answer: 503, whatever is asked of it."""

    def get(self, *_: Any) -> Any:
        return httpx.ConnectError("away")


def operations(app: Any) -> list[Any]:
    """Of the whole API, those that delete last; of those that share their code (the kinds of
    documents) and take no body, one."""
    codes = {
        f"{method} {route.path_format}": route.endpoint.__code__
        for route in app.routes
        for method in route.methods
    }
    found: dict[Any, Any] = {}
    for result in schemathesis.openapi.from_dict(_open(document(app))).get_all_operations():
        operation = result.ok()  # type: ignore[union-attr] # an Err raises what is wrong
        key = operation.label if operation.body else codes[operation.label]
        if operation.label not in EXCLUDED:
            found.setdefault(key, operation)
    return sorted(found.values(), key=lambda one: (_ORDER.index(one.method.upper()), one.path))


def _open(description: dict[str, Any]) -> dict[str, Any]:
    """The same without what a session is: the client has one, and who has none is tried by
    `test_access`."""
    components = {k: v for k, v in description["components"].items() if k != "securitySchemes"}
    paths = {
        path: {
            method: {k: v for k, v in operation.items() if k != "security"}
            for method, operation in item.items()
        }
        for path, item in description["paths"].items()
    }
    return {**description, "components": components, "paths": paths}


def run(operation: Any, send: Any, mode: GenerationMode, ids: dict[str, str]) -> list[str]:
    """What was wrong with the answers of an operation."""
    wrong: list[str] = []
    first = operation.path.split("/")[2] if operation.path.count("/") > 1 else ""
    known: dict[str, object] = {}
    for name in re.findall(r"\{(\w+)\}", operation.path):
        found = ids.get(name) or ids.get(first)
        if name == "revision":
            known[name] = 1
        elif found is not None and name != "command":
            known[name] = found

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        if known and zlib.crc32(repr(case.query).encode() + repr(case.body).encode()) % 2:
            case.path_parameters = {**(case.path_parameters or {}), **known}
        try:
            answer = send(case)
        except Exception as error:  # noqa: BLE001 - a bug, which a server would answer with 500
            wrong.append(f"{error!r:.300} of {case.formatted_path} {case.query!r} {case.body!r}")
            return
        if answer.status_code >= 500 and answer.status_code not in AWAY:
            wrong.append(f"{answer.status_code} of {case.formatted_path} {case.query!r}")
        try:
            # A body that is too large is refused before anybody looks into it.
            is_fine = mode is GenerationMode.POSITIVE or answer.status_code == _TOO_LARGE
            case.validate_response(answer, checks=CHECKS if is_fine else STRICT)
        except (Failure, FailureGroup) as failure:
            faults = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
            wrong.extend(
                f"{type(fault).__name__}: {fault} [{answer.status_code} {answer.text[:300]}]"
                f" of {case.method} {case.formatted_path} {case.query!r} {case.body!r}"
                for fault in faults
            )

    # Nothing can be wrong with what an operation without input is sent.
    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        one()
    return wrong


@pytest.fixture
async def world(admin: Any, kit: Any, place: Any, sign_in: Any) -> dict[str, str]:
    """An organisation with one of everything; ids by the first part of the path."""
    ids: dict[str, str] = {"settings": "settings", "integrations": "OPEN_AI"}

    async def make(path: str, body: Any) -> str:
        answer = await admin.call("POST", f"/v1/{path}", body)
        assert answer.status_code in (201, 202), (path, answer.text)
        ids[path.partition("/")[0]] = made = str(answer.json()["id"])
        return made

    post = await make("item-types", kit.item_type())
    action = await make("actions", kit.action(post))
    await make("policies", {"name": "P"})
    rule = kit.rule(post, actionIds=[action])
    await make("rules", rule)
    await make("text-banks", {"name": "B", "type": "STRING", "strings": ["a"]})
    await make("location-banks", {"name": "L", "locations": []})
    await make("hash-banks", {"name": "H"})
    await make("roles", {"name": "Ro", "permissions": []})
    await make("api-keys", {"name": "K"})
    await make("webhook-keys/rotate", {"scheme": "RSA_SHA256"})
    await make("invitations", {"email": f"{uuid.uuid4().hex}@acme.example", "role": "MODERATOR"})
    queue = await make("queues", {"name": "Q", "openToEveryone": True, "secondReviewShare": 1.0})
    routing = {"name": "R", "itemTypeIds": [post], "destinationQueueId": queue}
    await make("routing-rules", {**routing, "conditionSet": kit.contains(strings=["x"])})
    span = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
    await make("backtests", {"rule": {**rule, "name": "Tried"}, **span})
    await make("retroactions", {"rule": {**rule, "name": "Tried"}, **span})
    await make("bulk-actions", {"itemTypeId": post, "actionIds": [action], "itemIds": ["a"]})
    await make("decision-log/exports", {"format": "CSV"})
    person = await sign_in(Role.MODERATOR)
    ids["users"] = person.user_id
    ids["jobs"] = await place(queue, post)
    claimed = (await person.call("POST", f"/v1/queues/{queue}/claims")).json()
    sent = {"leaseToken": claimed["lease"]["token"], "components": [{"type": "IGNORE"}]}
    made = await person.call("POST", f"/v1/jobs/{ids['jobs']}/decisions", sent)
    ids["decisions"] = made.json()["id"]
    await make("quality/golden-items", {"decisionId": ids["decisions"]})
    claim = await admin.call("POST", "/v1/second-reviews/claims", {})
    ids["second-reviews"] = claim.json()["secondReview"]["id"]
    ids["jobs"] = await place(queue, post)
    comment = await admin.make(f"/v1/jobs/{ids['jobs']}/comments", {"body": "Look"})
    return {**ids, "comment_id": comment["id"]}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("shard", range(_SHARDS))
async def test_every_answer_is_declared(
    app: Any, sign_in: Any, dispatcher: Any, world: dict[str, str], shard: int
) -> None:
    """No 500, no undeclared status or media type, no body that its schema does not allow; what
    breaks the schema is refused."""
    loop = asyncio.get_running_loop()
    dispatcher.answers = Away()
    wrong: dict[str, list[str]] = {}
    for number, operation in enumerate(operations(app)):
        if number % _SHARDS != shard:
            continue
        person = await sign_in(Role.ADMIN)

        def send(case: Any, person: Any = person) -> Any:
            sent = requests.Request(**case.as_transport_kwargs(base_url="http://review")).prepare()
            headers = {
                name: value
                for name, value in sent.headers.items()
                if name.lower() not in ("cookie", "x-csrf-token", "host")
            }
            asked = person.http.request(sent.method, sent.url, headers=headers, content=sent.body)
            return asyncio.run_coroutine_threadsafe(asked, loop).result(30)

        for mode in GenerationMode:
            found = await asyncio.to_thread(run, operation, send, mode, world)
            if found:
                wrong[f"{operation.label} {mode}"] = found
    assert wrong == {}, "\n\n".join(
        f"{label}\n  " + "\n  ".join(faults[:3]) for label, faults in wrong.items()
    )
