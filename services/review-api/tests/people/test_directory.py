"""The directory: names for colleagues, and nothing else of anybody."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Permission, Role
from coop_review_api.kernel.initials import initials_of

WANTED = {"id", "name", "initials", "active"}


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Ada Lovelace", "AL"),
        ("Ada", "A"),
        ("", ""),
        ("  Jean  le Rond d'Alembert ", "JD"),
        ("ödön von horváth", "ÖH"),
    ],
)
def test_initials_are_of_the_first_and_the_last_word(name: str, initials: str) -> None:
    """However many words there are."""
    assert initials_of(name) == initials


@pytest.mark.engines
@pytest.mark.parametrize("role", [*Role, "nothing"])
async def test_who_sees_log_queues_jobs_or_rules_sees_names(
    admin: Any, sign_in: Any, role: str
) -> None:
    """Every default role does, one that holds nothing does not; no address, no role is shown."""
    if role == "nothing":
        role = (await admin.make("/v1/roles", {"name": "N", "permissions": []}))["id"]
    person = await sign_in(role)
    answer = await person.call("GET", "/v1/people")
    if not DEFAULT_ROLE_PERMISSIONS.get(role):  # type: ignore[call-overload]
        assert answer.status_code == 403
        return
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert {person.user_id, admin.user_id} <= {one["id"] for one in items}
    assert all(set(one) == WANTED for one in items)
    assert "@" not in answer.text


@pytest.mark.engines
async def test_names_are_found_and_kept(
    admin: Any, sign_in: Any, kit: Any, clock: Any, passwords: Any
) -> None:
    """By id, by a part of the name, by whether they are active; page by page; who was removed keeps
    their name, beside their deeds too. Another organisation's people are not there."""
    moderator = await sign_in(Role.MODERATOR)
    gone = await sign_in(Role.MODERATOR_MANAGER)
    stranger = await sign_in(Role.MODERATOR, (await kit.make_org()).org_id)
    queue = await gone.make("/v1/queues", {"name": "Made by one who left"})
    assert queue["updatedByPerson"]["name"] == "MODERATOR_MANAGER"
    assert (await admin.call("DELETE", f"/v1/users/{gone.user_id}")).status_code == 204

    async def ids(query: str, person: Any = moderator) -> list[str]:
        answer = await person.call("GET", f"/v1/people?{query}")
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    wanted = f"ids={gone.user_id},{stranger.user_id},{admin.user_id},nobody"
    assert sorted(await ids(wanted)) == sorted([gone.user_id, admin.user_id])
    (removed,) = (await moderator.call("GET", f"/v1/people?ids={gone.user_id}")).json()["items"]
    assert (removed["name"], removed["active"]) == ("MODERATOR_MANAGER", False)
    assert gone.user_id in await ids("status=INACTIVE")
    assert gone.user_id not in await ids("status=ACTIVE")
    assert await ids("search=derator_man") == [gone.user_id]
    assert await ids("search=%25") == []
    shown = (await admin.call("GET", f"/v1/queues/{queue['id']}")).json()
    assert shown["updatedBy"] == gone.user_id
    assert shown["updatedByPerson"] == removed
    whole = await ids("limit=200")
    found, cursor = [], ""
    while True:
        page = (await moderator.call("GET", f"/v1/people?limit=1{cursor}")).json()
        found += [one["id"] for one in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert found == whole
    too_many = ",".join(["x"] * 201)
    assert (await moderator.call("GET", f"/v1/people?ids={too_many}")).status_code == 422


@pytest.mark.engines
async def test_a_document_with_people_can_be_sent_back(admin: Any, sign_in: Any) -> None:
    """What GET filled in is no change: a PUT of it is taken, whoever is in it."""
    moderator = await sign_in(Role.MODERATOR)
    body = {"name": "Q", "reviewerIds": [moderator.user_id]}
    made = await admin.make("/v1/queues", body)
    shown = (await admin.call("GET", f"/v1/queues/{made['id']}")).json()
    assert shown["reviewers"] == [moderator.view("MODERATOR")]
    answer = await admin.call("PUT", f"/v1/queues/{made['id']}", shown)
    assert answer.status_code == 200, answer.text


@pytest.mark.engines
async def test_a_queues_people_are_those_who_review_there(
    admin: Any, sign_in: Any, place: Any
) -> None:
    """Named in person or by role, who edits queues, everybody where it is open: as they are given
    its jobs. Who may not know of a queue does not learn whose it is."""
    people = [await sign_in(role) for role in Role for _ in range(2)]
    bodies: list[dict[str, Any]] = [
        {"reviewerIds": [people[4].user_id, people[6].user_id]},
        {"reviewerRoles": ["MODERATOR"]},
        {"openToEveryone": True},
        {},
    ]
    for number, body in enumerate(bodies):
        queue = (await admin.make("/v1/queues", {"name": f"Q{number}", **body}))["id"]
        page = await admin.call("GET", f"/v1/people?queueId={queue}&limit=200")
        listed = {one["id"] for one in page.json()["items"]}
        for person in people:
            answer = await person.call("POST", f"/v1/queues/{queue}/claims")
            assert (answer.status_code == 204) == (person.user_id in listed), (body, answer.text)
    moderator = await sign_in(Role.MODERATOR)
    assert (await moderator.call("GET", f"/v1/people?queueId={queue}")).status_code == 404
    assert Permission.VIEW_INSIGHTS in DEFAULT_ROLE_PERMISSIONS[Role.ANALYST]
    analyst = await sign_in(Role.ANALYST)
    assert (await analyst.call("GET", f"/v1/people?queueId={queue}")).status_code == 200
