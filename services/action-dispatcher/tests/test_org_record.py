"""An organisation's records as a whole: counted, and removed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

pytestmark = pytest.mark.engines

OURS, THEIRS = "/internal/v1/orgs/org-1/records", "/internal/v1/orgs/org-2/records"


async def test_every_record_of_an_organisation_goes(
    start: Any,
    request_action: Any,
    configuration: Any,
    platform: Any,
    ended: Any,
    rows: Any,
    make_client: Any,
    database: Any,
) -> None:
    """Deliveries, attempts, endpoints, their statistics, strikes, and what waits to be published;
    another organisation's stay; asked again there is nothing."""
    configuration.put_keys()
    configuration.put_action(platform.url)
    async with start() as dispatcher:
        await request_action(dispatcher, "a", "b", "c")
        await ended()
    async with database.begin() as connection:
        for statement in (
            "INSERT INTO dispatch.endpoints (org_id, name) VALUES ('org-2', 'https://x.example')",
            "INSERT INTO dispatch.endpoint_minutes (endpoint_id, minute, attempts, delivered,"
            " latencies) SELECT id, now(), 1, 1, '{1}' FROM dispatch.endpoints"
            " ON CONFLICT DO NOTHING",
            "INSERT INTO dispatch.outbox (topic, key, value, headers)"
            " VALUES ('t', 'org-1/a', 'x', '[]'), ('t', 'org-2/a', 'x', '[]')",
            "INSERT INTO dispatch.strike_users (user_digest, org_id, ref)"
            " VALUES (decode(md5('1'), 'hex'), 'org-1', 'r'),"
            " (decode(md5('2'), 'hex'), 'org-2', 'r')",
            "INSERT INTO dispatch.strikes (strike_id, user_digest, cause_id, policy_id, weight,"
            " struck_at, expires_at, counted) SELECT gen_random_uuid(), user_digest, 'c', 'p', 0,"
            " now(), now(), 0 FROM dispatch.strike_users",
        ):
            await connection.execute(text(statement))
    http = make_client()
    theirs = (await http.get(THEIRS)).json()["tables"]
    ours = (await http.get(OURS)).json()["tables"]
    assert {
        "attempts",
        "deliveries",
        "endpoint_minutes",
        "endpoints",
        "outbox",
        "requests",
        "strike_users",
        "strikes",
    } <= ours.keys()
    assert ours["deliveries"] == 3
    removed = await http.post(f"{OURS}/remove", json={})
    assert removed.json() == {"tables": ours, "more": False}
    assert (await http.get(OURS)).json() == {"tables": {}}
    assert (await http.post(f"{OURS}/remove", json={})).json() == {"tables": {}, "more": False}
    assert (await http.get(THEIRS)).json()["tables"] == theirs
    left = await rows("SELECT count(*) FROM dispatch.attempts")
    assert left[0][0] == 0
