"""Attaches the demonstration to the local stack: its platform as a process, its organisation after
the first start, and what a person needs to know to look around.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from coop_local import roster
from coop_local.demo.console_client import ConsoleError
from coop_local.demo.past.state import PastState
from coop_local.demo.setup import SetupError, ensure
from coop_local.demo.state import DemoState
from coop_local.engine import write_private
from coop_local.roster import Ports, log_path
from coop_local.secret_file import Secrets
from coop_local.service_process import ServiceSpec
from coop_local.settings import Settings
from coop_local.stack import EngineAddresses
from coop_local.supervisor import Running, StartFailed

PLATFORM = "demo-platform"
_PAST_TIMEOUT_S = 300.0
CLI_SETTINGS = (
    "COOP_DISPATCH_URL",
    "COOP_HASH_URL",
    "COOP_NCMEC_URL",
    "COOP_INTERNAL_TOKEN",
    "COOP_KAFKA",
    "COOP_KAFKA_IDEMPOTENCE",
    "COOP_OBJECT_STORE",
    "COOP_POSTGRES",
    "COOP_REDIS",
    "COOP_SECRET_KEYS",
)


def demo_file(state: Path) -> Path:
    """Where the demo organisation is remembered."""
    return state / "demo.json"


def keys_file(state: Path) -> Path:
    """Where the demo platform finds the keys that verify webhooks."""
    return state / "demo-platform-keys.json"


def told_file(state: Path) -> Path:
    """Where the demo platform remembers how far its story is told."""
    return state / "demo-story.json"


def past_file(state: Path) -> Path:
    """Where is remembered when the month before the story ended, and whether it is loaded."""
    return state / "demo-past.json"


def cli_file(state: Path) -> Path:
    """What the command `coop` needs to reach this stack, for `env $(cat …)`; mode 600."""
    return state / "cli.env"


def services(
    settings: Settings, addresses: EngineAddresses, secrets: Secrets, ports: Ports
) -> Sequence[ServiceSpec]:
    """The stack's services, and the demo platform before them: it receives what they send."""
    found = roster.services(settings, addresses, secrets, ports)
    url = f"http://127.0.0.1:{ports.public[PLATFORM]}"
    command = (
        sys.executable,
        "-m",
        "coop_local",
        "platform",
        f"--port={ports.public[PLATFORM]}",
        f"--demo-file={demo_file(settings.state)}",
        f"--keys-file={keys_file(settings.state)}",
        f"--ingest-url=http://127.0.0.1:{ports.public['ingest']}",
        f"--review-url=http://127.0.0.1:{ports.public['review-api']}",
        f"--rate={settings.demo_rate}",
        *([f"--told-file={told_file(settings.state)}"] if settings.demo_story else []),
    )
    platform = ServiceSpec(
        name=PLATFORM,
        command=command,
        environment=dict(found[0].environment) | {"COOP_POSTGRES": "", "COOP_SECRET_KEYS": ""},
        ready_url=f"{url}/readyz",
        metrics_url=None,
        url=url,
    )
    return [platform, *found]


async def after_ready(running: Running) -> Sequence[str]:
    """Makes the organisation where it is missing; returns how to log in."""
    state = running.settings.state
    review_api = running.service("review-api")
    platform = running.service(PLATFORM)
    known = demo_file(state).exists()
    try:
        demo = await ensure(
            demo_file=demo_file(state),
            keys_file=keys_file(state),
            review_api_url=str(review_api.url),
            callback_url=f"{platform.url}/webhooks",
            environment=review_api.environment,
        )
    except (SetupError, ConsoleError, httpx.HTTPError) as error:
        raise StartFailed(f"the demo organisation could not be made: {error}") from error
    write_private(cli_file(state), _cli_lines(review_api, demo))
    past = await asyncio.to_thread(_load_past, running) if running.settings.demo_story else []
    return [
        *past,
        f"Demo organisation {demo.org_id} {'found again' if known else 'created'}.",
        f"The console: {review_api.url}  Log in with",
        *[f"  {user.role.lower():<24}{user.email:<28}{user.password}" for user in demo.users],
        f"  {'API key':<24}{demo.api_key}",
        f"All of it is in {demo_file(state)}. For the command line, put this before it:",
        f"  env $(cat {cli_file(state)}) .venv/bin/coop …",
        "The addresses:",
    ]


def _load_past(running: Running) -> Sequence[str]:
    """The month before the story, once; the stack runs without it as well."""
    state = running.settings.state
    if PastState.of(past_file(state)).loaded:
        return []
    command = [
        sys.executable,
        "-m",
        "coop_local.demo.past",
        str(demo_file(state)),
        str(past_file(state)),
        f"{running.service(PLATFORM).url}/media",
    ]
    environment = dict(running.service("review-api").environment)
    log = log_path(state, "demo-past")
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_PAST_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return [
                f"The demonstration's past is not whole yet; the next start goes on with it: {log}"
            ]
    if done.returncode != 0:
        return [f"The demonstration has no past: see {log}"]
    return []


def _cli_lines(review_api: ServiceSpec, demo: DemoState) -> str:
    admin = demo.user("ADMIN")
    values = {name: review_api.environment[name] for name in CLI_SETTINGS} | {
        "COOP_URL": str(review_api.url),
        "COOP_EMAIL": admin.email,
        "COOP_PASSWORD": admin.password,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
