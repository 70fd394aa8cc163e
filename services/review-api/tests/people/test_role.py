"""Roles: the organisation's own, what nobody may grant, and that somebody always can administer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from coop_contracts.permission import DEFAULT_ROLE_PERMISSIONS, Permission, Role
from coop_review_api.directory.table import users
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

ALL = sorted(Permission)
ADMINISTERS = ["MANAGE_ORG", "MANAGE_ROLES", "MANAGE_USERS"]


def role(name: str, *permissions: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "permissions": list(permissions), **more}


async def retire_first_admin(context: Any, org: Any) -> None:
    """Leave the organisation to those whom the test signed in."""
    async with transaction(context.engine) as connection:
        await connection.execute(
            update(users).where(users.c.user_id == org.admin_id).values(status="DISABLED")
        )


async def test_the_seven_roles_are_there_without_a_document(admin: Any) -> None:
    """An organisation that changed nothing has the default roles, paged like documents."""
    seen: list[dict[str, Any]] = []
    path = "/v1/roles?limit=3"
    while True:
        page = (await admin.call("GET", path)).json()
        seen += page["items"]
        if page["nextCursor"] is None:
            break
        path = f"/v1/roles?limit=3&cursor={page['nextCursor']}"
    assert [one["id"] for one in seen] == sorted(Role)
    for one in seen:
        assert set(one["permissions"]) == DEFAULT_ROLE_PERMISSIONS[Role(one["id"])]
        assert (one["revision"], one["isDefault"], one["usesDefaultPermissions"]) == (0, True, True)
    assert next(one for one in seen if one["id"] == "ADMIN")["userCount"] == 2
    assert (await admin.call("GET", "/v1/roles/MODERATOR")).json()["name"] == "Moderator"
    assert (await admin.call("GET", "/v1/roles/MODERATOR/revisions")).json()["items"] == []


async def test_a_role_of_ones_own_is_made_changed_restored_and_deleted(admin: Any) -> None:
    """It is a document like others: revisions, differences, restore."""
    made = await admin.make("/v1/roles", role("Night shift", "VIEW_MRT"))
    at = f"/v1/roles/{made['id']}"
    changed = await admin.call("PUT", at, role("Night shift", "VIEW_MRT", "VIEW_MRT_DATA"))
    assert changed.status_code == 200, changed.text
    revision = changed.json()["revision"]
    changes = (await admin.call("GET", f"{at}/revisions/{revision}/changes")).json()["changes"]
    assert changes[0]["added"] == ["VIEW_MRT_DATA"]
    stale = await admin.call("PUT", at, role("X"), headers={"If-Match": f'"{made["revision"]}"'})
    assert stale.status_code == 412
    restored = await admin.call("POST", f"{at}/revisions/{made['revision']}/restore")
    assert restored.json()["permissions"] == ["VIEW_MRT"]
    assert (await admin.call("DELETE", at)).status_code == 204
    assert (await admin.call("GET", at)).status_code == 404


async def test_a_default_role_is_changed_and_brought_back(admin: Any, sign_in: Any) -> None:
    """Its document lies over its defaults; deleting it brings them back, for those who have it."""
    moderator = await sign_in(Role.MODERATOR)
    put = await admin.call("PUT", "/v1/roles/MODERATOR", role("Reviewer"))
    assert put.status_code == 200, put.text
    assert (put.json()["usesDefaultPermissions"], put.json()["permissions"]) == (False, [])
    assert (await moderator.call("GET", "/v1/session")).json()["permissions"] == []
    assert (await moderator.call("GET", "/v1/queues")).status_code == 403
    taken = await admin.call("POST", "/v1/roles", role("Reviewer"))
    assert taken.status_code == 409
    assert (await admin.call("DELETE", "/v1/roles/MODERATOR")).status_code == 204
    assert (await moderator.call("GET", "/v1/queues")).status_code == 200
    first = put.json()["revision"]
    again = await admin.call("POST", f"/v1/roles/MODERATOR/revisions/{first}/restore")
    assert again.json()["name"] == "Reviewer"


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (role("Moderator"), "/name"),
        (role("X", "VIEW_MRT", "VIEW_MRT"), "/permissions/1"),
        (role("X", "EVERYTHING"), "/permissions/0"),
        (role("X", orgId="other"), "/orgId"),
        (role("X", id="ADMIN"), "/id"),
        (role("x" * 256), "/name"),
        (role(" "), "/name"),
        (role("X", description="x" * 1001), "/description"),
    ],
)
async def test_a_role_has_faults(admin: Any, body: dict[str, Any], at: str) -> None:
    """Each fault is at its field, a default role's name and what is no field included."""
    answer = await admin.call("POST", "/v1/roles", body)
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [at]


