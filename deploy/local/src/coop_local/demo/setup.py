"""Creates the demo organisation on the first run, and remembers how to use it.

Guarantees: done twice, it finds what it made the first time; interrupted, the next run completes
it. What it remembers holds passwords and keys, hence files of mode 600 in the state folder.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from coop_local.demo.console_client import ConsoleClient
from coop_local.demo.document import COLLEAGUES, STAFF, USER_NAMES
from coop_local.demo.organisation import OrganisationBuilder
from coop_local.demo.platform import VerificationKeys
from coop_local.demo.state import DemoState, DemoUser
from coop_local.engine import write_private

_MAIL_DOMAIN = "demo.example"
_CREATE_TIMEOUT_S = 60


class SetupError(Exception):
    """The demo organisation could not be created; the message says at which step."""


async def ensure(
    *,
    demo_file: Path,
    keys_file: Path,
    review_api_url: str,
    callback_url: str,
    environment: Mapping[str, str],
) -> DemoState:
    """The demo organisation, made if it is not there. `environment` is that of review-api.

    Raises SetupError, ConsoleError.
    """
    if demo_file.exists():
        return msgspec.json.decode(demo_file.read_bytes(), type=DemoState)
    draft = demo_file.with_name("demo-admin.json")
    if not draft.exists():
        # Passwords are remembered before the users are made, so that an interrupted run goes on.
        passwords = {who: secrets.token_urlsafe(12) for who in (*USER_NAMES, *COLLEAGUES)}
        organisation = _create_organisation(environment) | {"passwords": passwords}
        write_private(draft, json.dumps(organisation))
    created: dict[str, Any] = json.loads(draft.read_bytes())
    write_private(
        keys_file,
        msgspec.json.encode(
            VerificationKeys(
                webhook_secrets=[created["webhookSecret"]], public_keys=[created["publicKey"]]
            )
        ).decode(),
    )
    admin = DemoUser(
        role="ADMIN", email=created["admin"]["email"], password=created["admin"]["password"]
    )
    async with ConsoleClient(review_api_url) as console:
        await console.log_in(admin.email, admin.password)
        ids = await OrganisationBuilder(console, callback_url).build()
        passwords = created["passwords"]
        users = [admin]
        for role, name in USER_NAMES.items():
            users.append(await _ensure_user(console, name, (STAFF[role], role), passwords[role]))
        colleagues = [
            await _ensure_user(console, name, who, passwords[name])
            for name, who in COLLEAGUES.items()
        ]
    state = DemoState(
        org_id=created["orgId"],
        api_key=created["apiKey"],
        users=users,
        ids=ids,
        colleagues=colleagues,
    )
    write_private(demo_file, msgspec.json.encode(state).decode())
    draft.unlink()
    return state


def _create_organisation(environment: Mapping[str, str]) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "coop_review_api",
        "create-org",
        "--name",
        "Largo",
        "--admin-email",
        f"admin@{_MAIL_DOMAIN}",
    ]
    done = subprocess.run(
        command,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=_CREATE_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise SetupError(f"create-org failed: {done.stderr.strip() or done.stdout.strip()}")
    created: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return created


async def _ensure_user(
    console: ConsoleClient, mail_name: str, who: tuple[str, str], password: str
) -> DemoUser:
    """`who` is a name and a role."""
    name, role = who
    user = DemoUser(role=role, email=f"{mail_name}@{_MAIL_DOMAIN}", password=password)
    if user.email not in {known["email"] for known in await console.all_of("/v1/users")}:
        await console.call(
            "POST",
            "/v1/users",
            {
                "email": user.email,
                "name": name,
                "role": role,
                "password": password,
            },
        )
    return user
