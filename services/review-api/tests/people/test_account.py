"""Accounts as administrators and their owners see them: states, queues, sessions, choices."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.permission import Role
from coop_review_api.directory.table import users
from coop_review_api.kernel.schema import audit_log
from coop_review_api.people.table import sessions
from coop_runtime.database.engine import transaction

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("fresh_throttle")]


async def log_in(http: Any, email: str, password: str, **headers: str) -> Any:
    body = {"email": email, "password": password}
    return await http.post("/v1/session", json=body, headers=headers)


async def test_an_account_is_disabled_and_enabled(admin: Any, sign_in: Any) -> None:
    """Disabling ends every session at once; enabling brings none of them back."""
    person = await sign_in(Role.MODERATOR)
    at = f"/v1/users/{person.user_id}"
    assert (await admin.call("POST", f"{at}/disable")).json()["status"] == "DISABLED"
    assert (await person.call("GET", "/v1/session")).status_code == 401
    assert (await admin.call("POST", f"{at}/disable")).status_code == 409
    assert (await admin.call("POST", f"{at}/enable")).json()["status"] == "ACTIVE"
    assert (await person.call("GET", "/v1/session")).status_code == 401


async def test_a_removed_account_is_no_more_but_for_history(
    admin: Any, sign_in: Any, context: Any
) -> None:
    """Sessions, password and address go; id and name stay; the address may be invited again."""
    person = await sign_in(Role.MODERATOR)
    at = f"/v1/users/{person.user_id}"
    assert (await admin.call("DELETE", at)).status_code == 204
    assert (await admin.call("DELETE", at)).status_code == 204
    assert (await person.call("GET", "/v1/session")).status_code == 401
    gone = (await admin.call("GET", at)).json()
    assert (gone["status"], gone["name"], gone["hasPassword"]) == ("REMOVED", "MODERATOR", False)
    assert gone["email"] == f"{person.user_id}@removed.invalid"
    listed = (await admin.call("GET", "/v1/users")).json()["items"]
    assert person.user_id not in {one["id"] for one in listed}
    listed = (await admin.call("GET", "/v1/users?status=REMOVED")).json()["items"]
    assert [one["id"] for one in listed] == [person.user_id]
    for method, path, body in (
        ("PATCH", at, {"role": "ANALYST"}),
        ("POST", f"{at}/enable", None),
        ("POST", f"{at}/approve", None),
        ("POST", f"{at}/reset-link", None),
    ):
        assert (await admin.call(method, path, body)).status_code == 409
    invited = {"email": person.email, "role": "MODERATOR"}
    assert (await admin.call("POST", "/v1/invitations", invited)).status_code == 201
    async with transaction(context.engine) as connection:
        row = (
            await connection.execute(select(users).where(users.c.user_id == person.user_id))
        ).one()
    assert row.password_hash is None


async def test_lists_are_filtered_and_paged(admin: Any, sign_in: Any) -> None:
    """By state, role, and a part of name or address, in which nothing is a pattern."""
    people = [await sign_in(Role.ANALYST) for _ in range(3)]
    found = (await admin.call("GET", "/v1/users?role=ANALYST&limit=2")).json()
    rest = (
        await admin.call("GET", f"/v1/users?role=ANALYST&limit=2&cursor={found['nextCursor']}")
    ).json()
    ids = [one["id"] for one in (*found["items"], *rest["items"])]
    assert ids == [person.user_id for person in people]
    by_address = await admin.call("GET", f"/v1/users?search={people[1].email.upper()[:20]}")
    assert people[1].user_id in {one["id"] for one in by_address.json()["items"]}
    assert (await admin.call("GET", "/v1/users?search=%25")).json()["items"] == []
    assert (await admin.call("GET", "/v1/users?status=DISABLED")).json()["items"] == []
    assert (await admin.call("GET", "/v1/users?status=NONE")).status_code == 422


@pytest.mark.parametrize(
    "more",
    [
        {"orgId": "other"},
        {"status": "ACTIVE"},
        {"isBreakGlass": True},
        {"id": "x"},
        {"passwordHash": "x"},
        {"permissions": ["MANAGE_ORG"]},
        {"emailVerified": True},
    ],
)
async def test_bodies_say_no_more_than_they_may(admin: Any, more: dict[str, Any]) -> None:
    """Mass assignment: a field that is not for the caller is a fault, not ignored."""
    body = {"email": "x@acme.example", "role": "MODERATOR", "password": "a long enough phrase"}
    name = next(iter(more))
    made = await admin.call("POST", "/v1/users", {**body, **more})
    assert made.status_code == 422
    assert made.json()["errors"][0]["pointer"] == f"/{name}"
    me = await admin.call("PUT", "/v1/me", {"name": "Me", **more})
    assert me.status_code == 422
    assert me.json()["errors"][0]["pointer"] == f"/{name}"
    if name != "isBreakGlass":
        changed = await admin.call("PATCH", f"/v1/users/{admin.user_id}", more)
        assert changed.status_code == 422


async def test_oneself_is_out_of_reach_of_the_administrators_routes(admin: Any) -> None:
    """For one's own account there is /v1/me, which asks for the password."""
    at = f"/v1/users/{admin.user_id}"
    for method, path in (
        ("POST", f"{at}/disable"),
        ("DELETE", at),
        ("POST", f"{at}/reset-link"),
        ("DELETE", f"{at}/second-factor"),
    ):
        assert (await admin.call(method, path)).status_code == 409, path