async def test_a_change_acts_on_the_next_request(admin: Any, sign_in: Any) -> None:
    """Who is signed in loses and gains with their role, without signing in again."""
    made = await admin.make("/v1/roles", role("R"))
    person = await sign_in(made["id"])
    assert (await person.call("GET", "/v1/policies")).status_code == 403
    at = f"/v1/roles/{made['id']}"
    assert (await admin.call("PUT", at, role("R", "VIEW_MRT"))).status_code == 200
    assert (await person.call("GET", "/v1/policies")).status_code == 200
    assert (await admin.call("PUT", at, role("R"))).status_code == 200
    assert (await person.call("GET", "/v1/policies")).status_code == 403


async def test_a_role_in_use_is_not_deleted(admin: Any, sign_in: Any) -> None:
    """Neither while somebody has it, nor while somebody is invited to it."""
    made = await admin.make("/v1/roles", role("R"))
    at = f"/v1/roles/{made['id']}"
    person = await sign_in(made["id"])
    refused = await admin.call("DELETE", at)
    assert refused.status_code == 409
    assert refused.json()["usedBy"] == ["1 accounts"]
    moved = await admin.call("PATCH", f"/v1/users/{person.user_id}", {"role": "MODERATOR"})
    assert moved.status_code == 200
    invited = {"email": "r@acme.example", "role": made["id"]}
    invitation = await admin.make("/v1/invitations", invited)
    refused = await admin.call("DELETE", at)
    assert refused.json()["usedBy"] == ["1 invitations"]
    await admin.call("DELETE", f"/v1/invitations/{invitation['id']}")
    assert (await admin.call("DELETE", at)).status_code == 204
    unknown = await admin.call("PATCH", f"/v1/users/{person.user_id}", {"role": made["id"]})
    assert unknown.status_code == 422


async def test_nobody_grants_what_they_do_not_hold(admin: Any, sign_in: Any) -> None:
    """Not by a role, not by a change of their own, not by assignment, not by an invitation."""
    keeper = await admin.make("/v1/roles", role("Keeper", "MANAGE_ROLES", "MANAGE_USERS"))
    small = await admin.make("/v1/roles", role("Small"))
    person = await sign_in(keeper["id"])
    other = await sign_in(small["id"])
    more = role("Keeper", "MANAGE_ROLES", "MANAGE_USERS", "MANAGE_ORG")
    tries = [
        ("POST", "/v1/roles", role("New", "MANAGE_ORG")),
        ("PUT", f"/v1/roles/{keeper['id']}", more),
        ("PUT", f"/v1/roles/{small['id']}", role("Small", "VIEW_CHILD_SAFETY_DATA")),
        ("PUT", "/v1/roles/ADMIN", role("Admin")),
        ("PATCH", f"/v1/users/{person.user_id}", {"role": "ADMIN"}),
        ("PATCH", f"/v1/users/{other.user_id}", {"role": "MODERATOR"}),
        ("POST", "/v1/invitations", {"email": "x@acme.example", "role": "ADMIN"}),
        (
            "POST",
            "/v1/users",
            {"email": "y@acme.example", "role": "ADMIN", "password": "a long enough phrase"},
        ),
    ]
    for method, path, body in tries:
        answer = await person.call(method, path, body)
        assert answer.status_code == 403, (method, path, answer.text)
        assert "do not hold" in answer.json()["detail"]
    assert (await person.call("POST", "/v1/roles", role("N", "MANAGE_USERS"))).status_code == 201


async def test_nobody_reaches_those_above_them(admin: Any, sign_in: Any) -> None:
    """Who manages users cannot become an administrator by way of one's account."""
    keeper = await admin.make("/v1/roles", role("Keeper", "MANAGE_USERS"))
    person = await sign_in(keeper["id"])
    at = f"/v1/users/{admin.user_id}"
    for method, path, body in (
        ("POST", f"{at}/reset-link", None),
        ("DELETE", f"{at}/second-factor", None),
        ("DELETE", f"{at}/sessions", None),
        ("PATCH", at, {"role": keeper["id"]}),
        ("PATCH", at, {"isBreakGlass": True}),
        ("POST", f"{at}/disable", None),
        ("DELETE", at, None),
    ):
        answer = await person.call(method, path, body)
        assert answer.status_code == 403, (method, path, answer.text)
    assert (await admin.call("GET", "/v1/session")).status_code == 200


