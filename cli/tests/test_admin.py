"""`coop admin`: topics and the database's roles, on real engines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from typer.testing import CliRunner, Result

from coop_cli.app import EXIT_BROKER, EXIT_USAGE, app
from coop_local.postgres import Postgres
from coop_runtime.database.schema import ROLES


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the developer's own variables."""
    for name in list(os.environ):
        if name.startswith("COOP_") and not name.startswith(("COOP_TEST_", "COOP_CACHE")):
            monkeypatch.delenv(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["admin", *arguments])


@pytest.mark.engines
def test_topics_are_planned_and_made(
    kafka_bootstrap: str, broker_idempotence: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is found; what cannot be mended here is told, and the plan's exit code says
    that there is something."""
    if not broker_idempotence:
        pytest.skip("the stand-in broker does not tell a topic's settings")
    monkeypatch.setenv("COOP_KAFKA", kafka_bootstrap)
    applied = run("topics", "apply", "--replication-factor", "1")
    assert applied.exit_code == 0, applied.output
    planned = run("topics", "plan", "--replication-factor", "1")
    assert (planned.exit_code, planned.output) == (0, "nothing to do\n")
    planned = run("topics", "plan", "--replication-factor", "3", "--min-isr", "1")
    assert planned.exit_code == 1
    assert "coop.items.v1 has replication 1, not 3" in planned.output


def test_a_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the exit code of the other commands."""
    monkeypatch.setenv("COOP_KAFKA", "127.0.0.1:1")
    planned = run("topics", "plan")
    assert planned.exit_code == EXIT_BROKER
    assert "the broker at 127.0.0.1:1 does not answer" in planned.output


def test_more_copies_in_step_than_copies_are_refused() -> None:
    """No record would ever be accepted."""
    assert run("topics", "apply", "--min-isr", "4").exit_code == EXIT_USAGE


def passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ROLES:
        name = role.removeprefix("coop_").upper()
        monkeypatch.setenv(f"COOP_{name}_PASSWORD", f"{role} password")
        monkeypatch.setenv(f"COOP_{name}_OWNER_PASSWORD", f"{role} owner")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[str]:
    """A superuser's URL. Roles are a server's, and other tests know the passwords of theirs."""
    server = Postgres(tmp_path / "postgres", durable=False)
    server.start()
    yield server.url
    server.stop()


@pytest.mark.engines
def test_a_database_is_bootstrapped(own_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles sign in with their passwords, which no output shows; a second time changes nothing."""
    url = own_server
    monkeypatch.setenv("COOP_POSTGRES_ADMIN", url)
    passwords(monkeypatch)
    for _ in range(2):
        done = run("database", "bootstrap")
        assert done.exit_code == 0, done.output
        assert "password" not in done.output
    parts = urlsplit(url)
    with psycopg.connect(
        host=parts.hostname,
        port=parts.port,
        dbname=parts.path[1:],
        user="coop_ncmec_owner",
        password="coop_ncmec owner",
    ) as connection:
        connection.execute("CREATE TABLE ncmec.t ()")


def test_a_password_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is made up, and none is empty."""
    monkeypatch.setenv("COOP_POSTGRES_ADMIN", "postgresql://a@127.0.0.1:1/b")
    passwords(monkeypatch)
    monkeypatch.delenv("COOP_HASHES_OWNER_PASSWORD")
    refused = run("database", "bootstrap")
    assert refused.exit_code == 2
    assert "COOP_HASHES_OWNER_PASSWORD" in refused.output


def test_a_database_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the address's password."""
    monkeypatch.setenv("COOP_POSTGRES_ADMIN", "postgresql://a:hunter2@127.0.0.1:1/b")
    passwords(monkeypatch)
    refused = run("database", "bootstrap")
    assert refused.exit_code == EXIT_BROKER
    assert "does not answer" in refused.output
    assert "hunter2" not in refused.output


def test_the_sql_names_every_role() -> None:
    """For whoever creates roles by hand; no password is in it."""
    printed = run("database", "sql", "--database", 'odd"name')
    assert printed.exit_code == 0
    for role in ROLES:
        assert f"\\password {role}\n" in printed.output
    assert 'ON DATABASE "odd""name"' in printed.output
