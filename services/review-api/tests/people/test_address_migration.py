"""Addresses from before they were compared by how they look."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest

from coop_local.testing import Databases
from coop_runtime.database.engine import bootstrap, service_url

from ..world.database import ROLES

pytestmark = pytest.mark.engines

# Alembic's own command, up to a revision: the service itself knows only the newest.
_TO = """
import sys
from alembic import command
from coop_runtime.database import migration
def upgrade(config, _): command_upgrade(config, sys.argv[2])
command_upgrade, command.upgrade = command.upgrade, upgrade
migration.migrate(sys.argv[1], script_location="coop_review_api:migrations", schema="review")
"""
_OLD = """
    INSERT INTO review.orgs (org_id) VALUES ('o'), ('p');
    INSERT INTO review.users (user_id, org_id, email, role, password_hash, created_at) VALUES
        ('1', 'o', 'ada@example.com', 'ADMIN', 'x', '2026-01-01'),
        ('2', 'o', 'сосо@example.com', 'ADMIN', 'x', '2026-01-02'),
        ('3', 'o', 'coco@example.com', 'ADMIN', 'x', '2026-01-03'),
        ('4', 'p', 'x@bücher.example', 'ADMIN', 'x', '2026-01-04'),
        ('5', 'p', 'x@BÜCHER.example', 'ADMIN', 'x', '2026-01-05');
    INSERT INTO review.invitations (invitation_id, org_id, email, role, requires_approval,
        token_hash, created_by, created_at, sent_at, expires_at, revoked_at) VALUES
        ('i', 'o', 'new@bücher.example', 'ADMIN', false, 'a', '1', now(), now(), now(), NULL),
        ('j', 'o', 'new@bücher.example', 'ADMIN', false, 'b', '1', now(), now(), now(), now());
    INSERT INTO review.audit_log (org_id, actor, action, target_kind, target_id)
        VALUES ('o', '1', 'user.created', 'user', '2');
"""


def to(url: str, revision: str) -> None:
    subprocess.run(
        [sys.executable, "-c", _TO, url, revision], check=True, env=os.environ, timeout=60
    )


def test_addresses_of_before_are_compared_as_todays(databases: Databases) -> None:
    """Each has the form that is compared; of two of one organisation that turn out to be the same
    the one that is written so has it, else the older, and the other is found as it was written.
    Stopped half-way and begun again, the result is the same."""
    admin = databases.make()
    bootstrap(admin, ROLES)
    url = service_url(admin, "coop_review_owner", ROLES["coop_review_owner"])
    to(url, "0015")
    with psycopg.connect(url) as connection:
        for statement in _OLD.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())
    to(url, "0016")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE review.alembic_version SET version_num = '0015'")
        connection.execute("DROP INDEX review.users_org_id_email_key_key")
    to(url, "0016")
    with psycopg.connect(url) as connection:
        found: dict[str, str] = dict(
            connection.execute("SELECT user_id, email_key FROM review.users").fetchall()
        )
        invited = connection.execute("SELECT email_key FROM review.invitations").fetchall()
        makers: dict[str, str] = dict(
            connection.execute("SELECT user_id, created_by FROM review.users").fetchall()
        )
        invalid = connection.execute("SELECT 1 FROM pg_index WHERE NOT indisvalid").fetchall()
    assert found == {
        "1": "ada@example.com",
        "2": "сосо@example.com",
        "3": "coco@example.com",
        "4": "x@xn--bcher-kva.example",
        "5": "x@BÜCHER.example",
    }
    assert ("new@xn--bcher-kva.example",) in invited
    assert makers["2"] == "1"
    assert invalid == []
