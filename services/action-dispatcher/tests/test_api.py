"""The internal API: what it tells of deliveries and endpoints, and whom it tells."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text

from coop_action_dispatcher.api.app import api
from coop_action_dispatcher.api.application import ROUTERS
from coop_action_dispatcher.settings import ApiSettings
from coop_contracts.dispatch import CALLS
from coop_contracts.event import RuleRef
from coop_runtime.internal.call import PREFIX

pytestmark = pytest.mark.engines

TOKEN = "a-token-of-the-stack"
ROOT = "/internal/v1/orgs/org-1"


@pytest.fixture
def http(make_client: Any) -> httpx.AsyncClient:
    """A client of the API that shows the token."""
    client: httpx.AsyncClient = make_client()
    return client


@pytest.fixture
def delivered(
    start: Any, request_action: Any, configuration: Any, platform: Any, ended: Any
) -> Any:
    """Delivers to a platform that takes what it is told to; gives the execution ids."""

    async def run(*items: str, delays: tuple[float, ...] = (0.01,), **fields: Any) -> list[str]:
        configuration.put_keys()
        configuration.put_action(platform.url)
        async with start(delays) as dispatcher:
            ids: list[str] = await request_action(dispatcher, *items, **fields)
            await ended()
        return ids

    return run


@pytest.fixture
def failing(platform: Any, answer: Any) -> None:
    async def fail(_hit: Any, writer: Any) -> None:
        await answer(writer, 500, b"the <b>reason</b>")

    platform.behave = fail


def test_the_routes_are_the_calls_of_the_contract() -> None:
    """Every call has its route, and there is no route that is none of them."""
    routes = {
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert routes == {(call.method, f"{PREFIX}/{call.path}") for call in CALLS.values()}


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"]
)
async def test_nobody_without_the_token(http: httpx.AsyncClient, shown: str | None) -> None:
    """Without the secret every path answers 401, known or not, and nothing of the inside."""
    http.headers.pop("Authorization")
    headers = {} if shown is None else {"Authorization": shown}
    for path in (f"{ROOT}/deliveries", "/nowhere", "/docs", "/openapi.json"):
        answer = await http.get(path, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_token_it_does_not_start(dispatch_url: str, capsys: Any) -> None:
    """An internal API that anybody may ask is refused by name of the variable."""
    with pytest.raises(SystemExit) as stopped:
        api(ApiSettings(postgres=dispatch_url))
    assert stopped.value.code == 2
    assert "COOP_INTERNAL_TOKEN" in capsys.readouterr().err


async def test_a_delivery_with_its_attempts(
    http: httpx.AsyncClient, failing: None, delivered: Any
) -> None:
    """State, attempts with time, status, latency and the answer's beginning, and what was sent."""
    (execution_id,) = await delivered("post-1", rules=(RuleRef(id="r-1", name="R", revision=3),))
    answer = await http.get(f"{ROOT}/deliveries/{execution_id}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["executionId"] == execution_id
    assert (found["state"], found["attempts"], found["lastStatus"]) == ("DEAD", 2, 500)
    assert found["item"] == {"id": "post-1", "typeId": "t-1"}
    assert found["rules"] == [{"id": "r-1", "name": "R", "revision": 3}]
    assert found["causeId"] == "submission-1"
    assert '"name":"Remove post"' in found["body"]
    assert [one["number"] for one in found["log"]] == [1, 2]
    assert {one["response"] for one in found["log"]} == {"the <b>reason</b>"}
    assert all(one["latencyMs"] > 0 and one["startedAt"] for one in found["log"])
    assert "url-secret" not in answer.text


async def test_deliveries_are_found_by_what_they_are(
    http: httpx.AsyncClient, delivered: Any, configuration: Any, platform: Any
) -> None:
    """By item, action, endpoint, state, rule and time, and by all of them together."""
    configuration.put_action(platform.url + "&other", action_id="a-2")
    rules = (RuleRef(id="r-1", name="R", revision=1),)
    first = [(await delivered(item, rules=rules))[0] for item in ("a", "b", "a")]
    second = await delivered("a", action_id="a-2")
    every = [*first, *second]

    async def ids(**wanted: Any) -> list[str]:
        answer = await http.get(f"{ROOT}/deliveries", params=wanted)
        assert answer.status_code == 200, answer.text
        return [one["executionId"] for one in answer.json()["items"]]

    assert await ids() == every[::-1]
    assert await ids(itemTypeId="t-1", itemId="a") == [second[0], first[2], first[0]]
    assert await ids(actionId="a-2") == second
    assert await ids(ruleId="r-1") == first[::-1]
    assert await ids(ruleId="r-1", itemTypeId="t-1", itemId="b") == [first[1]]
    assert await ids(state="DELIVERED") == every[::-1]
    assert await ids(state="DEAD") == await ids(state="PENDING") == []
    listed = (await http.get(f"{ROOT}/deliveries")).json()["items"]
    endpoint_id = listed[0]["endpointId"]
    assert await ids(endpointId=endpoint_id) == second
    assert await ids(endpointId="0") == await ids(endpointId="nonsense") == []
    hour_ago, in_an_hour = (datetime.now(UTC) + timedelta(hours=n) for n in (-1, 1))
    assert await ids(since=hour_ago.isoformat(), until=in_an_hour.isoformat()) == every[::-1]
    assert await ids(since=in_an_hour.isoformat()) == []
    assert await ids(until=hour_ago.isoformat()) == []


async def test_pages_hold_everything_once(http: httpx.AsyncClient, delivered: Any) -> None:
    """Page by page, all deliveries, none twice."""
    expected = await delivered(*[f"i{n}" for n in range(12)])
    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = (await http.get(f"{ROOT}/deliveries", params=params)).json()
        found += [one["executionId"] for one in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted(expected)
    assert len(found) == len(set(found))


async def test_another_organisation_sees_and_changes_nothing(
    http: httpx.AsyncClient, failing: None, delivered: Any, rows: Any
) -> None:
    """Another organisation's ids do not exist for it: 404, empty lists, nothing sent again."""
    (execution_id,) = await delivered("a", rules=(RuleRef(id="r-1", name="R", revision=1),))
    ((endpoint_id,),) = await rows("SELECT id FROM dispatch.endpoints")
    other = "/internal/v1/orgs/org-2"
    assert (await http.get(f"{other}/deliveries")).json()["items"] == []
    assert (await http.get(f"{other}/endpoints")).json()["items"] == []
    for method, path, body in (
        ("GET", f"deliveries/{execution_id}", None),
        ("POST", f"deliveries/{execution_id}/redeliver", None),
        ("GET", f"endpoints/{endpoint_id}", None),
        ("POST", f"endpoints/{endpoint_id}/pause", {"actorId": "u", "reason": "r"}),
        ("POST", f"endpoints/{endpoint_id}/resume", {"actorId": "u"}),
    ):
        answer = await http.request(method, f"{other}/{path}", json=body)
        assert answer.status_code == 404, (path, answer.text)
    many = await http.post(f"{other}/deliveries/redeliver", json={"actionId": "a-1"})
    assert many.json() == {"count": 0, "more": False}
    assert [s for (s,) in await rows("SELECT state FROM dispatch.deliveries")] == ["DEAD"]


async def test_health_of_an_endpoint(
    http: httpx.AsyncClient,
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    answer: Any,
    ended: Any,
    database: Any,
    eventually: Any,
) -> None:
    """Success rate, latencies, the last error, what waits and what is dead."""
    configuration.put_keys()
    configuration.put_action(platform.url)

    async def every_second(_hit: Any, writer: Any) -> None:
        await answer(writer, 200 if len(platform.hits) % 2 else 500)

    platform.behave = every_second
    async with start(()) as dispatcher:
        for n in range(10):
            await request_action(dispatcher, f"i{n}")
            await ended()

        async def told() -> bool:
            found = (await http.get(f"{ROOT}/endpoints")).json()["items"]
            return bool(found and found[0]["attempts"] == 10)

        await eventually(told, 15)
    (found,) = (await http.get(f"{ROOT}/endpoints")).json()["items"]
    assert (found["state"], found["delivered"], found["successRate"]) == ("CLOSED", 5, 0.5)
    assert 0 < found["p50Ms"] <= found["p95Ms"]
    assert (found["lastStatus"], found["lastError"]) == (500, "HTTP 500")
    assert (found["waiting"], found["dead"]) == (0, 5)
    assert found["actionIds"] == ["a-1"]
    assert found["name"].startswith("http://127.0.0.1:")
    one = (await http.get(f"{ROOT}/endpoints/{found['id']}")).json()
    assert (one["hours"], one["attempts"]) == (24, 10)


async def test_pause_and_resume(
    http: httpx.AsyncClient,
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    ended: Any,
    eventually: Any,
    rows: Any,
) -> None:
    """Paused, deliveries wait and say for what; resumed, they arrive. Who did it is on record."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    async with start() as dispatcher:
        await request_action(dispatcher, "a")
        await ended()
        ((endpoint_id,),) = await rows("SELECT id FROM dispatch.endpoints")
        path = f"{ROOT}/endpoints/{endpoint_id}"
        paused = await http.post(f"{path}/pause", json={"actorId": "u-1", "reason": "maintenance"})
        assert paused.json()["state"] == "PAUSED"
        assert (paused.json()["pausedBy"], paused.json()["pauseReason"]) == ("u-1", "maintenance")

        async def blocked() -> bool:
            return bool(dispatcher._upkeep._breakers.blocked(endpoint_id))

        await eventually(blocked)
        await request_action(dispatcher, "b", "c")
        waiting = (await http.get(f"{ROOT}/deliveries", params={"state": "PENDING"})).json()
        assert [one["waitsFor"] for one in waiting["items"]] == ["ENDPOINT", "ENDPOINT"]
        assert (await http.get(path)).json()["waiting"] == 2
        assert len(platform.hits) == 1
        resumed = await http.post(f"{path}/resume", json={"actorId": "u-2"})
        assert resumed.json()["state"] == "CLOSED"
        await eventually(lambda: len(platform.hits) == 3)
    told = await rows("SELECT value FROM dispatch.outbox WHERE topic = 'coop.endpoint-alarms.v1'")
    assert len(told) == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("deliveries?cursor=%21%21", 422),
        ("deliveries?cursor=" + "A" * 50, 422),
        *[
            ("deliveries?cursor=" + base64.urlsafe_b64encode(text).decode(), 422)
            for text in (
                b"",
                b"-1",
                b"+1",
                b"1_0",
                b" 7",
                b"null",
                b"[]",
                b"{}",
                b"9" * 30,
                b"\xb2",
            )
        ],
        ("deliveries?stat=DEAD", 422),
        ("deliveries?state=DEAD&state=PENDING", 422),
        ("deliveries?executionId=e", 422),
        ("deliveries?itemId=%ff&itemTypeId=t", 400),
        ("endpoints/%ff", 400),
        ("endpoints?hour=1", 422),
        ("strikes/distribution?since=x", 422),
        ("deliveries?limit=0", 422),
        ("deliveries?limit=1000", 422),
        ("deliveries?state=LOST", 422),
        ("deliveries?itemId=x", 422),
        ("deliveries?since=yesterday", 422),
        ("deliveries?actionId=a%00b", 422),
        ("deliveries/not-an-id", 422),
        ("deliveries/00000000-0000-4000-8000-000000000000", 404),
        ("endpoints/999999", 404),
        ("endpoints/99999999999999999999999", 404),
        ("endpoints?hours=0", 422),
        ("deliveries?kind=OTHER", 422),
        ("rules/r-1/executions", 404),
        ("nowhere", 404),
    ],
)
async def test_bad_questions_are_problems(http: httpx.AsyncClient, path: str, status: int) -> None:
    """What cannot be answered is refused with a problem body, never with a trace."""
    answer = await http.get(f"{ROOT}/{path}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


async def test_a_database_that_is_away_is_503(make_client: Any) -> None:
    """The caller learns that another try may help."""
    from sqlalchemy.ext.asyncio import create_async_engine

    away = create_async_engine("postgresql+psycopg://u:p@127.0.0.1:1/none")
    answer = await make_client(away).get(f"{ROOT}/deliveries")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    await away.dispose()


async def test_time_is_found_by_number(database: Any) -> None:
    """The number of the first delivery of a time is found, whatever gaps there are."""
    from coop_action_dispatcher.delivery_view import number_at

    begin = datetime(2026, 1, 1, tzinfo=UTC)
    async with database.begin() as connection:
        await connection.execute(
            text(
                """INSERT INTO dispatch.requests
                       (seq, execution_id, org_id, action_id, item_type_id, item_id, item_digest,
                        endpoint_id, request, created_at)
                   OVERRIDING SYSTEM VALUE
                   SELECT n * 7, gen_random_uuid(), 'o', 'a', 't', 'i', decode(md5('x'), 'hex'), 1,
                          '', CAST(:begin AS timestamptz) + make_interval(mins => n)
                   FROM generate_series(1, 500) AS n"""
            ),
            {"begin": begin},
        )
        for minutes, expected in ((0, 7), (1, 7), (1.5, 14), (250, 1750), (500, 3500), (501, 3501)):
            found = await number_at(connection, begin + timedelta(minutes=minutes))
            assert expected - 7 < found <= expected, minutes
        await connection.rollback()
