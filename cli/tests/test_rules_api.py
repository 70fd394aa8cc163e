"""`coop rules pull | diff | apply | explain` against the real API."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from coop_cli.api_client import ReviewApi
from coop_cli.app import EXIT_BROKER, EXIT_FAILED, app
from coop_cli.explanation_text import explanation_lines
from coop_cli.rule_file import STAMP
from coop_local.testing import Databases
from coop_review_api.explanation.view import ExplanationView
from coop_runtime.database.engine import bootstrap, service_url

WAIT = 60.0
ROLES = {
    "coop_review": "review-password",
    "coop_review_owner": "review-owner-password",
    "coop_queues": "queues-password",
    "coop_queues_owner": "queues-owner-password",
}
KEYS = base64.b64encode(b"k" * 32).decode()


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}
    return {**kept, "COOP_SECRET_KEYS": KEYS, **more}


def review(*arguments: str, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "coop_review_api", *arguments],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def database(databases: Databases) -> str:
    """The URL of review-api's role on a migrated database of its own."""
    admin = databases.make()
    bootstrap(admin, ROLES)
    owner = service_url(admin, "coop_review_owner", ROLES["coop_review_owner"])
    review("migrate", COOP_POSTGRES=owner)
    return service_url(admin, "coop_review", ROLES["coop_review"])


@pytest.fixture(scope="module")
def address(database: str, redis_url: str) -> Iterator[str]:
    """The API's address."""
    port, internal = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "coop_review_api", "api"],
        env=environment(
            COOP_POSTGRES=database,
            COOP_REDIS=redis_url,
            COOP_REVIEW_PORT=str(port),
            COOP_INTERNAL_PORT=str(internal),
            COOP_REVIEW_SECURE_COOKIES="false",
            COOP_LOG_LEVEL="WARNING",
        ),
    )
    deadline = time.monotonic() + WAIT
    while not is_ready(f"http://127.0.0.1:{internal}/readyz"):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


