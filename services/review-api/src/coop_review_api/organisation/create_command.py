"""Making an organisation, for whoever runs the system.

    org create --name NAME --admin-email ADDRESS [--slug SLUG] [--admin-password-file FILE]
    create-org …                                                       the same, by its old name

Prints one JSON object: ids, and once the password, API key, webhook secret and public key. Nothing
else goes to the standard output, so that a script can read it.

Must not: take a password as an argument; arguments are visible to every user of the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from coop_review_api.kernel.clock import now
from coop_review_api.kernel.error import ReviewError
from coop_review_api.organisation import creation
from coop_review_api.organisation.creation import Created
from coop_review_api.people.password import Passwords
from coop_review_api.settings import Settings
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.process.error import Retryable
from coop_runtime.secret.vault import Vault


def run_create_org(arguments: Sequence[str]) -> int:
    """Create an organisation; the exit code."""
    parser = argparse.ArgumentParser(prog="coop_review_api create-org")
    parser.add_argument("--name", required=True)
    parser.add_argument("--admin-email", required=True)
    parser.add_argument("--slug", help="what people name it by when they sign in")
    parser.add_argument("--admin-password-file", type=Path, help="its first line is the password")
    wanted = parser.parse_args(arguments)
    settings = Settings.load().require("postgres")
    vault = Vault.of(settings)
    try:
        password = None
        if wanted.admin_password_file is not None:
            password = wanted.admin_password_file.read_text(encoding="utf-8").splitlines()[0]
        created = asyncio.run(_create(settings, vault, wanted, password))
    except (ReviewError, Retryable, OSError, IndexError) as error:
        sys.stderr.write(f"create-org: {error}\n")
        return 1
    sys.stdout.write(msgspec.json.encode(shown(created)).decode() + "\n")
    return 0


async def _create(
    settings: Settings, vault: Vault, wanted: argparse.Namespace, password: str | None
) -> Created:
    engine = engine_of(settings.postgres, pool_size=1, application_name="coop-review-api-admin")
    passwords = Passwords(parallel=1)
    try:
        async with transaction(engine) as connection:
            return await creation.create(
                connection,
                name=wanted.name,
                admin_email=wanted.admin_email,
                slug=wanted.slug,
                admin_password=password,
                vault=vault,
                passwords=passwords,
                clock=now,
            )
    finally:
        passwords.close()
        await engine.dispose()


def shown(created: Created) -> dict[str, Any]:
    """What is printed."""
    return {
        "orgId": created.org_id,
        "slug": created.slug,
        "admin": {
            "id": created.admin_id,
            "email": created.admin_email,
            "password": created.admin_password,
        },
        "apiKeyId": created.api_key_id,
        "apiKey": created.api_key,
        "webhookSecret": created.webhook_secret,
        "publicKey": created.public_key,
        "defaultUserTypeId": created.default_user_type_id,
        "defaultQueueId": created.default_queue_id,
        "appealsQueueId": created.appeals_queue_id,
        "actionIds": created.action_ids,
    }