async def test_the_last_administrator_stays(admin: Any, context: Any, org: Any) -> None:
    """Neither role, account, nor the role's permissions can go while nobody else administers."""
    await retire_first_admin(context, org)
    at = f"/v1/users/{admin.user_id}"
    without = [one for one in ALL if one != "MANAGE_ROLES"]
    own = await admin.make("/v1/roles", role("Half", *without))
    for method, path, body in (
        ("PATCH", at, {"role": "MODERATOR"}),
        ("PATCH", at, {"role": own["id"]}),
        ("PUT", "/v1/roles/ADMIN", role("Admin", *without)),
        ("PUT", "/v1/roles/ADMIN", role("Admin")),
    ):
        answer = await admin.call(method, path, body)
        assert answer.status_code == 409, (method, path, answer.text)
        assert "nobody would be left" in answer.json()["detail"]
    for method, path in (("POST", f"{at}/disable"), ("DELETE", at)):
        assert (await admin.call(method, path)).status_code == 409
    assert len((await admin.call("GET", "/v1/session")).json()["permissions"]) == len(Permission)


async def test_the_last_administrator_may_hold_a_role_of_their_own_making(
    admin: Any, sign_in: Any, context: Any, org: Any
) -> None:
    """It is the permissions that count, not the name of the role; then ADMIN itself may shrink."""
    await retire_first_admin(context, org)
    own = await admin.make("/v1/roles", role("Owner", *ALL))
    owner = await sign_in(own["id"])
    assert (await owner.call("PUT", "/v1/roles/ADMIN", role("Admin"))).status_code == 200
    assert (await admin.call("GET", "/v1/roles")).status_code == 403
    shrink = role("Owner", *(one for one in ALL if one != "MANAGE_USERS"))
    assert (await owner.call("PUT", f"/v1/roles/{own['id']}", shrink)).status_code == 409


async def test_two_administrators_demote_each_other_at_once(
    admin: Any, sign_in: Any, context: Any, org: Any
) -> None:
    """One of the two succeeds: the other has lost the right to, whatever they held when they
    asked."""
    await retire_first_admin(context, org)
    for _ in range(5):
        other = await sign_in(Role.ADMIN)
        answers = await asyncio.gather(
            admin.call("PATCH", f"/v1/users/{other.user_id}", {"role": "MODERATOR"}),
            other.call("PATCH", f"/v1/users/{admin.user_id}", {"role": "MODERATOR"}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 403]
        if answers[0].status_code == 403:
            admin = other


async def test_two_roles_are_emptied_at_once(
    admin: Any, sign_in: Any, context: Any, org: Any
) -> None:
    """Two people who each take away what makes the other's role administer: one keeps it."""
    await retire_first_admin(context, org)
    own = await admin.make("/v1/roles", role("Owner", *ALL))
    owner = await sign_in(own["id"])
    answers = await asyncio.gather(
        admin.call("PUT", f"/v1/roles/{own['id']}", role("Owner")),
        owner.call("PUT", "/v1/roles/ADMIN", role("Admin")),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]


async def test_the_matrix_shows_who_holds_what(admin: Any, sign_in: Any) -> None:
    """Every permission once, in groups; every role with its number of accounts."""
    made = await admin.make("/v1/roles", role("R", "VIEW_MRT"))
    await sign_in(made["id"])
    matrix = (await admin.call("GET", "/v1/permission-matrix")).json()
    listed = [one["permission"] for group in matrix["groups"] for one in group["permissions"]]
    assert sorted(listed) == ALL
    roles = {one["id"]: one for one in matrix["roles"]}
    assert (roles[made["id"]]["userCount"], roles[made["id"]]["permissions"]) == (1, ["VIEW_MRT"])
    assert set(roles) == {*Role, made["id"]}
    groups = (await admin.call("GET", "/v1/permissions")).json()["groups"]
    assert groups == matrix["groups"]


async def test_who_is_told_of_an_alarm_follows_the_roles(
    admin: Any, sign_in: Any, context: Any, org: Any
) -> None:
    """Notifications go to those who hold the permission by whatever role."""
    from coop_review_api.configuration.role_permission import roles_holding

    made = await admin.make("/v1/roles", role("R", "MUTATE_LIVE_RULES"))
    async with transaction(context.engine) as connection:
        found = await roles_holding(connection, org.org_id, Permission.MUTATE_LIVE_RULES)
    assert found == sorted(["ADMIN", "RULES_MANAGER", made["id"]])


async def test_another_organisations_roles_are_not_assigned(
    admin: Any, sign_in: Any, kit: Any
) -> None:
    """A role is its organisation's: elsewhere there is no such one."""
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    made = await stranger.make("/v1/roles", role("Theirs", *ALL))
    answer = await admin.call("PATCH", f"/v1/users/{admin.user_id}", {"role": made["id"]})
    assert answer.status_code == 422
    invited = {"email": "x@acme.example", "role": made["id"]}
    assert (await admin.call("POST", "/v1/invitations", invited)).status_code == 422
