"""The sender, against a server that answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from coop_client import Coop, Refusal, Unavailable
from coop_client.wire import Item, Report

POST: Item = {"id": "p1", "typeId": "post", "data": {"text": "hello"}}
REPORT: Report = {
    "reporter": {"kind": "user", "id": "u1", "typeId": "user"},
    "reportedAt": "2026-01-01T00:00:00Z",
    "reportedItem": POST,
}
KEY = "the-key-of-the-platform"


class Server:
    """Answers with `answers`, one after another; the last for ever. Status 0 hangs up."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append((self.command, self.path, headers, body))
                number = min(len(outer.asked), len(outer.answers)) - 1
                status, told, more = outer.answers[number]
                if status == 0:
                    self.close_connection = True
                    return
                encoded = b"" if told is None else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(encoded)))
                for name, value in more.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(encoded)

            do_GET = do_POST = _take

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def will(self, status: int, told: Any = None, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, told, named))

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def waits() -> list[float]:
    """What the client waited, in seconds."""
    return []


@pytest.fixture
def coop(server: Server, waits: list[float]) -> Coop:
    return Coop(server.url, KEY, sleep=waits.append, uniform=lambda _low, high: high)


def error(status: int, detail: str, pointer: str) -> dict[str, Any]:
    told = {"status": status, "type": ["/errors/invalid-user-input"], "title": "Wrong"}
    return {"errors": [{**told, "detail": detail, "pointer": pointer}]}


def test_items_are_sent_with_the_key_and_a_key_of_their_own(server: Server, coop: Coop) -> None:
    """To the address with its slash, as JSON; what Coop remarked is told."""
    server.will(202, None, X_Coop_Unknown_Fields="colour, gr%C3%B6%C3%9Fe")
    sent = coop.send_items([POST])
    assert (sent.accepted, sent.errors) == (None, [])
    assert sent.notices == {"x-coop-unknown-fields": ["colour", "größe"]}
    ((method, path, headers, body),) = server.asked
    assert (method, path) == ("POST", "/api/v1/items/async/")
    assert headers["x-api-key"] == KEY
    assert headers["content-type"] == "application/json"
    assert len(headers["idempotency-key"]) == 36
    assert json.loads(body) == {"items": [POST]}


def test_of_a_batch_in_part_what_was_taken_is_told(server: Server, coop: Coop) -> None:
    """With the errors of the others."""
    wrong = error(400, "no text", "/items/1/data/text")["errors"]
    server.will(202, {"accepted": ["p1"], "errors": wrong})
    sent = coop.send_items([POST, POST], partial=True)
    assert (sent.accepted, sent.errors) == (["p1"], wrong)
    assert server.asked[0][1] == "/api/v1/items/async/?partial=true"


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503, 504])
def test_what_can_be_tried_again_is_sent_under_the_same_key(
    server: Server, coop: Coop, waits: list[float], status: int
) -> None:
    """Whatever came between, it counts once."""
    server.will(status)
    server.will(status)
    server.will(201, {"reportId": "r1"})
    assert coop.report(REPORT) == "r1"
    assert len({headers["idempotency-key"] for _, _, headers, _ in server.asked}) == 1
    assert waits == [0.5, 1.0]


def test_each_call_has_a_key_of_its_own_unless_one_is_given(server: Server, coop: Coop) -> None:
    """Two reports of the same content are two; a queue of the platform's gives its own."""
    server.will(201, {"reportId": "r1"})
    coop.report(REPORT)
    coop.report(REPORT)
    coop.report(REPORT, idempotency_key="job-7")
    keys = [headers["idempotency-key"] for _, _, headers, _ in server.asked]
    assert len(set(keys)) == 3
    assert keys[2] == "job-7"


def test_coops_wish_to_wait_is_followed(server: Server, coop: Coop, waits: list[float]) -> None:
    """Never a second shorter."""
    server.will(429, None, Retry_After="7")
    server.will(202)
    coop.send_items([POST])
    assert waits == [7.5]


