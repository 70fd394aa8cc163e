"""`make run`: a second start finds the data again, and Ctrl-C leaves nothing running."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from coop_local.demo.console_client import ConsoleClient
from tests.local_stack import LocalStack, report_of, state_folder

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


async def _policies(stack: LocalStack) -> set[str]:
    admin = next(user for user in stack.demo_file()["users"] if user["role"] == "ADMIN")
    async with ConsoleClient(stack.url("review-api")) as console:
        await console.log_in(admin["email"], admin["password"])
        return {policy["name"] for policy in await console.all_of("/v1/policies")}


def test_the_platforms_api_speaks_of_itself(stack: LocalStack) -> None:
    """The public routes are in the OpenAPI document, the hot one included."""
    document = httpx.get(f"{stack.url('ingest')}/api/v1/openapi.json", timeout=10).json()
    assert "/api/v1/items/async/" in document["paths"]


def test_the_command_line_reaches_the_stack(stack: LocalStack, tmp_path: Path) -> None:
    """`cli.env` in the state has all that `coop` needs, one word a value, for its owner alone."""
    file = stack.state / "cli.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    given = dict(word.split("=", 1) for word in file.read_text().split())
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COOP_")} | given
    for command in (
        ["dlq", "list"],
        ["rules", "pull", "--dir", str(tmp_path)],
        ["audit", "verify"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "coop_cli", *command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert (tmp_path / "rules" / "plain-scams.yaml").exists()


async def test_a_second_start_finds_its_data_again(stack: LocalStack) -> None:
    """Organisation, log-ins and configuration are there after a stop and a start; then it works."""
    run = stack.run_file()
    pids = [one["pid"] for part in ("engines", "services") for one in run[part].values()]
    organisation, policies = stack.demo_file()["orgId"], await _policies(stack)
    assert stack.stop() == 0
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert len(policies) > 3
    warm = stack.start()
    assert stack.demo_file()["orgId"] == organisation
    assert await _policies(stack) == policies
    assert report_of(stack.demo(), timeout=120)["exit_code"] == 0
    assert warm < 90  # 30 s, on a machine that is not three times as slow as another


@pytest.mark.usefixtures("alone")
async def test_the_stand_in_broker_serves_and_may_forget() -> None:
    """With Tansu in Kafka's place the start says what that means; the configuration that it forgot
    is said again from the log, and the main job is clean."""
    with state_folder() as folder:
        stack = LocalStack(folder / "state", COOP_BROKER="tansu")
        with stack:
            assert stack.run_file()["broker"] == "tansu"
            assert "in memory" in stack.output.read_text()
            policies = await _policies(stack)
        with stack:
            assert await _policies(stack) == policies
            report = report_of(stack.demo(), timeout=180)
            assert report["exit_code"] == 0, report["output"]
