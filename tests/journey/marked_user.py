"""An end user whose every word has a marker, and who is everywhere: in what they sent, in other
people's reports and threads, and in what reviewers wrote and platforms answered.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from coop_local.demo.console_client import ConsoleClient
from tests.journey.platform_client import eventually_found, say, send
from tests.local_stack import LocalStack

Json = dict[str, Any]
_NOW = "2026-03-01T12:00:00Z"


class _Echo(BaseHTTPRequestHandler):
    """A platform that answers with what it was sent."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"]))
        self.server.sent.append(sent.decode())  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def echoing() -> Iterator[tuple[str, list[str]]]:
    """Where such a platform listens, and what it was sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    sent: list[str] = []
    server.sent = sent  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", sent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class MarkedUser:
    """`marker` is in everything of theirs; `id` is theirs. `key` is in the ids of their items:
    those stay, for a decision is about something."""

    stack: LocalStack
    console: ConsoleClient
    marker: str
    id: str
    key: str

    @classmethod
    def new(cls, stack: LocalStack, console: ConsoleClient) -> MarkedUser:
        unique = uuid.uuid4().hex
        return cls(stack, console, f"mark{unique[:10]}", f"user-{unique[10:20]}", unique[20:])

    @property
    def ref(self) -> Json:
        return {"id": self.id, "typeId": self._types["Profile"]}

    @property
    def _types(self) -> dict[str, str]:
        found: dict[str, str] = self.stack.demo_file()["ids"]["item-types"]
        return found

    def item(self, kind: str, key: str, text: str, **more: Any) -> Json:
        """An item of theirs."""
        data = {"text": text, "author": self.ref, "created_at": _NOW, **more}
        return {"id": f"{key}-{self.key}", "typeId": self._types[kind], "data": data}

    def profile(self) -> Json:
        data = {"name": f"Called {self.marker}", "bio": f"I am {self.marker}"}
        return {**self.ref, "data": data}

    def report(self, item: Json, *, by: Json, reason: str, **more: Any) -> None:
        """Somebody reports an item."""
        say(
            self.stack,
            "/api/v1/report",
            {
                "reporter": {"kind": "user", **by},
                "reportedAt": datetime.now(UTC).isoformat(),
                "reportedForReason": {"reason": reason},
                "reportedItem": item,
                **more,
            },
        )

    def appeal(self, item: Json, action_id: str) -> None:
        say(
            self.stack,
            "/api/v1/report/appeal",
            {
                "appealId": f"appeal-{uuid.uuid4()}",
                "appealedBy": self.ref,
                "appealedAt": datetime.now(UTC).isoformat(),
                "actionedItem": item,
                "actionsTaken": [action_id],
                "appealReason": f"it was not {self.marker}",
            },
        )

    async def job_of(self, item: Json) -> Json:
        """The job that waits about an item."""

        async def waiting() -> Json | None:
            page = await self.console.call("GET", f"/v1/jobs?itemId={item['id']}&state=PENDING")
            return page["items"][0] if page["items"] else None

        job: Json = await eventually_found(waiting, f"a job about {item['id']}")
        return job


@asynccontextmanager
async def echo_action(user: MarkedUser, url: str) -> AsyncIterator[str]:
    """An action of which the echoing platform is told."""
    types = user.stack.demo_file()["ids"]["item-types"]
    action = await user.console.call(
        "POST",
        "/v1/actions",
        {
            "name": f"Echo {uuid.uuid4().hex[:8]}",
            "actionType": "CUSTOM_ACTION",
            "itemTypeIds": [types["Post"], types["Profile"]],
            "callbackUrl": url,
        },
    )
    yield action["id"]
    await user.console.call("DELETE", f"/v1/actions/{action['id']}")


async def is_everywhere(user: MarkedUser, bystander: MarkedUser, action_id: str) -> Json:
    """The user is in everything that a stack keeps of somebody; the post that was decided."""
    post = user.item("Post", "post", f"text {user.marker} to 80800")  # a rule asks for review
    scam = user.item("Post", "scam", f"claim now, {user.marker}")  # a rule acts: a strike
    held = user.item("Post", "held", f"quiet {user.marker}")
    theirs = bystander.item("Post", "post", f"quiet {bystander.marker}")
    assert send(user.stack, user.profile(), post, scam, held, theirs).status_code == 202
    assert send(user.stack, bystander.profile()).status_code == 202
    user.report(post, by=bystander.ref, reason=f"they say {user.marker}")
    user.report(held, by=bystander.ref, reason=f"they say {user.marker}")
    user.report(user.profile(), by=bystander.ref, reason=f"they are {user.marker}")
    user.report(theirs, by=user.ref, reason=f"I, {user.marker}, mind")
    thread = {"thread": {"id": f"thread-{user.key}", "typeId": user._types["DM thread"]}}
    said = bystander.item("Direct message", "said", f"said {bystander.marker}", **thread)
    answered = user.item("Direct message", "answered", f"answered {user.marker}", **thread)
    user.report(said, by=bystander.ref, reason="plain", reportedItemThread=[answered, said])
    await _reviewed(user, post, held, action_id)
    user.appeal(post, action_id)
    await user.job_of(post)
    await user.job_of(theirs)
    await user.job_of(said)
    await user.job_of(user.profile())
    note = f"/v1/users/{user.ref['typeId']}/{user.id}/notes"
    await user.console.call("POST", note, {"text": f"noted: {user.marker}"})
    await _exported(user)
    return post


async def _reviewed(user: MarkedUser, post: Json, held: Json, action_id: str) -> None:
    """One job is decided, of another there is a draft; both are spoken of."""
    console, marker = user.console, user.marker
    job = await user.job_of(post)
    claim = await console.call("POST", f"/v1/jobs/{job['id']}/claims")
    await console.call("POST", f"/v1/jobs/{job['id']}/comments", {"body": f"wrote {marker}"})
    await console.call(
        "POST",
        f"/v1/jobs/{job['id']}/decisions",
        {
            "leaseToken": claim["lease"]["token"],
            "components": [{"type": "CUSTOM_ACTION", "actionIds": [action_id], "policyIds": []}],
            "reason": f"because of {marker}",
            "note": f"noted of {marker}",
        },
    )
    job = await user.job_of(held)
    await console.call("POST", f"/v1/jobs/{job['id']}/claims")
    draft = {"content": {"reason": f"draft of {marker}"}}
    await console.call("PUT", f"/v1/jobs/{job['id']}/draft", draft)


async def _exported(user: MarkedUser) -> None:
    console = user.console

    async def decided() -> bool:
        log = await console.call("GET", "/v1/decision-log?limit=50")
        return user.marker in json.dumps(log)

    await eventually_found(decided, "the decision in the log")
    made = await console.call("POST", "/v1/decision-log/exports", {"format": "JSONL"})

    async def written() -> bool:
        path = f"/v1/decision-log/exports/{made['id']}"
        return bool((await console.call("GET", path))["state"] == "COMPLETE")

    await eventually_found(written, "the export")
