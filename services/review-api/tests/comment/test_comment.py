"""Comments: who sees, writes, changes them; who is told."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from coop_contracts.permission import Role
from coop_review_api.comment.store import CommentLimits
from coop_review_api.kernel.schema import audit_log
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines


@pytest.fixture
async def world(admin: Any, sign_in: Any, org: Any, kit: Any) -> dict[str, Any]:
    return {
        "post": (await admin.make("/v1/item-types", kit.item_type()))["id"],
        "queue": org.default_queue_id,
        "other": (await admin.make("/v1/queues", {"name": "Other", "openToEveryone": True}))["id"],
        "alice": await sign_in(Role.MODERATOR),
        "bob": await sign_in(Role.MODERATOR),
    }


async def bodies(person: Any, job: str) -> list[str]:
    answer = await person.call("GET", f"/v1/jobs/{job}/comments")
    assert answer.status_code == 200, answer.text
    return [one["body"] for one in answer.json()["items"]]


async def told(person: Any) -> list[dict[str, Any]]:
    found = (await person.call("GET", "/v1/notifications")).json()["items"]
    return [one for one in found if one["kind"] == "COMMENT_MENTION"]


async def test_a_comment_is_seen_on_every_job_of_its_item(world: Any, place: Any) -> None:
    """What was written on one job shows on all of the item's, closed ones too, oldest first."""
    alice, bob = world["alice"], world["bob"]
    first = await place(world["queue"], world["post"], "item-1")
    second = await place(world["other"], world["post"], "item-1")
    elsewhere = await place(world["queue"], world["post"], "item-2")
    await alice.make(f"/v1/jobs/{first}/comments", {"body": "one"})
    claim = (await alice.call("POST", f"/v1/queues/{world['queue']}/claims")).json()
    assert claim["job"]["id"] == first
    decided = {"leaseToken": claim["lease"]["token"], "components": [{"type": "IGNORE"}]}
    await alice.make(f"/v1/jobs/{first}/decisions", decided)
    made = await bob.make(f"/v1/jobs/{second}/comments", {"body": "two\nlines"})
    assert (made["authorId"], made["jobId"], made["editedAt"]) == (bob.user_id, second, None)
    assert await bodies(alice, first) == ["one", "two\nlines"]
    assert await bodies(bob, second) == ["one", "two\nlines"]
    assert await bodies(bob, elsewhere) == []
    page = (await bob.call("GET", f"/v1/jobs/{first}/comments?limit=1")).json()
    rest = (await bob.call("GET", f"/v1/jobs/{first}/comments?cursor={page['nextCursor']}")).json()
    assert [one["body"] for one in page["items"] + rest["items"]] == ["one", "two\nlines"]


async def test_only_the_author_changes_a_comment(
    world: Any, place: Any, sign_in: Any, kit: Any
) -> None:
    """Its author edits and deletes it through any job of the item; others get 403, strangers 404;
    through a job of another item it does not exist."""
    alice, bob = world["alice"], world["bob"]
    first = await place(world["queue"], world["post"], "item-1")
    second = await place(world["other"], world["post"], "item-1")
    elsewhere = await place(world["queue"], world["post"], "item-2")
    made = await alice.make(f"/v1/jobs/{first}/comments", {"body": "one"})
    path = f"/v1/jobs/{second}/comments/{made['id']}"
    assert (await bob.call("PATCH", path, {"body": "mine"})).status_code == 403
    assert (await bob.call("DELETE", path)).status_code == 403
    wrong = f"/v1/jobs/{elsewhere}/comments/{made['id']}"
    assert (await alice.call("PATCH", wrong, {"body": "x"})).status_code == 404
    assert (await alice.call("DELETE", wrong)).status_code == 404
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    assert (await stranger.call("DELETE", path)).status_code == 404
    unchanged = (await alice.call("PATCH", path, {})).json()
    assert unchanged["editedAt"] is None
    changed = (await alice.call("PATCH", path, {"body": "better"})).json()
    assert (changed["body"], changed["editedAt"] is None) == ("better", False)
    assert await bodies(bob, first) == ["better"]
    assert (await alice.call("DELETE", path)).status_code == 204
    assert await bodies(bob, first) == []
    assert (await alice.call("DELETE", path)).status_code == 404


