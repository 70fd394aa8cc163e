"""Idempotency-Key: one effect, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from coop_contracts.config import Kind
from coop_contracts.ids import new_id
from coop_ingest.answer import Answer
from coop_ingest.app import connect_redis
from coop_ingest.idempotency import Idempotency, SubmissionIds
from coop_ingest.settings import Settings

POST = {"id": "p1", "typeId": "post", "data": {"text": "hello"}}
OTHER = {**POST, "data": {"text": "bye"}}


def key(value: str = "") -> dict[str, str]:
    return {"idempotency-key": value or new_id()}


def test_ids_repeat_only_for_the_same_request() -> None:
    """The ids of a request are a function of organisation, key and position; else they are new."""
    assert SubmissionIds("o", "k").at(0) == SubmissionIds("o", "k").at(0)
    made = {
        SubmissionIds("o", "k").at(0),
        SubmissionIds("o", "k").at(1),
        SubmissionIds("o", "l").at(0),
        SubmissionIds("p", "k").at(0),
        SubmissionIds("o").at(0),
        SubmissionIds("o").at(0),
    }
    assert len(made) == 6


async def test_without_redis_a_repetition_has_the_same_ids(ingest: Any) -> None:
    """Redis away: requests are accepted, and a repetition is recognisable downstream."""
    headers = key()
    for _ in range(2):
        assert (await ingest.items(POST, {**POST, "id": "p2"}, headers=headers)).status_code == 202
    submissions = [event.submission_id for event in ingest.broker.events]
    assert submissions[:2] == submissions[2:]
    assert len(set(submissions)) == 2


async def test_without_redis_another_body_has_other_ids(ingest: Any) -> None:
    """Redis away: another body under the same key is not dropped downstream as a repetition."""
    headers = key()
    await ingest.items(POST, headers=headers)
    await ingest.items(OTHER, headers=headers)
    assert len({event.submission_id for event in ingest.broker.events}) == 2


@pytest.mark.parametrize("value", ["", "x" * 256, "a\tb"])
async def test_what_is_no_key(ingest: Any, value: str) -> None:
    """Empty, endless and unprintable keys are refused."""
    response = await ingest.items(POST, headers={"idempotency-key": value})
    assert response.status_code == 400
    assert ingest.broker.messages == []


@pytest.mark.engines
class TestRedis:
    """With a real server."""

    @pytest.fixture
    def ingest(self, make_ingest: Callable[..., Any], redis_url: str) -> Any:
        return make_ingest(redis=redis_url)

    async def test_the_same_request_is_answered_as_before(self, ingest: Any) -> None:
        """Same key, same body: the same answer with the same headers, and no second effect."""
        headers = key()
        item = {**POST, "data": {"text": "x", "extra": 1}}
        path = "/items/async/?partial=true"
        first = await ingest.items(item, {**POST, "id": ""}, path=path, headers=headers)
        again = await ingest.items(item, {**POST, "id": ""}, path=path, headers=headers)
        assert (first.status_code, first.content) == (again.status_code, again.content)
        assert first.headers["x-coop-unknown-fields"] == again.headers["x-coop-unknown-fields"]
        assert len(ingest.broker.messages) == 1

    async def test_a_report_keeps_its_id(self, ingest: Any) -> None:
        """A repeated report is one report."""
        body = {
            "reporter": {"kind": "user", "id": "u", "typeId": "user"},
            "reportedAt": "2026-01-01T00:00:00Z",
            "reportedItem": POST,
        }
        headers = key()
        answers = [(await ingest.post("/report", body, headers=headers)).json() for _ in range(2)]
        assert answers[0] == answers[1]
        assert len(ingest.broker.messages) == 1

    async def test_another_body_is_a_conflict(self, ingest: Any) -> None:
        """Same key, other body, other route or other query: 409 and nothing published."""
        headers = key()
        assert (await ingest.items(POST, headers=headers)).status_code == 202
        for response in (
            await ingest.items(OTHER, headers=headers),
            await ingest.items(POST, path="/items/async/?partial=true", headers=headers),
            await ingest.post("/report", {"items": [POST]}, headers=headers),
        ):
            assert response.status_code == 409
            assert response.json()["errors"][0]["type"] == ["/errors/conflict"]
        assert len(ingest.broker.messages) == 1

    async def test_organisations_do_not_share_keys(self, ingest: Any) -> None:
        """The same key of another organisation is another key."""
        headers = key()
        assert (await ingest.items(POST, headers=headers)).status_code == 202
        item = {"id": "u", "typeId": "other-user", "data": {}}
        response = await ingest.items(item, key="key-of-org2", headers=headers)
        assert response.status_code == 202

    async def test_two_at_once_have_one_effect(self, ingest: Any) -> None:
        """While the first is running the second is 409 with Retry-After, then the answer."""
        headers = key()
        ingest.broker.acknowledge = asyncio.Event()
        first = asyncio.create_task(ingest.items(POST, headers=headers))
        await asyncio.wait_for(ingest.broker.waiting.wait(), 5)
        second = await ingest.items(POST, headers=headers)
        assert second.status_code == 409
        assert second.headers["retry-after"] == "1"
        ingest.broker.acknowledge.set()
        assert (await first).status_code == 202
        assert (await ingest.items(POST, headers=headers)).status_code == 202
        assert len(ingest.broker.messages) == 1

    async def test_a_request_that_was_not_kept_may_be_repeated(self, ingest: Any) -> None:
        """After 503 the same request runs again; another body is a conflict."""
        headers = key()
        ingest.broker.fails = True
        assert (await ingest.items(POST, headers=headers)).status_code == 503
        ingest.broker.fails = False
        assert (await ingest.items(OTHER, headers=headers)).status_code == 409
        assert (await ingest.items(POST, headers=headers)).status_code == 202
        assert len(ingest.broker.messages) == 1

    async def test_a_refusal_is_judged_anew(self, ingest: Any) -> None:
        """A refused request is not remembered as an answer."""
        headers = key()
        item = {**POST, "typeId": "soon"}
        assert (await ingest.items(item, headers=headers)).status_code == 400
        soon = msgspec.structs.replace(ingest.table.get("org1", Kind.ITEM_TYPE, "post"), id="soon")
        ingest.configure(Kind.ITEM_TYPE, soon, "soon")
        assert (await ingest.items(item, headers=headers)).status_code == 202
        assert len(ingest.broker.messages) == 1

    async def test_a_process_that_died_gives_the_key_back(self, redis_url: str) -> None:
        """Killed before the answer is stored: a repetition runs again, with the same ids."""
        redis = connect_redis(Settings(redis=redis_url))
        idempotency = Idempotency(redis, running_seconds=0)
        made: list[str] = []

        async def run(ids: SubmissionIds) -> Answer:
            made.append(ids.at(0))
            return Answer(202)

        async def die(**_arguments: Any) -> None:
            raise ConnectionResetError

        settle, idempotency._settle = idempotency._settle, die
        name = new_id().encode()
        for _ in range(2):
            assert (await idempotency.once("org", name, (b"/", b"body"), run)).status == 202
        idempotency._settle = settle
        for _ in range(2):
            assert (await idempotency.once("org", name, (b"/", b"body"), run)).status == 202
        await redis.aclose()
        assert len(made) == 3
        assert len(set(made)) == 1