class System:
    """An organisation of its own, and its admin."""

    def __init__(self, database: str, address: str) -> None:
        email = f"admin-{uuid.uuid4().hex}@acme.example"
        made = json.loads(
            review("create-org", "--name", "A", "--admin-email", email, COOP_POSTGRES=database)
        )
        self.email, self.password = email, made["admin"]["password"]
        self.client = httpx.Client(base_url=address, trust_env=False)
        self.api = ReviewApi(self.client)
        self.api.sign_in(self.email, self.password)

    def make(self, collection: str, body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.api.call("POST", f"/v1/{collection}", body).json()
        return found

    def put(self, collection: str, document: dict[str, Any], **more: Any) -> dict[str, Any]:
        stamp = {"id", "revision", *STAMP}
        body = {k: v for k, v in document.items() if k not in stamp} | more
        path = f"/v1/{collection}/{document['id']}"
        found: dict[str, Any] = self.api.call("PUT", path, body).json()
        return found


@pytest.fixture
def system(database: str, address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    found = System(database, address)
    monkeypatch.setenv("COOP_URL", address)
    monkeypatch.setenv("COOP_EMAIL", found.email)
    monkeypatch.setenv("COOP_PASSWORD", found.password)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield found
    found.client.close()


def furnish(system: System) -> dict[str, dict[str, Any]]:
    """Item type, action, policy, banks and rules."""
    post = system.make(
        "item-types",
        {
            "name": "Post",
            "kind": "CONTENT",
            "fields": [
                {"name": "text", "type": "STRING", "required": True},
                {"name": "where", "type": "GEOHASH"},
            ],
        },
    )
    action = system.make(
        "actions",
        {
            "name": "Remove",
            "itemTypeIds": [post["id"]],
            "callbackUrl": "https://platform.example/hook",
            "parameters": [{"name": "why", "displayName": "Why", "type": "STRING"}],
        },
    )
    policy = system.make("policies", {"name": "Spam: links"})
    strings = ["viagra", "no", "2026-01-01", "line\nbreak", "é ü 😀", "\u2028 \x7f", "  space "]
    bank = system.make("text-banks", {"name": "Bad words", "type": "STRING", "strings": strings})
    places = system.make(
        "location-banks",
        {
            "name": "Bad words",
            "locations": [
                {"name": "Home", "geometry": {"center": {"lat": 1.5, "lng": 2}, "radius": 3}}
            ],
        },
    )
    leaf = {
        "input": {"type": "CONTENT_FIELD", "name": "text", "contentTypeId": post["id"]},
        "signal": {
            "id": '{"type":"TEXT_MATCHING_CONTAINS_TEXT"}',
            "type": "TEXT_MATCHING_CONTAINS_TEXT",
        },
        "matchingValues": {"textBankIds": [bank["id"]], "strings": ["true"]},
    }
    near = {
        "input": {"type": "CONTENT_FIELD", "name": "where", "contentTypeId": post["id"]},
        "signal": {"id": '{"type":"GEO_CONTAINED_WITHIN"}', "type": "GEO_CONTAINED_WITHIN"},
        "matchingValues": {"locationBankIds": [places["id"]]},
    }
    rule = system.make(
        "rules",
        {
            "name": "Spam / links!",
            "status": "LIVE",
            "itemTypeIds": [post["id"]],
            "actionIds": [action["id"]],
            "actionParameters": {action["id"]: {"why": "because: it is"}},
            "policyIds": [policy["id"]],
            "tags": ["a", "no"],
            "maxDailyActions": 5,
            "expirationTime": "2040-01-01T00:00:00Z",
            "conditionSet": {
                "conjunction": "AND",
                "conditions": [leaf, {"conjunction": "OR", "conditions": [near, leaf]}],
            },
        },
    )
    return {"post": post, "action": action, "bank": bank, "places": places, "rule": rule}


def coop(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, ["rules", *arguments], input=given)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.yaml"))}


@pytest.mark.engines
def test_pull_apply_pull_gives_the_same_bytes(system: System, tmp_path: Path) -> None:
    """What was pulled and applied unchanged changes nothing; a second pull, here or elsewhere,
    gives the same files byte for byte."""
    furnish(system)
    first = coop("pull", "--dir", str(tmp_path))
    assert first.exit_code == 0, first.output
    pulled = contents(tmp_path)
    assert {"rules/spam-links.yaml", "text-banks/bad-words.yaml"} <= pulled.keys()
    assert {"location-banks/bad-words.yaml", "item-types/post.yaml"} <= pulled.keys()
    assert coop("diff", "--dir", str(tmp_path)).exit_code == 0
    applied = coop("apply", "--dir", str(tmp_path), "--yes")
    assert (applied.exit_code, applied.output) == (0, "nothing to do\n")
    elsewhere = tmp_path / "elsewhere"
    assert coop("pull", "--dir", str(tmp_path)).exit_code == 0
    assert coop("pull", "--dir", str(elsewhere)).exit_code == 0
    assert contents(elsewhere) == pulled


@pytest.mark.engines
def test_what_is_in_files_comes_into_the_system(system: System, tmp_path: Path) -> None:
    """Changed and new files are shown and, with --yes, saved; then system and files are the same,
    and the documents are what the files said."""
    made = furnish(system)
    coop("pull", "--dir", str(tmp_path))
    rule = tmp_path / "rules" / "spam-links.yaml"
    rule.write_text(rule.read_text().replace("status: LIVE", "status: BACKGROUND"))
    (tmp_path / "text-banks" / "mine.yaml").write_text(
        "name: Mine\ntype: STRING\nstrings:\n  - one\n  - no\n"
    )
    (tmp_path / "rules" / "mine.yaml").write_text(
        "name: Mine\nstatus: DRAFT\nitemTypes: [Post]\n"
        "conditionSet:\n  conjunction: OR\n  conditions:\n"
        "    - input: {type: CONTENT_COOP_INPUT, name: All text}\n"
        "      signal: TEXT_MATCHING_CONTAINS_TEXT\n"
        "      matchingValues: {textBanks: [Mine]}\n"
    )
    shown = coop("apply", "--dir", str(tmp_path))
    assert shown.exit_code == EXIT_FAILED
    assert "-status: LIVE" in shown.output
    assert "+status: BACKGROUND" in shown.output
    assert "new rule Mine" in shown.output
    assert [one["name"] for one in system.api.all("text-banks")] == ["Bad words"]
    done = coop("apply", "--dir", str(tmp_path), "--yes")
    assert done.exit_code == 0, done.output
    rules = {one["name"]: one for one in system.api.all("rules")}
    banks = {one["name"]: one for one in system.api.all("text-banks")}
    assert rules["Spam / links!"]["status"] == "BACKGROUND"
    before = made["rule"]
    assert rules["Spam / links!"]["conditionSet"] == before["conditionSet"]
    assert rules["Spam / links!"]["actionParameters"] == before["actionParameters"]
    assert banks["Mine"]["strings"] == ["one", "no"]
    leaf = rules["Mine"]["conditionSet"]["conditions"][0]
    assert leaf["matchingValues"] == {"textBankIds": [banks["Mine"]["id"]]}
    assert coop("diff", "--dir", str(tmp_path)).exit_code == 0
    applied = contents(tmp_path)
    coop("pull", "--dir", str(tmp_path))
    assert contents(tmp_path) == applied


@pytest.mark.engines
def test_a_change_in_the_system_is_a_conflict(system: System, tmp_path: Path) -> None:
    """What somebody changed in the system since the pull is not overwritten unless that is said."""
    made = furnish(system)
    coop("pull", "--dir", str(tmp_path))
    system.put("rules", made["rule"], description="by somebody else")
    rule = tmp_path / "rules" / "spam-links.yaml"
    text = rule.read_text()
    rule.write_text(text.replace("status: LIVE", "status: DRAFT"))
    result = coop("apply", "--dir", str(tmp_path), "--yes")
    assert result.exit_code == EXIT_FAILED
    assert "conflict rule Spam / links!: changed in the system since the pull" in result.output
    (found,) = system.api.all("rules")
    assert (found["status"], found["description"]) == ("LIVE", "by somebody else")
    result = coop("apply", "--dir", str(tmp_path), "--yes", "--overwrite")
    assert result.exit_code == 0, result.output
    (found,) = system.api.all("rules")
    assert (found["status"], found["description"]) == ("DRAFT", "")


@pytest.mark.engines
def test_a_pull_loses_no_change_of_ours(system: System, tmp_path: Path) -> None:
    """A file that was changed and not applied is not overwritten by a pull, unless that is said;
    files of deleted documents go, new ones stay."""
    made = furnish(system)
    spare = system.make("text-banks", {"name": "Spare", "type": "STRING", "strings": ["x"]})
    coop("pull", "--dir", str(tmp_path))
    system.api.call("DELETE", f"/v1/text-banks/{spare['id']}")
    new = tmp_path / "rules" / "new.yaml"
    new.write_text("name: New\n")
    rule = tmp_path / "rules" / "spam-links.yaml"
    pulled = rule.read_text()
    rule.write_text(pulled.replace("status: LIVE", "status: DRAFT"))
    result = coop("pull", "--dir", str(tmp_path))
    assert result.exit_code == EXIT_FAILED
    assert "changed here and not applied" in result.output
    assert "DRAFT" in rule.read_text()
    assert coop("pull", "--dir", str(tmp_path), "--force").exit_code == 0
    assert rule.read_text() == pulled
    assert new.exists()
    assert not (tmp_path / "text-banks" / "spare.yaml").exists()
    assert made["bank"]["name"] == "Bad words"


@pytest.mark.engines
def test_a_fault_is_said_with_its_place(system: System, tmp_path: Path) -> None:
    """What the API refuses, and a name that nothing has, are said with the file and the place."""
    furnish(system)
    coop("pull", "--dir", str(tmp_path))
    rule = tmp_path / "rules" / "spam-links.yaml"
    text = rule.read_text()
    rule.write_text(text.replace("- Remove", "- Removed"))
    result = coop("apply", "--dir", str(tmp_path), "--yes")
    assert result.exit_code == EXIT_FAILED
    assert "there is no action called Removed" in result.output
    rule.write_text(text.replace("maxDailyActions: 5", "maxDailyActions: none"))
    result = coop("apply", "--dir", str(tmp_path), "--yes")
    assert result.exit_code == EXIT_FAILED
    assert "spam-links.yaml: /maxDailyActions" in result.output


@pytest.mark.engines
def test_a_bank_too_large_for_one_request(system: System, tmp_path: Path) -> None:
    """A bank of megabytes comes into the system and out of it again whole."""
    strings = [f"word {number} " + "x" * 50 for number in range(30_000)]
    path = tmp_path / "text-banks" / "large.yaml"
    path.parent.mkdir()
    entries = "".join(f"  - {one}\n" for one in strings)
    path.write_text(f"name: Large\ntype: STRING\nstrings:\n{entries}")
    result = coop("apply", "--dir", str(tmp_path), "--yes")
    assert result.exit_code == 0, result.output
    (bank,) = system.api.all("text-banks")
    whole = system.api.get(f"/v1/text-banks/{bank['id']}")
    assert whole["strings"] == strings
    path.write_text(path.read_text().replace("word 7 ", "word seven "))
    assert coop("apply", "--dir", str(tmp_path), "--yes").exit_code == 0
    written = path.read_bytes()
    assert coop("pull", "--dir", str(tmp_path)).exit_code == 0
    assert path.read_bytes() == written
    assert system.api.get(f"/v1/text-banks/{bank['id']}")["strings"][7].startswith("word seven")


@pytest.mark.engines
def test_explain_of_what_is_not_there(system: System) -> None:
    """A submission that nobody knows is an error with the API's words."""
    result = coop("explain", str(uuid.uuid4()))
    assert result.exit_code == EXIT_FAILED
    assert "HTTP 404" in result.output


@pytest.mark.engines
def test_a_wrong_password_is_said(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that are wrong end the command, without showing them."""
    monkeypatch.setenv("COOP_PASSWORD", "not the password")
    result = coop("pull")
    assert result.exit_code == EXIT_FAILED
    assert "HTTP 401" in result.output
    assert "not the password" not in result.output
    assert system.email not in result.output


def test_no_api_is_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an API the command says which one it asked, and exits with 3."""
    monkeypatch.setenv("COOP_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("COOP_EMAIL", "a@b.example")
    monkeypatch.setenv("COOP_PASSWORD", "p")
    result = coop("pull")
    assert result.exit_code == EXIT_BROKER
    assert "127.0.0.1:1" in result.output


def test_credentials_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an account the command names what is missing."""
    for name in ("COOP_EMAIL", "COOP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    result = coop("pull")
    assert result.exit_code == 2


EXPLANATION: dict[str, Any] = {
    "submissionId": "s1",
    "item": {"id": "post-1", "typeId": "t"},
    "itemTypeName": "Post",
    "submitted": {"time": "2026-01-01T00:00:00Z", "typeVersion": "v", "creator": None, "data": {}},
    "evaluations": [
        {
            "lane": "FAST",
            "evaluatedAt": "2026-01-01T00:00:01Z",
            "configRevision": 12,
            "sampled": False,
            "signals": [],
            "rules": [
                {
                    "id": "r1",
                    "name": "Spam\x1b[31m",
                    "revision": 7,
                    "status": "LIVE",
                    "passed": True,
                    "limited": False,
                    "actions": [{"id": "a1", "name": "Delete"}],
                    "policies": [{"id": "p1", "name": "Fraud"}],
                    "problems": [],
                    "conditions": {
                        "path": "",
                        "outcome": "PASSED",
                        "conjunction": "AND",
                        "conditions": [
                            {
                                "path": "/conditions/0",
                                "outcome": "PASSED",
                                "says": "All text contains one of bank Words",
                                "found": 'found "prize"',
                                "signals": [],
                            },
                            {
                                "path": "/conditions/1",
                                "outcome": "ERRORED",
                                "says": "hate is greater than 0.5",
                                "found": "no value",
                                "signals": [{"key": "k", "signal": "HATE", "error": "timed out"}],
                            },
                        ],
                    },
                }
            ],
            "executions": [
                {
                    "executionId": "x",
                    "action": {"id": "a1", "name": "Delete"},
                    "ruleIds": ["r1"],
                    "state": "DEAD",
                    "attempts": 9,
                    "status": 500,
                    "error": None,
                    "time": None,
                    "jobId": None,
                }
            ],
        }
    ],
}


def test_an_explanation_is_a_tree() -> None:
    """Lane, rules, conditions with what they found, and what became of the actions; of what the
    API's own model gives."""
    answer = ExplanationView.model_validate(EXPLANATION).model_dump(by_alias=True, mode="json")
    assert list(explanation_lines(answer)) == [
        "submission s1",
        "item post-1 (Post), submitted 2026-01-01T00:00:00Z",
        "",
        "FAST evaluation of 2026-01-01T00:00:01Z under revision 12",
        "  ✓ Spam\x1b[31m (rule r1, revision 7, LIVE)",
        "      policies: Fraud",
        "      ✓ AND",
        '        ✓ All text contains one of bank Words: found "prize"',
        "        ? hate is greater than 0.5: no value",
        "            HATE: timed out",
        "    → Delete: given up after 9 attempts: HTTP 500",
        "  every other rule did not pass",
    ]
