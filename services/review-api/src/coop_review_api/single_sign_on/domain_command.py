"""Mail domains of organisations, for whoever runs the system.

    sso-domain add    --org ID --domain DOMAIN
    sso-domain remove --org ID --domain DOMAIN
    sso-domain list   --org ID

Prints one JSON object: the organisation's domains afterwards.

Must not: be offered to organisations: the operator vouches for whom a domain belongs to.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

import msgspec

from coop_review_api.kernel.clock import now
from coop_review_api.kernel.error import ReviewError
from coop_review_api.settings import Settings
from coop_review_api.single_sign_on import domain
from coop_runtime.database.engine import engine_of, transaction
from coop_runtime.process.error import Retryable


def run_domain(arguments: Sequence[str]) -> int:
    """Carry the command out; the exit code."""
    parser = argparse.ArgumentParser(prog="coop_review_api sso-domain")
    parser.add_argument("command", choices=("add", "remove", "list"))
    parser.add_argument("--org", required=True)
    parser.add_argument("--domain")
    wanted = parser.parse_args(arguments)
    if (wanted.command == "list") != (wanted.domain is None):
        parser.error("--domain goes with add and remove")
    settings = Settings.load().require("postgres")
    try:
        domains = asyncio.run(_carry_out(settings, wanted.command, wanted.org, wanted.domain))
    except (ReviewError, Retryable, OSError) as error:
        sys.stderr.write(f"sso-domain: {error}\n")
        return 1
    shown = msgspec.json.encode({"orgId": wanted.org, "domains": domains})
    sys.stdout.write(shown.decode() + "\n")
    return 0


async def _carry_out(
    settings: Settings, command: str, org_id: str, name: str | None
) -> Sequence[str]:
    engine = engine_of(
        settings.postgres, pool_size=1, application_name="coop-review-api-sso-domain"
    )
    try:
        async with transaction(engine) as connection:
            if command == "add":
                await domain.add(connection, org_id, name or "", now=now())
            elif command == "remove":
                await domain.remove(connection, org_id, name or "", now=now())
            return await domain.of(connection, org_id)
    finally:
        await engine.dispose()
