"""A platform that waits hears what the rules said, and whatever becomes of its waiting, the item is
kept and acted on once."""

from __future__ import annotations

import time
import uuid
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest

from tests.journey.platform_client import eventually, post_of, received, send
from tests.local_stack import LocalStack

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


def ask(stack: LocalStack, text: str, **headers: str) -> tuple[str, httpx.Response, float]:
    """The content's id, the answer, and the seconds that it took."""
    content_id = f"sync-{uuid.uuid4().hex}"
    body = {
        "contentType": "Post",
        "contentId": content_id,
        "content": post_of(stack, text)["data"],
        "userId": "author-1",
        "sync": True,
    }
    began = time.monotonic()
    answer = httpx.post(
        stack.url("ingest") + "/api/v1/content/",
        json=body,
        headers={"X-API-KEY": stack.demo_file()["apiKey"], **headers},
        timeout=20,
    )
    return content_id, answer, time.monotonic() - began


def test_the_answer_is_what_the_webhooks_say(stack: LocalStack) -> None:
    """Within a second: the actions that the rules requested, which are those of the webhooks, each
    once; nothing for content that no rule matches."""
    ids = stack.demo_file()["ids"]["actions"]

    def answered() -> Any:
        found = ask(stack, "you won a prize, claim now")
        return found if found[1].status_code == 200 else None

    content_id, answer, seconds = eventually(answered, "an answer")
    assert seconds < 1.5
    said = answer.json()
    assert {"id": ids["Remove"], "name": "Remove"} in said["actionsTriggered"]
    assert said["derivedFields"] == {}
    hits = eventually(lambda: received(stack, content_id), "the webhook")
    assert [one["actionId"] for one in hits] == [ids["Remove"]]
    _, quiet, _ = ask(stack, "good morning")
    assert quiet.status_code == 200
    assert quiet.json()["actionsTriggered"] == []


def test_an_engine_that_is_killed_costs_the_answer_and_not_the_item(stack: LocalStack) -> None:
    """While the engine stands still the answer is 503 within its second and says that the item is
    kept; the engine is killed, and after its restart the item is acted on, once."""
    engine = psutil.Process(stack.pid("rules-engine"))
    engine.suspend()
    content_id, answer, seconds = ask(stack, "you won a prize, claim now")
    stack.kill("rules-engine")
    assert answer.status_code == 503
    assert seconds < 2
    assert "The item is kept" in answer.json()["errors"][0]["detail"]
    assert int(answer.headers["retry-after"]) >= 1
    hits = eventually(lambda: received(stack, content_id), "the webhook", within=90)

    def again() -> Any:
        found = ask(stack, "you won a prize, claim now")
        return found if found[1].status_code == 200 else None

    later, _, _ = eventually(again, "an answer after the restart", within=60)
    eventually(lambda: received(stack, later), "a later webhook", within=60)
    hits = received(stack, content_id)
    assert len(hits) == 1


def test_a_platform_asks_what_was_done_about_its_item(stack: LocalStack) -> None:
    """Some moments after an item was acted on: its data, the action, and that the webhook came; of
    another key, and without the look-ups, nothing."""
    ids = stack.demo_file()["ids"]["actions"]
    post = post_of(stack, "you won a prize, claim now", item_id=f"a/b {uuid.uuid4().hex}")
    assert send(stack, post).status_code == 202

    def asked(item_id: str = post["id"]) -> httpx.Response:
        return httpx.get(
            f"{stack.url('ingest')}/api/v1/items/{post['typeId']}/{quote(item_id, safe='')}",
            headers={"X-API-KEY": stack.demo_file()["apiKey"]},
            timeout=20,
        )

    def whole() -> Any:
        answer = asked()
        if answer.status_code != 200 or not answer.json()["actions"]:
            return None
        record = answer.json()
        return record if record["actions"][0]["delivery"] else None

    record = eventually(whole, "what was done about it")
    assert record["data"]["text"] == post["data"]["text"]
    assert record["creator"] == post["data"]["author"]
    (action,) = record["actions"]
    assert action["actionId"] == ids["Remove"]
    assert action["delivery"]["state"] == "DELIVERED"
    assert [one["webhookId"] for one in received(stack, post["id"])] == [action["id"]]
    assert asked("never sent").status_code == 404
    lookup = psutil.Process(stack.pid("review-lookup"))
    lookup.suspend()
    try:
        answer = asked()
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert send(stack, post_of(stack, "others go on")).status_code == 202
    finally:
        lookup.resume()
    eventually(lambda: asked().status_code == 200, "an answer again")
