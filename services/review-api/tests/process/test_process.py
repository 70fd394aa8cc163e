"""The roles as processes: migrate, create-org, api, relay."""

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
from typing import Any

import httpx
import pytest

PATIENCE = 120.0
"""Seconds: a busy machine starts processes slowly, and describes an API slowly."""

KEYS = base64.b64encode(b"k" * 32).decode()


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COOP_")}
    return {**kept, "COOP_SECRET_KEYS": KEYS, **more}


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "coop_review_api", *arguments],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_unknown_role_is_refused() -> None:
    """A wrong argument prints the usage and exits with 2."""
    done = run("reviewer")
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_a_missing_database_is_named() -> None:
    """Without COOP_POSTGRES the process says which variable is missing."""
    done = run("api")
    assert done.returncode == 2
    assert "COOP_POSTGRES" in done.stderr


@pytest.mark.engines
def test_migrate_twice_is_once(review_url: str) -> None:
    """Migrating a migrated database changes nothing and succeeds."""
    assert run("migrate", COOP_POSTGRES=review_url).returncode == 0


@pytest.mark.engines
def test_create_org_prints_what_is_needed_once(review_url: str) -> None:
    """One JSON object; the same slug again is a clear error and makes nothing."""
    email, slug = f"owner-{uuid.uuid4().hex}@acme.example", f"acme-{uuid.uuid4().hex}"
    arguments = ("create-org", "--name", "Acme", "--admin-email", email, "--slug", slug)
    done = run(*arguments, COOP_POSTGRES=review_url)
    assert done.returncode == 0, done.stderr
    created = json.loads(done.stdout)
    assert created["admin"]["email"] == email
    assert created["webhookSecret"].startswith("whsec_")
    assert "BEGIN PUBLIC KEY" in created["publicKey"]
    again = run(*arguments, COOP_POSTGRES=review_url)
    assert again.returncode == 1
    assert again.stdout == ""
    assert f"another organisation is named {slug}" in again.stderr


@pytest.mark.engines
def test_the_api_serves_and_stops(review_url: str, redis_url: str) -> None:
    """The api role becomes ready, signs its admin in over HTTP and stops on SIGTERM with 0."""
    email = f"owner-{uuid.uuid4().hex}@acme.example"
    done = run("create-org", "--name", "Acme", "--admin-email", email, COOP_POSTGRES=review_url)
    password = json.loads(done.stdout)["admin"]["password"]
    port, internal = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "coop_review_api", "api"],
        env=environment(
            COOP_POSTGRES=review_url,
            COOP_REDIS=redis_url,
            COOP_REVIEW_PORT=str(port),
            COOP_INTERNAL_PORT=str(internal),
            COOP_REVIEW_SECURE_COOKIES="false",
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_ready(f"http://127.0.0.1:{internal}/readyz", process)
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, trust_env=False, timeout=PATIENCE) as client:
            body = {"email": email, "password": password}
            session = client.post("/v1/session", json=body)
            assert session.status_code == 200, session.text
            headers = {"X-CSRF-Token": session.json()["csrfToken"]}
            made = client.post("/v1/policies", json={"name": "Spam"}, headers=headers)
            assert made.status_code == 201, made.text
            assert client.get("/v1/openapi.json").json()["openapi"].startswith("3.1")
        url = f"http://127.0.0.1:{internal}/metrics"
        metrics = httpx.get(url, trust_env=False, timeout=PATIENCE).text
        assert 'coop_review_logins_total{outcome="accepted"} 1.0' in metrics
        assert 'route="/v1/policies"' in metrics
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE)
    assert code == 0


@pytest.mark.engines
def test_the_relay_becomes_ready_and_survives_a_kill(
    review_url: str, kafka_bootstrap: str, broker_idempotence: bool
) -> None:
    """The relay is ready once the head went out; killed with -9 and started again, it is again."""
    for kill in (signal.SIGKILL, signal.SIGTERM):
        internal = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "coop_review_api", "relay"],
            env=environment(
                COOP_POSTGRES=review_url,
                COOP_KAFKA=kafka_bootstrap,
                COOP_KAFKA_IDEMPOTENCE=str(broker_idempotence).lower(),
                COOP_INTERNAL_PORT=str(internal),
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until_ready(f"http://127.0.0.1:{internal}/readyz", process)
        finally:
            process.send_signal(kill)
            code = process.wait(PATIENCE)
        assert code == (0 if kill is signal.SIGTERM else -signal.SIGKILL)


def until_ready(url: str, process: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, "the process ended"
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "not ready in time"
        time.sleep(0.05)