async def test_who_is_mentioned_is_told_once(world: Any, place: Any, sign_in: Any) -> None:
    """A person who may see the job is told, without what the comment says; an edit tells only those
    who are new in it; nobody is told of their own."""
    alice, bob, carol = world["alice"], world["bob"], await sign_in(Role.MODERATOR)
    job = await place(world["queue"], world["post"])
    body = {"body": "@{bob} look at this", "mentions": [bob.user_id, alice.user_id, bob.user_id]}
    made = await alice.make(f"/v1/jobs/{job}/comments", body)
    assert made["mentions"] == [bob.user_id, alice.user_id]
    (one,) = await told(bob)
    assert one["data"] == {
        "jobId": job,
        "commentId": made["id"],
        "queueName": "Default",
        "authorId": alice.user_id,
        "authorName": "MODERATOR",
    }
    assert await told(alice) == []
    path = f"/v1/jobs/{job}/comments/{made['id']}"
    edited = {"mentions": [bob.user_id, carol.user_id]}
    assert (await alice.call("PATCH", path, edited)).status_code == 200
    assert (len(await told(bob)), len(await told(carol))) == (1, 1)


async def test_nobody_is_mentioned_who_may_not_see_the_job(
    world: Any, place: Any, admin: Any, sign_in: Any, kit: Any
) -> None:
    """People of other organisations, without the permission to review, whose account is disabled,
    or whom the queue is closed to cannot be mentioned, and are all refused in the same words."""
    alice, bob = world["alice"], world["bob"]
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    analyst = await sign_in(Role.ANALYST)
    body = {"name": "Closed", "reviewerIds": [alice.user_id]}
    closed = (await admin.make("/v1/queues", body))["id"]
    job = await place(closed, world["post"])
    for outsider in (stranger.user_id, analyst.user_id, bob.user_id, "nobody"):
        sent = {"body": "look", "mentions": [alice.user_id, outsider]}
        answer = await alice.call("POST", f"/v1/jobs/{job}/comments", sent)
        assert kit.pointers(answer) == ["/mentions/1"]
        assert answer.json()["errors"][0]["reason"] == "nobody who may see this job"
    assert await bodies(alice, job) == []
    assert (await bob.call("GET", f"/v1/jobs/{job}/comments")).status_code == 404


async def test_child_safety_comments_need_their_permission(
    world: Any, place: Any, sign_in: Any, engine: Any, org: Any
) -> None:
    """Once a job of the item is about child safety nothing that was written of the item is seen
    without the permission, on whatever job; whoever sees it leaves an audit row; a moderator
    without it cannot be mentioned."""
    alice, guard = world["alice"], await sign_in(Role.CHILD_SAFETY_MODERATOR)
    plain = await place(world["queue"], world["post"], "item-1")
    await alice.make(f"/v1/jobs/{plain}/comments", {"body": "plain"})
    assert await bodies(alice, plain) == ["plain"]
    secret = await place(world["other"], world["post"], "item-1", csam=True)
    await guard.make(f"/v1/jobs/{secret}/comments", {"body": "hidden"})
    for job in (plain, secret):
        assert (await alice.call("GET", f"/v1/jobs/{job}/comments")).status_code == 404
    assert await bodies(guard, plain) == ["plain", "hidden"]
    async with transaction(engine) as connection:
        rows = (
            await connection.execute(
                select(audit_log.c.actor, audit_log.c.action).where(
                    audit_log.c.org_id == org.org_id,
                    audit_log.c.target_kind == "comments",
                )
            )
        ).all()
    assert [tuple(row) for row in rows] == [(guard.user_id, "child-safety.listed")]
    sent = {"body": "look", "mentions": [alice.user_id]}
    refused = await guard.call("POST", f"/v1/jobs/{secret}/comments", sent)
    assert refused.status_code == 422


async def test_comments_are_bounded(world: Any, place: Any, kit: Any, context: Any) -> None:
    """Nothing, blanks, 5,001 characters and U+0000 are refused; an item has at most so many."""
    alice = world["alice"]
    job = await place(world["queue"], world["post"])
    path = f"/v1/jobs/{job}/comments"
    for body in ("", " \n", "x" * 5001, "a\0b"):
        assert kit.pointers(await alice.call("POST", path, {"body": body})) == ["/body"]
    await alice.make(path, {"body": "x" * 5000})
    context.parts[CommentLimits] = CommentLimits(of_item=1)
    assert (await alice.call("POST", path, {"body": "two"})).status_code == 409
