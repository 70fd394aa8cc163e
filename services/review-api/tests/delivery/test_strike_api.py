"""Strikes as people see them: asked of the dispatcher, for their own organisation."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from coop_contracts.event import ItemRef, StrikesChanged
from coop_contracts.permission import Role
from coop_review_api.notification import strike
from coop_review_api.notification.strike import StrikeHistory
from coop_runtime.database.engine import transaction
from coop_runtime.kafka.message import Received

STRIKES = {
    "total": 3,
    "nextExpiryAt": "2026-06-01T12:00:00Z",
    "items": [
        {
            "strikeId": "s-1",
            "causeId": "c-1",
            "policyId": "p-1",
            "weight": 3,
            "state": "LIVE",
            "struckAt": "2026-03-01T12:00:00Z",
            "expiresAt": "2026-06-01T12:00:00Z",
            "executions": [
                {
                    "executionId": "e-1",
                    "actionId": "a-1",
                    "policyId": "p-1",
                    "weight": 3,
                    "reversedAt": None,
                }
            ],
        }
    ],
    "nextCursor": "bmV4dA",
}
CROSSINGS = {
    "items": [
        {
            "crossingId": "x-1",
            "user": {"id": "user-1", "typeId": "u-1"},
            "threshold": 3,
            "total": 4,
            "causeId": "c-1",
            "executions": [{"executionId": "e-1", "actionId": "ban"}],
            "crossedAt": "2026-03-01T12:00:00Z",
            "fellAt": None,
        }
    ],
    "nextCursor": None,
}


def received(event: StrikesChanged) -> Received[StrikesChanged]:
    return Received(event, b"key", "coop.strikes.v1", 0, 0, {}, -1)


def change(org_id: str, total: int, **fields: Any) -> StrikesChanged:
    values: dict[str, Any] = {
        "event_id": str(uuid.uuid4()),
        "org_id": org_id,
        "time": datetime.now(UTC),
        "correlation_id": "c-1",
        "user": ItemRef("us/er 1", "u-1"),
        "cause_id": f"c-{total}",
        "delta": 1,
        "total": total,
    }
    return StrikesChanged(**{**values, **fields})


@pytest.mark.engines
async def test_a_users_strikes_are_the_dispatchers_answer(
    admin: Any, dispatcher: Any, org: Any
) -> None:
    """The question names the caller's organisation and the user, whatever is in the user's id."""
    dispatcher.answers[f"/internal/v1/orgs/{org.org_id}/strikes"] = httpx.Response(
        200, json=STRIKES
    )
    path = "/v1/users/u-1/us%2Fer%201/strikes?limit=7"
    first = await admin.call("GET", path)
    assert first.status_code == 200, first.text
    cursor = first.json()["nextCursor"]
    assert first.json() == STRIKES | {"nextCursor": cursor}
    await admin.call("GET", f"{path}&cursor={cursor}")
    asked = dispatcher.asked[-1]
    assert dict(asked.url.params) == {
        "typeId": "u-1",
        "userId": "us/er 1",
        "limit": "7",
        "cursor": STRIKES["nextCursor"],
    }
    assert asked.headers["authorization"] == "Bearer token"


@pytest.mark.engines
async def test_distribution_and_threshold_actions(admin: Any, dispatcher: Any, org: Any) -> None:
    """Both are asked of the dispatcher and handed on."""
    root = f"/internal/v1/orgs/{org.org_id}/strikes"
    buckets = {"items": [{"strikes": 1, "users": 10}, {"strikes": 4, "users": 1}]}
    dispatcher.answers[f"{root}/distribution"] = httpx.Response(200, json=buckets)
    dispatcher.answers[f"{root}/threshold-actions"] = httpx.Response(200, json=CROSSINGS)
    assert (await admin.call("GET", "/v1/strikes/distribution")).json() == buckets
    assert (await admin.call("GET", "/v1/strikes/threshold-actions")).json() == CROSSINGS


@pytest.mark.engines
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.ConnectError("refused"), 503),
        (httpx.ReadTimeout("slow"), 503),
        (httpx.Response(500), 503),
        (httpx.Response(401, json={"detail": "the token is wrong"}), 503),
        (httpx.Response(503, json={"detail": "database"}), 503),
        (httpx.Response(422, json={"detail": "not a cursor"}), 422),
    ],
)
async def test_a_dispatcher_that_fails_is_no_fault_of_ours(
    admin: Any, dispatcher: Any, org: Any, answer: Any, status: int
) -> None:
    """Away, slow, broken or with another token: 503 with Retry-After; bad input: 422."""
    dispatcher.answers[f"/internal/v1/orgs/{org.org_id}/strikes/distribution"] = answer
    got = await admin.call("GET", "/v1/strikes/distribution")
    assert got.status_code == status
    assert ("retry-after" in got.headers) == (status == 503)


@pytest.mark.engines
async def test_the_history_is_kept_once_and_read_newest_first(
    admin: Any, engine: Any, org: Any, clock: Any
) -> None:
    """Changes that come twice are one; pages hold each once."""
    handle = StrikeHistory(engine, clock=clock)
    changes = [change(org.org_id, total) for total in range(1, 6)]
    changes.append(change(org.org_id, 6, crossed=(3, 6), policy_id="p-1"))
    await handle([received(one) for one in changes])
    await handle([received(one) for one in changes])
    url = "/v1/users/u-1/us%2Fer%201/strike-changes"
    first = (await admin.call("GET", f"{url}?limit=4")).json()
    assert [one["total"] for one in first["items"]] == [6, 5, 4, 3]
    assert first["items"][0]["crossed"] == [3, 6]
    second = (await admin.call("GET", f"{url}?limit=4&cursor={first['nextCursor']}")).json()
    assert [one["total"] for one in second["items"]] == [2, 1]
    assert second["nextCursor"] is None
    wrong = await admin.call("GET", f"{url}?cursor=bm90IGEgbnVtYmVy")
    assert wrong.status_code == 422


@pytest.mark.engines
async def test_another_organisations_history_is_not_there(
    sign_in: Any, engine: Any, kit: Any, org: Any, clock: Any
) -> None:
    """The same user id in another organisation is another user."""
    await StrikeHistory(engine, clock=clock)([received(change(org.org_id, 1))])
    stranger = await sign_in(Role.ADMIN, (await kit.make_org()).org_id)
    answer = await stranger.call("GET", "/v1/users/u-1/us%2Fer%201/strike-changes")
    assert answer.json()["items"] == []


@pytest.mark.engines
async def test_old_changes_go(engine: Any, org: Any, clock: Any) -> None:
    """Changes are kept for a year, and what is older is not even written."""
    handle = StrikeHistory(engine, clock=clock)
    old = change(org.org_id, 1, time=datetime.now(UTC) - timedelta(days=400))
    await handle([received(change(org.org_id, 2)), received(old)])
    digest = strike.digest_of(org.org_id, "u-1", "us/er 1")
    async with transaction(engine) as connection:
        assert len(await strike.page(connection, digest, before=None, limit=9)) == 1
        await strike.prune(connection, now=clock() + timedelta(days=366))
        assert not await strike.page(connection, digest, before=None, limit=9)


async def test_who_manages_it_is_told_of_thresholds(
    admin: Any, sign_in: Any, engine: Any, org: Any, clock: Any
) -> None:
    """Of each threshold once an hour, however many users reach it and however often it is read; not
    of one that was crossed long ago; nobody else is told, and no user is named."""
    moderator = await sign_in(Role.MODERATOR)
    handle = StrikeHistory(engine, clock=clock)
    now = clock().replace(minute=10)
    batch = [
        received(change(org.org_id, 3, crossed=(3,), time=now)),
        received(change(org.org_id, 5, crossed=(3, 5), time=now + timedelta(minutes=5))),
        received(change(org.org_id, 1, time=now)),
        received(change(org.org_id, 3, crossed=(3,), time=now - timedelta(days=8))),
    ]
    await handle(batch)
    await handle(batch)
    await handle([received(change(org.org_id, 3, crossed=(3,), time=now - timedelta(hours=1)))])

    async def told(person: Any) -> list[dict[str, Any]]:
        items = (await person.call("GET", "/v1/notifications")).json()["items"]
        return [one["data"] for one in items if one["kind"] == "STRIKE_THRESHOLD"]

    found = await told(admin)
    assert sorted(one["threshold"] for one in found) == [3, 3, 5]
    assert all(set(one) == {"threshold", "at"} for one in found)
    assert await told(moderator) == []
