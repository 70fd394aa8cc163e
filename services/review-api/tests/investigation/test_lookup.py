"""Items found by an id, an address, words, their parent, and around another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from coop_contracts.permission import Permission, Role

pytestmark = pytest.mark.engines

Send = Callable[..., Awaitable[None]]
ROOM = {"id": "room", "typeId": "topic"}


async def page(person: Any, address: str, status: int = 200) -> dict[str, Any]:
    answer = await person.call("GET", address)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [one["id"] for one in found["items"]]


def path(types: dict[str, str], item_id: str, rest: str = "") -> str:
    return f"/v1/items/{types['message']}/{item_id}{rest}"


async def talk(send: Send, count: int = 9) -> None:
    """A conversation, sent in another order than it was said."""
    for number in sorted(range(count), key=lambda n: n * 5 % count):
        said = f"2026-01-01T00:00:{number:02}.000Z"
        await send(f"m/{number}", text=f"word {number}", thread=ROOM, said=said)


async def test_by_an_id_whatever_its_type(admin: Any, types: dict[str, str], send: Send) -> None:
    """The latest of each type that has it, as a list shows it."""
    await send("same", text="old", ago=timedelta(days=1))
    await send("same", text="a text", picture={"url": "https://x.example/a.png"})
    await send("same", text="Ann", type_id=types["member"])
    found = {one["typeId"]: one for one in (await page(admin, "/v1/items?id=same"))["items"]}
    assert set(found) == {types["message"], types["member"]}
    message, member = found[types["message"]], found[types["member"]]
    assert (message["kind"], message["preview"], message["mediaCount"]) == ("CONTENT", "a text", 1)
    assert message["creator"] == {"id": "ann", "typeId": types["member"]}
    assert (member["kind"], member["displayName"], member["preview"]) == ("USER", "Ann", "")
    assert (await page(admin, "/v1/items?id=none"))["items"] == []


async def test_by_an_address(admin: Any, send: Send) -> None:
    """Whatever its spelling, the newest first, page by page."""
    for number in range(3):
        await send(f"i{number}", ago=timedelta(hours=3 - number), **{"from": "2001:db8::1"})
    await send("other", **{"from": "10.0.0.1"})
    first = await page(admin, "/v1/items?ip=2001:DB8:0::1&limit=2")
    assert ids(first) == ["i2", "i1"]
    rest = await page(admin, f"/v1/items?ip=2001:db8::1&limit=2&cursor={first['nextCursor']}")
    assert ids(rest) == ["i0"]


async def test_by_words(admin: Any, send: Send) -> None:
    """Of those whose texts are searched; where none are, that is said and not an empty list."""
    await send("a", text="green apples", searched=True)
    await send("b", text="green pears", searched=True)
    refused = await page(admin, "/v1/items?text=apples", 422)
    assert refused["errors"][0]["pointer"] == "#/query/text"
    saved = await admin.call("PUT", "/v1/settings", {"name": "Acme", "itemTextSearch": True})
    assert saved.status_code == 200, saved.text
    assert ids(await page(admin, "/v1/items?text=apples")) == ["a"]
    assert sorted(ids(await page(admin, "/v1/items?text=green&days=1"))) == ["a", "b"]


@pytest.mark.parametrize("query", ["", "?id=a&ip=b", "?id=a&text=b", "?ip=", "?id=a&days=8"])
async def test_one_thing_is_asked_for(admin: Any, query: str) -> None:
    """Nothing, two at a time, or out of bounds: 422."""
    await page(admin, f"/v1/items{query}", 422)


async def test_children(admin: Any, types: dict[str, str], send: Send) -> None:
    """What names the item as its parent, the oldest first, page by page; of no item: 404."""
    await send("p", text="question")
    parent = {"id": "p", "typeId": types["message"]}
    for number in range(3):
        said = f"2026-01-01T00:00:0{number}.000Z"
        await send(f"c/{number}", text=f"answer {number}", parent=parent, said=said)
    first = await page(admin, path(types, "p", "/children?limit=2"))
    assert ids(first) == ["c/0", "c/1"]
    rest = await page(admin, path(types, "p", f"/children?limit=2&cursor={first['nextCursor']}"))
    assert ids(rest) == ["c/2"]
    await page(admin, path(types, "none", "/children"), 404)


async def test_the_conversation_around_an_item(
    admin: Any, types: dict[str, str], send: Send
) -> None:
    """The oldest first with the item in its place; cursors lead on in both directions to the ends,
    each item once."""
    await talk(send)
    first = await page(admin, path(types, "m/4", "/conversation?before=2&after=2"))
    assert ids(first) == ["m/2", "m/3", "m/4", "m/5", "m/6"]
    earlier = await page(
        admin, path(types, "m/4", f"/conversation?earlierThan={first['earlierCursor']}")
    )
    assert ids(earlier) == ["m/0", "m/1"]
    assert earlier["earlierCursor"] is None
    later = await page(
        admin, path(types, "m/4", f"/conversation?after=1&laterThan={first['laterCursor']}")
    )
    assert ids(later) == ["m/7"]
    both = f"/conversation?laterThan={first['laterCursor']}&earlierThan={first['earlierCursor']}"
    await page(admin, path(types, "m/4", both), 422)
    assert ids(await page(admin, path(types, "m/4", "/conversation?before=0&after=1"))) == [
        "m/4",
        "m/5",
    ]
    await send("alone", text="a")
    assert ids(await page(admin, path(types, "alone", "/conversation"))) == ["alone"]
    await page(admin, path(types, "none", "/conversation"), 404)


async def test_what_is_grave_is_in_no_list(
    sign_in: Any, admin: Any, types: dict[str, str], send: Send, place: Any
) -> None:
    """Without the permission a grave item is missing in every list; with it it is there."""
    await talk(send)
    parent = {"id": "m/4", "typeId": types["message"]}
    await send("grave", text="bad", parent=parent, **{"from": "10.0.0.1"})
    queue = await admin.make("/v1/queues", {"name": "Child safety", "openToEveryone": True})
    await place(queue["id"], types["message"], "m/3", csam=True)
    await place(queue["id"], types["message"], "grave", csam=True)
    allowed = [p for p in Permission if p is not Permission.VIEW_CHILD_SAFETY_DATA]
    role = await admin.make("/v1/roles", {"name": "Most", "permissions": allowed})
    other, viewer = await sign_in(role["id"]), await sign_in(Role.ADMIN)
    around = path(types, "m/4", "/conversation?before=2&after=0")
    assert ids(await page(other, around)) == ["m/2", "m/4"]
    assert ids(await page(viewer, around)) == ["m/2", "m/3", "m/4"]
    for address in ("/v1/items?id=grave", "/v1/items?ip=10.0.0.1", path(types, "m/4", "/children")):
        assert ids(await page(other, address)) == []
        assert ids(await page(viewer, address)) == ["grave"]
    await page(other, path(types, "grave", "/conversation"), 404)
    await page(other, path(types, "grave", "/children"), 404)


async def test_only_who_investigates_looks(sign_in: Any, types: dict[str, str], send: Send) -> None:
    """A role without VIEW_INVESTIGATION is refused; another organisation finds nothing."""
    await send("i", text="a")
    external = await sign_in(Role.EXTERNAL_MODERATOR)
    for address in (
        "/v1/items?id=i",
        path(types, "i", "/children"),
        path(types, "i", "/conversation"),
    ):
        await page(external, address, 403)
