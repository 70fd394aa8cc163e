"""`coop erase`: what it asks of the review API, what it prints, and its exit codes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from coop_cli.app import app

ID = "01a22687-7389-73b0-8b3e-b31a5bd5713b"


class Api(ThreadingHTTPServer):
    """Review-api as the command sees it: signs in and out, takes erasures, says how far one is."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.asked: list[dict[str, Any]] = []
        self.state = "RUNNING"
        self.refusal: dict[str, Any] | None = None
        self.sessions = 0

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/v1/session":
            self.sessions += 1 if method == "POST" else -1
            return 200, {"csrfToken": "token"}
        if self.refusal is not None:
            return self.refusal["status"], self.refusal
        if method == "POST":
            assert path == "/v1/erasures"
            self.asked.append(body)
        else:
            assert path == f"/v1/erasures/{ID}"
        return 200, {"id": ID, "state": self.state}


class _Call(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        assert isinstance(self.server, Api)
        body = json.loads(sent) if sent else None
        status, answer = self.server.answer(self.command, self.path, body)
        said = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with Api() as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("COOP_URL", f"http://127.0.0.1:{made.server_port}")
        monkeypatch.setenv("COOP_EMAIL", "admin@acme.example")
        monkeypatch.setenv("COOP_PASSWORD", "secret")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield made
        made.shutdown()
        thread.join()
    assert made.sessions == 0  # each was signed out


def coop(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["erase", *arguments], input=answer)


def test_users_are_named_or_read_from_a_file_each_once(api: Api, tmp_path: Path) -> None:
    """Ids of the command and of the file, without blanks and doubles, in their order, with the
    reason; the answer is printed as JSON."""
    file = tmp_path / "ids.txt"
    file.write_text("\ufeffu-2\n\n  u-3 \nu-1\nu 4\n", encoding="utf-8")
    done = coop("user", "t", "u-1", "u-1", "--file", str(file), "--reason", "asked", "--yes")
    assert done.exit_code == 0, done.output
    wanted = ["u-1", "u-2", "u-3", "u 4"]
    users = [{"typeId": "t", "id": one} for one in wanted]
    assert api.asked == [{"users": users, "reason": "asked"}]
    assert json.loads(done.stdout)["id"] == ID


def test_a_long_list_becomes_erasures_of_a_thousand(api: Api, tmp_path: Path) -> None:
    """2,001 users are three erasures, nobody left out; one line of JSON each."""
    file = tmp_path / "ids.txt"
    file.write_text("".join(f"u-{number}\n" for number in range(2001)))
    done = coop("user", "t", "--file", str(file), "--yes")
    assert [len(one["users"]) for one in api.asked] == [1000, 1000, 1]
    assert [one["id"] for body in api.asked for one in body["users"]] == [
        f"u-{number}" for number in range(2001)
    ]
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [ID] * 3
    assert all("reason" not in body for body in api.asked)


def test_nothing_is_erased_without_a_yes(api: Api) -> None:
    """It asks first, with the number; whoever says no, or names nobody, has erased nothing."""
    done = coop("user", "t", "u-1", "u-2", answer="n\n")
    assert (done.exit_code, api.asked) == (1, [])
    assert "2 users" in done.output
    assert coop("user", "t", "--yes").exit_code == 2
    assert coop("user", "t", "--file", "/nowhere", "--yes").exit_code == 2
    assert api.asked == []
    assert coop("user", "t", "u-1", answer="y\n").exit_code == 0
    assert len(api.asked) == 1


def test_show_says_with_its_exit_code_whether_it_is_finished(api: Api) -> None:
    """1 while it runs, 0 when it is complete; the report is printed either way."""
    running = coop("show", ID)
    assert (running.exit_code, json.loads(running.stdout)["state"]) == (1, "RUNNING")
    api.state = "COMPLETE"
    complete = coop("show", ID)
    assert (complete.exit_code, json.loads(complete.stdout)["state"]) == (0, "COMPLETE")


def test_a_refusal_is_told_with_each_fault_and_an_outage_apart(api: Api) -> None:
    """Exit code 1 with pointer and reason where the API refused, 3 where it does not answer."""
    fault = {"pointer": "/users/0/id", "reason": "is too long"}
    api.refusal = {"status": 422, "title": "Invalid", "detail": "it is invalid", "errors": [fault]}
    refused = coop("user", "t", "u", "--yes")
    assert refused.exit_code == 1
    assert "refused: it is invalid" in refused.stderr
    assert "/users/0/id: is too long" in refused.stderr
    api.refusal = {"status": 503, "title": "Unavailable", "detail": "not now"}
    assert coop("user", "t", "u", "--yes").exit_code == 3
    api.server_close()
    assert coop("show", ID).exit_code == 3
