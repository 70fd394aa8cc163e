"""Child-abuse material is for those with the permission for it, on every path, and every look at it
leaves an audit row."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coop_contracts.ids import new_id
from coop_contracts.permission import Role
from coop_queues.job import JobKind
from coop_review_api.backtest.table import backtest_samples, backtests
from coop_review_api.kernel.schema import audit_log
from coop_review_api.review.hold import Releaser
from coop_runtime.database.engine import transaction

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
        if not isinstance(route, APIRoute) or "GET" not in (route.methods or ()):
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


async def seen_and_hidden(
    reviewer: Any, moderator: Any, engine: Any, path: str, what: str = ITEM
) -> None:
    """With the permission `what` is shown and a row left; without it neither."""
    async with transaction(engine) as connection:
        before = await views(connection, reviewer.user_id)
    answer = await reviewer.call("GET", path)
    assert answer.is_success, answer.text
    assert what in answer.text, path
    async with transaction(engine) as connection:
        assert await views(connection, reviewer.user_id) > before, path
    hidden = await moderator.call("GET", path)
    assert what not in hidden.text.replace(path, ""), (path, hidden.text)
    async with transaction(engine) as connection:
        assert await views(connection, moderator.user_id) == 0, path


def delivery_of(case: dict[str, str], item_id: str, **more: Any) -> dict[str, Any]:
    """What the dispatcher says of a delivery."""
    now = "2026-03-01T12:00:00Z"
    return {
        "executionId": str(uuid.uuid4()),
        "kind": "ACTION",
        "actionId": "a-1",
        "item": {"id": item_id, "typeId": case["type_id"]},
        "state": "DELIVERED",
        "attempts": 1,
        "createdAt": now,
        "finishedAt": now,
        "nextAttemptAt": None,
        "waitsFor": None,
        "lastStatus": 200,
        "lastError": None,
        "endpointId": "7",
        "endpoint": "https://platform.example",
        **more,
    }


@pytest.mark.parametrize("item_id", [ITEM, "the-author"])
async def test_deliveries_about_it_are_hidden(
    sign_in: Any,
    org: Any,
    case: dict[str, str],
    dispatcher: Any,
    engine: Any,
    item_id: str,
) -> None:
    """A webhook repeats what a reviewer wrote: whether it went out about the item or, by the same
    decision, about its author. Others are shown to everybody."""
    reviewer, moderator = await sign_in(Role.ADMIN), await sign_in(Role.ANALYST)
    root = f"/internal/v1/orgs/{org.org_id}/deliveries"
    grave = delivery_of(case, item_id)
    plain = delivery_of(case, "harmless")
    page = {"items": [grave, plain], "nextCursor": None}
    dispatcher.answers[root] = httpx.Response(200, json=page)
    detail: dict[str, object] = {
        "source": "MRT_JOB",
        "rules": [],
        "policyIds": [],
        "actorId": None,
        "log": [],
    }
    detail |= {"reverses": None, "causeId": case["decision_id"], "body": WORDS}
    one = f"{root}/{grave['executionId']}"
    dispatcher.answers[one] = httpx.Response(200, json=grave | detail)
    path = f"/v1/deliveries/{grave['executionId']}"
    await seen_and_hidden(reviewer, moderator, engine, path, WORDS)
    assert (await moderator.call("GET", path)).status_code == 404
    if item_id == ITEM:
        await seen_and_hidden(reviewer, moderator, engine, "/v1/deliveries")
    listed = (await moderator.call("GET", "/v1/deliveries")).json()["items"]
    assert plain["executionId"] in [entry["executionId"] for entry in listed]


async def test_samples_of_backtests_leave_it_out(
    admin: Any, sign_in: Any, kit: Any, case: dict[str, str], engine: Any
) -> None:
    """A rule tried on the past, or about to act on it, shows the item, and what of it matched, to
    those with the permission alone."""
    reviewer = await sign_in(Role.ADMIN)
    role = {"name": "Rules", "permissions": ["RUN_BACKTEST", "RUN_RETROACTION"]}
    analyst = await sign_in((await admin.make("/v1/roles", role))["id"])
    span = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
    action = await admin.make("/v1/actions", kit.action(case["type_id"]))
    rule = kit.rule(case["type_id"], name="Tried", actionIds=[action["id"]])
    for path in ("backtests", "retroactions"):
        made = (await admin.call("POST", f"/v1/{path}", {"rule": rule, **span})).json()
        tried = select(backtests.c.backtest_id).where(
            (backtests.c.backtest_id == made["id"]) | (backtests.c.retroaction_id == made["id"])
        )
        sample = {
            "rank": uuid.uuid4().hex,
            "submission_id": new_id(),
            "item_type_id": case["type_id"],
            "item_id": ITEM,
            "time": datetime.now(UTC),
            "passed": True,
            "conditions": "[]",
        }
        async with transaction(engine) as connection:
            backtest_id = await connection.scalar(tried)
            values = {**sample, "backtest_id": backtest_id}
            await connection.execute(insert(backtest_samples).values(values))
        await seen_and_hidden(reviewer, analyst, engine, f"/v1/{path}/{made['id']}/samples")


async def test_reversals_do_not_show_it(
    sign_in: Any, kit: Any, admin: Any, place: Any, case: dict[str, str], engine: Any
) -> None:
    """A decision about it is taken back by those alone who may see it; what a reversal is of is
    shown to them, and not to others."""
    action = await admin.make("/v1/actions", kit.action(case["type_id"]))
    job_id = await place(case["queue_id"], case["type_id"], ITEM + "-2", csam=True)
    token = ""
    for _ in range(2):  # the case's pending job is older
        path = f"/v1/queues/{case['queue_id']}/claims"
        claimed = (await admin.call("POST", path)).json()
        token = claimed["lease"]["token"]
    assert claimed["job"]["id"] == job_id
    acted = {"type": "CUSTOM_ACTION", "actionIds": [action["id"]]}
    body = {"leaseToken": token, "components": [acted]}
    decided = await admin.call("POST", f"/v1/jobs/{job_id}/decisions", body)
    assert decided.status_code == 201, decided.text
    moderator = await sign_in(Role.MODERATOR)
    reviewer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    wanted = {"decisionId": decided.json()["id"]}
    refused = await moderator.call("POST", "/v1/reversals", wanted)
    assert refused.status_code == 404, refused.text
    made = await reviewer.make("/v1/reversals", wanted)
    assert [one["itemId"] for one in made["sample"]] == [ITEM + "-2"]
    path = f"/v1/bulk-actions/{made['id']}/items"
    await seen_and_hidden(reviewer, moderator, engine, path)


async def test_what_was_escalated_becomes_it(
    admin: Any, sign_in: Any, place: Any, kit: Any, context: Any, engine: Any
) -> None:
    """Once an escalation to NCMEC has left, with or without an undo window, the job that it is of
    is about child safety: whoever decided it reads their decision, other moderators find nothing,
    and no second review of it is given to them."""
    users = await admin.make("/v1/item-types", kit.item_type("Author", kind="USER", fieldRoles={}))
    queue = await admin.make(
        "/v1/queues", {"name": "Sampled", "secondReviewShare": 1.0, "openToEveryone": True}
    )
    moderator, other = await sign_in(Role.MODERATOR), await sign_in(Role.MODERATOR)
    reviewer = await sign_in(Role.CHILD_SAFETY_MODERATOR)
    settings = (await admin.call("GET", "/v1/settings")).json()
    ids = []
    for window in (0, 60):
        shown = {"name": settings["name"], "undoWindow": window, "ncmecQueueId": queue["id"]}
        assert (await admin.call("PUT", "/v1/settings", shown)).status_code == 200
        job_id = await place(queue["id"], users["id"], f"{ITEM}-{window}")
        path = f"/v1/queues/{queue['id']}/claims"
        token = (await moderator.call("POST", path)).json()["lease"]["token"]
        body = {"leaseToken": token, "components": [{"type": "ESCALATE_TO_NCMEC"}]}
        decided = await moderator.call("POST", f"/v1/jobs/{job_id}/decisions", body)
        assert decided.status_code == 201, decided.text
        ids.append((job_id, decided.json()["id"]))
    assert (await other.call("GET", f"/v1/jobs/{ids[1][0]}")).status_code == 200
    context.clock.forward(seconds=61)
    await Releaser(engine, clock=context.clock).release()
    for job_id, decision_id in ids:
        for path in (f"/v1/jobs/{job_id}", f"/v1/decisions/{decision_id}"):
            assert (await other.call("GET", path)).status_code == 404, path
            assert (await reviewer.call("GET", path)).status_code == 200, path
        assert (await moderator.call("GET", f"/v1/decisions/{decision_id}")).status_code == 200
    listed = await other.call("GET", f"/v1/jobs?queueId={queue['id']}")
    assert listed.json()["items"] == []
    wanted = {"queueId": queue["id"]}
    claim = await other.call("POST", "/v1/second-reviews/claims", wanted)
    assert claim.status_code == 204, claim.text
    assert (await reviewer.call("POST", "/v1/second-reviews/claims", wanted)).status_code == 200