async def test_a_reviewers_queues_are_set_at_once(admin: Any, sign_in: Any) -> None:
    """One PUT names them in these queues and in no other, as revisions of the queues; one that
    names nobody any more is open to nobody."""
    person, other = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    queues = [await admin.make("/v1/queues", {"name": name}) for name in ("A", "B", "C")]
    ids = [queue["id"] for queue in queues]
    at = f"/v1/users/{person.user_id}/queues"
    put = await admin.call("PUT", at, {"queueIds": ids[:2]})
    assert put.status_code == 200, put.text
    assert set((await admin.call("GET", at)).json()["queueIds"]) == set(ids[:2])
    await admin.call("PUT", f"/v1/users/{other.user_id}/queues", {"queueIds": ids[:2]})
    moved = await admin.call("PUT", at, {"queueIds": ids[1:]})
    assert moved.status_code == 200
    named = (await admin.call("GET", f"/v1/queues/{ids[0]}")).json()["reviewerIds"]
    assert named == [other.user_id]
    emptied = await admin.call("PUT", f"/v1/users/{other.user_id}/queues", {"queueIds": []})
    assert emptied.status_code == 200
    queue = (await admin.call("GET", f"/v1/queues/{ids[0]}")).json()
    assert (queue["reviewerIds"], queue["openToEveryone"]) == ([], False)
    assert (await other.call("GET", f"/v1/queues/{ids[0]}")).status_code == 404
    unknown = await admin.call("PUT", at, {"queueIds": [ids[0], "none"]})
    (fault,) = unknown.json()["errors"]
    assert (fault["pointer"], fault["reason"]) == ("/queueIds/1", "no such queue")
    assert (await person.call("PUT", at, {"queueIds": ids})).status_code == 403


