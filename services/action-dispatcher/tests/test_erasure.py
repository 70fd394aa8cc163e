"""The erasure of an end user: their webhooks are emptied, their strikes held against a stand-in."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from coop_action_dispatcher.strike import Part, Reversal, User
from coop_action_dispatcher.strike_index import StrikeIndex, client_of
from coop_action_dispatcher.strike_name import key_of
from coop_action_dispatcher.strike_store import Strikes
from coop_contracts.config import Kind, OrgSettings, StrikeThreshold
from coop_contracts.erasure import ErasedUser, stand_in_of
from coop_contracts.event import ItemRef
from coop_runtime.database.engine import transaction

pytestmark = pytest.mark.engines

RECORDS = "/internal/v1/orgs/org-1/records/erase"
MARKER, USER = "marker-7c1f", ItemRef("user-9d2e", "user")
STAND_IN = stand_in_of(b"k" * 32, "org-1", USER)


def erasing(*items: ItemRef, until: datetime | None = None) -> dict[str, Any]:
    moment = until or datetime.now(UTC)
    erased = ErasedUser(user=USER, stand_in=STAND_IN, until=moment)
    made: dict[str, Any] = msgspec.to_builtins({"erased": erased, "items": items})
    return made


def dump(url: str) -> str:
    """Every row of the schema as text, bytes as what they say; what is on its way to the log, where
    it goes in seconds, apart."""
    found: list[str] = []
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'dispatch'"
            " AND tablename <> 'outbox'"
        ).fetchall()
        for (table,) in tables:
            for row in connection.execute(f"SELECT * FROM dispatch.{table}".encode()):
                found += [
                    one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
                    for one in row
                ]
    return "\n".join(found)


async def about(request_action: Any, dispatcher: Any) -> list[str]:
    """A request on the user, one on an item of theirs, one that has nothing to do with them."""
    made = []
    for item, creator in (
        (USER, None),
        (ItemRef("post-1", "post"), USER),
        (ItemRef("post-2", "post"), ItemRef("other", "user")),
    ):
        made += await request_action(
            dispatcher,
            item,
            creator=creator,
            actor_note=f"{MARKER} note",
            decision_reason=f"{MARKER} reason",
            parameters={"words": f"{MARKER} parameter"},
        )
    return made


async def test_webhooks_that_ended_are_emptied(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    ended: Any,
    make_client: Any,
    dispatch_url: str,
) -> None:
    """Of what was sent about the user and their item nothing is left but that it was, and how it
    ended; what the platform answered is gone; other people's are as they were. Another
    organisation with the same ids has nothing emptied, and asking again empties nothing more."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    async with start() as dispatcher:
        first, second, others = await about(request_action, dispatcher)
        await ended()
    assert dump(dispatch_url).count(MARKER) > 9
    http = make_client()
    items = (ItemRef("post-1", "post"),)
    elsewhere = await http.post(RECORDS.replace("org-1", "org-2"), json=erasing(*items))
    assert elsewhere.json() == {"requests": 0, "attempts": 0, "strikes": 0, "waiting": 0}
    told = (await http.post(RECORDS, json=erasing(*items))).json()
    assert told["requests"] == 2
    assert told["waiting"] == 0
    for execution_id, item in ((first, STAND_IN.id), (second, "post-1")):
        shown = (await http.get(f"/internal/v1/orgs/org-1/deliveries/{execution_id}")).json()
        assert shown["item"]["id"] == item
        assert shown["state"] == "DELIVERED"
    again = await http.post(RECORDS, json=erasing(*items))
    assert again.json() == {"requests": 0, "attempts": 0, "strikes": 0, "waiting": 0}
    shown = (await http.get(f"/internal/v1/orgs/org-1/deliveries/{others}")).json()
    assert shown["item"]["id"] == "post-2"
    left = dump(dispatch_url)
    assert USER.id not in left
    assert left.count(MARKER) > 0  # the others'


