"""Media in second reviews: shown to who decides again, while they do, and to nobody else."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select, text

from coop_contracts.permission import Role
from coop_review_api.kernel.schema import audit_log
from coop_review_api.media.table import media_reveals
from coop_runtime.database.engine import transaction

from .media_world import SECRET, MediaWorld, address, picture

pytestmark = pytest.mark.engines


async def decided(world: MediaWorld, **more: Any) -> str:
    """A job with a picture that the administrator decided, to be decided again; its id."""
    body = {"name": "Photos", "openToEveryone": True, "secondReviewShare": 1}
    changed = await world.admin.call("PUT", f"/v1/queues/{world.queue_id}", body)
    assert changed.status_code == 200, changed.text
    world.host.files["/a.jpg"] = picture()
    item = world.item("i", photo={"url": world.host.url("/a.jpg")})
    job_id = await world.place(item, severity=4, **more)
    await world.admin.decide(world.queue_id, [{"type": "IGNORE"}])
    return job_id


async def again(world: MediaWorld, person: Any) -> tuple[Any, str]:
    """The second review, claimed; and its picture's reference."""
    claimed = await person.call("POST", "/v1/second-reviews/claims", {"queueId": world.queue_id})
    assert claimed.status_code == 200, claimed.text
    (medium,) = claimed.json()["secondReview"]["payload"]["media"]
    assert medium["pointer"] == "/item/data/photo"
    return claimed.json(), medium["ref"]


async def chosen(person: Any, ref: str, **purpose: Any) -> Any:
    return await person.call("POST", f"/v1/media/{ref}/reveal", {"stage": "clear", **purpose})


async def test_who_decides_again_sees_it_veiled_until_they_choose(
    world: MediaWorld, sign_in: Any
) -> None:
    """The veil, its reveal and its count are those of a job; of the job the reference says
    nothing, and it opens for the second review alone."""
    job_id = await decided(world)
    second = await sign_in(Role.MODERATOR)
    claimed, ref = await again(world, second)
    review = claimed["secondReview"]["id"]
    said, _, _ = ref.partition(".")
    assert job_id not in base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)).decode()
    veiled = await second.call("GET", address(ref))
    assert (veiled.status_code, SECRET in veiled.content) == (200, False)
    assert (await second.call("GET", address(ref, stage="clear"))).status_code == 404
    assert (await second.call("GET", f"/v1/media/{ref}/facts")).json()["state"] == "ok"
    for purpose, status in (
        ({"jobId": job_id}, 404),
        ({"investigation": True}, 404),
        ({"secondReviewId": "other"}, 404),
        ({"secondReviewId": review, "investigation": True}, 422),
        ({}, 422),
    ):
        assert (await chosen(second, ref, **purpose)).status_code == status, purpose
    opened = await chosen(second, ref, secondReviewId=review)
    assert opened.status_code == 200, opened.text
    clear = await second.call("GET", opened.json()["address"])
    assert clear.status_code == 200
    async with transaction(world.context.engine) as connection:
        (row,) = (
            await connection.execute(
                select(media_reveals).where(media_reveals.c.user_id == second.user_id)
            )
        ).all()
    assert (row.job_id, row.is_graphic) == (job_id, True)


async def test_nobody_else_sees_it(world: MediaWorld, sign_in: Any) -> None:
    """Not a colleague, not another organisation's, not whoever held it: given back, run out, after
    stepping away, answered, or when the queue is closed to them."""
    await decided(world)
    second, colleague = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    claimed, ref = await again(world, second)
    review, token = claimed["secondReview"]["id"], claimed["lease"]["token"]

    async def sees(person: Any) -> bool:
        answers = {
            (await person.call("GET", address(ref))).status_code,
            (await person.call("GET", f"/v1/media/{ref}/facts")).status_code,
            (await chosen(person, ref, secondReviewId=review)).status_code,
        }
        assert answers in ({200}, {404})
        return answers == {200}

    assert await sees(second)
    assert not await sees(colleague)
    assert not await sees(world.admin)
    # It ran out.
    async with transaction(world.context.engine) as connection:
        await connection.execute(
            text(
                "UPDATE review.second_reviews SET lease_expires_at = now() - interval '1 second'"
                " WHERE second_review_id = :id"
            ),
            {"id": review},
        )
    assert not await sees(second)
    claimed, ref = await again(world, second)
    assert await sees(second)
    # Its queue is closed to them, and open again.
    for is_open in (False, True):
        body = {"name": "Photos", "openToEveryone": is_open, "secondReviewShare": 1}
        changed = await world.admin.call("PUT", f"/v1/queues/{world.queue_id}", body)
        assert changed.status_code == 200, changed.text
        assert await sees(second) == is_open
    assert (await second.call("DELETE", "/v1/claims")).json() == {"released": 1}
    assert not await sees(second)
    claimed, ref = await again(world, second)
    token = claimed["lease"]["token"]
    headers = {"X-Lease-Token": token}
    gone = await second.call("DELETE", f"/v1/second-reviews/{review}/lease", headers=headers)
    assert gone.status_code == 204
    assert not await sees(second)
    claimed, ref = await again(world, second)
    answer = {"leaseToken": claimed["lease"]["token"], "components": [{"type": "IGNORE"}]}
    made = await second.call("POST", f"/v1/second-reviews/{review}/decisions", answer)
    assert made.status_code == 201, made.text
    assert not await sees(second)


async def test_of_child_abuse_material_it_is_audited(world: MediaWorld, sign_in: Any) -> None:
    """Whoever may see it leaves a row at each look, and one when the veil is lifted; whoever loses
    the permission, or never had it, sees nothing."""
    await decided(world, csam=True)
    guard = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    plain = await sign_in(Role.MODERATOR)
    nothing = await plain.call("POST", "/v1/second-reviews/claims", {"queueId": world.queue_id})
    assert nothing.status_code == 204
    claimed, ref = await again(world, guard)
    review = claimed["secondReview"]["id"]
    assert (await guard.call("GET", address(ref))).status_code == 200
    assert (await chosen(guard, ref, secondReviewId=review)).status_code == 200
    async with transaction(world.context.engine) as connection:
        rows = (
            await connection.execute(
                select(audit_log.c.action, audit_log.c.target_kind, audit_log.c.target_id)
                .where(audit_log.c.org_id == world.org_id, audit_log.c.actor == guard.user_id)
                .order_by(audit_log.c.audit_id)
            )
        ).all()
        seen = [tuple(row) for row in rows if row.action.startswith("child-safety.")]
        assert seen.count(("child-safety.viewed", "second-review", review)) >= 3
        assert ("child-safety.revealed", "item", "i") in seen
        await connection.execute(
            text(
                "UPDATE review.second_reviews SET lease_holder = :who WHERE second_review_id = :id"
            ),
            {"who": plain.user_id, "id": review},
        )
    assert (await plain.call("GET", address(ref))).status_code == 404
