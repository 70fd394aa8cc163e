"""`POST /actions/`."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.config import Action, ActionParameter, ActionType, Kind
from coop_contracts.event import ActionOrdered, ItemRef
from coop_contracts.ids import new_id

ORDER = {"actionId": "ban", "itemId": "u1", "itemTypeId": "user"}


@pytest.fixture
def actions(ingest: Any) -> Any:
    parameters = (
        ActionParameter(name="days", display_name="Days", type="NUMBER", required=True, max=30),
        ActionParameter(name="note", display_name="Note", type="STRING", default_value="none"),
    )
    for document in (
        Action(id="ban", name="Ban", item_type_ids=("user",), callback_url="https://p.example/"),
        Action(id="suspend", name="Suspend", item_type_ids=("user",), parameters=parameters),
        Action(
            id="review",
            name="Enqueue",
            action_type=ActionType.ENQUEUE_TO_MRT,
            applies_to_all_items_of_kind=("CONTENT", "USER", "THREAD"),
        ),
        Action(
            id="author",
            name="Enqueue author",
            action_type=ActionType.ENQUEUE_AUTHOR_TO_MRT,
            applies_to_all_items_of_kind=("CONTENT",),
        ),
        Action(
            id="ncmec",
            name="Enqueue to NCMEC",
            action_type=ActionType.ENQUEUE_TO_NCMEC,
            applies_to_all_items_of_kind=("CONTENT", "USER"),
        ),
    ):
        ingest.configure(Kind.ACTION, document, document.id)
    return ingest


async def refused(ingest: Any, **more: Any) -> dict[str, str]:
    """The reasons of a 400, by pointer; nothing was published."""
    response = await ingest.post("/actions/", {**ORDER, **more})
    assert response.status_code == 400
    assert ingest.broker.messages == []
    return {error["pointer"]: error["detail"] for error in response.json()["errors"]}


@pytest.mark.parametrize("path", ["/actions", "/actions/"])
async def test_an_action_is_requested(actions: Any, path: str) -> None:
    """202 and empty; the request names action, item, policies, actor and note."""
    body = {**ORDER, "policyIds": ["spam", "spam"], "actorId": "me", "note": "seen"}
    response = await actions.post(path, body)
    assert (response.status_code, response.content) == (202, b"")
    (event,) = actions.broker.events
    (message,) = actions.broker.messages
    assert isinstance(event, ActionOrdered)
    assert message.topic == "coop.action-orders.v1"
    assert message.key == b"org1/user/u1"
    assert (event.action_id, event.item) == ("ban", ItemRef("u1", "user"))
    assert (event.policy_ids, event.actor_id, event.note) == (("spam",), "me", "seen")
    assert event.config_revision == actions.table.revision("org1")


async def test_parameters_are_checked_when_asked_for(actions: Any) -> None:
    """Defaults are applied; a missing, wrong or unknown parameter is refused by its name."""
    found = await refused(actions, actionId="suspend", parameters={"days": 31, "x": 1, "note": 2})
    assert found == {
        "/parameters/days": "At most 30.",
        "/parameters/x": "The action has no such parameter.",
        "/parameters/note": "Must be a string.",
    }
    assert await refused(actions, actionId="suspend") == {"/parameters/days": "Required."}
    response = await actions.post(
        "/actions/", {**ORDER, "actionId": "suspend", "parameters": {"days": 7}}
    )
    assert response.status_code == 202
    assert actions.broker.events[0].parameters == {"days": 7, "note": "none"}


async def test_what_does_not_exist_or_fit_is_named(actions: Any) -> None:
    """Every problem of a request is reported at once, each with its pointer."""
    found = await refused(
        actions, actionId="none", itemTypeId="none", itemId="", policyIds=["none"], note="x" * 5001
    )
    assert found.keys() == {"/actionId", "/itemTypeId", "/itemId", "/policyIds/0", "/note"}
    assert (await refused(actions, itemTypeId="post")).keys() == {"/actionId"}


async def test_an_unknown_item_type_is_called_so_on_every_route(actions: Any) -> None:
    """The same error types and words as for an item of an unknown type."""
    response = await actions.post("/actions/", {**ORDER, "itemTypeId": "none"})
    (error,) = response.json()["errors"]
    assert error["type"] == ["/errors/unrecognized-content-type", "/errors/invalid-user-input"]
    assert (error["detail"], error["pointer"]) == (
        "You have no item type with this id.",
        "/itemTypeId",
    )


@pytest.mark.parametrize(
    ("action_id", "type_id"),
    [
        ("review", "user"),
        ("review", "post"),
        ("author", "post"),
        ("ncmec", "user"),
        ("ncmec", "post"),
    ],
)
async def test_built_in_actions_are_asked_for_like_others(
    actions: Any, action_id: str, type_id: str
) -> None:
    """Of users and of content: whose that is is found out by who carries the order out."""
    body = {**ORDER, "actionId": action_id, "itemTypeId": type_id}
    assert (await actions.post("/actions/", body)).status_code == 202
    (event,) = actions.broker.events
    assert (event.action_id, event.item) == (action_id, ItemRef("u1", type_id))


async def test_empty_parameters_stay_out(actions: Any) -> None:
    """An optional parameter given as "" is not given, as in Coop."""
    body = {**ORDER, "actionId": "suspend", "parameters": {"days": 7, "note": ""}}
    assert (await actions.post("/actions/", body)).status_code == 202
    assert actions.broker.events[0].parameters == {"days": 7}


async def test_a_repeated_key_is_one_execution(make_ingest: Any, redis_url: str) -> None:
    """The same Idempotency-Key and body publish the same execution id, or nothing more."""
    ingest = make_ingest(redis=redis_url)
    ingest.configure(Kind.ACTION, Action(id="ban", name="Ban", item_type_ids=("user",)), "ban")
    headers = {"idempotency-key": new_id()}
    for _ in range(2):
        response = await ingest.post("/actions/", ORDER, headers=headers)
        assert response.status_code == 202
    assert len({event.execution_id for event in ingest.broker.events}) == 1


async def test_without_the_broker_nothing_is_promised(actions: Any) -> None:
    """503 with Retry-After when the log does not acknowledge."""
    actions.broker.fails = True
    response = await actions.post("/actions/", ORDER)
    assert response.status_code == 503
    assert "retry-after" in response.headers