async def test_what_waits_is_sent_before_it_is_emptied(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    ended: Any,
    make_client: Any,
    dispatch_url: str,
) -> None:
    """A webhook on its way is counted and left; after its end it is emptied. One that was asked for
    after the moment of erasure is left for good; a dead one that was emptied is never sent again.
    """
    configuration.put_keys()
    configuration.put_action(platform.url)
    before = datetime.now(UTC) - timedelta(seconds=30)
    http = make_client()
    async with start() as dispatcher:
        await request_action(dispatcher, USER, actor_note=MARKER)
        await ended()
    early = (await http.post(RECORDS, json=erasing(until=before))).json()
    assert early["requests"] == early["waiting"] == 0
    with psycopg.connect(dispatch_url) as connection:
        connection.execute(
            "UPDATE dispatch.deliveries SET state = 'PENDING', finished_at = NULL, head = true"
        )
    waiting = (await http.post(RECORDS, json=erasing())).json()
    assert waiting["requests"] == 0
    assert waiting["waiting"] == 1
    with psycopg.connect(dispatch_url) as connection:
        ids = connection.execute(
            "UPDATE dispatch.deliveries SET state = 'DEAD', finished_at = now()"
            " RETURNING execution_id::text"
        ).fetchall()
    assert (await http.post(RECORDS, json=erasing())).json()["requests"] == 1
    refused = await http.post(f"/internal/v1/orgs/org-1/deliveries/{ids[0][0]}/redeliver", json={})
    assert refused.status_code == 409
    assert "ERASED" in refused.json()["detail"]
    many = await http.post("/internal/v1/orgs/org-1/deliveries/redeliver", json={"actionId": "a-1"})
    assert many.json()["count"] == 0
    assert MARKER not in dump(dispatch_url)


async def test_strikes_stay_under_another_name(
    database: Any, configuration: Any, make_client: Any, dispatch_url: str, redis_url: str
) -> None:
    """A total is what it was, under the stand-in's name, with the threshold that was crossed; in
    Redis the user's name is gone. Where the same id is struck again, the strikes are its own, and
    the threshold is not crossed a second time; an erasure of before does not take that name."""
    async with database.begin() as connection:
        await connection.exec_driver_sql(
            "TRUNCATE dispatch.strike_users, dispatch.strikes, dispatch.strike_executions,"
            " dispatch.strike_crossings"
        )
    threshold = StrikeThreshold(threshold=3, action_ids=("ban",))
    settings = OrgSettings(id="settings", name="Acme", user_strike_thresholds=(threshold,))
    configuration.put(Kind.SETTINGS, settings)
    strikes, http = Strikes(configuration.table), make_client()
    redis = client_of(redis_url)
    index = StrikeIndex(database, redis, strikes.committed)

    async def strike(cause: str, weight: int) -> None:
        now = datetime.now(UTC)
        part = Part(
            execution_id=str(uuid.uuid4()),
            action_id="a-1",
            user=User("org-1", USER),
            cause_id=cause,
            policy_id="p-1",
            weight=weight,
            struck_at=now,
            expires_at=now + timedelta(days=9),
            correlation_id=cause,
            event_id=cause,
        )
        async with transaction(database) as connection:
            await strikes.apply(connection, [part], list[Reversal]())

    async def publish() -> None:
        while await index.publish():
            pass

    async def total(user: ItemRef) -> int:
        asked = {"typeId": user.type_id, "userId": user.id}
        shown = (await http.get("/internal/v1/orgs/org-1/strikes", params=asked)).json()
        return int(shown["total"])

    await strike("c-1", 4)
    await publish()
    assert await redis.get(key_of("org-1", USER))
    moment = datetime.now(UTC)
    told = (await http.post(RECORDS, json=erasing())).json()
    assert told == {"requests": 0, "attempts": 0, "strikes": 1, "waiting": 1}
    await publish()
    assert await redis.get(key_of("org-1", USER)) is None
    assert await redis.get(key_of("org-1", STAND_IN))
    assert (await http.post(RECORDS, json=erasing())).json()["waiting"] == 0
    assert USER.id not in dump(dispatch_url)
    assert await total(USER) == 4
    crossed = (await http.get("/internal/v1/orgs/org-1/strikes/threshold-actions")).json()
    assert [one["user"]["id"] for one in crossed["items"]] == [STAND_IN.id]
    await strike("c-2", 5)
    await publish()
    assert await total(USER) == 9
    assert await redis.get(key_of("org-1", USER))
    late = (await http.post(RECORDS, json=erasing(until=moment))).json()
    assert late["strikes"] == 0
    await publish()
    assert await redis.get(key_of("org-1", USER))
    crossed = (await http.get("/internal/v1/orgs/org-1/strikes/threshold-actions")).json()
    assert len(crossed["items"]) == 1
    await redis.aclose()
