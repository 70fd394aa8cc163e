"""`coop audit verify` on a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from coop_cli.app import EXIT_BROKER, EXIT_FAILED, app
from coop_cli.audit_command import EXIT_USAGE
from coop_local.testing import Databases
from coop_review_api.migrations import run as migrate
from coop_runtime.database.engine import bootstrap, service_url
from coop_runtime.secret.vault import new_key

PASSWORDS = {
    "coop_review": "review-password",
    "coop_review_owner": "review-owner-password",
    "coop_queues": "queues-password",
    "coop_queues_owner": "queues-owner-password",
}
ROW = "INSERT INTO review.audit_log (actor, action) VALUES ('somebody', 'thing.done')"

pytestmark = pytest.mark.engines


def migrated(admin_url: str) -> None:
    bootstrap(admin_url, PASSWORDS)
    migrate(service_url(admin_url, "coop_review_owner", PASSWORDS["coop_review_owner"]))


@pytest.fixture
def database(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A superuser's URL of a migrated database with three audit rows, which the settings name."""
    url = databases.make(migrated)
    monkeypatch.setenv("COOP_POSTGRES", service_url(url, "coop_review", PASSWORDS["coop_review"]))
    for _ in range(3):
        with psycopg.connect(url) as connection:
            connection.execute(ROW)
    yield url
    databases.drop(url)


def test_a_whole_chain_and_a_broken_one(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole chain is exit code 0; a changed row is named, and exit code 1."""
    monkeypatch.setenv("COOP_SECRET_KEYS", new_key())
    done = CliRunner().invoke(app, ["audit", "verify"])
    assert done.exit_code == 0, done.output
    assert "3 entries in 1 chains, 0 anchors: no faults" in done.output
    with psycopg.connect(database) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE review.audit_log SET actor = 'another' WHERE audit_id = 2")
    done = CliRunner().invoke(app, ["audit", "verify"])
    assert done.exit_code == EXIT_FAILED
    assert "CHANGED: chain of no organisation at entry 2: row 2 of audit_log" in done.output
    report = json.loads(CliRunner().invoke(app, ["audit", "verify", "--json"]).output)
    assert [fault["kind"] for fault in report["faults"]] == ["CHANGED"]


@pytest.mark.parametrize("form", ["report", "log"])
def test_what_was_known_before_is_held_against_it(database: str, tmp_path: Path, form: str) -> None:
    """Everything of a chain deleted, as if it had never been, is found by a copy kept elsewhere: an
    earlier report, or the log lines of the relay."""
    before = CliRunner().invoke(app, ["audit", "verify", "--json"])
    known = tmp_path / "known.json"
    if form == "report":
        known.write_text(before.output)
    else:
        ((chain, (sequence, head)),) = json.loads(before.output)["heads"].items()
        anchor = {"event": "audit chain anchored", "chain": chain, "sequence": sequence}
        lines = [{"event": "relay started"}, {**anchor, "hash": head}]
        known.write_text("\n".join(json.dumps(line) for line in lines))
    verify = ["audit", "verify", "--known", str(known)]
    done = CliRunner().invoke(app, verify)
    assert done.exit_code == 0, done.output
    with psycopg.connect(database) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM review.audit_log")
        connection.execute("DELETE FROM review.audit_chain")
    assert CliRunner().invoke(app, ["audit", "verify"]).exit_code == 0
    done = CliRunner().invoke(app, verify)
    assert done.exit_code == EXIT_FAILED
    assert "KNOWN: chain of no organisation at entry 3: the chain had an entry 3" in done.output
    known.write_text("nothing")
    assert CliRunner().invoke(app, verify).exit_code == EXIT_USAGE


def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that does not answer is an error of its own, not a clean bill."""
    monkeypatch.setenv("COOP_POSTGRES", "postgresql://nobody@127.0.0.1:1/none")
    done = CliRunner().invoke(app, ["audit", "verify"])
    assert done.exit_code == EXIT_BROKER
    assert "does not answer" in done.output
