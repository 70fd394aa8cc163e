"""A journey a promise: rule edits act at once, bad messages stop nobody, 202 means kept."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from typing import Any

import psutil
import pytest
from confluent_kafka import Producer

from tests.journey.collector import Collector
from tests.journey.platform_client import (
    administrator,
    eventually,
    post_of,
    received,
    request_action,
    send,
)
from tests.local_stack import LocalStack, report_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

_ONE_SECOND = 1.0


async def test_a_rule_edit_acts_within_one_second(stack: LocalStack) -> None:
    """One second after review-api accepted a new rule, an item that matches it is acted on."""
    word = f"word{uuid.uuid4().hex[:10]}"
    ids = stack.demo_file()["ids"]
    rule = {
        "name": f"Only {word}",
        "status": "LIVE",
        "itemTypeIds": [ids["item-types"]["Post"]],
        "conditionSet": {
            "conjunction": "AND",
            "conditions": [
                {
                    "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
                    "signal": {
                        "id": '{"type":"TEXT_MATCHING_CONTAINS_TEXT"}',
                        "type": "TEXT_MATCHING_CONTAINS_TEXT",
                    },
                    "matchingValues": {"strings": [word]},
                    "comparator": "EQUALS",
                    "threshold": "true",
                }
            ],
        },
        "actionIds": [ids["actions"]["Limit reach"]],
        "policyIds": [ids["policies"]["Spam"]],
    }
    async with administrator(stack) as console:
        created = await console.call("POST", "/v1/rules", rule)
        await asyncio.sleep(_ONE_SECOND)  # the promise itself
        post = post_of(stack, f"this says {word} once")
        assert send(stack, post).status_code == 202
        deliveries = eventually(lambda: received(stack, post["id"]), "the new rule's webhook")
        assert [one["actionId"] for one in deliveries] == [ids["actions"]["Limit reach"]]
        await console.call("DELETE", f"/v1/rules/{created['id']}")
        await asyncio.sleep(_ONE_SECOND)
        later = post_of(stack, f"this says {word} again, and you won a prize")
        assert send(stack, later).status_code == 202
        deliveries = eventually(lambda: received(stack, later["id"]), "another rule's webhook")
        assert [one["actionId"] for one in deliveries] == [ids["actions"]["Remove"]]


async def test_the_platform_acts_on_content_that_it_names_by_its_id(stack: LocalStack) -> None:
    """A request for an action becomes a webhook that says whose the content is, how many strikes
    they have, and who of the console asked."""
    ids = stack.demo_file()["ids"]
    post = post_of(stack, "quiet words")
    assert send(stack, post).status_code == 202
    async with administrator(stack) as console:
        me = (await console.call("GET", "/v1/session"))["user"]
        order = {
            "actionId": ids["actions"]["Limit reach"],
            "itemId": post["id"],
            "itemTypeId": post["typeId"],
            "actorId": me["id"],
        }

        async def told() -> Any:
            # Whose it is, is known once the projector has seen the item.
            before = len(received(stack, post["id"]))
            assert request_action(stack, order).status_code == 202
            hit = eventually(lambda: received(stack, post["id"])[before:], "the order's webhook")
            detail = await console.call("GET", f"/v1/deliveries/{hit[0]['webhookId']}")
            body = json.loads(detail["body"])
            return body if "creator" in body else None

        deadline = time.monotonic() + 30
        while (body := await told()) is None:
            assert time.monotonic() < deadline
    assert body["creator"] == post["data"]["author"]
    assert isinstance(body["userStrikeCount"], int)
    assert body["actorEmail"] == me["email"]


def test_one_trace_leads_from_request_to_webhook(stack: LocalStack, collector: Collector) -> None:
    """The platform's traceparent is found again in the spans of each service on the way."""
    trace_id = uuid.uuid4().hex
    post = post_of(stack, "claim now, traced")
    answer = send(stack, post, traceparent=f"00-{trace_id}-{uuid.uuid4().hex[:16]}-01")
    assert answer.status_code == 202
    eventually(lambda: received(stack, post["id"]), "the traced item's webhook")
    eventually(
        lambda: (
            {"ingest", "rules-engine", "action-dispatcher"}
            <= {span.service for span in collector.of_trace(trace_id)}
        ),
        "a span of each service in the trace",
    )


def _coop(stack: LocalStack, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "coop_cli", *arguments],
        env=stack.environment | {"COOP_KAFKA": stack.run_file()["kafka"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_message_that_cannot_be_decoded_stops_nobody(stack: LocalStack) -> None:
    """It goes to the dead letters with its reason, the next is handled, and `coop dlq` shows it."""
    mark = uuid.uuid4().hex
    producer = Producer({"bootstrap.servers": stack.run_file()["kafka"]})
    for partition in range(12):
        producer.produce("coop.items.v1", f'{{"broken": "{mark}"'.encode(), partition=partition)
    assert producer.flush(10) == 0
    post = post_of(stack, "claim now, after the broken one")
    assert send(stack, post).status_code == 202
    eventually(lambda: received(stack, post["id"]), "the webhook of the item behind the broken one")

    def all_shown() -> str:
        found = _coop(stack, "dlq", "show", "coop.items.v1", "--limit", "500")
        return found if found.count(mark) >= 12 else ""

    shown = eventually(all_shown, "all twelve dead letters")
    assert "undecodable" in shown
    assert "coop.items.v1" in _coop(stack, "dlq", "list")


def test_no_acknowledgement_is_no_202(stack: LocalStack) -> None:
    """While Kafka does not answer, ingest says 503 with Retry-After; afterwards it accepts again,
    and what was answered 202 is acted on."""
    kafka = psutil.Process(stack.run_file()["engines"]["kafka"]["pid"])
    kafka.suspend()
    try:
        began = time.monotonic()
        refused = send(stack, post_of(stack, "claim now, during the outage"))
        took = time.monotonic() - began
    finally:
        kafka.resume()
    assert refused.status_code == 503, refused.text
    assert int(refused.headers["retry-after"]) >= 1
    assert json.loads(refused.text)["errors"][0]["type"] == ["/errors/service-unavailable"]
    assert took < 10
    post = post_of(stack, "claim now, after the outage")
    eventually(lambda: send(stack, post).status_code == 202, "ingest accepts again")
    eventually(lambda: received(stack, post["id"]), "the webhook after the outage")


@pytest.mark.parametrize("engine", ["kafka", "postgres", "valkey"])
def test_an_engine_killed_in_the_middle_loses_and_doubles_nothing(
    stack: LocalStack, engine: str
) -> None:
    """kill -9 of an engine while content streams, then its restart: the report is clean."""
    demo = stack.demo("--rate", "20")
    stack.wait_accepted(30)
    os.kill(stack.run_file()["engines"][engine]["pid"], signal.SIGKILL)
    report = report_of(demo, timeout=240)
    assert report["exit_code"] == 0, report["output"]
    assert report["lost"] == report["duplicated"] == 0
