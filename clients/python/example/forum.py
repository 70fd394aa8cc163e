"""A small platform on Coop: people post, Coop says what has to go.

    python clients/python/example/forum.py CONFIG

CONFIG is a JSON file: {"port", "coopUrl", "apiKey", "webhookSecrets": […], "publicKeys": […],
"postType", "userType"}. Posts are in memory.

    POST /posts {"text"}                the post, sent to Coop
    GET  /posts/ID                      how it is, and what Coop said of it
    POST /posts/ID/reports {"reason"}   a reader reports it
    POST /posts/ID/appeals {"reason"}   its author appeals against what was done
    POST /coop                          everything that Coop says and asks
"""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from coop_client import (
    Coop,
    CoopError,
    Delivery,
    Keys,
    Receiver,
    TooLarge,
    Verifier,
    read_limited,
)
from coop_client.wire import (
    ActionWebhook,
    AppealWebhook,
    InfoAnswer,
    InfoQuestion,
    Item,
    ItemRef,
)

AUTHOR, READER = "forum-author", "forum-reader"


def _now() -> str:
    return datetime.now(UTC).isoformat()


class Forum:
    """The posts, and what is done with them."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._post_type, self._user_type = config["postType"], config["userType"]
        self._lock = threading.Lock()
        self._posts: dict[str, dict[str, Any]] = {}
        self._coop = Coop(config["coopUrl"], config["apiKey"])
        keys = Keys(webhook_secrets=config["webhookSecrets"], public_keys=config["publicKeys"])
        self.receiver = Receiver(
            Verifier(keys),
            on_action=self._remove,
            on_appeal=self._hear,
            items=self._items,
            additional_info=self._additional_info,
        )

    def post(self, text: str) -> dict[str, Any]:
        """A new post, which Coop has when this returns. Raises CoopError."""
        post = {"id": f"forum-{uuid.uuid4().hex}", "text": text, "createdAt": _now()}
        with self._lock:
            self._posts[post["id"]] = post | {"done": [], "appeal": None, "asked": 0}
        self._coop.send_items([self._item(post)])
        return post

    def shown(self, post_id: str) -> dict[str, Any] | None:
        """A post as its author sees it."""
        with self._lock:
            post = self._posts.get(post_id)
            return None if post is None else json.loads(json.dumps(post))

    def report(self, post: dict[str, Any], reason: str) -> str:
        """A reader says that something is wrong with it. Raises CoopError."""
        return self._coop.report(
            {
                "reporter": {"kind": "user", "id": READER, "typeId": self._user_type},
                "reportedAt": _now(),
                "reportedForReason": {"reason": reason},
                "reportedItem": self._item(post),
            }
        )

    def appeal(self, post: dict[str, Any], reason: str) -> str:
        """Its author says that it was wrong to remove it. Raises CoopError."""
        appeal_id = f"appeal-{uuid.uuid4().hex}"
        self._coop.appeal(
            {
                "appealId": appeal_id,
                "appealedBy": {"id": AUTHOR, "typeId": self._user_type},
                "appealedAt": _now(),
                "actionedItem": self._item(post),
                "actionsTaken": [one["actionId"] for one in post["done"]],
                "appealReason": reason,
            }
        )
        return appeal_id

    def _item(self, post: dict[str, Any]) -> Item:
        author = {"id": AUTHOR, "typeId": self._user_type}
        data = {"text": post["text"], "author": author, "created_at": post["createdAt"]}
        return {"id": post["id"], "typeId": self._post_type, "data": data}

    def _remove(self, webhook: ActionWebhook, delivery: Delivery) -> None:
        with self._lock:
            post = self._posts.get(webhook["item"]["id"])
            if post is not None:
                action = {"actionId": webhook["action"]["id"], "webhookId": delivery.id}
                post["done"].append(action)

    def _hear(self, webhook: AppealWebhook, _delivery: Delivery) -> None:
        with self._lock:
            post = self._posts.get(webhook["item"]["id"])
            if post is not None:
                post["appeal"] = webhook["appealDecision"]

    def _items(self, asked: list[ItemRef]) -> Iterator[Item]:
        for reference in asked:
            with self._lock:
                post = self._posts.get(reference["id"])
                if post is None:
                    continue
                post["asked"] += 1
            yield self._item(post)

    def _additional_info(self, asked: InfoQuestion) -> InfoAnswer:
        return {
            "users": [
                {"id": user["id"], "typeId": user["typeId"], "screenName": user["id"]}
                for user in asked["users"]
            ],
            "media": [
                {"id": medium["id"], "typeId": medium["typeId"], "publiclyAvailable": True}
                for medium in asked["media"]
            ],
        }


def handler_of(forum: Forum) -> type[BaseHTTPRequestHandler]:
    """The forum by HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            post = forum.shown(self.path.removeprefix("/posts/"))
            self._say(404 if post is None else 200, post)

        def do_POST(self) -> None:
            declared = self.headers.get("content-length", "")
            length = int(declared) if declared.isdigit() else 0
            try:
                body = read_limited(self.rfile.read, length=length)
            except TooLarge:
                self.close_connection = True
                self._say(413, None)
                return
            if self.path == "/coop":
                answer = forum.receiver.receive(self.headers.items(), body)
                self._send(answer.status, answer.body, dict(answer.headers))
                return
            try:
                self._act(json.loads(body))
            except CoopError as error:
                self._say(502, {"error": str(error)})

        def _act(self, told: dict[str, str]) -> None:
            if self.path == "/posts":
                self._say(201, forum.post(told["text"]))
                return
            post_id, _, deed = self.path.removeprefix("/posts/").partition("/")
            post = forum.shown(post_id)
            if post is None or deed not in ("reports", "appeals"):
                self._say(404, None)
                return
            act = forum.report if deed == "reports" else forum.appeal
            self._say(201, {"id": act(post, told["reason"])})

        def _say(self, status: int, told: Any) -> None:
            self._send(status, json.dumps(told).encode(), {"content-type": "application/json"})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler


def main(config_file: Path) -> None:
    """Serves until it is stopped."""
    config = json.loads(config_file.read_text(encoding="utf-8"))
    address = ("127.0.0.1", config["port"])
    with ThreadingHTTPServer(address, handler_of(Forum(config))) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