def test_a_wish_may_be_a_date(server: Server, coop: Coop, waits: list[float]) -> None:
    """As HTTP has it too."""
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    server.will(503, None, Retry_After=until)
    server.will(202)
    coop.send_items([POST])
    assert 5 < waits[0] <= 20.5


def test_a_wish_that_is_too_long_is_told_rather_than_cut(
    server: Server, coop: Coop, waits: list[float]
) -> None:
    """Whoever called decides what to do with an hour."""
    server.will(503, None, Retry_After="3600")
    with pytest.raises(Unavailable) as unavailable:
        coop.send_items([POST])
    assert unavailable.value.retry_after == 3600
    assert (len(server.asked), waits) == (1, [])


def test_it_gives_up_in_the_end(server: Server, coop: Coop, waits: list[float]) -> None:
    """After `tries` attempts."""
    server.will(503)
    with pytest.raises(Unavailable, match="503"):
        coop.send_items([POST])
    assert (len(server.asked), len(waits)) == (5, 4)


def test_nobody_there_is_unavailable() -> None:
    """Told by its kind, without the key."""
    coop = Coop("http://127.0.0.1:1", KEY, tries=2, sleep=lambda _: None)
    with pytest.raises(Unavailable, match="cannot be reached") as unavailable:
        coop.send_items([POST])
    assert KEY not in str(unavailable.value)


def test_a_refusal_says_what_is_wrong_and_where(server: Server, coop: Coop) -> None:
    """At once: it would be wrong again."""
    server.will(400, error(400, "no text", "/items/0/data/text"))
    with pytest.raises(Refusal, match="/items/0/data/text no text") as refusal:
        coop.send_items([POST])
    assert refusal.value.status == 400
    assert refusal.value.errors[0].get("pointer") == "/items/0/data/text"
    assert len(server.asked) == 1


def test_a_key_that_is_under_way_is_waited_for(server: Server, coop: Coop) -> None:
    """409 with Retry-After: the first is still running. Without: it was used for another body."""
    server.will(409, error(409, "running", ""), Retry_After="1")
    server.will(409, error(409, "another body", ""))
    with pytest.raises(Refusal, match="another body"):
        coop.send_items([POST])
    assert len(server.asked) == 2


def test_a_redirect_is_not_followed(server: Server, coop: Coop) -> None:
    """It would carry the key to wherever it points."""
    server.will(307, None, Location=f"{server.url}/elsewhere")
    with pytest.raises(Refusal) as refusal:
        coop.send_items([POST])
    assert refusal.value.status == 307
    assert [path for _, path, _, _ in server.asked] == ["/api/v1/items/async/"]


def test_an_item_is_asked_for_by_ids_of_any_form(server: Server, coop: Coop) -> None:
    """Slashes and dots of an id are part of it; an item that is not known is None."""
    server.will(404, error(404, "no such item", ""))
    assert coop.item("post", "a/b ü?#..") is None
    assert server.asked[0][1] == "/api/v1/items/post/a%2Fb%20%C3%BC%3F%23.."


def test_the_others_go_where_they_belong(server: Server, coop: Coop) -> None:
    """Appeals, orders, policies."""
    server.will(204)
    coop.appeal(
        {
            "appealId": "a1",
            "appealedBy": {"id": "u1", "typeId": "user"},
            "appealedAt": "2026-01-01T00:00:00Z",
            "actionedItem": POST,
            "actionsTaken": ["remove"],
        }
    )
    server.will(202)
    coop.act({"actionId": "remove", "itemId": "p1", "itemTypeId": "post"})
    server.will(200, {"policies": [{"id": "spam", "name": "Spam", "parentId": None}]})
    assert [one["id"] for one in coop.policies()] == ["spam"]
    assert [path for _, path, _, _ in server.asked] == [
        "/api/v1/report/appeal",
        "/api/v1/actions/",
        "/api/v1/policies/",
    ]


@pytest.mark.parametrize("url", ["coop.example", "ftp://coop.example", "https://"])
def test_an_address_that_is_none_is_told_at_once(url: str) -> None:
    """Not at the first item."""
    with pytest.raises(ValueError, match="address"):
        Coop(url, KEY)
