"""A policy person proves a rule on the past, acts on it, and gets a straight answer to "why"."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from coop_local.demo.console_client import ConsoleClient
from tests.journey.platform_client import administrator, eventually, post_of, received, send
from tests.local_stack import LocalStack

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

_SECONDS = 60.0


def rule_of(ids: Any, word: str) -> dict[str, Any]:
    return {
        "name": f"Says {word}",
        "status": "DRAFT",
        "itemTypeIds": [ids["item-types"]["Post"]],
        "actionIds": [ids["actions"]["Limit reach"]],
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
                }
            ],
        },
    }


async def until(console: ConsoleClient, path: str, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + _SECONDS
    while True:
        found: dict[str, Any] = await console.call("GET", path)
        if found["state"] == state:
            return found
        assert found["state"] not in ("FAILED", "CANCELLED"), found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


def coop(stack: LocalStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    admin = next(user for user in stack.demo_file()["users"] if user["role"] == "ADMIN")
    account = {"COOP_EMAIL": admin["email"], "COOP_PASSWORD": admin["password"]}
    return subprocess.run(
        [sys.executable, "-m", "coop_cli", "rules", *arguments],
        env=stack.environment | {"COOP_URL": stack.url("review-api"), **account},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_draft_is_tried_on_the_past_and_then_acts(stack: LocalStack) -> None:
    """A rule that was never saved is tried on what was submitted before; its retroaction previews,
    is confirmed, and each past item gets its webhook, once; asked again it gets no second one."""
    ids, word = stack.demo_file()["ids"], f"past{uuid.uuid4().hex[:10]}"
    start = datetime.now(UTC) - timedelta(seconds=5)
    posts = [post_of(stack, f"this says {word} number {number}") for number in range(20)]
    others = [post_of(stack, "this does not") for _ in range(20)]
    assert send(stack, *posts, *others).status_code == 202
    window = {"start": start.isoformat(), "rule": rule_of(ids, word)}
    async with administrator(stack) as console:
        # What is accepted is on the log, so it is in the past as soon as it was answered.
        window["end"] = datetime.now(UTC).isoformat()
        made = await console.call("POST", "/v1/backtests", window)
        tried = await until(console, f"/v1/backtests/{made['id']}", "COMPLETE")
        assert tried["counts"]["passed"] == 20
        assert tried["counts"]["scanned"] >= 40
        samples = (await console.call("GET", f"/v1/backtests/{made['id']}/samples"))["items"]
        assert {one["item"]["id"] for one in samples} == {post["id"] for post in posts}
        assert received(stack, posts[0]["id"]) == []
        for _ in range(2):
            made = await console.call("POST", "/v1/retroactions", window | {"rate": 200})
            path = f"/v1/retroactions/{made['id']}"
            found = await until(console, path, "AWAITING_CONFIRMATION")
            await console.call(
                "POST", f"{path}/confirm", {"passed": found["preview"]["counts"]["passed"]}
            )
            await until(console, path, "COMPLETE")
    for post in posts:
        deliveries = eventually(partial(received, stack, post["id"]), "a past item's webhook")
        assert [one["actionId"] for one in deliveries] == [ids["actions"]["Limit reach"]]


async def test_why_is_answered_in_the_terminal(stack: LocalStack, tmp_path: Path) -> None:
    """`coop rules explain` says which rule acted on a submission and why; `coop rules pull` and
    `test` try the organisation's own rules on an item, offline."""
    post = post_of(stack, "claim now, explained")
    answer = send(stack, post)
    assert answer.status_code == 202
    eventually(lambda: received(stack, post["id"]), "the item's webhook")
    type_id = stack.demo_file()["ids"]["item-types"]["Post"]
    async with administrator(stack) as console:
        deadline = time.monotonic() + _SECONDS
        path = f"/v1/evaluations?itemTypeId={type_id}&itemId={post['id']}"
        while not (found := (await console.call("GET", path))["items"]):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
    explained = coop(stack, "explain", found[0]["submissionId"])
    assert explained.returncode == 0, explained.stderr
    assert "✓" in explained.stdout
    assert "→ Remove" in explained.stdout, explained.stdout
    assert coop(stack, "pull", "--dir", str(tmp_path)).returncode == 0
    names = [
        json.loads(line.removeprefix("name: ")) if '"' in line else line.removeprefix("name: ")
        for path in (tmp_path / "rules").glob("*.yaml")
        for line in path.read_text().splitlines()
        if line.startswith("name: ")
    ]
    assert names
    cases = tmp_path / "cases.yaml"
    cases.write_text(
        "folder: .\ncases:\n  - name: plain\n    item:\n      type: Post\n"
        '      data: {text: "nothing to see", author: {id: a, typeId: x}}\n'
        f"    rules: [{json.dumps(names[0])}]\n    passes: [{json.dumps(names[0])}]\n"
    )
    tested = coop(stack, "test", str(cases))
    assert tested.returncode == 1
    assert "FAILED plain" in tested.stdout
