"""What the benchmark of the console works on: a queue full of reported comments, and a long
conversation of which one message was reported, both sent as the demo platform sends them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.local_stack import LocalStack

QUEUE = "Spam"
MESSAGES = 5_000
REPORTED = 2_500
_BATCH = 50
_AROUND = 150  # messages that a report carries, each way
_THREAD = "bench-thread"
_WORDS = (
    "The bakery by the bridge has it, half past six, take cash.",
    "Same pen, other ink.",
    "Come by on Sunday, I have both, and bring the blue one for your sister if it is not dry yet.",
    "Ten o'clock or eleven?",
    "Rain until nine, says the radio, and the radio says that every week.",
)


def fill(stack: LocalStack, *, jobs: int) -> dict[str, Any]:
    """Sends it, and waits until all of it is in the queues: the queue's id, and the job of the
    conversation."""
    demo = stack.demo_file()
    ids = demo["ids"]
    with httpx.Client(
        base_url=stack.url("ingest"), headers={"X-API-KEY": demo["apiKey"]}, timeout=20
    ) as ingest:
        _send_thread(ingest, ids)
        for body in _reports(ids, jobs):
            ingest.post("/api/v1/report", json=body).raise_for_status()
    user = next(one for one in demo["users"] if one["role"] == "MODERATOR_MANAGER")
    with httpx.Client(base_url=stack.url("review-api"), timeout=20) as console:
        console.post(
            "/v1/session", json={"email": user["email"], "password": user["password"]}
        ).raise_for_status()
        queue_id = ids["queues"][QUEUE]
        _until(lambda: _pending(console, queue_id) >= jobs)
        thread = f"{_THREAD}-{REPORTED}"
        _until(lambda: bool(_jobs_about(console, thread)))
        return {"queueId": queue_id, "thread": _jobs_about(console, thread)[0]["id"]}


def _send_thread(ingest: httpx.Client, ids: dict[str, dict[str, str]]) -> None:
    began = datetime.now(UTC) - timedelta(days=3)
    types = ids["item-types"]
    thread = {"id": _THREAD, "typeId": types["DM thread"]}
    _post(ingest, [thread | {"data": {"title": "A long one", "started_at": began.isoformat()}}])
    messages = [
        {
            "id": f"{_THREAD}-{number}",
            "typeId": types["Direct message"],
            "data": {
                "text": f"{_WORDS[number % len(_WORDS)]} ({number})",
                "author": {"id": f"bench-{number % 7}", "typeId": types["Profile"]},
                "created_at": (began + timedelta(seconds=40 * number)).isoformat(),
                "thread": thread,
            },
        }
        for number in range(MESSAGES)
    ]
    for first in range(0, MESSAGES, _BATCH):
        _post(ingest, messages[first : first + _BATCH])
    _report(
        ingest,
        messages[REPORTED],
        reporter={"id": "bench-1", "typeId": types["Profile"]},
        policy=ids["policies"]["Threats"],
        thread=messages[REPORTED - _AROUND : REPORTED + _AROUND],
    )


def _reports(ids: dict[str, dict[str, str]], jobs: int) -> Iterator[dict[str, Any]]:
    types = ids["item-types"]
    for number in range(jobs):
        item = {
            "id": f"bench-comment-{number}",
            "typeId": types["Comment"],
            "data": {
                "text": f"{_WORDS[number % len(_WORDS)]} It is number {number}.",
                "author": {"id": f"bench-{number % 50}", "typeId": types["Profile"]},
                "created_at": datetime.now(UTC).isoformat(),
            },
        }
        yield _said(
            item,
            reporter={"id": f"bench-{number % 40}", "typeId": types["Profile"]},
            policy=ids["policies"]["Spam"],
        )


def _said(item: dict[str, Any], *, reporter: dict[str, str], policy: str) -> dict[str, Any]:
    return {
        "reporter": {"kind": "user", **reporter},
        "reportedAt": datetime.now(UTC).isoformat(),
        "reportedForReason": {"policyId": policy, "reason": "Again."},
        "reportedItem": item,
    }


def _report(
    ingest: httpx.Client,
    item: dict[str, Any],
    *,
    reporter: dict[str, str],
    policy: str,
    thread: list[dict[str, Any]],
) -> None:
    body = _said(item, reporter=reporter, policy=policy) | {"reportedItemThread": thread}
    ingest.post("/api/v1/report", json=body).raise_for_status()


def _post(ingest: httpx.Client, items: list[dict[str, Any]]) -> None:
    ingest.post("/api/v1/items/async/", json={"items": items}).raise_for_status()


def _pending(console: httpx.Client, queue_id: str) -> int:
    answer = console.get(f"/v1/queues/{queue_id}/counts").raise_for_status().json()
    return int(answer["pending"])


def _jobs_about(console: httpx.Client, item_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = console.get(f"/v1/jobs?itemId={item_id}&limit=1").json()["items"]
    return found


def _until(holds: Any, *, deadline: float = 600) -> None:
    until = time.monotonic() + deadline
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError("what was sent did not come into the queues in time")
        time.sleep(0.2)
