"""Views that people share."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.permission import Role
from coop_review_api.saved_view.store import MAX_BYTES

pytestmark = pytest.mark.engines

VIEW = {"page": "decision-log", "name": "Reversed", "value": {"filters": {"reversed": True}}}


async def put(person: Any, view_id: str, body: Any = VIEW, **headers: str) -> Any:
    return await person.call("PUT", f"/v1/views/{view_id}", body, headers=headers)


async def test_everybody_sees_a_view(admin: Any, sign_in: Any, kit: Any) -> None:
    """Of the organisation, by page, with who made and who changed it; another organisation has its
    own of the same id."""
    author, reader = await sign_in(Role.MODERATOR), await sign_in(Role.ANALYST)
    made = await put(author, "v1")
    assert (made.status_code, made.headers["etag"]) == (200, '"1"')
    await put(author, "v2", VIEW | {"page": "jobs"})
    shown = (await reader.call("GET", "/v1/views/v1")).json()
    assert (shown["name"], shown["value"]) == ("Reversed", VIEW["value"])
    assert shown["createdByPerson"] == shown["updatedByPerson"] == author.view("MODERATOR")
    listed = (await reader.call("GET", "/v1/views?page=jobs")).json()["items"]
    assert [one["id"] for one in listed] == ["v2"]
    first = (await reader.call("GET", "/v1/views?limit=1")).json()
    rest = (await reader.call("GET", f"/v1/views?cursor={first['nextCursor']}")).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == ["v1", "v2"]
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert (await stranger.call("GET", "/v1/views")).json()["items"] == []
    for method in ("GET", "DELETE"):
        assert (await stranger.call(method, "/v1/views/v1")).status_code == 404
    assert (await put(stranger, "v1", VIEW | {"name": "Theirs"})).status_code == 200
    assert (await admin.call("GET", "/v1/views/v1")).json()["name"] == "Reversed"


async def test_a_view_is_its_makers(admin: Any, sign_in: Any) -> None:
    """And of whoever manages the organisation; others read it."""
    author, other = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    await put(author, "v1")
    assert (await put(other, "v1")).status_code == 403
    assert (await other.call("DELETE", "/v1/views/v1")).status_code == 403
    changed = (await put(admin, "v1", VIEW | {"name": "By an admin"})).json()
    assert (changed["createdBy"], changed["updatedBy"]) == (author.user_id, admin.user_id)
    late = await put(author, "v1", **{"If-Match": '"1"'})
    assert (late.status_code, late.headers["etag"]) == (412, '"2"')
    assert (await put(other, "v1", **{"If-Match": '"0"'})).status_code == 403
    gone = await author.call("DELETE", "/v1/views/v1", headers={"If-Match": '"1"'})
    assert gone.status_code == 412
    assert (await author.call("DELETE", "/v1/views/v1")).status_code == 204
    assert (await author.call("GET", "/v1/views/v1")).status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"value": "x" * MAX_BYTES}, "/value"),
        ({"name": " "}, "/name"),
        ({"page": "no page"}, "/page"),
    ],
)
async def test_what_is_no_view_is_refused(admin: Any, change: Any, pointer: str) -> None:
    """With the place of the fault."""
    answer = await put(admin, "v1", VIEW | change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
