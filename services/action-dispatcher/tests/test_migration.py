"""Migrations: what was there before is there afterwards."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest

from coop_action_dispatcher.migrations import run as migrate
from coop_local.testing import Databases
from coop_runtime.database.engine import bootstrap, service_url

pytestmark = pytest.mark.engines

# Alembic's own command, up to a revision: the service itself knows only the newest.
_TO = """
import sys
from alembic import command
from coop_runtime.database import migration
def upgrade(config, _): command_upgrade(config, sys.argv[2])
command_upgrade, command.upgrade = command.upgrade, upgrade
migration.migrate(sys.argv[1], script_location="coop_action_dispatcher:migrations",
                  schema="dispatch")
"""

_OLD = """
    INSERT INTO dispatch.deliveries
        (execution_id, org_id, action_id, item_type_id, item_id, item_digest, endpoint, state, head,
         attempts, request, body, finished_at, last_status, lease_owner, leased_until)
    SELECT gen_random_uuid(), 'o', 'a', 't', 'i' || n, decode(md5(n::text), 'hex'),
           'o https://p.example:443', s, true, 2,
           convert_to('{"rules":[{"id":"r-' || n || '"}],"item":{"id":"a'
                      || CASE n WHEN 3 THEN '\\u0000' ELSE '' END || '"}}', 'UTF8'),
           convert_to('{}', 'UTF8'), CASE WHEN s <> 'PENDING' THEN now() END, 500,
           CASE n WHEN 1 THEN gen_random_uuid() END, CASE n WHEN 1 THEN now() END
    FROM (VALUES (1, 'PENDING'), (2, 'DEAD'), (3, 'DELIVERED')) AS old (n, s)
"""


@pytest.fixture
def url(databases: Databases) -> str:
    """The URL of the schema's owner on an empty database."""
    admin = databases.make()
    passwords = {"coop_dispatch": "dispatch-password", "coop_dispatch_owner": "owner-password"}
    bootstrap(admin, passwords)
    return service_url(admin, "coop_dispatch_owner", "owner-password")


def test_deliveries_of_before_go_on(url: str) -> None:
    """Every delivery of 0001 is there with its state, its attempts and its number."""
    subprocess.run([sys.executable, "-c", _TO, url, "0001"], check=True, env=os.environ, timeout=60)
    with psycopg.connect(url) as connection:
        connection.execute(_OLD)
        connection.execute(
            """INSERT INTO dispatch.attempts (execution_id, number, started_at, latency_ms, status)
               SELECT execution_id, 1, now(), 5, 500 FROM dispatch.deliveries"""
        )
        before = connection.execute(
            "SELECT seq, execution_id, state, attempts FROM dispatch.deliveries ORDER BY seq"
        ).fetchall()
    migrate(url)
    with psycopg.connect(url) as connection:
        after = connection.execute(
            """SELECT seq, r.execution_id, state, attempts FROM dispatch.deliveries
               JOIN dispatch.requests r USING (seq) ORDER BY seq"""
        ).fetchall()
        assert after == before
        one = connection.execute(
            """SELECT count(*), min(e.name), count(*) FILTER (WHERE lease_owner IS NULL)
               FROM dispatch.deliveries JOIN dispatch.endpoints e ON e.id = endpoint_id"""
        ).fetchone()
        assert one == (3, "https://p.example:443", 3)
        attempts = connection.execute("SELECT seq, number FROM dispatch.attempts ORDER BY seq")
        assert attempts.fetchall() == [(seq, 1) for seq, *_ in before]
        rules = connection.execute("SELECT rule_id FROM dispatch.rule_executions ORDER BY 1")
        assert rules.fetchall() == [("r-1",), ("r-2",)], "not of a request that holds NUL"
        fresh = connection.execute(
            """INSERT INTO dispatch.requests
                   (execution_id, org_id, action_id, item_type_id, item_id, item_digest,
                    endpoint_id, request)
               SELECT gen_random_uuid(), org_id, action_id, item_type_id, item_id, item_digest,
                      endpoint_id, request
               FROM dispatch.requests LIMIT 1 RETURNING seq"""
        ).fetchone()
        assert fresh is not None
        assert fresh[0] > max(seq for seq, *_ in before)
