"""Coop's database as it may be: away, another one, of another release, not to be written to; and
the importer killed in the middle."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from coop_contracts.config import Kind
from coop_local.testing import Databases
from coop_review_api.moving.reader import SourceError, read
from coop_runtime.database.engine import transaction
from coop_runtime.secret.vault import new_key

from .conftest import NOW, Moving
from .coop_world import ACME, prepare
from .test_moving import documents, people

pytestmark = pytest.mark.engines

_DEADLINE = 90.0


def command(moving: Moving, new_url: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command line, and the environment that it needs."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COOP_")},
        "COOP_POSTGRES": new_url,
        "COOP_SECRET_KEYS": _KEY,
        "COOP_IMPORT_DSN": moving.coop_url,
    }
    return [sys.executable, "-m", "coop_review_api", "import", *arguments], environment


_KEY = new_key()


async def run(moving: Moving, new_url: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    line, environment = command(moving, new_url, *arguments)
    process = await asyncio.create_subprocess_exec(
        *line, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await asyncio.wait_for(process.communicate(), _DEADLINE)
    return process.returncode or 0, out.decode(), errors.decode()


_STOPPED = 4711  # of an advisory lock

_STOP_AT_A_RULE = """
CREATE FUNCTION review.stop_here() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 'spam' THEN PERFORM pg_advisory_xact_lock(4711); END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stop_here BEFORE INSERT ON review.config_log
    FOR EACH ROW EXECUTE FUNCTION review.stop_here();
