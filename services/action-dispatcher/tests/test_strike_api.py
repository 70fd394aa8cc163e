"""The internal API of strikes: what review-api asks for people."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from coop_action_dispatcher.strike import Part, Reversal, User
from coop_action_dispatcher.strike_store import Strikes
from coop_contracts.config import Kind, OrgSettings, StrikeThreshold
from coop_contracts.event import ItemRef
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

USER = User("org-1", ItemRef("user/1 ?", "u-1"))
ROOT = "/internal/v1/orgs/org-1/strikes"


def part(cause: str, weight: int, *, user: User = USER, days: float = 90) -> Part:
    now = datetime.now(UTC)
    return Part(
        execution_id=str(uuid.uuid4()),
        action_id="a-1",
        user=user,
        cause_id=cause,
        policy_id="p-1",
        weight=weight,
        struck_at=now,
        expires_at=now + timedelta(days=days),
        correlation_id=cause,
        event_id=cause,
    )


class World:
    """Strikes, and a client of the internal API."""

    def __init__(self, engine: AsyncEngine, http: httpx.AsyncClient, config: Any) -> None:
        self.engine = engine
        self.http = http
        self.strikes = Strikes(config)

    async def apply(self, *parts: Part, reversed_: tuple[Part, ...] = ()) -> None:
        async with transaction(self.engine) as connection:
            await self.strikes.apply(
                connection,
                parts,
                [
                    Reversal(execution_id=one.execution_id, correlation_id="u", event_id="e")
                    for one in reversed_
                ],
            )

    async def get(self, path: str, **parameters: Any) -> Any:
        answer = await self.http.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def world(database: AsyncEngine, configuration: Any, make_client: Any) -> World:
    """No strikes; a threshold at 3 in either organisation."""
    async with database.begin() as connection:
        await connection.execute(
            text(
                """TRUNCATE dispatch.strike_users, dispatch.strikes, dispatch.strike_executions,
                            dispatch.strike_crossings"""
            )
        )
    threshold = StrikeThreshold(threshold=3, action_ids=("ban", "tell"))
    settings = OrgSettings(id="settings", name="Acme", user_strike_thresholds=(threshold,))
    for org_id in ("org-1", "org-2"):
        configuration.put(Kind.SETTINGS, settings, org_id=org_id)
    return World(database, make_client(), configuration.table)


async def test_a_users_strikes_with_their_causes(world: World) -> None:
    """Live, expired and reversed strikes are told apart; only the live ones are the total."""
    live, second = part("c-1", 2), part("c-1", 1)
    gone, taken = part("c-2", 5, days=-1), part("c-3", 1)
    await world.apply(live, second, gone, taken, reversed_=(taken,))
    page = await world.get(ROOT, typeId="u-1", userId="user/1 ?")
    assert page["total"] == 2
    assert datetime.fromisoformat(page["nextExpiryAt"]) == live.expires_at
    states = {one["causeId"]: (one["state"], one["weight"]) for one in page["items"]}
    assert states == {"c-1": ("LIVE", 2), "c-2": ("EXPIRED", 5), "c-3": ("REVERSED", 0)}
    (first,) = [one for one in page["items"] if one["causeId"] == "c-1"]
    assert [one["executionId"] for one in first["executions"]] == [
        live.execution_id,
        second.execution_id,
    ]
    (undone,) = [one for one in page["items"] if one["causeId"] == "c-3"]
    assert undone["executions"][0]["reversedAt"] is not None


async def test_pages_hold_each_strike_once(world: World) -> None:
    """Page by page, newest first, nothing twice, though strikes are added meanwhile."""
    for number in range(5):
        await world.apply(part(f"c-{number}", 1))
    causes, cursor = [], None
    while True:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = await world.get(ROOT, typeId="u-1", userId="user/1 ?", limit=2, **more)
        causes += [one["causeId"] for one in page["items"]]
        await world.apply(part(f"new-{len(causes)}", 1))
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert causes == [f"c-{number}" for number in reversed(range(5))]


async def test_a_user_nobody_struck_has_none(world: World) -> None:
    """An unknown user is a user with no strikes."""
    page = await world.get(ROOT, typeId="u-1", userId="nobody")
    assert page == {"total": 0, "nextExpiryAt": None, "items": [], "nextCursor": None}


async def test_the_distribution_counts_users_by_strikes(world: World) -> None:
    """Users with strikes, by how many they have; those without are not in it."""
    for number, weight in enumerate((1, 1, 2, 7)):
        await world.apply(part("c", weight, user=User("org-1", ItemRef(f"u{number}", "u-1"))))
    free = part("c", 4, user=User("org-1", ItemRef("free", "u-1")))
    await world.apply(free, reversed_=(free,))
    await world.apply(part("c", 4, user=User("org-2", ItemRef("u", "u-1"))))
    page = await world.get(f"{ROOT}/distribution")
    assert page["items"] == [
        {"strikes": 1, "users": 2},
        {"strikes": 2, "users": 1},
        {"strikes": 7, "users": 1},
    ]


async def test_threshold_actions_are_listed_newest_first(world: World) -> None:
    """Who crossed what, why, and what was requested; of this organisation only."""
    first = part("c-1", 3)
    await world.apply(first)
    await world.apply(part("c-x", 3, user=User("org-2", ItemRef("u", "u-1"))))
    await world.apply(reversed_=(first,))
    await world.apply(part("c-2", 4))
    page = await world.get(f"{ROOT}/threshold-actions")
    newest, oldest = page["items"]
    assert newest["user"] == {"id": "user/1 ?", "typeId": "u-1"}
    assert (newest["threshold"], newest["total"], newest["causeId"]) == (3, 4, "c-2")
    assert newest["fellAt"] is None
    assert oldest["fellAt"] is not None
    assert [one["actionId"] for one in newest["executions"]] == ["ban", "tell"]
    page = await world.get(f"{ROOT}/threshold-actions", limit=1)
    assert len(page["items"]) == 1
    page = await world.get(f"{ROOT}/threshold-actions", limit=1, cursor=page["nextCursor"])
    assert page["items"] == [oldest]
    assert page["nextCursor"] is None


async def test_nobody_asks_without_the_token(world: World) -> None:
    """The routes lie behind the gate."""
    answer = await world.http.get(f"{ROOT}/distribution", headers={"Authorization": "Bearer no"})
    assert answer.status_code == 401
