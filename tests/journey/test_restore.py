"""Backup and restore as docs/operations/backup.md says: a dump under load, into an empty stack."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from coop_local.demo.console_client import ConsoleClient
from coop_local.postgres import Postgres, _programs
from tests.journey.platform_client import (
    administrator,
    eventually,
    eventually_found,
    post_of,
    received,
    send,
)
from tests.journey.test_main_job import write_corpus
from tests.local_stack import LocalStack, state_folder

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]

# What was said to be done, by its table.
_TOLD = ("queues.jobs", "review.decisions", "dispatch.deliveries", "review.audit_chain")
# What a backup holds besides the dump: secrets, files, and here also where everything listens,
# because the addresses of webhooks are part of the configuration.
_BESIDE = ("secrets.json", "demo.json", "demo-platform-keys.json", "media", "evidence", "ports")
_IN_FLIGHT = 10
_KEY = """
    SELECT a.attname FROM pg_index i
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
     WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY a.attnum
"""


def superuser(stack: LocalStack) -> str:
    """The URL of the stack's PostgreSQL, for who administers it."""
    folder = stack.state / "postgres"
    password, port = (
        (folder / "password").read_text().strip(),
        (folder / "port").read_text().strip(),
    )
    return f"postgresql://postgres:{password}@127.0.0.1:{port}/coop"


def facts(url: str) -> dict[str, set[str]]:
    """The keys of all rows of what was told."""
    found = {}
    with psycopg.connect(url) as connection:
        for table in _TOLD:
            key = ", ".join(f'"{row[0]}"' for row in connection.execute(_KEY, (table,)))
            rows = connection.execute(f"SELECT ROW({key})::text FROM {table}")
            found[table] = {str(row[0]) for row in rows}
    return found


def run(*command: str, **environment: str) -> str:
    """What a command wrote. Fails with what it said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}
    done = subprocess.run(
        command,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    return done.stdout


def program(name: str) -> str:
    """One of PostgreSQL's own."""
    return str(_programs() / name)


async def hold_back(stack: LocalStack, console: ConsoleClient) -> list[str]:
    """Items whose webhooks are decided on and not sent: the ids of the items."""
    endpoints = await eventually_found(
        lambda: console.all_of("/v1/endpoints"), "a first webhook's endpoint", within=120
    )
    for endpoint in endpoints:
        await console.call("POST", f"/v1/endpoints/{endpoint['id']}/pause", {"reason": "backup"})

    async def is_paused() -> bool:
        """Its sender hears of a pause a moment later; until then what is decided is sent."""
        one = post_of(stack, "you won a prize")
        assert send(stack, one).status_code == 202
        await asyncio.sleep(1)
        return one["id"] in await pending(console)

    await eventually_found(is_paused, "a webhook that is held back", within=120)
    posts = [post_of(stack, "you won a prize") for _ in range(_IN_FLIGHT)]
    assert send(stack, *posts).status_code == 202
    ids = {post["id"] for post in posts}

    async def waiting() -> bool:
        return ids <= await pending(console)

    await eventually_found(waiting, "webhooks that wait for their endpoint", within=120)
    return sorted(ids)


async def pending(console: ConsoleClient) -> set[str]:
    """The items of webhooks that have not arrived."""
    return {one["item"]["id"] for one in await console.all_of("/v1/deliveries?state=PENDING")}


def restored(first: LocalStack, dump: Path) -> LocalStack:
    """A stack with nothing but the dump and what is beside it: Redis and topics are gone."""
    second = LocalStack(first.state.parent / "second")
    second.state.mkdir()
    for name in _BESIDE:
        source = first.state / name
        if source.is_dir():
            shutil.copytree(source, second.state / name)
        elif source.exists():
            shutil.copy2(source, second.state / name)
    secrets: Mapping[str, Any] = json.loads((second.state / "secrets.json").read_text())
    passwords = {
        f"{role.upper()}_PASSWORD": password for role, password in secrets["passwords"].items()
    }
    engine = Postgres(second.state / "postgres")
    engine.start()
    try:
        admin = {"COOP_POSTGRES_ADMIN": engine.url}
        run(
            sys.executable, "-m", "coop_cli", "admin", "database", "bootstrap", **admin, **passwords
        )
        run(
            program("pg_restore"),
            "--clean",
            "--if-exists",
            "--single-transaction",
            "--dbname",
            engine.url,
            str(dump),
        )
    finally:
        engine.stop()
    return second


@pytest.mark.usefixtures("alone")
async def test_a_dump_under_load_is_the_whole_system(tmp_path: Path) -> None:
    """Everything that was told before the dump is there, the audit chain is whole, what was in
    flight is delivered once, and the system goes on."""
    corpus = write_corpus(tmp_path / "corpus.tsv", 5000)
    dump = tmp_path / "coop.dump"
    with state_folder() as folder:
        first = LocalStack(folder / "first")
        with first:
            load = first.demo("--input", str(corpus), "--rate", "20")
            try:
                url = superuser(first)
                eventually(lambda: all(facts(url).values()), "something of everything", within=240)
                async with administrator(first) as console:
                    held = await hold_back(first, console)
                known = facts(url)
                run(program("pg_dump"), "--format=custom", "--file", str(dump), url)
                assert load.poll() is None, "the load ended before the dump did"
            finally:
                load.kill()
                load.communicate()

        second = restored(first, dump)
        with second:
            have = facts(superuser(second))
            assert {table: known[table] - have[table] for table in _TOLD} == {
                table: set() for table in _TOLD
            }
            given = dict(
                word.split("=", 1) for word in (second.state / "cli.env").read_text().split()
            )
            run(sys.executable, "-m", "coop_cli", "audit", "verify", **given)
            async with administrator(second) as console:
                assert set(held) <= await pending(console)
                for endpoint in await console.all_of("/v1/endpoints"):
                    await console.call("POST", f"/v1/endpoints/{endpoint['id']}/resume")

                async def arrived() -> bool:
                    return not await pending(console)

                await eventually_found(arrived, "everything that was in flight", within=180)
            for item in held:
                (webhook,) = received(second, item)
                assert webhook["times"] == 1, webhook
            new = post_of(second, "you won a prize", item_id=f"after-{uuid.uuid4().hex}")
            assert send(second, new).status_code == 202
            eventually(lambda: received(second, new["id"]), "a new item's webhook", within=120)