"""


async def killed_at(
    moving: Moving, new_url: str, new_admin_url: str, stop: str, asked: Sequence[str]
) -> None:
    """An importer that came as far as what `stop`, a trigger `review.stop_here`, stops it at, and
    was killed there."""
    line, environment = command(moving, new_url, *asked)
    with psycopg.connect(new_admin_url, autocommit=True) as admin:
        admin.execute(stop)
        admin.execute("SELECT pg_advisory_lock(%s)", [_STOPPED])
        process = await asyncio.create_subprocess_exec(
            *line, env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        waits = "SELECT count(*) FROM pg_locks WHERE objid = 4711 AND NOT granted"
        deadline = time.monotonic() + _DEADLINE
        # It waits there for some seconds and gives up: killed or ended, that batch is not done.
        while process.returncode is None and admin.execute(waits).fetchone() == (0,):
            assert time.monotonic() < deadline, "the importer never came there"
            await asyncio.sleep(0.05)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await asyncio.wait_for(process.wait(), _DEADLINE)
        admin.execute("DROP FUNCTION review.stop_here CASCADE")


async def _again(moving: Moving, new_url: str) -> dict[str, Any]:
    """The report of a run; what was killed may hold its lock for a moment."""
    deadline = time.monotonic() + _DEADLINE
    while True:
        code, out, errors = await run(
            moving, new_url, "coop", "--org", ACME, "--apply", "--format", "json"
        )
        if code == 0:
            report: dict[str, Any] = json.loads(out)
            return report
        assert time.monotonic() < deadline, errors


async def test_killed_in_the_middle_and_again(
    moving: Moving, new_url: str, new_admin_url: str
) -> None:
    """After kill -9 a part is there; the next run does the rest, the one after it nothing."""
    asked = ("coop", "--org", ACME, "--apply")
    await killed_at(moving, new_url, new_admin_url, _STOP_AT_A_RULE, asked)
    before = await documents(moving.here)
    assert "post" in before[Kind.ITEM_TYPE]
    assert "spam" not in before.get(Kind.RULE, {})
    assert (await _again(moving, new_url))["counts"]["rule"]["CREATE"] > 0
    there = await documents(moving.here)
    assert {"spam", "ahead"} <= there[Kind.RULE].keys()
    assert len(await people(moving.here)) == 5
    report = await _again(moving, new_url)
    assert {one["deed"] for one in report["changes"]} <= {"REFUSED"}, report["changes"]
    assert await documents(moving.here) == there


async def test_the_commands(moving: Moving, new_url: str) -> None:
    """A plan by default; then promotion, and links with which administrators get in."""
    code, out, errors = await run(moving, new_url, "coop", "--org", ACME)
    assert code == 0, errors
    assert "What --apply would do:" in out
    assert await documents(moving.here) == {}
    assert (await run(moving, new_url, "coop", "--org", ACME, "--apply"))[0] == 0
    code, out, errors = await run(moving, new_url, "promote", "--org", ACME, "--format", "json")
    assert code == 0, errors
    assert [one["id"] for one in json.loads(out)["rules"]] == ["past", "spam", "variants"]
    assert (await run(moving, new_url, "promote", "--org", ACME, "--apply"))[0] == 0
    assert (await documents(moving.here))[Kind.RULE]["spam"].status == "LIVE"
    code, out, errors = await run(
        moving, new_url, "links", "--org", ACME, "--email", "bo@acme.example"
    )
    assert code == 0, errors
    assert json.loads(out)["userId"] == "bo"
    assert "/reset_password#" in json.loads(out)["link"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE rules_and_actions", "there is no table public.rules_and_actions"),
        ("ALTER TABLE rules RENAME condition_set TO conditions", "has no column condition_set"),
    ],
)
async def test_another_schema_is_refused(moving: Moving, statement: str, said: str) -> None:
    """With the table and the column, before anything is read."""
    moving.coop(statement)
    with pytest.raises(SourceError, match=said):
        await read(moving.coop_url, ACME)


async def test_what_a_later_coop_has_is_told(moving: Moving) -> None:
    """A column or a table that nobody knows is no reason to stop, and none to be silent."""
    moving.coop("ALTER TABLE rules ADD COLUMN mood text")
    moving.coop("CREATE TABLE public.feelings (id text)")
    source = await read(moving.coop_url, ACME)
    assert list(source.unknown) == ["table public.feelings", "column public.rules.mood"]


async def test_an_earlier_coop_is_read(moving: Moving) -> None:
    """Columns and tables that came later may be missing."""
    for statement in (
        "ALTER TABLE item_types DROP COLUMN email_field",
        "ALTER TABLE rules_and_actions DROP COLUMN action_parameters",
        "DROP TABLE role_permissions",
        "DROP TABLE roles",
        "DROP TABLE hash_banks",
        "DROP TABLE ncmec_reporting.ncmec_org_settings",
    ):
        moving.coop(statement)
    assert (await (await moving.mover(ACME)).apply()).changed > 30
    assert (await (await moving.mover(ACME)).apply()).changed == 0


async def test_an_organisation_that_coop_has_not(moving: Moving) -> None:
    """Those that there are, are named."""
    with pytest.raises(SourceError, match=f"no organisation nobody; it has: {ACME}"):
        await read(moving.coop_url, "nobody")


async def test_a_database_that_is_away_is_told_without_its_password() -> None:
    """One sentence."""
    with pytest.raises(SourceError, match="cannot be reached") as raised:
        await read("postgresql://me:hidden-word@127.0.0.1:9/none", ACME)
    assert "hidden-word" not in str(raised.value)


async def test_coops_database_is_never_written_to(moving: Moving, databases: Databases) -> None:
    """It is read as somebody who may only read."""
    other = databases.make(prepare)
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute(
            f"ALTER DATABASE {connection.info.dbname} SET default_transaction_read_only = on"
        )
    assert (await read(other, ACME)).one("public.orgs")["id"] == ACME
    databases.drop(other)


async def test_an_address_or_a_person_of_somebody_else(moving: Moving) -> None:
    """What is another organisation's here is told, and the rest comes in."""
    async with transaction(moving.here.engine) as connection:
        await connection.execute(text("INSERT INTO review.orgs (org_id) VALUES ('elsewhere')"))
        await connection.execute(
            text(
                "INSERT INTO review.users (user_id, org_id, email, email_key, role)"
                " VALUES ('bo', 'elsewhere', 'bo@e.example', 'bo@e.example', 'ADMIN')"
            )
        )
    report = await (await moving.mover(ACME)).apply()
    assert [one.reason for one in report.cannot if one.id == "bo"] == [
        "its id is another organisation's account here: invite this person again"
    ]
    assert len(await people(moving.here)) == 4


async def test_who_was_removed_and_comes_again_is_heard(moving: Moving) -> None:
    """Services remember the revisions of what was removed: the new ones are above them."""
    async with transaction(moving.here.engine) as connection:
        await connection.execute(
            text(
                "INSERT INTO review.audit_log (actor, action, target_kind, target_id)"
                " VALUES ('cli', 'organisation.removed', 'organisation', :org)"
            ),
            {"org": ACME},
        )
    await (await moving.mover(ACME)).apply()
    async with transaction(moving.here.engine) as connection:
        lowest = await connection.scalar(text("SELECT min(revision) FROM review.config_log"))
    assert lowest > NOW.timestamp()
