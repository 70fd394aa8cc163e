"""A platform made with our own library, in either language, against the whole system."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from coop_local.demo.console_client import ConsoleClient
from coop_local.tested_process import free_port
from tests.journey.platform_client import administrator, eventually, eventually_found
from tests.local_stack import ROOT, LocalStack

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

_PYTHON = ROOT / "clients/python/example/forum.py"
_TYPESCRIPT = ROOT / "clients/typescript/dist/example/forum.js"
_NODE = ROOT / "services/review-console/scripts/node.py"

Json = dict[str, Any]

_FOR_ONE_POST = 5.0  # seconds; then the next is posted


def _command(language: str) -> list[str]:
    if language == "python":
        return [sys.executable, str(_PYTHON)]
    assert _TYPESCRIPT.exists(), "make clients builds it"
    found = subprocess.run(
        [sys.executable, str(_NODE)], capture_output=True, text=True, check=True, timeout=120
    )
    return [str(Path(found.stdout.strip()) / "node"), str(_TYPESCRIPT)]


class Repeating:
    """Stands before the platform as a network does that sends twice, and changes things: each
    webhook is passed on, once more, and once more with another id in its body."""

    def __init__(self, target: str) -> None:
        self.heard: list[tuple[int, int, int]] = []
        self.bodies: list[tuple[int, Json, Json]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = list(self.headers.items())
                changed = body.replace(b'"id":"forum-', b'"id":"other-')
                with httpx.Client(trust_env=False, timeout=10) as client:
                    sent = [body, body, changed]
                    first, again, other = (
                        client.post(target, content=one, headers=headers) for one in sent
                    )
                statuses = (first.status_code, again.status_code, other.status_code)
                outer.bodies.append((first.status_code, first.json(), again.json()))
                outer.heard.append(statuses)
                self.send_response(first.status_code)
                self.send_header("Content-Length", str(len(first.content)))
                self.end_headers()
                self.wfile.write(first.content)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/coop"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Forum:
    """The example platform, as people use it."""

    def __init__(self, port: int) -> None:
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20)

    def is_up(self) -> bool:
        try:
            return self._http.get("/posts/none").status_code == 404
        except httpx.TransportError:
            return False

    def do(self, path: str, **told: str) -> Json:
        answer = self._http.post(path, json=told)
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        return found

    def post(self, post_id: str) -> Json:
        found: Json = self._http.get(f"/posts/{post_id}").json()
        return found

    def close(self) -> None:
        self._http.close()


@pytest.fixture(params=["python", "typescript"])
def forum(stack: LocalStack, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forum]:
    """The example of one language, running."""
    port, demo = free_port(), stack.demo_file()
    keys = json.loads((stack.state / "demo-platform-keys.json").read_text())
    config = tmp_path / "forum.json"
    types = demo["ids"]["item-types"]
    told = {
        "port": port,
        "coopUrl": stack.url("ingest"),
        "apiKey": demo["apiKey"],
        "postType": types["Post"],
        "userType": types["Profile"],
        **keys,
    }
    config.write_text(json.dumps(told))
    with subprocess.Popen([*_command(request.param), str(config)]) as process:
        running = Forum(port)
        try:
            eventually(running.is_up, "the example platform")
            yield running
        finally:
            running.close()
            process.kill()


@pytest.fixture
def network(forum: Forum) -> Iterator[Repeating]:
    """What lies between."""
    made = Repeating(str(forum._http.base_url.join("/coop")))
    yield made
    made.close()


@asynccontextmanager
async def _connected(stack: LocalStack, url: str, word: str) -> AsyncIterator[ConsoleClient]:
    """An administrator who has told Coop of the platform: a rule on `word` acts there."""
    ids = stack.demo_file()["ids"]
    action = {
        "name": f"Remove {word}",
        "actionType": "CUSTOM_ACTION",
        "itemTypeIds": [ids["item-types"]["Post"]],
        "callbackUrl": url,
    }
    signal = "TEXT_MATCHING_CONTAINS_TEXT"
    condition = {
        "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
        "signal": {"id": json.dumps({"type": signal}), "type": signal},
        "matchingValues": {"strings": [word]},
        "comparator": "EQUALS",
        "threshold": "true",
    }
    async with administrator(stack) as console:
        before = await console.call("GET", "/v1/settings")
        told = {"partialItemsEndpoint": url, "appealCallbackUrl": url}
        await console.call("PUT", "/v1/settings", before | told)
        made = await console.call("POST", "/v1/actions", action)
        rule = {
            "name": f"Only {word}",
            "status": "LIVE",
            "itemTypeIds": [ids["item-types"]["Post"]],
            "conditionSet": {"conjunction": "AND", "conditions": [condition]},
            "actionIds": [made["id"]],
            "policyIds": [ids["policies"]["Spam"]],
        }
        rule_id = (await console.call("POST", "/v1/rules", rule))["id"]
        try:
            yield console
        finally:
            await console.call("DELETE", f"/v1/rules/{rule_id}")
            await console.call("DELETE", f"/v1/actions/{made['id']}")
            now = await console.call("GET", "/v1/settings")
            await console.call("PUT", "/v1/settings", now | {name: before[name] for name in told})


async def _decide(console: ConsoleClient, post_id: str, kind: str) -> None:
    """What waits about the post is decided so."""

    async def waiting() -> Any:
        page = await console.call("GET", f"/v1/jobs?itemId={post_id}&state=PENDING")
        return page["items"]

    (job,) = await eventually_found(waiting, f"a job about {post_id}")
    claim = await console.call("POST", f"/v1/jobs/{job['id']}/claims")
    decision = {"leaseToken": claim["lease"]["token"], "components": [{"type": kind}]}
    await console.call("POST", f"/v1/jobs/{job['id']}/decisions", decision)


async def test_a_platform_made_with_the_library(
    stack: LocalStack, forum: Forum, network: Repeating
) -> None:
    """Its post is removed once though told twice, and not by a changed webhook; Coop asks it how
    the post is; a report waits for people; an appeal is heard, and its end is told."""
    word = f"word{uuid.uuid4().hex[:10]}"
    async with _connected(stack, network.url, word) as console:

        def removed() -> Json | None:
            # The rule is everywhere within a second, and this post may be faster.
            made = forum.do("/posts", text=f"this says {word} once")
            until = time.monotonic() + _FOR_ONE_POST
            while time.monotonic() < until:
                found = forum.post(made["id"])
                if found["done"]:
                    return found
                time.sleep(0.05)
            return None

        post = eventually(removed, "a post that is removed")
        record = eventually(lambda: network.heard, "what the platform answered")
        assert record[0] == (200, 200, 401)
        assert network.bodies[0] == (200, {"repeated": False}, {"repeated": True})
        assert len(forum.post(post["id"])["done"]) == 1

        types = stack.demo_file()["ids"]["item-types"]
        path = f"/v1/items/{types['Post']}/{post['id']}/partial"
        partial = await console.call("GET", path)
        assert partial["data"]["text"] == post["text"]
        assert partial["creator"]["id"] == "forum-author"
        # Asked in three requests, and the changed one is refused.
        assert forum.post(post["id"])["asked"] == 2

        forum.do(f"/posts/{post['id']}/reports", reason="I mind")
        await _decide(console, post["id"], "IGNORE")
        forum.do(f"/posts/{post['id']}/appeals", reason="it was a quotation")
        await _decide(console, post["id"], "ACCEPT_APPEAL")
        eventually(lambda: forum.post(post["id"])["appeal"] == "ACCEPT", "the end of the appeal")
    assert len(forum.post(post["id"])["done"]) == 1
