"""A platform of Coop's changes its URL, and nothing else."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from psycopg import sql

from tests.local_stack import ROOT, LocalStack

pytestmark = pytest.mark.journey

_WORLD = ROOT / "services/review-api/tests/moving/coop_world.py"
_COMMAND_S = 120.0
_EFFECT_S = 120.0


class Platform:
    """Keeps the webhooks that it gets: their headers and bodies."""

    def __init__(self) -> None:
        self.webhooks: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.webhooks.append((headers, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/act"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform()
    yield made
    made.close()


@pytest.fixture(scope="module")
def world() -> Any:
    """Coop's database, as review-api's tests make it."""
    spec = importlib.util.spec_from_file_location("coop_world", _WORLD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def coop_url(stack: LocalStack, world: Any, platform: Platform) -> Iterator[str]:
    """Coop's own database, beside ours, whose action calls the platform."""
    admin = str(stack.run_file()["postgresAdmin"])
    database = f"coop_before_{uuid.uuid4().hex[:8]}"
    name = sql.Identifier(database)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    url = urlunsplit(urlsplit(admin)._replace(path=f"/{database}"))
    world.prepare(url)
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE actions SET callback_url = %s WHERE id = 'remove'", [platform.url]
        )
    yield url
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _coop(stack: LocalStack, dsn: str, *arguments: str) -> str:
    lines = (stack.state / "cli.env").read_text().splitlines()
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= dict(line.split("=", 1) for line in lines if line)
    environment |= {"COOP_IMPORT_DSN": dsn, "COOP_EGRESS_ALLOW": "127.0.0.1/32"}
    done = subprocess.run(
        [sys.executable, "-m", "coop_cli", "import", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _send(stack: LocalStack, key: str) -> tuple[str, int]:
    item_id = f"moved-{uuid.uuid4().hex}"
    item = {"id": item_id, "typeId": "post", "data": {"text": "take this free money"}}
    answer = httpx.post(
        stack.url("ingest") + "/api/v1/items/async/",
        json={"items": [item]},
        headers={"X-API-KEY": key},
        timeout=20,
    )
    return item_id, answer.status_code


def _wait_for_effect(stack: LocalStack, platform: Platform, key: str) -> set[str]:
    """Send posts until one has its webhook; the ids of those that were accepted."""
    sent: set[str] = set()
    deadline = time.monotonic() + _EFFECT_S
    while not platform.webhooks:
        assert time.monotonic() < deadline, f"no webhook; accepted: {len(sent)}"
        item_id, status = _send(stack, key)
        if status == 202:
            sent.add(item_id)
        time.sleep(1)
    return sent


def test_a_platform_keeps_its_key_its_ids_and_its_public_key(
    stack: LocalStack, platform: Platform, world: Any, coop_url: str
) -> None:
    """Moved in and promoted: the old key is taken, the rule under its old id acts, and the webhook,
    with the header that Coop sent, is verified by the public key that the platform has."""
    made = _coop(stack, coop_url, "coop", "--org", world.ACME, "--apply", "--format", "json")
    report = json.loads(made)
    assert report["counts"]["rule"] == {"CREATE": 5, "DRAFT": 6}
    _coop(stack, coop_url, "promote", "--org", world.ACME, "--rule", "spam", "--apply")

    sent = _wait_for_effect(stack, platform, world.OLD_KEY)

    headers, body = platform.webhooks[0]
    world.RSA_KEY.public_key().verify(
        base64.b64decode(headers["coop-signature"]), body, padding.PKCS1v15(), hashes.SHA256()
    )
    assert headers["authorization"] == world.SECRETS["callback header"]
    told = json.loads(body)
    assert told["item"]["id"] in sent
    assert told["item"]["typeId"] == "post"
    assert told["action"]["id"] == "remove"
    assert [rule["id"] for rule in told["rules"]] == ["spam"]
    assert [policy["id"] for policy in told["policies"]] == ["hate"]
    assert _send(stack, "0" * 64)[1] == 401
