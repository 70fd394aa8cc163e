"""Notes on users of the platform."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.permission import Role
from coop_queues.job import JobKind
from coop_review_api.kernel.schema import audit_log
from coop_review_api.note.store import NoteLimits
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

PATH = "/v1/users/member/a/b ü/notes"


async def test_written_changed_deleted(admin: Any, sign_in: Any, context: Any, org: Any) -> None:
    """A note has its author's name; only they change it; who deleted it, and when, stays, its words
    do not; each step is in the audit log."""
    moderator, other = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    made = await moderator.make(PATH, {"text": "calms when warned"})
    assert made["author"] == moderator.view("MODERATOR")
    second = await other.make(PATH, {"text": "runs a fan page"})
    one = f"{PATH}/{made['id']}"
    assert (await other.call("PATCH", one, {"text": "x"})).status_code == 403
    assert (await other.call("DELETE", one)).status_code == 403
    changed = (await moderator.call("PATCH", one, {"text": "calms at once"})).json()
    assert changed["text"] == "calms at once"
    assert changed["editedAt"] is not None
    listed = (await admin.call("GET", PATH)).json()["items"]
    assert [found["id"] for found in listed] == [second["id"], made["id"]]
    page = (await admin.call("GET", f"{PATH}?limit=1")).json()
    rest = (await admin.call("GET", f"{PATH}?limit=1&cursor={page['nextCursor']}")).json()
    assert [found["id"] for found in rest["items"]] == [made["id"]]
    assert rest["nextCursor"] is None
    assert (await admin.call("DELETE", one)).status_code == 204
    gone = (await admin.call("GET", PATH)).json()["items"][1]
    assert gone["text"] is None
    assert gone["deletedByPerson"] == admin.view("ADMIN")
    assert (await moderator.call("PATCH", one, {"text": "x"})).status_code == 404
    assert (await admin.call("DELETE", one)).status_code == 404
    query = select(audit_log.c.action).where(
        audit_log.c.org_id == org.org_id, audit_log.c.action.like("note.%")
    )
    async with transaction(context.engine) as connection:
        actions = list(await connection.scalars(query))
    assert sorted(actions) == ["note.deleted", "note.edited", "note.written", "note.written"]


async def test_what_a_note_may_be(admin: Any, context: Any, kit: Any) -> None:
    """Words, and not too many; no more notes than a user may have."""
    for text in ("", "  ", "x" * 5001):
        assert kit.pointers(await admin.call("POST", PATH, {"text": text})) == ["/text"]
    assert (await admin.call("GET", f"{PATH}?cursor=eA")).status_code == 422
    context.parts[NoteLimits] = NoteLimits(of_user=1)
    await admin.make(PATH, {"text": "one"})
    assert (await admin.call("POST", PATH, {"text": "two"})).status_code == 409


async def test_others_do_not_have_them(admin: Any, sign_in: Any, kit: Any) -> None:
    """Another organisation reads none, changes none, deletes none; who reviews from outside may
    not."""
    made = await admin.make(PATH, {"text": "ours"})
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert (await stranger.call("GET", PATH)).json()["items"] == []
    one = f"{PATH}/{made['id']}"
    assert (await stranger.call("PATCH", one, {"text": "x"})).status_code == 404
    assert (await stranger.call("DELETE", one)).status_code == 404
    other_user = f"/v1/users/member/somebody/notes/{made['id']}"
    assert (await admin.call("DELETE", other_user)).status_code == 404
    outside = await sign_in(Role.EXTERNAL_MODERATOR)
    assert (await outside.call("GET", PATH)).status_code == 403
    assert (await outside.call("POST", PATH, {"text": "x"})).status_code == 403


async def test_of_a_grave_user(admin: Any, sign_in: Any, kit: Any, place: Any) -> None:
    """Nothing of the notes on a user of child-safety material is there without the permission."""
    member = await admin.make("/v1/item-types", kit.item_type("Member", kind="USER", fieldRoles={}))
    queue = await admin.make("/v1/queues", {"name": "Q", "openToEveryone": True})
    path = f"/v1/users/{member['id']}/eve/notes"
    moderator = await sign_in(Role.MODERATOR)
    made = await moderator.make(path, {"text": "early"})
    await place(queue["id"], member["id"], "eve", csam=True, kind=JobKind.NCMEC)
    one = f"{path}/{made['id']}"
    for method, address, body in (
        ("GET", path, None),
        ("POST", path, {"text": "x"}),
        ("PATCH", one, {"text": "x"}),
        ("DELETE", one, None),
    ):
        assert (await moderator.call(method, address, body)).status_code == 404, method
    viewer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    assert (await viewer.call("GET", path)).json()["items"][0]["text"] == "early"