async def test_sessions_are_listed_and_ended(
    http: Any, app: Any, org: Any, kit: Any, admin: Any
) -> None:
    """Where, with what, since when; one, all others, and by an administrator all of them."""
    import httpx

    async def browser(agent: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://review")
        answer = await log_in(client, org.admin_email, kit.password, **{"user-agent": agent})
        client.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
        return client

    first, second, third = [await browser(name) for name in ("One", "Two", "T" * 900)]
    listed = (await first.get("/v1/me/sessions")).json()["items"]
    by_agent = {one["userAgent"][:3]: one for one in listed}
    assert [by_agent[name]["isCurrent"] for name in ("One", "Two", "TTT")] == [True, False, False]
    assert len(by_agent["TTT"]["userAgent"]) == 300
    assert by_agent["One"]["method"] == "PASSWORD"
    ended = await first.delete(f"/v1/me/sessions/{by_agent['Two']['id']}")
    assert ended.status_code == 204
    assert (await second.get("/v1/session")).status_code == 401
    own = (await admin.call("GET", "/v1/me/sessions")).json()["items"][0]["id"]
    assert (await first.delete(f"/v1/me/sessions/{own}")).status_code == 404, "another's"
    assert (await admin.call("GET", "/v1/session")).status_code == 200
    assert (await first.delete("/v1/me/sessions")).json() == {"ended": 1}
    assert (await third.get("/v1/session")).status_code == 401
    assert (await first.get("/v1/session")).status_code == 200
    shown = (await admin.call("GET", f"/v1/users/{org.admin_id}/sessions")).json()["items"]
    assert [one["userAgent"] for one in shown] == ["One"]
    done = await admin.call("DELETE", f"/v1/users/{org.admin_id}/sessions")
    assert done.json() == {"ended": 1}
    assert (await first.get("/v1/session")).status_code == 401
    for client in (first, second, third):
        await client.aclose()


async def test_somebody_has_at_most_a_hundred_sessions(org: Any, context: Any) -> None:
    """A further one ends the oldest."""
    from coop_review_api.people import session

    async with transaction(context.engine) as connection:
        tokens = []
        for _ in range(103):
            token, _ = await session.create(
                connection,
                user_id=org.admin_id,
                ip="127.0.0.1",
                now=context.clock(),
                limits=context.session_limits,
            )
            tokens.append(token)
        kept = list(
            await connection.scalars(
                select(sessions.c.token_hash).where(sessions.c.user_id == org.admin_id)
            )
        )
    assert set(kept) == {session.hash_of(token) for token in tokens[3:]}


async def test_the_organisation_shortens_sessions(admin: Any, sign_in: Any, clock: Any) -> None:
    """Hours and idle minutes act on sessions that are there already; they do not lengthen what the
    operator allows."""
    settings = {"name": "Acme", "sessionHours": 1, "sessionIdleMinutes": 10}
    assert (await admin.call("PUT", "/v1/settings", settings)).status_code == 200
    person = await sign_in(Role.MODERATOR)
    for _ in range(6):
        assert (await person.call("GET", "/v1/session")).status_code == 200
        clock.forward(minutes=9, seconds=30)
    assert (await person.call("GET", "/v1/session")).status_code == 200
    clock.forward(minutes=4)
    assert (await person.call("GET", "/v1/session")).status_code == 401
    idle = await sign_in(Role.ADMIN)
    clock.forward(minutes=10, seconds=1)
    assert (await idle.call("GET", "/v1/session")).status_code == 401
    longer = {"name": "Acme", "sessionHours": 700, "sessionIdleMinutes": 43000}
    manager = await sign_in(Role.ADMIN)
    assert (await manager.call("PUT", "/v1/settings", longer)).status_code == 200
    clock.forward(hours=2, seconds=1)
    assert (await manager.call("GET", "/v1/session")).status_code == 401


async def test_everybody_has_their_own_veil(admin: Any, sign_in: Any) -> None:
    """The organisation's default, until one chooses; and back."""
    person = await sign_in(Role.EXTERNAL_MODERATOR)
    rest = {
        "muteAudio": True,
        "veilText": False,
        "veilAfter": 20,
        "breakAfterReveals": 0,
        "breakAfterMinutes": 0,
    }
    default = {"muteVideo": False, "grayscale": False, "sepia": True, "blurLevel": 2, **rest}
    settings = {"name": "Acme", "defaultWellness": default}
    assert (await admin.call("PUT", "/v1/settings", settings)).status_code == 200
    seen = (await person.call("GET", "/v1/session")).json()["wellness"]
    assert seen == {**default, "isOwn": False}
    own = {"muteVideo": True, "grayscale": False, "sepia": False, "blurLevel": 6, **rest}
    put = await person.call("PUT", "/v1/me/wellness", own)
    assert put.json() == {**own, "isOwn": True}
    assert (await person.call("GET", "/v1/session")).json()["wellness"] == {**own, "isOwn": True}
    assert (await admin.call("GET", "/v1/session")).json()["wellness"]["isOwn"] is False
    for wrong in ({"blurLevel": 7}, {"blurLevel": -1}, {"grayscale": True, "sepia": True}):
        assert (await person.call("PUT", "/v1/me/wellness", {**own, **wrong})).status_code == 422
    back = await person.call("DELETE", "/v1/me/wellness")
    assert back.json() == {**default, "isOwn": False}


async def test_name_and_looks_are_ones_own(admin: Any, engine: Any) -> None:
    """They are kept, strictly; what a later release stored is not an error."""
    looks = {"theme": "DARK", "density": "COMPACT", "shortcuts": False}
    put = await admin.call("PUT", "/v1/me", {"name": "Ada", "preferences": looks})
    assert put.status_code == 200, put.text
    seen = (await admin.call("GET", "/v1/session")).json()["user"]
    assert (seen["name"], seen["preferences"]) == ("Ada", looks)
    for wrong in ({"theme": "PINK"}, {"zoom": 2}, {"shortcuts": "no"}):
        body = {"name": "Ada", "preferences": {**looks, **wrong}}
        assert (await admin.call("PUT", "/v1/me", body)).status_code == 422
    for name in ("", "  ", "x" * 256, "a\0b"):
        assert (await admin.call("PUT", "/v1/me", {"name": name})).status_code == 422
    async with transaction(engine) as connection:
        await connection.execute(
            users.update()
            .where(users.c.user_id == admin.user_id)
            .values(preferences={"theme": "HOLOGRAM"}, wellness={"blurLevel": 99})
        )
    seen = await admin.call("GET", "/v1/session")
    assert seen.status_code == 200
    assert seen.json()["user"]["preferences"]["theme"] == "SYSTEM"


async def test_one_may_leave_but_not_as_the_last(
    http: Any, org: Any, kit: Any, context: Any, admin: Any
) -> None:
    """With the password; the last administrator stays."""
    answer = await log_in(http, org.admin_email, kit.password)
    http.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
    wrong = await http.post("/v1/me/remove", json={"password": "not the password"})
    assert wrong.status_code == 422
    disabled = await admin.call("POST", f"/v1/users/{org.admin_id}/disable")
    assert disabled.status_code == 200
    await admin.call("POST", f"/v1/users/{org.admin_id}/enable")
    answer = await log_in(http, org.admin_email, kit.password)
    http.headers["X-CSRF-Token"] = answer.json()["csrfToken"]
    shut = await http.post(f"/v1/users/{admin.user_id}/disable")
    assert shut.status_code == 200
    last = await http.post("/v1/me/remove", json={"password": kit.password})
    assert last.status_code == 409
    await http.post(f"/v1/users/{admin.user_id}/enable")
    left = await http.post("/v1/me/remove", json={"password": kit.password})
    assert left.status_code == 204
    assert (await http.get("/v1/session")).status_code == 401


async def test_what_is_done_to_accounts_is_audited(
    admin: Any, sign_in: Any, context: Any, org: Any
) -> None:
    """Who did what to whom, with the new role or state."""
    person = await sign_in(Role.MODERATOR)
    at = f"/v1/users/{person.user_id}"
    await admin.call("PATCH", at, {"role": "ANALYST"})
    await admin.call("POST", f"{at}/disable")
    await admin.call("DELETE", at)
    async with transaction(context.engine) as connection:
        found = await connection.execute(
            select(audit_log.c.actor, audit_log.c.action, audit_log.c.detail)
            .where(
                audit_log.c.org_id == org.org_id,
                audit_log.c.target_id == person.user_id,
                audit_log.c.actor == admin.user_id,
            )
            .order_by(audit_log.c.audit_id)
        )
        rows = [(row.action, row.detail) for row in found]
    assert rows == [
        ("user.changed", {"role": "ANALYST"}),
        ("user.changed", {"status": "DISABLED"}),
        ("user.removed", {}),
    ]
