"""`POST /actions/`."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.config import Action, ActionParameter, ActionType, Kind
from coop_contracts.event import ActionRequested, ItemRef, ReviewRequested
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
    assert isinstance(event, ActionRequested)
    assert message.key == b"org1/user/u1"
    assert event.item == ItemRef("u1", "user")
    assert (event.source, event.policy_ids, event.actor_id) == ("POST_ACTIONS", ("spam",), "me")
    assert (event.actor_note, event.cause_id) == ("seen", event.correlation_id)


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


async def test_built_in_actions_become_review_requests(actions: Any) -> None:
    """Enqueue asks for a review, the NCMEC one for a job of that kind, about the user."""
    for action_id, kind in (("review", "DEFAULT"), ("ncmec", "NCMEC")):
        assert (
            await actions.post("/actions/", {**ORDER, "actionId": action_id})
        ).status_code == 202
        event = actions.broker.events[-1]
        assert isinstance(event, ReviewRequested)
        assert (event.job_kind, event.source, event.item.id) == (kind, "POST_ACTIONS", "u1")


@pytest.mark.parametrize("action_id", ["author", "ncmec"])
async def test_an_author_that_nobody_knows_is_not_guessed(actions: Any, action_id: str) -> None:
    """An action on an item's author is refused here, where only the item's id is known."""
    found = await refused(actions, actionId=action_id, itemTypeId="post", itemId="p1")
    assert "ask for it on the user" in found["/actionId"]


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
