"""What pages remember for a person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from coop_contracts.permission import Role
from coop_review_api.people.preference import MAX_BYTES, MAX_KEYS
from coop_review_api.people.table import user_preferences
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

PATH = "/v1/me/preferences"


async def put(person: Any, key: str, value: Any, **headers: str) -> Any:
    return await person.call("PUT", f"{PATH}/{key}", {"value": value}, headers=headers)


async def test_a_document_is_kept_as_it_is(admin: Any, sign_in: Any) -> None:
    """Whatever JSON it is, under its key, for its person alone."""
    value = {"shortcuts": [1, None, "ü", {"a": 1.5}], "off": False}
    assert (await put(admin, "keys", value)).json()["value"] == value
    assert (await put(admin, "ruleFavourites", [])).status_code == 200
    shown = await admin.call("GET", f"{PATH}/keys")
    assert (shown.json()["value"], shown.headers["etag"]) == (value, '"1"')
    listed = (await admin.call("GET", PATH)).json()["items"]
    assert [one["key"] for one in listed] == ["keys", "ruleFavourites"]
    other = await sign_in(Role.ADMIN)
    assert (await other.call("GET", f"{PATH}/keys")).status_code == 404
    assert (await other.call("GET", PATH)).json()["items"] == []
    assert (await admin.call("DELETE", f"{PATH}/keys")).status_code == 204
    assert (await admin.call("GET", f"{PATH}/keys")).status_code == 404
    assert (await admin.call("DELETE", f"{PATH}/keys")).status_code == 404


async def test_two_machines_do_not_overwrite_each_other(admin: Any) -> None:
    """Whoever saw another revision is refused, with the present one."""
    assert (await put(admin, "columns", 1, **{"If-Match": '"0"'})).status_code == 200
    assert (await put(admin, "columns", 2, **{"If-Match": '"0"'})).status_code == 412
    second = await put(admin, "columns", 2, **{"If-Match": '"1"'})
    assert (second.status_code, second.headers["etag"]) == (200, '"2"')
    late = await put(admin, "columns", 3, **{"If-Match": '"1"'})
    assert (late.status_code, late.headers["etag"]) == (412, '"2"')
    gone = await admin.call("DELETE", f"{PATH}/columns", headers={"If-Match": '"1"'})
    assert gone.status_code == 412
    known = await admin.call("GET", f"{PATH}/columns", headers={"If-None-Match": '"2"'})
    assert known.status_code == 304


async def test_they_are_bounded(admin: Any) -> None:
    """In size, in number, in their names."""
    assert (await put(admin, "a", "x" * (MAX_BYTES - 2))).status_code == 200
    large = await put(admin, "a", "x" * (MAX_BYTES - 1))
    assert (large.status_code, large.json()["errors"][0]["pointer"]) == (422, "/value")
    for key in ("1a", "a/b", "a" * 65, "%00"):
        assert (await put(admin, key, 1)).status_code in (400, 404, 405, 422), key
    for number in range(1, MAX_KEYS):
        assert (await put(admin, f"k{number}", number)).status_code == 200
    assert (await put(admin, "oneMore", 1)).status_code == 409
    assert (await put(admin, "k1", 2)).status_code == 200


async def test_they_go_with_the_account(admin: Any, sign_in: Any, engine: Any) -> None:
    """Nothing of them stays of somebody who was removed."""
    moderator = await sign_in(Role.MODERATOR)
    await put(moderator, "keys", 1)
    assert (await admin.call("DELETE", f"/v1/users/{moderator.user_id}")).status_code == 204
    query = select(func.count()).where(user_preferences.c.user_id == moderator.user_id)
    async with transaction(engine) as connection:
        assert await connection.scalar(query) == 0
