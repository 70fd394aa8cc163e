"""Child-abuse material is for those with the permission for it, on every path, and every look at it
leaves an audit row."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.permission import Role
from coop_queues.job import Kind as JobKind
from coop_review_api.schema import audit_log
from coop_runtime.database import transaction

pytestmark = pytest.mark.engines

ITEM = "child-safety-item-5d1c"
WORDS = "words only a few may read"


@pytest.fixture
async def case(admin: Any, kit: Any, place: Any, sign_in: Any) -> dict[str, str]:
    """A decided child-safety job with a comment, and a pending one of the same item: their ids."""
    post = await admin.make("/v1/item-types", kit.item_type())
    queues = (await admin.call("GET", "/v1/queues")).json()["items"]
    queue_id = next(queue["id"] for queue in queues if not queue["isAppealsQueue"])
    job_id = await place(queue_id, post["id"], ITEM, csam=True)
    path = f"/v1/queues/{queue_id}/claims"
    claimed = (await admin.call("POST", path)).json()
    assert claimed["job"]["id"] == job_id
    comment = await admin.make(f"/v1/jobs/{job_id}/comments", {"body": WORDS})
    body = {"leaseToken": claimed["lease"]["token"], "components": [{"type": "IGNORE"}]}
    body |= {"reason": WORDS, "note": WORDS}
    decided = await admin.call("POST", f"/v1/jobs/{job_id}/decisions", body)
    assert decided.status_code == 201, decided.text
    pending = await place(queue_id, post["id"], ITEM, csam=True, kind=JobKind.DEFAULT)
    return {
        "job_id": job_id,
        "pending": pending,
        "comment_id": comment["id"],
        "decision_id": decided.json()["id"],
        "queue_id": queue_id,
        "type_id": post["id"],
        "item_type_id": post["id"],
        "item_id": ITEM,
        "user_id": "author-1",
    }


def paths_of(app: Any, case: dict[str, str]) -> list[str]:
    """Every GET with the case's ids in its path, and in the filters that lists have."""
    found = []
    for route in app.routes:
        if not isinstance(route, APIRoute) or "GET" not in route.methods:
            continue
        for job in (case["job_id"], case["pending"]):
            ids = {**case, "job_id": job}
            path = re.sub(r"\{(\w+)\}", lambda match: ids.get(match[1], ITEM), route.path)  # noqa: B023
            asked = [parameter.alias for parameter in route.dependant.query_params]
            asked += [p.alias for d in route.dependant.dependencies for p in d.query_params]
            values = {
                "itemTypeId": case["type_id"],
                "itemId": ITEM,
                "jobId": job,
                "decisionId": case["decision_id"],
                "queueId": case["queue_id"],
            }
            for names in ((), ("itemTypeId", "itemId"), ("jobId",), ("decisionId",), ("queueId",)):
                if set(names) <= set(asked):
                    query = "&".join(f"{name}={values[name]}" for name in names)
                    found.append(f"{path}?{query}")
    return sorted(set(found))


def shows(text: str) -> bool:
    return ITEM in text or WORDS in text


async def views(connection: AsyncConnection, user_id: str) -> int:
    count = await connection.scalar(
        select(func.count()).where(
            audit_log.c.actor == user_id, audit_log.c.action.like("child-safety.%")
        )
    )
    return int(count or 0)


async def test_nobody_without_the_permission_meets_it(
    app: Any, sign_in: Any, case: dict[str, str]
) -> None:
    """Whatever a moderator asks for, with whatever ids, neither the item nor a word about it comes
    back, and it is not handed out."""
    moderator = await sign_in(Role.MODERATOR)
    for path in paths_of(app, case):
        answer = await moderator.call("GET", path)
        # A problem may repeat what was asked for: what it says is what the asker knew.
        if answer.is_success:
            said = answer.text.replace(path, "")
            assert not shows(said), (path, answer.text)
    claim = await moderator.call("POST", f"/v1/queues/{case['queue_id']}/claims")
    assert claim.status_code == 204
    for path in (f"/v1/jobs/{case['pending']}", f"/v1/decisions/{case['decision_id']}"):
        assert (await moderator.call("GET", path)).status_code == 404


async def test_every_look_leaves_a_row(
    app: Any, sign_in: Any, case: dict[str, str], engine: Any
) -> None:
    """Where somebody with the permission is shown it, an audit row says who; and they are."""
    reviewer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    shown = set()
    for path in paths_of(app, case):
        async with transaction(engine) as connection:
            before = await views(connection, reviewer.user_id)
        answer = await reviewer.call("GET", path)
        if not answer.is_success or not shows(answer.text.replace(path, "")):
            continue
        async with transaction(engine) as connection:
            assert await views(connection, reviewer.user_id) > before, path
        shown.add(path.partition("?")[0])
    assert {
        "/v1/jobs",
        f"/v1/jobs/{case['pending']}",
        f"/v1/jobs/{case['job_id']}",
        f"/v1/jobs/{case['job_id']}/comments",
        f"/v1/decisions/{case['decision_id']}",
        "/v1/decision-log",
    } <= shown
