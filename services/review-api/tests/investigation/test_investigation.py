"""Items and users looked up through the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from coop_contracts.permission import Permission, Role
from coop_review_api.http.page import encode_cursor

pytestmark = pytest.mark.engines

Send = Callable[..., Awaitable[None]]


async def talk(send: Send, types: dict[str, str], count: int = 9) -> None:
    """A conversation, sent in another order than it was said."""
    for number in sorted(range(count), key=lambda n: n * 5 % count):
        thread = {"id": "room", "typeId": "topic"}
        said = f"2026-01-01T00:00:{number:02}.000Z"
        await send(f"m/{number}", text=f"word {number}", thread=thread, said=said)


def path(types: dict[str, str], item_id: str, rest: str = "") -> str:
    return f"/v1/items/{types['message']}/{item_id}{rest}"


async def ids(person: Any, address: str) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = await person.call("GET", f"{address}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [one["id"] for one in page["items"]]
        if page["nextCursor"] is None:
            return found
        cursor = f"{'&' if '?' in address else '?'}cursor={page['nextCursor']}"


async def test_an_item_and_what_it_was(admin: Any, types: dict[str, str], send: Send) -> None:
    """The latest version at once, all of them newest first, whatever is in its id."""
    for number in range(3):
        await send("a/b ü", text=f"v{number}", ago=timedelta(days=3 - number))
    item = (await admin.call("GET", path(types, "a/b ü"))).json()
    assert item["data"] == {"text": "v2"}
    assert item["creator"] == {"id": "ann", "typeId": types["member"]}
    assert (item["id"], item["source"]) == ("a/b ü", "ITEM")
    page = (await admin.call("GET", path(types, "a/b ü", "/versions?limit=2"))).json()
    assert [one["data"]["text"] for one in page["items"]] == ["v2", "v1"]
    rest = path(types, "a/b ü", f"/versions?limit=2&cursor={page['nextCursor']}")
    assert [one["data"]["text"] for one in (await admin.call("GET", rest)).json()["items"]] == [
        "v0"
    ]
    assert (await admin.call("GET", path(types, "nothing"))).status_code == 404


async def test_around_an_item(admin: Any, types: dict[str, str], send: Send) -> None:
    """Before and after it in the order of the conversation, the nearest first, without itself."""
    await talk(send, types)
    before = await ids(admin, path(types, "m/4", "/thread?limit=2"))
    after = await ids(admin, path(types, "m/4", "/thread?direction=AFTER&limit=2"))
    assert before == ["m/3", "m/2", "m/1", "m/0"]
    assert after == ["m/5", "m/6", "m/7", "m/8"]
    await send("alone", text="a")
    assert await ids(admin, path(types, "alone", "/thread")) == []


async def test_what_a_user_made(
    admin: Any, types: dict[str, str], send: Send, context: Any
) -> None:
    """The newest first, of a type, of a time, or what has media."""
    await send("old", text="a", ago=timedelta(days=5))
    await send("picture", picture={"url": "https://x.example/a.png"}, ago=timedelta(days=3))
    await send("new", text="a")
    root = f"/v1/users/{types['member']}/ann/items"
    assert await ids(admin, f"{root}?limit=1") == ["new", "picture", "old"]
    assert await ids(admin, f"{root}?itemTypeId={types['message']}") == ["new", "picture", "old"]
    assert await ids(admin, f"{root}?itemTypeId=other") == []
    assert await ids(admin, f"{root}?withMedia=true") == ["picture"]
    day = (context.clock() - timedelta(days=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await ids(admin, f"{root}?since={day}") == ["new", "picture"]
    assert await ids(admin, f"{root}?until={day}") == ["old"]
    assert (await admin.call("GET", f"{root}?withMedia=true&since={day}")).status_code == 422


async def test_the_organisation_says_how_long(
    admin: Any, types: dict[str, str], send: Send
) -> None:
    """What is older than its days is not there, whether or not it has gone yet."""
    await send("old", text="a", ago=timedelta(days=12))
    assert (await admin.call("GET", path(types, "old"))).status_code == 200
    saved = await admin.call("PUT", "/v1/settings", {"name": "Acme", "itemHistoryDays": 10})
    assert saved.status_code == 200, saved.text
    assert (await admin.call("GET", path(types, "old"))).status_code == 404


async def test_cursors_of_others_are_refused(admin: Any, types: dict[str, str], send: Send) -> None:
    """A cursor that this list did not make is a fault, never an error of ours."""
    await send("i", text="a")
    whole = ["2026-01-01T00:00:00Z", "i", "t", "2026-01-01T00:00:00Z", "s"]
    for wrong in ("[]", "7", "x", '["2026-01-01T00:00:00"]', str([*whole[:1], "a\\u0000"])):
        answer = await admin.call(
            "GET", path(types, "i", f"/versions?cursor={encode_cursor(wrong)}")
        )
        assert answer.status_code == 422, (wrong, answer.text)
    nul = msgspec.json.encode([*whole[:4], "a\0"]).decode()
    naive = msgspec.json.encode(["2026-01-01T00:00:00", *whole[1:]]).decode()
    for wrong in (nul, naive):
        answer = await admin.call("GET", path(types, "i", f"/thread?cursor={encode_cursor(wrong)}"))
        assert answer.status_code == 422, (wrong, answer.text)


async def test_grave_words_in_a_thread_are_left_out(
    sign_in: Any, admin: Any, types: dict[str, str], send: Send, place: Any
) -> None:
    """Without the permission a grave message is missing between the others, and no way leads to it;
    with it it is there."""
    await talk(send, types)
    queue = await admin.make("/v1/queues", {"name": "Child safety", "openToEveryone": True})
    await place(queue["id"], types["message"], "m/3", csam=True)
    allowed = [p for p in Permission if p is not Permission.VIEW_CHILD_SAFETY_DATA]
    role = await admin.make("/v1/roles", {"name": "Most", "permissions": allowed})
    other, viewer = await sign_in(role["id"]), await sign_in(Role.ADMIN)
    thread = path(types, "m/4", "/thread")
    assert await ids(other, thread) == ["m/2", "m/1", "m/0"]
    assert await ids(viewer, thread) == ["m/3", "m/2", "m/1", "m/0"]
    for rest in ("", "/versions", "/thread"):
        assert (await other.call("GET", path(types, "m/3", rest))).status_code == 404
        assert (await viewer.call("GET", path(types, "m/3", rest))).status_code == 200
    made = f"/v1/users/{types['member']}/ann/items"
    assert "m/3" not in await ids(other, made)
    assert "m/3" in await ids(viewer, made)


async def test_only_who_investigates_looks(sign_in: Any, types: dict[str, str], send: Send) -> None:
    """A role without VIEW_INVESTIGATION is refused."""
    await send("i", text="a")
    analyst = await sign_in(Role.EXTERNAL_MODERATOR)
    assert (await analyst.call("GET", path(types, "i"))).status_code == 403
