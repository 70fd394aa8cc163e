"""Lists of documents: found by words, in an order, with who made each and what uses it."""

from __future__ import annotations

from typing import Any

import pytest

from coop_contracts.permission import Role

from ..world.statement import counted

pytestmark = pytest.mark.engines


async def listed(person: Any, address: str) -> list[dict[str, Any]]:
    """All pages, of two entries each."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await person.call("GET", f"{address}&limit=2{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= 2
        found += page["items"]
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"


async def test_documents_are_listed_in_each_order(admin: Any, context: Any) -> None:
    """By name whatever its case, by the last change and by the first, newest first, page after
    page; equal names of different case are all there."""
    made = []
    for name in ("beta", "Alpha", "alpha", "Gamma", "delta"):
        context.clock.forward(seconds=1)
        made.append(await admin.make("/v1/policies", {"name": name}))
    await admin.call("PUT", f"/v1/policies/{made[1]['id']}", {"name": "Alpha", "policyText": "x"})

    async def names(query: str) -> list[str]:
        return [one["name"] for one in await listed(admin, f"/v1/policies?{query}")]

    by_name = await names("sort=name")
    assert [name.lower() for name in by_name] == ["alpha", "alpha", "beta", "delta", "gamma"]
    assert set(by_name) == {"beta", "Alpha", "alpha", "Gamma", "delta"}
    assert await names("sort=updated") == ["Alpha", "delta", "Gamma", "alpha", "beta"]
    assert await names("sort=created") == ["delta", "Gamma", "alpha", "Alpha", "beta"]
    assert {one["id"] for one in made} == {
        one["id"] for one in await listed(admin, "/v1/policies?sort=name")
    }
    assert set(await names("q=alph")) == {"Alpha", "alpha"}
    assert await names("q=ALPHA&sort=created") == ["alpha", "Alpha"]
    assert await names(f"q={made[3]['id']}") == ["Gamma"]
    assert await names("q=%25") == []


async def test_a_cursor_is_of_its_order(admin: Any) -> None:
    """A page of one order does not go on in another."""
    for name in ("one", "two", "three"):
        await admin.make("/v1/policies", {"name": name})
    page = (await admin.call("GET", "/v1/policies?sort=name&limit=1")).json()
    for query in ("", "sort=created&", "sort=updated&"):
        answer = await admin.call("GET", f"/v1/policies?{query}cursor={page['nextCursor']}")
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["pointer"] == "#/query/cursor"
    for query in ("sort=size", "include=all", "q="):
        assert (await admin.call("GET", f"/v1/policies?{query}")).status_code == 422


async def test_who_made_a_document_stays(admin: Any, sign_in: Any, context: Any) -> None:
    """Its maker and its time are those of the first revision, in lists and alone; what was read can
    be sent back."""
    other = await sign_in(Role.ADMIN)
    policy = await admin.make("/v1/policies", {"name": "No spam"})
    context.clock.forward(seconds=60)
    path = f"/v1/policies/{policy['id']}"
    answer = await other.call("PUT", path, {"name": "No spam", "policyText": "x"})
    assert answer.status_code == 200
    for found in (
        (await admin.call("GET", path)).json(),
        (await admin.call("GET", "/v1/policies?q=spam")).json()["items"][0],
    ):
        assert (found["createdBy"], found["updatedBy"]) == (admin.user_id, other.user_id)
        assert found["createdByPerson"]["id"] == admin.user_id
        assert found["createdAt"] == policy["updatedAt"] < found["updatedAt"]
        assert (found["usedBy"], found["usedByCount"]) == (None, None)
    whole = (await other.call("GET", path + "?include=usage")).json()
    answer = await other.call("PUT", path, {**whole, "policyText": "y"})
    assert answer.status_code == 200, answer.text


async def test_a_list_says_what_uses_each(admin: Any, sign_in: Any, kit: Any, context: Any) -> None:
    """What refers to a document is named, as far as its reader may read that; a list costs the same
    statements whatever is in it."""
    external = await sign_in(Role.EXTERNAL_MODERATOR)
    post = await admin.make("/v1/item-types", kit.item_type())
    action = await admin.make("/v1/actions", kit.action(post["id"]))
    policy = await admin.make("/v1/policies", {"name": "No spam"})
    await admin.make("/v1/policies", {"name": "No adverts", "parentId": policy["id"]})
    bank = await admin.make("/v1/text-banks", {"name": "Slurs", "type": "STRING", "strings": ["a"]})
    with counted(context.engine) as before:
        await admin.call("GET", "/v1/policies?include=usage")
    body = kit.rule(
        post["id"],
        conditionSet=kit.contains(textBankIds=[bank["id"]]),
        actionIds=[action["id"]],
        policyIds=[policy["id"]],
    )
    rule = await admin.make("/v1/rules", body)
    with counted(context.engine) as after:
        await admin.call("GET", "/v1/policies?include=usage")
    assert before == after

    async def users(person: Any, path: str, document_id: str) -> list[tuple[str, str]]:
        page = (await person.call("GET", f"/v1/{path}?include=usage")).json()["items"]
        (found,) = [one for one in page if one["id"] == document_id]
        alone = (await person.call("GET", f"/v1/{path}/{document_id}?include=usage")).json()
        assert found["usedBy"] == alone["usedBy"]
        assert found["usedByCount"] == len(found["usedBy"])
        return sorted((one["kind"], one["name"]) for one in found["usedBy"])

    named = ("rule", rule["name"])
    assert await users(admin, "text-banks", bank["id"]) == [named]
    assert await users(admin, "policies", policy["id"]) == [("policy", "No adverts"), named]
    assert await users(admin, "actions", action["id"]) == [named]
    assert await users(admin, "rules", rule["id"]) == []
    assert await users(external, "policies", policy["id"]) == [("policy", "No adverts")]


async def test_roles_that_nobody_saved_are_in_every_order(admin: Any) -> None:
    """Built-in roles stand among those that were made, each once, in every order."""
    made = await admin.make("/v1/roles", {"name": "Night shift", "permissions": ["VIEW_MRT"]})
    every = {one["id"] for one in await listed(admin, "/v1/roles?sort=name")}
    assert made["id"] in every
    for sort in ("name", "updated", "created"):
        found = [one["id"] for one in await listed(admin, f"/v1/roles?sort={sort}")]
        assert len(found) == len(set(found))
        assert set(found) == every
        if sort != "name":
            assert found[0] == made["id"]
    assert [one["id"] for one in await listed(admin, "/v1/roles?q=night")] == [made["id"]]
